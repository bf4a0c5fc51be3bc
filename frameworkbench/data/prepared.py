"""Prepared arrays on disk: written whole or not at all, and verified each time they are used.

Workers map these files into memory, so they must never be half-written, changed by a second process, or
damaged unnoticed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frameworkbench.data.model import Kind, PreparedDataset
from frameworkbench.errors import DataError

PARTS = ("train_inputs", "train_labels", "test_inputs", "test_labels")
_INDEX = "dataset.json"

Progress = Callable[[str], None]
PartArrays = Mapping[str, NDArray[Any]]
Options = Mapping[str, object]


def option_hash(options: Options) -> str:
    """Short name of a set of preparation options, for the folder."""
    return hashlib.sha256(_canonical(options)).hexdigest()[:16]


def fingerprint(arrays: PartArrays, options: Options) -> str:
    """SHA-256 over options and the contents, shapes and types of all arrays."""
    digest = hashlib.sha256(_canonical(options))
    for part in PARTS:
        array = np.ascontiguousarray(arrays[part])
        digest.update(f"{part} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.data)
    return digest.hexdigest()


@contextlib.contextmanager
def locked(cache_dir: Path, name: str, progress: Progress) -> Iterator[None]:
    """Hold a dataset's lock, so that two runs do not prepare it at the same time.

    Raises:
        DataError: the cache folder cannot be written.
    """
    path = cache_dir / "locks" / f"{name}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("w")
    except OSError as error:
        raise unwritable(cache_dir, error) from error
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"{name}: waiting for another run that prepares it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:
            raise unwritable(path, error) from error
        yield


def load(folder: Path, options: Options, progress: Progress) -> PreparedDataset | None:
    """The dataset in a folder if every file of it is as it was written, otherwise ``None``."""
    if not folder.is_dir():
        return None
    try:
        index = json.loads((folder / _INDEX).read_text("utf-8"))
        problem = "made with other options" if index["options"] != json.loads(_canonical(options)) else ""
        for name, expected in index["files"].items():
            if _file_digest(folder / name) != expected:
                problem = f"{name} has changed"
        if not problem:
            return _described(folder, index)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
    progress(f"{folder.name}: the prepared copy is damaged ({problem}); preparing it again")
    return None


def save(folder: Path, name: str, kind: Kind, classes: int, arrays: PartArrays, options: Options) -> PreparedDataset:
    """Write arrays to a folder in one step, in place of what was there.

    Args:
        folder: where they go.
        name: the dataset.
        kind: real or synthetic.
        classes: number of classes.
        arrays: one array for each of `PARTS`.
        options: what they were made from.

    Returns:
        The dataset in its place.

    Raises:
        DataError: the folder cannot be written, or the disk is full.
    """
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        for part in PARTS:
            _write(temporary / f"{part}.npy", arrays[part])
        index = {
            "schema": 1,
            "name": name,
            "kind": kind,
            "classes": classes,
            "fingerprint": fingerprint(arrays, options),
            "train_size": len(arrays["train_labels"]),
            "test_size": len(arrays["test_labels"]),
            "options": dict(options),
            "files": {f"{part}.npy": _file_digest(temporary / f"{part}.npy") for part in PARTS},
        }
        _write(temporary / _INDEX, json.dumps(index, indent=2).encode())
        if folder.exists():
            shutil.rmtree(folder)
        temporary.rename(folder)
        _sync_folder(folder.parent)
    except OSError as error:
        raise unwritable(folder, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
    return _described(folder, index)


def unwritable(path: Path, error: OSError) -> DataError:
    """The error for a cache that cannot be written."""
    reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else (error.strerror or str(error))
    return DataError(
        f"{path}: cannot be written ({reason}); expected a writable cache folder with about 400 MB of room; "
        "free some space or choose another cache folder"
    )


def _described(folder: Path, index: Mapping[str, Any]) -> PreparedDataset:
    paths = {part: folder / f"{part}.npy" for part in PARTS}
    return PreparedDataset(
        name=str(index["name"]),
        kind=index["kind"],
        fingerprint=str(index["fingerprint"]),
        classes=int(index["classes"]),
        train_size=int(index["train_size"]),
        test_size=int(index["test_size"]),
        **paths,
    )


def _write(path: Path, content: NDArray[Any] | bytes) -> None:
    with path.open("wb") as stream:
        if isinstance(content, bytes):
            stream.write(content)
        else:
            np.save(stream, content, allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())


def _file_digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _canonical(options: Options) -> bytes:
    return json.dumps(dict(options), sort_keys=True, separators=(",", ":")).encode()
