"""Writing one file so that a crash, a full disk or a power cut leaves the old state or the new one.

Everything in a run folder goes through here: temporary name, write, sync, rename, sync of the folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from ..errors import StoreError
from .canonical import canonical_bytes
from .parsing import parse_json

__all__ = [
    "TEMPORARY_SUFFIX",
    "canonical_json",
    "parse_json",
    "raise_store_error",
    "read_json",
    "sweep_temporaries",
    "write_bytes_atomic",
    "write_json_atomic",
]

# Readers ignore names with this ending; a writer sweeps those that a crash left behind.
TEMPORARY_SUFFIX = ".tmp"


def canonical_json(value: object, ready: Mapping[str, Sequence[bytes]] | None = None) -> bytes:
    """The one byte sequence for a value, so that equal records have equal hashes.

    Args:
        value: plain data.
        ready: lists in it whose members are written already (``canonical.canonical_bytes``).

    Raises:
        StoreError: the value holds something that JSON cannot, such as a NaN or an infinity.
    """
    try:
        return canonical_bytes(value, ready)
    except (TypeError, ValueError) as problem:
        raise StoreError(
            f"cannot be stored as JSON: {problem}; expected plain finite data (write non-finite numbers as text)"
        ) from problem


def write_json_atomic(path: Path, value: object) -> bytes:
    """Write a value as canonical JSON; the file appears complete or not at all.

    Returns:
        The bytes that were written.

    Raises:
        StoreError: the value is not JSON, or the disk is full or refuses; no partial file stays behind.
    """
    content = canonical_json(value)
    write_bytes_atomic(path, content)
    return content


def write_bytes_atomic(path: Path, content: bytes) -> None:
    """Write bytes under a temporary name next to ``path``, sync, rename over it and sync the folder.

    Raises:
        StoreError: the disk is full or refuses; the temporary file is removed and ``path`` is as it was.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_synced(temporary, content)
        os.rename(temporary, path)  # noqa: PTH104 - the system call that is atomic, by name
        _sync_folder(path.parent)
    except OSError as problem:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise_store_error(path, problem)


def read_json(path: Path) -> Any:
    """Parse one JSON file strictly: UTF-8, no NaN or infinity.

    Raises:
        StoreError: the file is missing, unreadable or not JSON; names the file and the reason.
    """
    try:
        return parse_json(path.read_bytes())
    except OSError as problem:
        raise StoreError(f"{path}: cannot be read: {problem.strerror or problem}") from problem
    except ValueError as problem:
        raise StoreError(f"{path}: not valid JSON: {problem}") from problem


def sweep_temporaries(folder: Path) -> None:
    """Remove temporary files that an interrupted writer left in a folder; errors are left for the next write."""
    with contextlib.suppress(OSError):
        for leftover in folder.glob(f"*{TEMPORARY_SUFFIX}"):
            leftover.unlink(missing_ok=True)


def raise_store_error(path: Path, problem: OSError) -> NoReturn:
    """Turn an operating-system error into one that says what was lost (nothing) and what to do next."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        raise StoreError(
            f"{path}: no space left on the device; records written before are untouched; "
            "free some space and start the same command again to resume"
        ) from problem
    raise StoreError(
        f"{path}: cannot be written: {problem.strerror or problem}; records written before are untouched; "
        "check the folder and its permissions, then start the same command again"
    ) from problem


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
