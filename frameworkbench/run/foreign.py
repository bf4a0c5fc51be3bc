"""CPU time that others took: what the run's cores did, less what the worker and the harness did.

The sentinel works between workers and cannot see a neighbour that comes and goes while one is timed. The kernel's own
accounts can: they are read before and after each timed window, never inside it, and nothing that a worker says enters
them. Time that a hypervisor gave to somebody else (steal) counts as foreign, and so does kernel work that belongs to no
process. Linux only; elsewhere there is no answer.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .census import Census

LIMIT = 0.05
"""Largest share of the cores that others may take during a window. It is the sentinel's least limit, for the same
reason: 5 % of the cores, all of it taken from the thread that everybody waits for, is a 5 % slower window. A quiet
desktop takes under 2 %."""
MOST = 0.15
"""Largest share that passes where processes took turns and others took the same from each of them: beyond it, it is
not the machine of the run that was measured."""
_LEAST_S = 0.03  # the kernel counts in ticks of 10 ms: on each core three of them are chance

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
# Columns of a cpu line behind its name. Guest time is part of user time already; idle and iowait are no work.
_BUSY = {"user": 0, "nice": 1, "system": 2, "irq": 5, "softirq": 6, "steal": 7}


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds used up to one moment: by everybody on the cores, by a worker's processes, by this process."""

    wall_s: float
    cores: int
    all_s: float
    worker_s: float
    own_s: float


@dataclass(frozen=True, slots=True)
class Share:
    """What others took of the cores in the windows of one process: as a share, and how long the windows were."""

    share: float
    wall_s: float


def read(
    taken: Census | None,
    cores: Sequence[int],
    *,
    clock: Callable[[], float] = time.monotonic,
    proc: Path = PROC,
) -> Usage | None:
    """The accounts as they stand; None where the kernel shows none.

    Args:
        taken: census of the worker's processes, taken just before.
        cores: CPU numbers that the run uses; only these are looked at. Empty means all.
        clock: monotonic clock in seconds.
        proc: where the process file system is; tests lay out their own.
    """
    busy, seen = _busy_ticks(proc, set(cores))
    if taken is None or not seen:
        return None
    return Usage(clock(), seen, busy / _TICKS_PER_S, taken.ticks / _TICKS_PER_S, time.process_time())


def share(before: Usage | None, after: Usage | None) -> float | None:
    """Share of the cores that others took between two readings, 0 to 1; None where it is not known."""
    if before is None or after is None or after.wall_s <= before.wall_s:
        return None
    ours = (after.worker_s - before.worker_s) + (after.own_s - before.own_s)
    foreign = max(0.0, (after.all_s - before.all_s) - ours)
    return round(foreign / (after.cores * (after.wall_s - before.wall_s)), 4)


def limit(wall_s: float) -> float:
    """Largest share that passes for a window of this length: short ones are blurred by the kernel's ticks."""
    return max(LIMIT, _LEAST_S / wall_s) if wall_s > 0 else 1.0


def in_windows(windows: Iterable[Mapping[str, Any]]) -> list[Share]:
    """What others took of the cores in the timed windows of a process; nothing where it is not known.

    Ticks that the kernel has not counted yet at the end of one window are made up for in the next, so all windows of a
    process are taken together.
    """
    seen = [
        (float(window["foreign_cpu_share"]), (window["stop_ns"] - window["start_ns"]) / 1e9)
        for window in windows
        if window.get("foreign_cpu_share") is not None
    ]
    length = sum(seconds for _, seconds in seen)
    if length <= 0:
        return []
    return [Share(round(sum(share * seconds for share, seconds in seen) / length, 4), length)]


def complaints(shares: Sequence[Share]) -> list[str]:
    """What is to be said about processes that took turns (or about one that was alone); nothing if all is well.

    What others took from all of them alike cancels in every comparison; what they took from one alone does not.
    """
    if not shares:
        return []
    worst = max(shares, key=lambda one: one.share)
    most = limit(worst.wall_s)
    if len(shares) == 1 and worst.share > most:
        return [f"other processes took {worst.share:.1%} of the cores while a worker was timed (limit {most:.0%})"]
    if len(shares) > 1 and worst.share > max(MOST, most):
        return [
            f"other processes took up to {worst.share:.1%} of the cores while workers were timed in turns "
            f"(limit {max(MOST, most):.0%})"
        ]
    least = min(one.share for one in shares)
    if worst.share - least > most:
        return [
            f"other processes took {worst.share:.1%} of the cores from one worker and {least:.1%} from another that it "
            f"took turns with (limit of the difference {most:.0%})"
        ]
    return []


def _busy_ticks(proc: Path, cores: set[int]) -> tuple[int, int]:
    """(ticks in which these cores did anything, how many of them the kernel shows)."""
    try:
        lines = (proc / "stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0, 0
    total, seen = 0, 0
    for line in lines:
        name, *fields = line.split()
        if not name.startswith("cpu"):
            break
        if name == "cpu" or (cores and int(name[3:]) not in cores):
            continue
        seen += 1
        total += sum(int(fields[column]) for column in _BUSY.values() if column < len(fields))
    return total, seen
