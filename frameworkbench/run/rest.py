"""What a worker does while nothing is asked of it, on a machine where others may hold the cores.

On a busy machine a process that never stops computing may get only a small part of a core. The kernel also tells which
threads are running or ready to run: how often they were so is the same on a busy and on a quiet machine.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import census

SETTLE_S = 0.5
"""A process may take so long to come to rest: thread pools spin after work, those of OpenMP by default up to 200 ms."""
_SETTLED = 2
_SETTLE_PAUSE_S = 0.004
_READINGS = 20
_RUNNABLE = "R"  # stat(5): on a core or waiting for one


@dataclass(frozen=True, slots=True)
class Rest:
    """One look at a worker's processes at rest.

    Attributes:
        wall_s: how long the look lasted.
        cpu_s: CPU-seconds of the process tree in that time.
        runnable: threads that were running or ready to run, mean over the look's readings.
        processes: processes of the tree at its end.
    """

    wall_s: float
    cpu_s: float
    runnable: float
    processes: int


def settle(pid: int, *, limit_s: float = SETTLE_S, proc: Path = census.PROC) -> None:
    """Wait until no thread of a worker's processes runs or could run, twice in a row, but not beyond the limit."""
    deadline, quiet = time.monotonic() + limit_s, 0
    folders = _folders(pid, proc)
    while quiet < _SETTLED and time.monotonic() < deadline:
        quiet = 0 if _runnable(folders) else quiet + 1
        time.sleep(_SETTLE_PAUSE_S)


def look(pid: int, seconds: float, *, proc: Path = census.PROC) -> Rest | None:
    """Leave the worker alone for some seconds and say what it did; None where the kernel does not tell."""
    before = census.take(pid, proc=proc)
    folders = _folders(pid, proc)
    counts = []
    for _ in range(_READINGS):
        time.sleep(seconds / _READINGS)
        counts.append(_runnable(folders))
    used = census.between(before, census.take(pid, proc=proc))
    return Rest(used["wall_s"], used["cpu_s"], _mean(counts), used["processes"]) if used else None


def _mean(counts: Sequence[int]) -> float:
    return round(sum(counts) / len(counts), 3)


def _folders(pid: int, proc: Path) -> list[Path]:
    """Where the kernel shows the threads of each of a worker's processes."""
    return [proc / str(member) / "task" for member in census.members(pid, proc)]


def _runnable(folders: Sequence[Path]) -> int:
    """Threads of some processes that run or could run."""
    return sum(map(_runnable_in, folders))


def _runnable_in(folder: Path) -> int:
    """Threads of one process that run or could run; those that end meanwhile do not count."""
    found = 0
    try:
        threads = os.listdir(folder)  # noqa: PTH208 - names are all we need
    except OSError:
        return 0
    for thread in threads:
        try:
            stat = (folder / thread / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        found += stat.rpartition(")")[2].split()[:1] == [_RUNNABLE]
    return found
