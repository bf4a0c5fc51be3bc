"""One run to a card: two runs that share one would each measure the other.

The lock is a file per card in the system's folder for temporary files, held by the kernel, so that a killed process
leaves none behind. It is shared between users and between cache folders.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import UsageError


@contextlib.contextmanager
def card_lock(uuid: str, folder: Path | None = None) -> Iterator[None]:
    """Hold a card for this process until the block ends.

    Args:
        uuid: the card's unique name.
        folder: where lock files are; the system's temporary folder by default.

    Raises:
        UsageError: another run holds the card, or the lock file cannot be opened.
    """
    name = f"frameworkbench-card-{hashlib.sha256(uuid.encode()).hexdigest()[:16]}.lock"
    path = (folder or Path(tempfile.gettempdir())) / name
    try:
        descriptor = _open(path)
    except OSError as problem:
        raise UsageError(f"{path}: the card's lock file cannot be opened: {problem.strerror}; remove it") from problem
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            raise UsageError(
                f"another run is using this card (lock file {path}); wait for it to end, "
                "or name another card in CUDA_VISIBLE_DEVICES"
            ) from problem
        yield
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """Open the file, made by whichever user came first; reading rights are enough to lock it."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
