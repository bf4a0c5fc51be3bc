"""The folder of a managed environment: its name, its lock, and the marker that says it is complete.

A virtual environment cannot be moved (its scripts hold absolute paths), so it is made in its final
place and counts only once ``ready.json`` is there; the marker is written last and atomically. What a
killed creation leaves behind has no marker and is made anew.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from frameworkbench.environments.model import (
    ENVIRONMENT_FAILED,
    EnvironmentEntry,
    EnvironmentSpec,
    Progress,
)
from frameworkbench.errors import EnvironmentProblem

MARKER = "ready.json"
HASH_DIGITS = 12
_NAME = re.compile(r"(?P<adapter>.+)-(?P<variant>[^-]+)-(?P<hash>[0-9a-f]{12})-py(?P<python>\d+\.\d+)")
_HINTS = {
    errno.ENOSPC: "free some space or choose a cache folder on another disk",
    errno.EDQUOT: "free some space or choose a cache folder on another disk",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where one managed environment is, or would be."""

    path: Path
    python: str  # minor version

    @property
    def interpreter(self) -> Path:
        """Give the path of its Python."""
        return self.path / "bin" / "python"

    @property
    def ready(self) -> bool:
        """Tell whether its creation was completed."""
        return (self.path / MARKER).is_file() and self.interpreter.exists()


def place(spec: EnvironmentSpec, lock_sha256: str, python: str, cache_dir: Path) -> Place:
    """Give the place of the environment for a lock and a minor version of Python."""
    name = f"{spec.adapter}-{spec.variant}-{lock_sha256[:HASH_DIGITS]}-py{python}"
    return Place(folder_of(cache_dir) / name, python)


def folder_of(cache_dir: Path) -> Path:
    """Give the folder of all managed environments; absolute, because uv works elsewhere."""
    return Path(os.path.abspath(cache_dir.expanduser())) / "environments"  # noqa: PTH100 - keep the user's links


def existing(spec: EnvironmentSpec, lock_sha256: str, cache_dir: Path) -> list[Place]:
    """List what is there for a spec and a lock, complete or not."""
    wanted = (spec.adapter, spec.variant, lock_sha256[:HASH_DIGITS])
    entries = [_parse(path) for path in _folders(cache_dir)]
    return [
        Place(path, match["python"])
        for path, match in entries
        if match and (match["adapter"], match["variant"], match["hash"]) == wanted
    ]


def list_environments(cache_dir: Path) -> list[EnvironmentEntry]:
    """List the managed environments in a cache, complete or not, by name.

    Args:
        cache_dir: the cache; need not exist.

    Returns:
        One entry per environment.
    """
    result = []
    for path, match in (_parse(folder) for folder in _folders(cache_dir)):
        if match:
            ready = Place(path, match["python"]).ready
            names = (match["adapter"], match["variant"], match["hash"], match["python"])
            result.append(EnvironmentEntry(path, *names, _size_bytes(path), ready))
    return result


@contextmanager
def exclusively(target: Place, *, spec: EnvironmentSpec, progress: Progress) -> Iterator[int]:
    """Hold the lock of one environment; a second creator waits here.

    The lock lies beside the environment, which may be deleted, and is never deleted itself. It is
    the kernel's: whoever dies gives it back.

    Yields:
        The lock's file descriptor, to be handed to uv.
    """
    locks = target.path.parent / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / f"{target.path.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress(f"{spec.adapter}: another process is making this environment; waiting for it…")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


def clear(target: Place) -> bool:
    """Delete an environment, marker first, so that a half-deleted one is never taken for complete.

    Returns:
        Whether there was something to delete.
    """
    if not target.path.exists():
        return False
    (target.path / MARKER).unlink(missing_ok=True)
    shutil.rmtree(target.path)
    return True


def mark_ready(target: Place, facts: dict[str, object]) -> None:
    """Write the marker: temporary name, sync, rename."""
    temporary = target.path / f"{MARKER}.{os.getpid()}.tmp"
    with temporary.open("w") as file:
        json.dump(facts, file, indent=2, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(target.path / MARKER)


def disk_problem(spec: EnvironmentSpec, path: Path, error: OSError) -> EnvironmentProblem:
    """Turn a refusal of the file system into an error that says what to do."""
    hint = _HINTS.get(error.errno or 0, "choose a cache folder that you may write to")
    message = (
        f"{spec.adapter}: the environment could not be written; expected a writable folder at "
        f"{error.filename or path}, received {error.strerror or error}; {hint}"
    )
    return EnvironmentProblem(ENVIRONMENT_FAILED, message)


def _parse(path: Path) -> tuple[Path, re.Match[str] | None]:
    return path, _NAME.fullmatch(path.name)


def _folders(cache_dir: Path) -> list[Path]:
    root = folder_of(cache_dir)
    return sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []


def _size_bytes(folder: Path) -> int:
    files = (Path(root) / name for root, _, names in os.walk(folder) for name in names)
    total = 0
    for file in files:
        try:
            total += file.lstat().st_size
        except FileNotFoundError:
            continue  # deleted by another process while we count
    return total
