"""Who really computed: threads, CPUs and CPU-seconds of a worker's processes, read by the parent from the kernel.

A framework may be unable to say how many threads it uses, or say one thing and do another. The kernel's own
accounts cannot be patched from inside the worker, so each timed window lies between two of these readings
(method T13). Linux only: elsewhere there is no census, and the report says so.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..validity.findings import Finding
from . import codes
from .throttling import CGROUPS, throttled_periods

PROC = Path("/proc")

_HEADROOM = 1.05  # CPU-seconds over what the cores could give (method T13)
# The kernel cuts user and system time of a process to whole ticks: each reading may be one tick too low.
_CUT_TICKS = 2
# Fields of stat(5) behind the command's name: parent, group, session, own times, times of ended children, last CPU.
_PARENT, _GROUP, _SESSION = 1, 2, 3
_OWN_TIMES, _ALL_TIMES = slice(11, 13), slice(11, 15)
_USER_TIMES = slice(11, 15, 2)  # own and of ended children, without what the kernel did for them
_LAST_CPU = 36

Stat = list[str]


@dataclass(frozen=True, slots=True)
class Census:
    """One reading of a worker's process tree.

    Attributes:
        began_ns: parent's clock before the reading.
        ended_ns: parent's clock after it.
        processes: the worker, its descendants, and what shares its session.
        ticks: user and system time of all of them, ended children included, in clock ticks.
        threads: the same by thread id.
        cpus: CPUs on which at least one thread may run or ran last.
        throttled: periods in which a CPU quota stopped the worker's control groups; None where that is not told.
        user_ticks: of ``ticks``, those outside the kernel.
    """

    began_ns: int
    ended_ns: int
    processes: int
    ticks: int
    threads: Mapping[int, int]
    cpus: frozenset[int]
    throttled: int | None
    user_ticks: int


def take(
    pid: int, *, clock: Callable[[], int] = time.perf_counter_ns, proc: Path = PROC, cgroups: Path = CGROUPS
) -> Census | None:
    """Read the process tree of a worker; None where the kernel does not tell or the worker is gone.

    Args:
        pid: the worker, leader of its own session.
        clock: monotonic clock in nanoseconds; tests pass a fake one.
        proc: where the process file system is.
        cgroups: where control groups are.
    """
    began = clock()
    stats = _stats(proc)
    if pid not in stats:
        return None
    members = _members(pid, stats)
    threads: dict[int, int] = {}
    cpus: set[int] = set()
    for member in members:
        for task in _entries(proc / str(member) / "task"):
            stat, allowed = _stat(task), _allowed(task)
            if stat is not None and allowed:
                threads[int(task.name)] = _sum(stat[_OWN_TIMES])
                cpus |= {*allowed, int(stat[_LAST_CPU])}
    return Census(
        began_ns=began,
        ended_ns=clock(),
        processes=len(members),
        ticks=sum(_sum(stats[member][_ALL_TIMES]) for member in members),
        threads=threads,
        cpus=frozenset(cpus),
        throttled=throttled_periods(pid, proc, cgroups),
        user_ticks=sum(_sum(stats[member][_USER_TIMES]) for member in members),
    )


def between(before: Census | None, after: Census | None) -> dict[str, Any] | None:
    """What a worker used between two readings, as plain data for its record.

    Returns:
        ``threads`` and ``processes`` alive at the second reading, ``busy_threads`` (at least one tick of CPU time),
        ``cpus`` (as in ``taskset``: "0-3,8"), ``cpu_s`` with the most that ticks can hide in ``cpu_error_s``,
        ``wall_s`` from the start of the first to the end of the second reading, ``throttled`` periods; or None.
    """
    if before is None or after is None:
        return None
    tick = 1 / os.sysconf("SC_CLK_TCK")
    busy = [thread for thread, ticks in after.threads.items() if ticks > before.threads.get(thread, 0)]
    known = before.throttled is not None and after.throttled is not None
    return {
        "threads": len(after.threads),
        "busy_threads": len(busy),
        "processes": after.processes,
        "cpus": as_ranges(before.cpus | after.cpus),
        "cpu_s": round(max(0, after.ticks - before.ticks) * tick, 4),
        "cpu_error_s": round(_CUT_TICKS * max(before.processes, after.processes) * tick, 4),
        "wall_s": round((after.ended_ns - before.began_ns) / 1e9, 6),
        "throttled": (after.throttled or 0) - (before.throttled or 0) if known else None,
    }


def user_s(before: Census | None, after: Census | None) -> float | None:
    """CPU-seconds that a worker's processes computed between two readings, without the kernel's work for them."""
    if before is None or after is None:
        return None
    return max(0, after.user_ticks - before.user_ticks) / os.sysconf("SC_CLK_TCK")


def members(pid: int, proc: Path = PROC) -> list[int]:
    """The worker, its descendants, and what shares its session or group; empty where the kernel does not tell."""
    stats = _stats(proc)
    return _members(pid, stats) if pid in stats else []


def judge(windows: Iterable[Mapping[str, Any]], cores: Sequence[int]) -> list[Finding]:
    """No thread may have more CPUs than the cell was given, and no window more CPU-seconds than they can deliver.

    Args:
        windows: timed windows with their ``census``; one without is passed over.
        cores: CPUs of the cell; empty when the mask was left alone.
    """
    for window in windows:
        seen = window.get("census")
        if not seen or not cores:
            continue
        if set(from_ranges(seen["cpus"])) - set(cores):
            reason = f"a thread of the worker could run on CPUs {seen['cpus']}; the cell was given {as_ranges(cores)}"
            return [Finding("resource", codes.RESOURCE, reason)]
        limit = len(cores) * seen["wall_s"] * _HEADROOM + seen["cpu_error_s"]
        if seen["cpu_s"] > limit:
            reason = (
                f"{seen['cpu_s']:.2f} CPU-seconds in {seen['wall_s']:.2f} s on {len(cores)} given cores; "
                f"expected at most {limit:.2f} CPU-seconds"
            )
            return [Finding("resource", codes.RESOURCE, reason)]
    return []


def as_ranges(cpus: Iterable[int]) -> str:
    """CPU numbers as the kernel writes them: "0-3,8"."""
    parts: list[list[int]] = []
    for cpu in sorted(set(cpus)):
        if parts and cpu == parts[-1][-1] + 1:
            parts[-1][1:] = [cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, part)) for part in parts)


def from_ranges(text: str) -> list[int]:
    """The inverse of ``as_ranges``."""
    bounds = [[int(end) for end in part.split("-")] for part in text.split(",") if part]
    return [cpu for bound in bounds for cpu in range(bound[0], bound[-1] + 1)]


def _stats(proc: Path) -> dict[int, Stat]:
    found = {int(folder.name): _stat(folder) for folder in _entries(proc)}
    return {pid: stat for pid, stat in found.items() if stat is not None}


def _members(root: int, stats: Mapping[int, Stat]) -> list[int]:
    """The worker, whatever shares its session or group, and all descendants of these."""
    name = str(root)
    found = {pid for pid, stat in stats.items() if pid == root or name in (stat[_GROUP], stat[_SESSION])}
    while True:
        more = {pid for pid, stat in stats.items() if int(stat[_PARENT]) in found} - found
        if not more:
            return sorted(found)
        found |= more


def _entries(folder: Path) -> list[Path]:
    """Entries with a number for a name; none if the folder has gone."""
    try:
        return [folder / name for name in os.listdir(folder) if name.isdigit()]  # noqa: PTH208 - names are all we need
    except OSError:
        return []


def _stat(folder: Path) -> Stat | None:
    """Fields of stat(5) behind the command's name, which may itself hold spaces and brackets."""
    text = _read(folder / "stat")
    return text.rpartition(")")[2].split() if text else None


def _allowed(task: Path) -> list[int]:
    for line in _read(task / "status").splitlines():
        if line.startswith("Cpus_allowed_list:"):
            return from_ranges(line.split(":", 1)[1].strip())
    return []


def _sum(fields: Sequence[str]) -> int:
    return sum(int(field) for field in fields)


def _read(file: Path) -> str:
    """A file's text, or nothing: threads end while they are being counted."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
