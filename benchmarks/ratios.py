"""From pairs of windows to a ratio with an interval, and to a verdict.

In each pair the order of the two windows is drawn, so a disturbance is as likely to hit the one as the other:
the log ratio of a pair is spread symmetrically about the true one, whatever the noise looks like. That is all that
the signed-rank interval of Hodges and Lehmann needs. A t-interval on the same log ratios, which heavy tails
widen, stands beside it.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from frameworkbench.analysis.statistics import paired_log_difference

CONFIDENCE = 0.95
MEDIAN_LIMIT = 1.01  # of the ratios of all rows
LOW_LIMIT = 1.03  # of every interval's lower bound
HALF_WIDTH = 0.01  # an interval wider than this on either side resolves nothing


def ratio_of(samples: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Ratio of the first to the second member of the pairs.

    Args:
        samples: positive times (harness, plain), any unit, two pairs or more.

    Returns:
        ``ratio``, ``low``, ``high`` (Hodges-Lehmann; bounds None below six pairs), ``pairs``, ``verdict``, and the
        t-interval as ``t_ratio``, ``t_low``, ``t_high``.

    Source:
        Hollander, Wolfe and Chicken 2014, "Nonparametric Statistical Methods", sections 3.2 and 3.3.
    """
    first, second = [pair[0] for pair in samples], [pair[1] for pair in samples]
    estimate, low, high = signed_rank_interval(np.log(np.divide(first, second)))
    t = paired_log_difference(first, second)
    t_low, t_high = t.interval(1 - CONFIDENCE)
    found: dict[str, Any] = {
        "ratio": _number(estimate),
        "low": _number(low),
        "high": _number(high),
        "pairs": len(samples),
        "t_ratio": _number(t.mean),
        "t_low": _number(t_low),
        "t_high": _number(t_high),
    }
    return {**found, "verdict": verdict(found["ratio"], found["low"], found["high"])}


def signed_rank_interval(values: Sequence[float]) -> tuple[float, float | None, float | None]:
    """Median of all pairwise means, and the two of them between which the true centre lies with 95 % confidence.

    Args:
        values: numbers spread symmetrically about their centre.
    """
    array = np.asarray(values, dtype=np.float64)
    first, second = np.triu_indices(len(array))
    means = np.sort((array[first] + array[second]) / 2)
    rank = _critical_rank(len(array), (1 - CONFIDENCE) / 2)
    if rank == 0:
        return float(np.median(means)), None, None
    return float(np.median(means)), float(means[rank - 1]), float(means[-rank])


def verdict(ratio: float, low: float | None, high: float | None) -> str:
    """``above 3 %`` (the lower bound), ``unresolved`` (too wide), ``above 1 %`` (the ratio), or ``ok``."""
    if low is not None and low > LOW_LIMIT:
        return "above 3 %"
    if low is None or high is None or (high - low) / 2 > HALF_WIDTH:
        return "unresolved"
    return "above 1 %" if ratio > MEDIAN_LIMIT else "ok"


def conclude(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Median ratio and largest lower bound over all rows, and whether both keep their limits."""
    ratios = [row["ratio"] for row in rows]
    lows = [row["low"] for row in rows if row["low"] is not None]
    median, largest = statistics.median(ratios) if ratios else None, max(lows, default=None)
    passed = median is not None and median <= MEDIAN_LIMIT and (largest is None or largest <= LOW_LIMIT)
    return {
        "rows": len(rows),
        "median_ratio": median,
        "largest_low": largest,
        "unresolved": sum(row["verdict"] == "unresolved" for row in rows),
        "passed": passed,
    }


def _critical_rank(count: int, tail: float) -> int:
    """How many values of the signed-rank statistic, from 0, have a probability of at most ``tail`` together."""
    ways = np.zeros(count * (count + 1) // 2 + 1)
    ways[0] = 1.0
    for rank in range(1, count + 1):
        more = ways.copy()
        more[rank:] += ways[:-rank]
        ways = more
    return int(np.searchsorted(np.cumsum(ways) / 2.0**count, tail, side="right"))


def _number(log_ratio: float | None) -> float | None:
    return None if log_ratio is None else round(math.exp(log_ratio), 6)
