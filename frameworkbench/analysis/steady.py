"""Where a series of step times becomes steady, and what kind of series it is.

The step times of a fresh process are cut into stretches of constant level; the warm-up is everything before the last
stretches whose level is that of the end. It is found once, in a pilot, and then holds for all processes of a cell: a
warm-up that each process chooses for itself makes processes less comparable.

Source: classes and the idea of equivalent final segments: Barrett, Bolz-Tereick, Killick, Mount and Tratt 2017,
"Virtual machine warmup blows hot and cold", OOPSLA. Cutting: optimal partitioning, Jackson et al. 2005, "An algorithm
for optimal partitioning of data on an interval", for changes of the mean at known variance; the penalty of 15 · log n
for each change is Barrett's. Variance from first differences, so that changes of level do not enter it: von Neumann
1941; here by median absolute deviation.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FLAT, WARM_UP, SLOWDOWN, UNSTEADY = "flat", "warm-up", "slowdown", "no steady state"

LEAST_STEPS = 6
"""Fewer step times than this say nothing about a steady state."""
SAME_LEVEL = 0.02
"""Stretches within 2 % of the last one are as steady as it is: smaller steps of level decide no verdict here."""
_STEADY_SHARE = 0.25  # of the series must be steady at its end (Barrett: 500 of 2,000 iterations)
_SAFETY = 1.5  # the warm-up is longer by this than the pilot's (method T11)
_PENALTY = 15.0
_MAD_TO_SD = 1.4826


@dataclass(frozen=True, slots=True)
class Steadiness:
    """What a pilot found.

    Attributes:
        kind: "flat", "warm-up", "slowdown" (steady, but slower than it was before) or "no steady state".
        changepoints: first step of each new level.
        steady_from: steps before the steady end; all of them where there is none.
        warmup_steps: untimed steps for every process of the cell.
        steps: length of the series.
    """

    kind: str
    changepoints: tuple[int, ...]
    steady_from: int
    warmup_steps: int
    steps: int

    def to_json(self) -> dict[str, Any]:
        """Plain data for the pilot's record."""
        return {
            "kind": self.kind,
            "changepoints": list(self.changepoints),
            "steady_from": self.steady_from,
            "warmup_steps": self.warmup_steps,
            "steps": self.steps,
        }


def steadiness(step_s: Sequence[float], *, least: int, most: int) -> Steadiness:
    """Classify a series of step times and derive the warm-up from it.

    Args:
        step_s: time of each step, in order, in seconds.
        least: fewest steps of warm-up.
        most: most steps of warm-up; also what a series without a steady state gets.
    """
    count = len(step_s)
    if count < LEAST_STEPS:
        return Steadiness(UNSTEADY, (), count, least, count)
    values = _without_spikes(step_s)
    # Noise of the raw series: neighbours of a smoothed one are alike, which would look like very little noise.
    cuts = changepoints(values, _noise(step_s))
    levels = [statistics.fmean(values[a:b]) for a, b in zip((0, *cuts), (*cuts, count), strict=True)]
    tail = len(levels) - 1
    while tail > 0 and abs(levels[tail - 1] - levels[-1]) <= SAME_LEVEL * levels[-1]:
        tail -= 1
    start = (0, *cuts)[tail]
    if count - start < _STEADY_SHARE * count:
        return Steadiness(UNSTEADY, cuts, count, most, count)
    warmup = min(most, max(least, math.ceil(_SAFETY * start)))
    return Steadiness(_kind(levels, tail), cuts, start, warmup, count)


def changepoints(values: Sequence[float], deviation: float) -> tuple[int, ...]:
    """Positions at which the mean changes: the cut with the least squared error plus a penalty for each change.

    Args:
        values: the series.
        deviation: standard deviation of single values around their level.
    """
    count = len(values)
    penalty = _PENALTY * math.log(count) * deviation**2
    sums, squares = _cumulated(values), _cumulated([value * value for value in values])
    best, before = [0.0], [0]
    for end in range(1, count + 1):
        costs = [best[start] + _cost(sums, squares, start, end) + (penalty if start else 0.0) for start in range(end)]
        start = min(range(end), key=costs.__getitem__)
        best.append(costs[start])
        before.append(start)
    found = []
    end = before[count]
    while end > 0:
        found.append(end)
        end = before[end]
    return tuple(reversed(found))


def _kind(levels: Sequence[float], tail: int) -> str:
    if tail == 0:
        return FLAT
    return WARM_UP if min(levels[:tail]) > levels[-1] else SLOWDOWN


def _without_spikes(step_s: Sequence[float]) -> list[float]:
    """Running median of three: a single step that somebody interrupted is no level. The first step stays as it is."""
    inner = [statistics.median(step_s[i - 1 : i + 2]) for i in range(1, len(step_s) - 1)]
    return [step_s[0], *inner, min(step_s[-1], inner[-1])]


def _noise(values: Sequence[float]) -> float:
    """Standard deviation around the level; at least a thousandth of it, so that a perfect series is not cut."""
    steps = [abs(b - a) for a, b in itertools.pairwise(values)]
    return max(_MAD_TO_SD * statistics.median(steps) / math.sqrt(2), 1e-3 * statistics.median(values))


def _cumulated(values: Sequence[float]) -> list[float]:
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    return sums


def _cost(sums: Sequence[float], squares: Sequence[float], start: int, end: int) -> float:
    """Squared error of values[start:end] around their mean."""
    total = sums[end] - sums[start]
    return max(0.0, squares[end] - squares[start] - total * total / (end - start))
