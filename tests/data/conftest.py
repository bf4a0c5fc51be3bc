"""Small published sets of our own making, with checksums of their own."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import struct
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.data.published import PUBLISHED, Layout, PublishedFile, Tree
from frameworkbench.data.reviews import Review, tree_digest

MNIST_NAMES = tuple(file.name for file in PUBLISHED["mnist"][0].files)
CIFAR_NAMES = ("data_batch_1", "data_batch_2", "test_batch")


class SmallSets:
    """Writes small sets below a folder and describes them as a catalogue would."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.rng = np.random.default_rng(0)

    def idx(self, array: np.ndarray) -> bytes:
        header = struct.pack(f">I{array.ndim}I", 0x0800 | array.ndim, *array.shape)
        return header + array.astype(np.uint8).tobytes()

    def mnist(self, folder: str = "mnist", train: int = 30, test: int = 20, zipped: bool = True) -> Layout:
        files = []
        for name in MNIST_NAMES:
            size = train if name.startswith("train") else test
            shape = (size, 28, 28) if "images" in name else (size,)
            content = self.idx(self.rng.integers(0, 256 if "images" in name else 10, shape))
            files.append(PublishedFile(name, "md5", hashlib.md5(content).hexdigest(), len(content), True))
            self.write(f"{folder}/{name}{'.gz' if zipped else ''}", gzip.compress(content) if zipped else content)
        return Layout("idx", ("mnist",), tuple(files))

    def cifar_batches(self, size: int = 7) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {
            name: (self.rng.integers(0, 256, (size, 3072), np.uint8), self.rng.integers(0, 10, size, np.uint8))
            for name in CIFAR_NAMES
        }

    def cifar_binary(self, batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
        return {f"{name}.bin": np.hstack([y[:, None], x]).tobytes() for name, (x, y) in batches.items()}

    def cifar_python(self, batches: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, bytes]:
        return {name: python_batch(x, y) for name, (x, y) in batches.items()}

    def files(self, contents: dict[str, bytes]) -> tuple[PublishedFile, ...]:
        return tuple(PublishedFile(n, "sha1", hashlib.sha1(c).hexdigest(), len(c)) for n, c in contents.items())

    def reviews(self, each: int = 4) -> dict[str, bytes]:
        texts = {}
        for split in ("train", "test"):
            for label, word in (("neg", "bad"), ("pos", "good")):
                for number in range(each):
                    texts[f"{split}/{label}/{number}_7.txt"] = f"A {word} film.<br />It's No {number}!".encode()
        return texts

    def tree(self, texts: dict[str, bytes]) -> Tree:
        reviews, sizes = [], {"train": 0, "test": 0}
        for path, text in texts.items():
            split, label, name = path.split("/")
            sizes[split] += len(text)
            reviews.append(Review(split, ("neg", "pos").index(label), int(name.split("_")[0]), name, text))
        return Tree(len(reviews) // 4, sizes, tree_digest(reviews))

    def write(self, path: str, content: bytes) -> Path:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        return target

    def tar(self, path: str, contents: dict[str, bytes], extra: tuple[tarfile.TarInfo, ...] = ()) -> PublishedFile:
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            for info in extra:
                archive.addfile(info, io.BytesIO(b"x" * info.size))
            for name, content in contents.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
        self.write(path, stream.getvalue())
        return PublishedFile(Path(path).name, "md5", hashlib.md5(stream.getvalue()).hexdigest())


def python_batch(pixels: np.ndarray, labels: np.ndarray) -> bytes:
    """One batch as Python 2 wrote it, opcode by opcode."""
    data = pixels.tobytes()
    head = b"\x80\x02}q\x01(U\x0bbatch_labelq\x02U\x01xU\x06labelsq\x04]q\x05("
    items = b"".join(b"K" + bytes([v]) for v in labels.tolist())
    array = (
        b"eU\x04dataq\x06cnumpy.core.multiarray\n_reconstruct\nq\x07cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\t"
        b"(K\x01M" + struct.pack("<H", len(labels)) + b"M\x00\x0c\x86cnumpy\ndtype\nq\nU\x02u1K\x00K\x01\x87Rq\x0b"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + struct.pack("<I", len(data)) + data
    )
    return head + items + array + b"tbu."


@pytest.fixture
def small(tmp_path: Path) -> SmallSets:
    """A folder to put small sets in."""
    return SmallSets(tmp_path / "files")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the local address that serves it."""
    folder = tmp_path / "served"
    folder.mkdir()
    yield from _serve(partial(_Quiet, directory=str(folder)), folder)


def _serve(handler: type[BaseHTTPRequestHandler] | partial, folder: Path) -> Iterator[tuple[Path, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Local addresses are reached directly, whatever the machine's proxy settings."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="session")
def real_files() -> Path:
    """The folder with the real data sets."""
    named = os.environ.get("FRAMEWORKBENCH_TEST_DATA")
    if not named:
        pytest.skip("FRAMEWORKBENCH_TEST_DATA does not name a folder with the real data sets")
    return Path(named)
