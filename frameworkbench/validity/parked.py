"""While other processes have their turns a worker computes nothing.

Windows of a block's processes are taken in turns, so a worker waits several times as long as it is timed. Work done
then would be free to its own row and slow down the one that is timed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .findings import Finding

# Of the CPU-seconds in its own windows; so much could be had for nothing.
_SHARE = 0.05
# Housekeeping threads (heartbeats, allocators that give memory back) of a process that waits.
_HOUSEKEEPING = 0.02
# The kernel cuts CPU time to ticks of 10 ms, at both ends of each turn.
_TURN_S = 0.02


@dataclass(slots=True)
class Parked:
    """What a worker did while it waited for its turns.

    Attributes:
        turns: how often it waited.
        wall_s: how long, in all.
        cpu_s: CPU-seconds of its processes in that time; None where the kernel does not tell.
    """

    turns: int = 0
    wall_s: float = 0.0
    cpu_s: float | None = 0.0

    def add(self, used: Mapping[str, Any] | None) -> None:
        """One more turn of the others: what the census saw between its ends."""
        self.turns += 1
        if used is None or self.cpu_s is None:
            self.cpu_s = None
            return
        self.wall_s += float(used["wall_s"])
        self.cpu_s += float(used["cpu_s"])

    def to_json(self) -> dict[str, Any]:
        """Plain data for the record."""
        cpu_s = None if self.cpu_s is None else round(self.cpu_s, 3)
        return {"turns": self.turns, "wall_s": round(self.wall_s, 3), "cpu_s": cpu_s}


def judge(seen: Parked, windows: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Whether a worker computed while it waited.

    Args:
        seen: its waiting.
        windows: its timed windows, with their census.
    """
    censuses = [window["census"] for window in windows if window.get("census")]
    if seen.cpu_s is None or not censuses:
        return []
    timed_s = sum(float(census["cpu_s"]) for census in censuses)
    limit = _SHARE * timed_s + _HOUSEKEEPING * seen.wall_s + _TURN_S * seen.turns
    if seen.cpu_s <= limit:
        return []
    reason = (
        f"the worker's processes burnt {seen.cpu_s:.2f} CPU-seconds while others had their turns ({seen.turns} times, "
        f"{seen.wall_s:.1f} s; expected at most {limit:.2f}); its own windows took {timed_s:.2f}"
    )
    return [Finding("parked", "FOREIGN_WORK", reason)]
