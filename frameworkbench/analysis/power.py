"""What a number of blocks can show: said before a run, and used to plan one.

A verdict that could hardly have come out "faster" is no finding about the frameworks. So a suite states beforehand
which true difference it finds in four runs out of five, and at which process-to-process deviation; without the
deviation such a claim means nothing.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import optimize, special, stats

from ..errors import MeasurementError

POWER = 0.8
ALPHA = 0.05
# More blocks than this are no plan.
MOST_BLOCKS = 1000

# Beyond e⁵⁰ no ratio of speeds is meant.
_MOST_LOG_RATIO = 50.0
_NODES = 400

Array = npt.NDArray[np.float64]


def power_of(
    ratio: float, blocks: int, deviation: float, pairs: int = 1, *, alpha: float = ALPHA, delta: float = 0.0
) -> float:
    """Chance that rows which truly differ by ``ratio`` get the verdict *faster*, the right way round.

    The test is the one of ``comparison``: a paired t-test on differences of logarithms, each of which has the
    deviation √2 · ``deviation`` when the two processes of a block vary independently. Its level is that of the first
    step of Holm's procedure, ``alpha / pairs``: later steps are easier, so this is a lower bound.

    Args:
        ratio: true ratio of throughputs; below 1 it is turned round.
        blocks: paired blocks, at least 2.
        deviation: standard deviation of the logarithm of one process's throughput (0.02 is 2 %).
        pairs: comparisons in the Holm family; five frameworks make 10.
        alpha: level of the family.
        delta: smallest relative difference that counts; the estimate must lie beyond it too. With 0 this is the
            power of the t-test itself.

    Returns:
        A probability.

    Raises:
        MeasurementError: fewer than two blocks, no pairs, or numbers that are not positive and finite.

    Source:
        Noncentral t-distribution, Johnson, Kotz and Balakrishnan 1995, Continuous Univariate Distributions 2, ch. 31:
        (mean / (s / √n)) has n − 1 degrees of freedom and noncentrality log(ratio) · √n / (√2 · deviation). Here it
        is written as the expectation over s of a normal tail, which holds for ``delta`` > 0 as well.
    """
    _check(blocks, deviation, pairs, alpha, delta)
    if not (math.isfinite(ratio) and ratio > 0):
        raise MeasurementError(f"expected a positive ratio of throughputs; received {ratio!r}")
    return _power(abs(math.log(ratio)), blocks, deviation, pairs, alpha, math.log1p(delta))


def resolvable_ratio(
    blocks: int, deviation: float, pairs: int = 1, power: float = POWER, alpha: float = ALPHA, *, delta: float = 0.0
) -> float:
    """Smallest true ratio above 1 that gets the verdict *faster* with the wanted power; arguments as ``power_of``.

    Raises:
        MeasurementError: as ``power_of``, or a power that is not between 0 and 1.
    """
    _check(blocks, deviation, pairs, alpha, delta)
    _check_power(power)
    limit = math.log1p(delta)

    def missing(log_ratio: float) -> float:
        return _power(log_ratio, blocks, deviation, pairs, alpha, limit) - power

    if missing(_MOST_LOG_RATIO) < 0:
        return math.inf
    return math.exp(optimize.brentq(missing, 0.0, _MOST_LOG_RATIO, xtol=1e-7))


def blocks_needed(
    ratio: float, deviation: float, pairs: int = 1, power: float = POWER, alpha: float = ALPHA, *, delta: float = 0.0
) -> int | None:
    """Fewest blocks with which this true ratio gets the verdict *faster* with the wanted power.

    Args:
        ratio: true ratio of throughputs.
        deviation: as in ``power_of``.
        pairs: as in ``power_of``.
        power: the wanted probability.
        alpha: as in ``power_of``.
        delta: as in ``power_of``; a ratio within it is never *faster*, whatever is measured.

    Returns:
        The number, or None when 1,000 blocks are not enough.

    Raises:
        MeasurementError: as ``power_of``, or a power that is not between 0 and 1.
    """
    _check_power(power)
    if power_of(ratio, MOST_BLOCKS, deviation, pairs, alpha=alpha, delta=delta) < power:
        return None
    too_few, enough = 1, MOST_BLOCKS
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if power_of(ratio, middle, deviation, pairs, alpha=alpha, delta=delta) < power:
            too_few = middle
        else:
            enough = middle
    return enough


def _power(log_ratio: float, blocks: int, deviation: float, pairs: int, alpha: float, limit: float) -> float:
    """P(mean > limit and mean > t · s/√n), where mean is normal and s² an independent scaled chi-square."""
    error = math.sqrt(2 / blocks) * deviation
    quantile = float(stats.t.isf(alpha / pairs / 2, blocks - 1))
    spreads, weights = _spreads(blocks - 1)
    needed = np.maximum(limit, quantile * error * spreads)
    return float(np.sum(weights * special.ndtr((log_ratio - needed) / error)))


@cache
def _spreads(degrees: int) -> tuple[Array, Array]:
    """Gauss-Legendre nodes of s/σ with the weights of its chi density, over all but 1e-12 of the distribution."""
    scale = math.sqrt(degrees)
    low, high = stats.chi.ppf(1e-12, degrees) / scale, stats.chi.isf(1e-12, degrees) / scale
    nodes, weights = _legendre()
    spreads = (high - low) / 2 * nodes + (high + low) / 2
    return spreads, weights * (high - low) / 2 * stats.chi.pdf(spreads * scale, degrees) * scale


@cache
def _legendre() -> tuple[Array, Array]:
    return np.polynomial.legendre.leggauss(_NODES)


def _check(blocks: int, deviation: float, pairs: int, alpha: float, delta: float) -> None:
    if blocks < 2:
        raise MeasurementError(f"a paired test needs two or more blocks; received {blocks}")
    if not (math.isfinite(deviation) and deviation > 0):
        raise MeasurementError(f"expected a positive process-to-process deviation such as 0.02; received {deviation!r}")
    if pairs < 1 or not 0 < alpha < 1 or not (math.isfinite(delta) and delta >= 0):
        raise MeasurementError(
            f"expected pairs ≥ 1, alpha between 0 and 1, delta ≥ 0; received {pairs!r}, {alpha!r}, {delta!r}"
        )


def _check_power(power: float) -> None:
    if not 0 < power < 1:
        raise MeasurementError(f"expected a power between 0 and 1; received {power!r}")
