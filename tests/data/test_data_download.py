"""Downloads from a local server: mirrors, checksums, failures."""

from __future__ import annotations

import errno
import hashlib
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from frameworkbench.data.download import download_layout, fetch
from frameworkbench.data.model import DataSpec
from frameworkbench.data.preparation import prepare
from frameworkbench.data.published import PublishedFile
from frameworkbench.errors import DataError

CONTENT = b"published bytes" * 1000
FILE = PublishedFile("set.bin", "md5", hashlib.md5(CONTENT).hexdigest())


def _ignore(_line: str) -> None:
    pass


def _refusing_address() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/"


def test_a_file_is_fetched_and_reported(served, tmp_path):
    """A verified file gets its name, progress is told, and no temporary file stays."""
    folder, url = served
    (folder / "set.bin").write_bytes(CONTENT)
    lines: list[str] = []
    target = tmp_path / "out" / "set.bin"
    target.parent.mkdir()

    fetch(FILE, [url + "set.bin"], target, lines.append)

    assert target.read_bytes() == CONTENT
    assert list(target.parent.iterdir()) == [target]
    assert "downloading set.bin" in lines[0]


@pytest.mark.parametrize("first", ["refused", "404", "wrong content"])
def test_the_next_mirror_is_asked(served, tmp_path, first):
    """A mirror that refuses, lacks the file or delivers another one is passed over."""
    folder, url = served
    (folder / "set.bin").write_bytes(CONTENT)
    (folder / "other.bin").write_bytes(b"something else")
    bad = {"refused": _refusing_address(), "404": url + "absent.bin", "wrong content": url + "other.bin"}[first]

    fetch(FILE, [bad, url + "set.bin"], tmp_path / "set.bin", _ignore)

    assert (tmp_path / "set.bin").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing_behind(served, tmp_path):
    """Content that is not the published one is refused and never gets the file's name."""
    folder, url = served
    (folder / "set.bin").write_bytes(CONTENT[:-1] + b"x")
    out = tmp_path / "out"
    out.mkdir()

    with pytest.raises(DataError, match=rf"not the published one; expected md5 {FILE.digest}"):
        fetch(FILE, [url + "set.bin"], out / "set.bin", _ignore)

    assert list(out.iterdir()) == []


def test_every_failure_is_in_the_message(served, tmp_path):
    """When no mirror delivers, the message says what each of them answered."""
    _, url = served
    refusing = _refusing_address()

    with pytest.raises(DataError, match=r"(?s)refused.*HTTP 404"):
        fetch(FILE, [refusing, url + "set.bin"], tmp_path / "set.bin", _ignore)


def test_an_answer_that_is_cut_short_is_refused(tmp_path):
    """A connection that ends before the announced size is reported as such."""
    import threading

    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        for _ in range(2):
            connection, _ = server.accept()
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 9999\r\n\r\nshort")
            connection.close()

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(DataError, match=r"after 5 of 9999 bytes|IncompleteRead"):
        fetch(FILE, [f"http://127.0.0.1:{server.getsockname()[1]}/"], tmp_path / "set.bin", _ignore)
    thread.join()
    server.close()


def test_a_full_disk_is_told_at_once(served, tmp_path, monkeypatch):
    """A disk that is full is reported as such and no other mirror is asked."""
    folder, url = served
    (folder / "set.bin").write_bytes(CONTENT)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", full)

    with pytest.raises(DataError, match="cannot be written \\(No space left"):
        fetch(FILE, [url + "set.bin"], tmp_path / "set.bin", _ignore)


def test_a_dataset_is_downloaded_and_prepared(served, small, tmp_path):
    """With source real and no folder, files come from the mirrors; a second run needs no network."""
    folder, url = served
    layout = small.mnist()
    for path in (small.root / "mnist").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    urls = {file.name: (f"{url}{file.name}.gz",) for file in layout.files}
    online = {"mnist": (replace(layout, urls=urls),)}
    offline = {"mnist": (replace(layout, urls={name: (_refusing_address(),) for name in urls}),)}

    def run(catalogue):
        return prepare(
            DataSpec("mnist"),
            source="real",
            data_dir=None,
            cache_dir=tmp_path / "cache",
            progress=_ignore,
            catalogue=catalogue,
        )

    first = run(online)
    second = run(offline)
    for path in (tmp_path / "cache" / "downloads" / "mnist").iterdir():
        path.unlink()
    third = run(offline)

    assert first == second == third
    assert first.kind == "real" and first.train_size == 30


def test_without_a_network_the_way_to_the_files_is_told(small, tmp_path):
    """The error names the addresses, the folder layout and the option to pass."""
    layout = small.mnist()
    urls = {file.name: (_refusing_address() + file.name,) for file in layout.files}

    with pytest.raises(DataError, match=r"(?s)http://127.*DIR/mnist/train-images.*\n.*from http.*--data synthetic"):
        prepare(
            DataSpec("mnist"),
            source="real",
            data_dir=None,
            cache_dir=tmp_path,
            progress=_ignore,
            catalogue={"mnist": (replace(layout, urls=urls),)},
        )


def test_a_download_folder_that_cannot_be_made_is_named(small, tmp_path):
    """A file in the way of the download folder is an error that names the path."""
    (tmp_path / "root").write_text("a file")

    with pytest.raises(DataError, match=r"root.*cannot be written"):
        download_layout(small.mnist(), tmp_path / "root", _ignore)
