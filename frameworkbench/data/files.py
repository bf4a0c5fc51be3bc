"""Read published files and prove what they hold.

Every byte that becomes a sample passes `read_verified` or an archive whose own checksum was verified.
"""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from frameworkbench.data.published import PublishedFile
from frameworkbench.errors import DataError

_CHUNK = 1 << 20
# A file whose size is not published may not unpack to more than this; the largest real one is 84 MB.
_MOST_BYTES = 1 << 30


def stored_path(folder: Path, file: PublishedFile) -> Path | None:
    """The path under which a file lies in a folder, plain or gzipped, or ``None``."""
    names = (file.name, file.name + ".gz") if file.gzip else (file.name,)
    return next((folder / name for name in names if (folder / name).is_file()), None)


def content_digest(path: Path, file: PublishedFile) -> str:
    """Hash a file's content in pieces, gunzipped where its name ends so.

    Raises:
        DataError: it cannot be read, is not whole, or unpacks to more than the published size.
    """
    digest = hashlib.new(file.algorithm, usedforsecurity=False)
    for piece in _pieces(path, file):
        digest.update(piece)
    return digest.hexdigest()


def read_verified(path: Path, file: PublishedFile) -> bytes:
    """Read a file's content and verify its published checksum.

    Raises:
        DataError: it cannot be read or its content is not the published one.
    """
    content = b"".join(_pieces(path, file))
    verify_content(content, file, str(path))
    return content


def verify_content(content: bytes, file: PublishedFile, where: str) -> None:
    """Raise `DataError` unless the content has the published checksum."""
    received = hashlib.new(file.algorithm, content, usedforsecurity=False).hexdigest()
    if received != file.digest:
        raise mismatch(where, file, received)


def mismatch(where: str, file: PublishedFile, received: str) -> DataError:
    """The error for content that is not the published one."""
    return DataError(
        f"{where}: the content is not the published one; expected {file.algorithm} {file.digest}; "
        f"received {received}; delete the file and get it again"
    )


def unreadable(path: Path, error: Exception) -> DataError:
    """The error for a file that cannot be read or unpacked."""
    return DataError(
        f"{path}: cannot be read ({error or type(error).__name__}); expected the whole published file; "
        "delete it and get it again, or correct its permissions"
    )


def tar_members(path: Path, wanted: set[str], most_bytes: int) -> Iterator[tuple[str, bytes]]:
    """Read members straight out of a tar archive; nothing is extracted to disk.

    Members that were not asked for are passed over unread.

    Args:
        path: the archive, with any compression of ``tarfile``.
        wanted: names of members, or of folders whose files are wanted, below the archive's root.
        most_bytes: the most that one member may hold.

    Yields:
        The member's name and its content, in the archive's order.

    Raises:
        DataError: a name that leaves the archive, a link or special file in place of a wanted file, a
            member that is too big, or an archive that is cut short.
    """
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = PurePosixPath(member.name)
                if name.is_absolute() or ".." in name.parts:
                    raise _bad_member(path, member.name, "leaves the archive's folder")
                if member.isdir() or not ({member.name, str(name.parent)} & wanted):
                    continue
                if not member.isreg():
                    raise _bad_member(path, member.name, "is a link or special file")
                if member.size > most_bytes:
                    raise _bad_member(path, member.name, f"holds {member.size} bytes, more than {most_bytes}")
                stream = archive.extractfile(member)
                if stream is not None:
                    yield member.name, stream.read()
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise unreadable(path, error) from error


def _bad_member(path: Path, member: str, problem: str) -> DataError:
    return DataError(f"{path}: member {member!r} {problem}; expected the published archive; delete it and get it again")


def _pieces(path: Path, file: PublishedFile) -> Iterator[bytes]:
    most = _MOST_BYTES if file.size is None else file.size
    seen = 0
    try:
        with gzip.open(path) if path.suffix == ".gz" and file.gzip else path.open("rb") as stream:
            while piece := stream.read(_CHUNK):
                seen += len(piece)
                if seen > most:
                    raise DataError(
                        f"{path}: holds more than expected; expected {most} bytes; received at least {seen}; "
                        "delete the file and get it again"
                    )
                yield piece
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(path, error) from error
    if file.size is not None and seen < file.size:
        raise DataError(
            f"{path}: is cut short; expected {file.size} bytes; received {seen}; delete the file and get it again"
        )
