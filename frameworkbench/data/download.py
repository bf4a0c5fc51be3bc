"""Fetch published files: several mirrors, verified before they get their name.

A file appears under its name only when it is whole and has its published checksum, so a run that was
killed or a mirror that lied leaves nothing to be mistaken for data.
"""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from frameworkbench.data.files import content_digest, mismatch
from frameworkbench.data.published import Layout, PublishedFile
from frameworkbench.errors import DataError

TIMEOUT_S = 30.0
ATTEMPTS = 2  # for each mirror: enough for a dropped connection, short enough to be told soon
_CHUNK = 1 << 18
_REPORT_EVERY_S = 2.0
_NETWORK_ERRORS = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)

Progress = Callable[[str], None]


class CannotWriteError(DataError):
    """The download folder cannot be written."""


def download_layout(layout: Layout, root: Path, progress: Progress, *, timeout_s: float = TIMEOUT_S) -> None:
    """Fetch every file of a layout that is not there yet.

    Args:
        layout: the files, their checksums and mirrors.
        root: the download folder; the layout's first folder is made below it.
        progress: receives one line at a time.
        timeout_s: the longest silence of a server.

    Raises:
        DataError: no mirror delivered a file, or it cannot be written.
    """
    folder = root / layout.folders[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from error
    for file in layout.files:
        urls = (layout.urls or {}).get(file.name, ())
        target = folder / (file.name + (".gz" if file.gzip else ""))
        if not target.is_file():
            fetch(file, urls, target, progress, timeout_s=timeout_s)


def fetch(
    file: PublishedFile,
    urls: Sequence[str],
    target: Path,
    progress: Progress,
    *,
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Fetch one file from the first mirror that delivers it.

    Raises:
        DataError: none did; the message holds what each of them answered.
    """
    failures = []
    for url in urls:
        for _ in range(ATTEMPTS):
            try:
                _fetch_once(file, url, target, progress, timeout_s)
                return
            except CannotWriteError:
                raise  # no other mirror mends this machine
            except urllib.error.HTTPError as error:
                error.close()
                failures.append(f"{url}: HTTP {error.code} {error.reason}")
                break  # a mirror that says no will say it again
            except _NETWORK_ERRORS as error:
                failures.append(f"{url}: {error}")
            except DataError as error:
                failures.append(f"{url}: {error}")
                break
        progress(f"{file.name}: {failures[-1]}")
    answers = "\n  ".join(dict.fromkeys(failures)) or "no mirror is known"
    raise DataError(f"{file.name}: could not be downloaded; every mirror failed:\n  {answers}")


def _fetch_once(file: PublishedFile, url: str, target: Path, progress: Progress, timeout_s: float) -> None:
    # The suffix stays, because it says whether the content is gzipped.
    temporary = target.with_name(f".part-{os.getpid()}-{target.name}")
    try:
        # The addresses are constants of the catalogue, never input of a user.
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:
            _save(answer, temporary, file.name, progress)
        received = content_digest(temporary, file)
        if received != file.digest:
            raise mismatch(url, file, received)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _save(answer: http.client.HTTPResponse, path: Path, name: str, progress: Progress) -> None:
    total = int(answer.headers.get("Content-Length") or 0)
    done, told = 0, time.monotonic()
    progress(f"downloading {name}" + (f" ({total / 1e6:.1f} MB)" if total else ""))
    try:
        stream = path.open("wb")
    except OSError as error:
        raise _unwritable(path, error) from error
    with stream:
        while piece := answer.read(_CHUNK):
            done += len(piece)
            try:
                stream.write(piece)
            except OSError as error:
                raise _unwritable(path, error) from error
            if time.monotonic() - told > _REPORT_EVERY_S:
                told = time.monotonic()
                progress(f"downloading {name}: {done / 1e6:.1f}" + (f" of {total / 1e6:.1f} MB" if total else " MB"))
        stream.flush()
        os.fsync(stream.fileno())
    if total and done != total:
        raise ConnectionError(f"the connection ended after {done} of {total} bytes")


def _unwritable(path: Path, error: OSError) -> CannotWriteError:
    return CannotWriteError(
        f"{path}: cannot be written ({error.strerror or error}); expected a writable folder with enough room; "
        "free some space or choose another cache folder"
    )
