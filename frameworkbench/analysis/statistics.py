"""Intervals, paired ratios and the correction for many comparisons, each with its source.

Samples are one number per fresh process. Everything works on logarithms: ratios of speeds are what
readers compare, and a ratio must not depend on which of the two is called first.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from ..errors import MeasurementError

Vector = npt.NDArray[np.float64]

CONFIDENCE = 0.95
# Beyond this many extra pairs, "measure more" is no advice.
_MOST_PAIRS = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """A geometric mean over processes and its confidence interval; without one for a single process."""

    mean: float
    low: float | None
    high: float | None
    processes: int


@dataclass(frozen=True, slots=True)
class LogDifference:
    """Paired differences of logarithms: their mean, standard error, number, and two-sided p-value against zero."""

    mean: float
    error: float
    pairs: int
    p_value: float

    def interval(self, alpha: float) -> tuple[float, float]:
        """The ``1 - alpha`` interval of the mean difference, still on the log scale."""
        half = _t_quantile(alpha, self.pairs) * self.error
        return self.mean - half, self.mean + half


def process_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Geometric mean of one number per process, with a t-interval on the logarithms.

    Args:
        values: one positive number per fresh process.
        confidence: coverage of the interval.

    Raises:
        MeasurementError: no values, or a value that is not positive and finite.

    Source:
        Georges, Buytaert and Eeckhout 2007, section 3.2 (t-interval over process means; 10.1145/1297027.1297033).
    """
    logs = log_values(values)
    mean = _mean(logs)
    if len(logs) == 1:
        return Interval(math.exp(mean), None, None, 1)
    half = _t_quantile(1 - confidence, len(logs)) * _standard_error(logs)
    return Interval(math.exp(mean), math.exp(mean - half), math.exp(mean + half), len(logs))


def paired_log_difference(first: Sequence[float], second: Sequence[float]) -> LogDifference:
    """How much larger ``first`` is than ``second``, pair by pair, with a paired t-test.

    Args:
        first: one positive number per block.
        second: the same blocks in the same order.

    Raises:
        MeasurementError: unequal lengths, fewer than two pairs, or a value that is not positive and finite.

    Source:
        Student 1908; pairing within blocks removes drift (Kalibera and Jones, arXiv:2007.10899, section 7).
    """
    if len(first) != len(second) or len(first) < 2:
        raise MeasurementError(f"a paired test needs two or more pairs; received {len(first)} and {len(second)} values")
    return mean_difference(log_values(first) - log_values(second))


def mean_difference(differences: Vector) -> LogDifference:
    """``paired_log_difference`` of differences of logarithms, two or more of them."""
    mean, error, pairs = _mean(differences), _standard_error(differences), len(differences)
    if error == 0:
        return LogDifference(mean, 0.0, pairs, 1.0 if mean == 0 else 0.0)
    p_value = 2 * float(special.stdtr(pairs - 1, -(abs(mean) / error)))
    return LogDifference(mean, error, pairs, p_value)


def hodges_lehmann(first: Sequence[float], second: Sequence[float]) -> float:
    """How much larger ``first`` is than ``second`` by medians: the middle of all means of two log differences.

    The second opinion on a mean: up to 29 % of the blocks may be arbitrarily wrong before it follows them, and on
    normal noise it is nearly as precise (95 %; the plain median has 64 %).

    Args:
        first: one positive number per block.
        second: the same blocks in the same order.

    Returns:
        The pseudo-median of the paired differences of logarithms.

    Raises:
        MeasurementError: unequal lengths, no pairs, or a value that is not positive and finite.

    Source:
        Hodges and Lehmann 1963, Ann. Math. Statist. 34, 598-611 (estimate of the Wilcoxon signed-rank test).
    """
    if len(first) != len(second):
        raise MeasurementError(f"expected pairs; received {len(first)} and {len(second)} values")
    return pseudo_median(log_values(first) - log_values(second))


def pseudo_median(differences: Vector) -> float:
    """``hodges_lehmann`` of differences of logarithms, one or more of them."""
    upper = _upper(len(differences))
    means = np.sort((differences[upper[0]] + differences[upper[1]]) / 2)
    half = len(means) // 2
    return float(means[half] if len(means) % 2 else (means[half - 1] + means[half]) / 2)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values that keep the chance of any false finding in the family below the level.

    Source:
        Holm 1979, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6, 65-70.
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for position, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - position) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def holm_levels(p_values: Sequence[float], alpha: float = 1 - CONFIDENCE) -> list[float]:
    """For each member of the family the level whose interval excludes zero exactly when Holm rejects.

    The k-th smallest p-value is tested at ``alpha / (m - k)`` (k from 0). Once one is not rejected, all
    larger ones keep its level.

    Source:
        Holm 1979; intervals at the stepwise levels after Ludbrook 2000 (10.1046/j.1440-1681.2000.03223.x).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    levels = [alpha] * len(p_values)
    stopped: float | None = None
    for position, index in enumerate(order):
        level = alpha / (len(p_values) - position) if stopped is None else stopped
        levels[index] = level
        if stopped is None and p_values[index] >= level:
            stopped = level
    return levels


def extra_pairs(difference: LogDifference, limit: float, alpha: float) -> int | None:
    """Pairs to add until the interval would exclude zero or fit inside ``±limit``, if mean and spread stay.

    Args:
        difference: what was measured so far.
        limit: practical equivalence on the log scale.
        alpha: level of the interval.

    Returns:
        The number of further pairs, or None when it exceeds 1,000.
    """
    return pairs_for_half_width(difference, max(abs(difference.mean), limit - abs(difference.mean)), alpha)


def pairs_for_half_width(difference: LogDifference, half_width: float, alpha: float) -> int | None:
    """Pairs to add until the ``1 - alpha`` interval is narrower than ``±half_width``, if the spread stays.

    Returns:
        The number of further pairs (0: it already is), or None when more than 1,000 pairs in all would be needed.
    """
    deviation = difference.error * math.sqrt(difference.pairs)
    candidates = range(difference.pairs, max(difference.pairs, _MOST_PAIRS) + 1)

    def narrow(pairs: int) -> bool:
        return _t_quantile(alpha, pairs) * deviation / math.sqrt(pairs) < half_width

    found = bisect_left(candidates, True, key=narrow)
    return found if found < len(candidates) else None


def log_values(values: Sequence[float]) -> Vector:
    """Logarithms of one positive number per process.

    Raises:
        MeasurementError: no values, or a value that is not positive and finite.
    """
    if not len(values) or not all(0.0 < value < math.inf for value in values):
        raise MeasurementError(f"expected positive finite numbers, one per process; received {list(values)!r}")
    return np.log(np.asarray(values, dtype=np.float64))


def _mean(values: Vector) -> float:
    """``np.mean`` without its checks, which take longer than the sum of ten numbers."""
    return float(np.add.reduce(values) / len(values))


def _standard_error(values: Vector) -> float:
    """``np.std`` with n − 1, over √n."""
    apart = values - _mean(values)
    return math.sqrt(np.add.reduce(apart * apart) / (len(values) - 1)) / math.sqrt(len(values))


@lru_cache(maxsize=256)
def _upper(count: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """All pairs of places, each place with itself too."""
    first, second = np.triu_indices(count)
    return first, second


@lru_cache(maxsize=65536)
def _t_quantile(alpha: float, count: int) -> float:
    return -float(special.stdtrit(count - 1, alpha / 2))
