"""When a slow start pays: the training step at which one row overtakes another.

A compiled mode may wait a minute before its first step and then run twice as fast. Which of the two to use depends
on how long one trains, and this is the number that it turns on (method T6).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .cells import number, table
from .verdicts import FASTER, SMALL, Pair


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The row that starts later and overtakes, and after how many steps; None where it never does."""

    overtaker: str | None
    cold_steps: int | None
    warm_steps: int | None

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        return {"overtaker": self.overtaker, "cold_steps": self.cold_steps, "warm_steps": self.warm_steps}


def steps_to_overtake(late_s: float, late_step_s: float, early_s: float, early_step_s: float) -> int | None:
    """Steps after which the row that starts later has done more work.

    The first step ends at ``late_s`` or ``early_s``, every further one takes the steady time. Warm-up steps are
    counted as steady ones: they are few, and how many there are is not the framework's doing.

    Args:
        late_s: time to first step of the row that starts later.
        late_step_s: its steady time for one step.
        early_s: time to first step of the other.
        early_step_s: its steady time for one step.

    Returns:
        The smallest n with ``late_s + (n − 1) late_step_s < early_s + (n − 1) early_step_s``; None if there is none,
        or if the row does not start later.
    """
    if late_s <= early_s or late_step_s >= early_step_s:
        return None
    return math.floor((late_s - early_s) / (early_step_s - late_step_s)) + 2


def break_even(pair: Pair, first: Mapping[str, Any], second: Mapping[str, Any]) -> BreakEven:
    """Where the faster row of a pair overtakes the slower one.

    Only for pairs whose difference was established: between tied rows the step count would be made of noise.

    Args:
        pair: the comparison; its first row is the faster one.
        first: cell of the first row as in ``report.json``.
        second: cell of the second row.
    """
    if pair.verdict not in (FASTER, SMALL):
        return BreakEven(None, None, None)
    counts = [
        _steps(first, second, pair.ratio, start) for start in ("time_to_first_step_s", "time_to_first_step_warm_s")
    ]
    overtaker = pair.first if any(count is not None for count in counts) else None
    return BreakEven(overtaker, counts[0], counts[1])


def _steps(first: Mapping[str, Any], second: Mapping[str, Any], ratio: float, start: str) -> int | None:
    """The paired ratio, not that of the two means, says how much faster a step is."""
    rate = number(table(second["throughput_samples_per_s"]).get("mean"))
    batch, late, early = number(second["batch_size"]), number(first[start]), number(second[start])
    if rate is None or batch is None or late is None or early is None:
        return None
    step_s = batch / rate
    return steps_to_overtake(late, step_s / ratio, early, step_s)
