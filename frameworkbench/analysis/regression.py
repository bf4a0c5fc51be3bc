"""Has a row become slower? Two runs of one machine, one row at a time, by unpaired tests on process means.

The runs were made at different times, so their blocks cannot be paired: Welch's test on the logarithms of the
process means, Holm over the rows. Rows are compared only where everything that was asked for is equal; the
framework's version may differ, for that is usually what is being compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..errors import MeasurementError
from .statistics import holm, holm_levels

REGRESSION = "regression"
SLOWER = "slower, within the limit"
UNCHANGED = "no change shown"
FASTER = "faster, within the limit"
IMPROVEMENT = "improvement"
INCONCLUSIVE = "inconclusive"

# A spread needs two processes on each side.
LEAST_PROCESSES = 2


@dataclass(frozen=True, slots=True)
class WelchDifference:
    """Difference of two means of logarithms: standard error, degrees of freedom, two-sided p-value against zero."""

    mean: float
    error: float
    freedom: float
    p_value: float

    def interval(self, alpha: float) -> tuple[float, float]:
        """The ``1 - alpha`` interval, still on the log scale."""
        half = float(stats.t.isf(alpha / 2, self.freedom)) * self.error if self.error else 0.0
        return self.mean - half, self.mean + half


@dataclass(frozen=True, slots=True)
class RowPair:
    """One row in both runs: samples per second of each process, and what names the row."""

    name: str
    baseline: Sequence[float]
    new: Sequence[float]
    baseline_version: str | None = None
    new_version: str | None = None


@dataclass(frozen=True, slots=True)
class RowChange:
    """What happened to one row; ``ratio`` is the throughput of the new run over that of the baseline.

    ``low`` and ``high`` bound the ratio at the level at which Holm's procedure tests this row (95 % for all rows
    together).
    """

    name: str
    baseline_mean: float
    new_mean: float
    baseline_processes: int
    new_processes: int
    baseline_version: str | None
    new_version: str | None
    ratio: float
    low: float
    high: float
    p_value: float
    verdict: str


def welch_log_difference(first: Sequence[float], second: Sequence[float]) -> WelchDifference:
    """How much larger ``first`` is than ``second``, unpaired, with unequal variances.

    Args:
        first: one positive number per fresh process.
        second: the same for the other side; the numbers of processes may differ.

    Raises:
        MeasurementError: fewer than two values on a side, or a value that is not positive and finite.

    Source:
        Welch 1947 (10.1093/biomet/34.1-2.28), degrees of freedom after Satterthwaite 1946; on logarithms because
        ratios are compared (Kalibera and Jones, arXiv:2007.10899).
    """
    one, other = _logs(first), _logs(second)
    mean = float(np.mean(one) - np.mean(other))
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (one, other)]
    error = math.sqrt(sum(parts))
    if error == 0:
        return WelchDifference(mean, 0.0, float(len(one) + len(other) - 2), 1.0 if mean == 0 else 0.0)
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / (len(one) - 1) + parts[1] ** 2 / (len(other) - 1))
    return WelchDifference(mean, error, freedom, 2 * float(stats.t.sf(abs(mean) / error, freedom)))


def judge_rows(pairs: Sequence[RowPair], fail_over: float) -> list[RowChange]:
    """Compare every row, Holm-adjusted over all of them.

    Args:
        pairs: rows with two or more processes on each side.
        fail_over: slow-down that counts as a regression, as a share of the time per sample (0.05: 5 % longer).

    Raises:
        MeasurementError: a row with fewer than two processes on a side.
    """
    differences = [welch_log_difference(pair.new, pair.baseline) for pair in pairs]
    p_values = [difference.p_value for difference in differences]
    together = zip(pairs, differences, holm(p_values), holm_levels(p_values), strict=True)
    return [_change(pair, difference, fail_over, level, p_value) for pair, difference, p_value, level in together]


def verdict_of(mean: float, low: float, high: float, fail_over: float) -> str:
    """The verdict on one row from its log ratio and the interval of that; the limit is symmetric on the log scale."""
    limit = math.log1p(fail_over)
    if high < 0:
        return REGRESSION if mean < -limit else SLOWER
    if low > 0:
        return IMPROVEMENT if mean > limit else FASTER
    return UNCHANGED if -limit <= low and high <= limit else INCONCLUSIVE


def _change(pair: RowPair, difference: WelchDifference, fail_over: float, level: float, p_value: float) -> RowChange:
    low, high = difference.interval(level)
    return RowChange(
        name=pair.name,
        baseline_mean=float(np.exp(np.mean(_logs(pair.baseline)))),
        new_mean=float(np.exp(np.mean(_logs(pair.new)))),
        baseline_processes=len(pair.baseline),
        new_processes=len(pair.new),
        baseline_version=pair.baseline_version,
        new_version=pair.new_version,
        ratio=math.exp(difference.mean),
        low=math.exp(low),
        high=math.exp(high),
        p_value=p_value,
        verdict=verdict_of(difference.mean, low, high, fail_over),
    )


def _logs(values: Sequence[float]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    array = np.asarray(values, dtype=np.float64).reshape(-1)
    if len(array) < LEAST_PROCESSES or not bool(np.all(np.isfinite(array) & (array > 0))):
        raise MeasurementError(f"expected two or more positive finite numbers; received {list(values)!r}")
    return np.log(array)
