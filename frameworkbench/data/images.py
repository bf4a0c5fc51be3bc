"""MNIST's IDX files and both versions of CIFAR-10 as arrays."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from frameworkbench.data.files import read_verified, stored_path, tar_members, verify_content
from frameworkbench.data.opcodes import ArrayParts, read_stream
from frameworkbench.data.published import Layout, PublishedFile
from frameworkbench.errors import DataError

_IDX_LABELS, _IDX_IMAGES = 0x0801, 0x0803  # unsigned bytes in one and in three dimensions
_CIFAR_RECORD = 1 + 3 * 32 * 32  # label, then red, green and blue planes

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_images(folder: Path, layout: Layout) -> tuple[Images, Images]:
    """Read an image dataset and verify every file of it.

    Args:
        folder: where the layout's files lie.
        layout: their form and checksums; files of the test split come last.

    Returns:
        Training and test split, each images ``(N, C, H, W)`` and labels ``(N,)``.

    Raises:
        DataError: a file is missing, damaged or not the published one.
    """
    contents = _contents(folder, layout)
    if layout.form == "idx":
        (a, b, c, d) = [parse_idx(content, name) for name, content in contents]
        return _paired(a, b, contents[0][0]), _paired(c, d, contents[2][0])
    parse = parse_cifar_binary if layout.form == "cifar-binary" else parse_cifar_python
    batches = [parse(content, name) for name, content in contents]
    train = batches[:-1]
    return (np.concatenate([x for x, _ in train]), np.concatenate([y for _, y in train])), batches[-1]


def parse_idx(content: bytes, where: str) -> NDArray[np.uint8]:
    """Parse one IDX file of bytes: magic number, sizes (big-endian), then the values.

    Source:
        http://yann.lecun.com/exdb/mnist/, "the IDX file format".
    """
    magic = int.from_bytes(content[:4], "big")
    if len(content) < 8 or magic not in (_IDX_LABELS, _IDX_IMAGES):
        raise _wrong(where, "is no IDX file of bytes", "magic number 0x801 or 0x803", hex(magic))
    dimensions = magic & 0xFF
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise _wrong(where, "is cut short in its header", f"{start} bytes", len(content))
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != int(np.prod(shape, dtype=object)):
        raise _wrong(where, "has another size than its header says", f"{shape} values", len(content) - start)
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def parse_cifar_binary(content: bytes, where: str) -> Images:
    """Parse one batch of the binary version: a label byte and 3,072 pixel bytes for each image."""
    if not content or len(content) % _CIFAR_RECORD:
        raise _wrong(where, "is not a whole batch", f"a multiple of {_CIFAR_RECORD} bytes", len(content))
    records = np.frombuffer(content, np.uint8).reshape(-1, _CIFAR_RECORD)
    return records[:, 1:].reshape(-1, 3, 32, 32), _labels(records[:, 0], where)


def parse_cifar_python(content: bytes, where: str) -> Images:
    """Parse one batch of the python version, without running anything that is in it."""
    batch = read_stream(content, where)
    if not isinstance(batch, dict):
        raise _wrong(where, "is not a batch", "a dictionary", type(batch).__name__)
    data, labels = batch.get(b"data"), batch.get(b"labels")
    if not isinstance(data, ArrayParts) or not isinstance(data.data, bytes) or data.dtype not in ("u1", "|u1"):
        raise _wrong(where, "is not a batch", "an array of bytes as 'data'", type(data).__name__)
    if not isinstance(labels, list) or not all(type(v) is int and 0 <= v < 256 for v in labels):
        raise _wrong(where, "is not a batch", "a list of small integers as 'labels'", type(labels).__name__)
    if data.shape != (len(labels), _CIFAR_RECORD - 1) or len(data.data) != len(labels) * (_CIFAR_RECORD - 1):
        raise _wrong(where, "has data that do not fit its labels", f"({len(labels)}, 3072)", data.shape)
    pixels = np.frombuffer(data.data, np.uint8).reshape(-1, 3, 32, 32)
    return pixels, _labels(np.array(labels, np.uint8), where)


def _contents(folder: Path, layout: Layout) -> list[tuple[str, bytes]]:
    """Verified contents in the layout's order."""
    if not layout.members:
        return [(str(path), read_verified(path, file)) for file, path in _paths(folder, layout.files)]
    ((_, archive),) = _paths(folder, layout.files)
    by_name = {file.name: file for file in layout.members}
    found: dict[str, bytes] = {}
    folder_in_archive = {"cifar-binary": "cifar-10-batches-bin", "cifar-python": "cifar-10-batches-py"}[layout.form]
    wanted = {f"{folder_in_archive}/{name}" for name in by_name}
    most = max(file.size or 2 * 30_730_000 for file in layout.members)
    for member, content in tar_members(archive, wanted, most):
        name = member.rsplit("/", 1)[1]
        verify_content(content, by_name[name], f"{archive}: {member}")
        found[name] = content
    missing = sorted(set(by_name) - set(found))
    if missing:
        raise _wrong(str(archive), "lacks members", ", ".join(by_name), f"none of {', '.join(missing)}")
    return [(f"{archive}: {name}", found[name]) for name in by_name]


def _paths(folder: Path, files: tuple[PublishedFile, ...]) -> list[tuple[PublishedFile, Path]]:
    pairs = []
    for file in files:
        path = stored_path(folder, file)
        if path is None:
            raise _wrong(str(folder / file.name), "is missing", "the published file", "nothing")
        pairs.append((file, path))
    return pairs


def _paired(images: NDArray[np.uint8], labels: NDArray[np.uint8], where: str) -> Images:
    if images.ndim != 3 or labels.ndim != 1 or len(images) != len(labels):
        raise _wrong(where, "does not fit its labels", "as many labels as images", (images.shape, labels.shape))
    return images[:, None], _labels(labels, where)


def _labels(values: NDArray[np.uint8], where: str) -> NDArray[np.int64]:
    if values.size and values.max() > 9:
        raise _wrong(where, "holds a label outside its classes", "0 to 9", int(values.max()))
    return values.astype(np.int64)


def _wrong(where: str, problem: str, expected: str, received: object) -> DataError:
    return DataError(f"{where}: {problem}; expected {expected}; received {received}; delete it and get it again")
