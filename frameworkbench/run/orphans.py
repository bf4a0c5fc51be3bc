"""Descendants that outlive a worker: adopted by this process, counted and ended."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from functools import lru_cache
from pathlib import Path

MARK = "FRAMEWORKBENCH_WORKER"
"""Variable with a random mark of each worker, which its descendants inherit."""
_PROC = Path("/proc")
_PR_SET_CHILD_SUBREAPER = 36


@lru_cache(maxsize=1)
def adopt_orphans() -> bool:
    """Make orphaned descendants children of this process, so that none can slip away; False where impossible."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def children(pid: int) -> set[int]:
    """Direct children of a process; empty where the kernel does not tell."""
    return {child for child, parent in _parents().items() if parent == pid}


def mark_of(pid: int) -> str | None:
    """The mark that a process was started with; None if it has none or has gone."""
    try:
        variables = (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return None
    prefix = MARK.encode() + b"="
    return next((one[len(prefix) :].decode(errors="replace") for one in variables if one.startswith(prefix)), None)


def end(pids: set[int]) -> None:
    """Kill these children of this process and clear them away."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _parents() -> dict[int, int]:
    found = {}
    for path in _PROC.iterdir() if _PROC.is_dir() else []:
        if path.name.isdigit():
            fields = _stat(int(path.name))
            if fields is not None:
                found[int(path.name)] = int(fields[1])
    return found


def _stat(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat after the command's name, which may hold spaces: state, parent, …"""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text[text.rindex(")") + 2 :].split()
