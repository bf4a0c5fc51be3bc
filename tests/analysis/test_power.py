"""What a number of blocks can show: against the textbook distribution and against the decisions themselves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from frameworkbench.analysis.comparison import FASTER, Entry, rank
from frameworkbench.analysis.power import blocks_needed, power_of, resolvable_ratio
from frameworkbench.errors import MeasurementError


@pytest.mark.parametrize("pairs", [1, 10])
@pytest.mark.parametrize(("ratio", "blocks", "deviation"), [(1.05, 10, 0.02), (1.03, 20, 0.02), (1.2, 3, 0.05)])
def test_without_delta_it_is_the_noncentral_t(ratio: float, blocks: int, deviation: float, pairs: int) -> None:
    """The power of the t-test alone is the upper tail of SciPy's noncentral t-distribution."""
    shift = math.log(ratio) * math.sqrt(blocks / 2) / deviation
    limit = stats.t.isf(0.05 / pairs / 2, blocks - 1)

    assert power_of(ratio, blocks, deviation, pairs) == pytest.approx(stats.nct.sf(limit, blocks - 1, shift), abs=1e-6)


@pytest.mark.parametrize(("ratio", "blocks", "delta"), [(1.05, 10, 0.03), (1.04, 10, 0.03), (1.15, 3, 0.10)])
def test_it_predicts_the_decisions(ratio: float, blocks: int, delta: float) -> None:
    """Over simulated pairs of rows the share of right "faster" verdicts of rank() is the promised power."""
    generator = np.random.default_rng(11)
    runs = 1500
    noise = np.exp(generator.normal(0.0, 0.02, (runs, 2, blocks)))
    found = 0
    for first, second in noise:
        rows = [
            Entry("a", "a", {(i, 1): ratio * value for i, value in enumerate(first.tolist())}),
            Entry("b", "b", {(i, 1): value for i, value in enumerate(second.tolist())}),
        ]
        (pair,) = rank(rows, delta).pairs
        found += pair.verdict == FASTER and pair.first == "a"
    expected = power_of(ratio, blocks, 0.02, delta=delta)

    assert found / runs == pytest.approx(expected, abs=4 * math.sqrt(expected * (1 - expected) / runs) + 0.002)


@pytest.mark.parametrize("pairs", [1, 3, 10])
@pytest.mark.parametrize("delta", [0.0, 0.03])
def test_the_three_answers_agree(pairs: int, delta: float) -> None:
    """The resolvable ratio has just the wanted power, and needs just the blocks that it was asked for."""
    ratio = resolvable_ratio(10, 0.02, pairs, delta=delta)

    assert power_of(ratio, 10, 0.02, pairs, delta=delta) == pytest.approx(0.8, abs=1e-4)
    assert blocks_needed(ratio * 1.0001, 0.02, pairs, delta=delta) == 10
    assert blocks_needed(1 / (ratio * 1.0001), 0.02, pairs, delta=delta) == 10


def test_more_noise_and_more_pairs_need_more_blocks() -> None:
    """Each of the two makes a difference harder to find; a wider gap makes it easier."""
    plain = blocks_needed(1.05, 0.02)
    noisy, many, wide = blocks_needed(1.05, 0.05), blocks_needed(1.05, 0.02, 10), blocks_needed(1.2, 0.02)

    assert plain is not None
    assert noisy is not None
    assert many is not None
    assert wide is not None
    assert wide < plain < many < noisy


def test_what_cannot_be_resolved_has_no_number() -> None:
    """A ratio within delta is never "faster", and a tiny one in much noise needs more blocks than anyone plans."""
    assert blocks_needed(1.02, 0.02, delta=0.03) is None
    assert blocks_needed(1.001, 0.10) is None
    assert resolvable_ratio(2, 10.0, 10) == math.inf


@pytest.mark.parametrize(
    "arguments",
    [(1.05, 1, 0.02), (1.05, 10, 0.0), (1.05, 10, math.nan), (0.0, 10, 0.02), (1.05, 10, 0.02, 0)],
)
def test_impossible_plans_are_errors(arguments: tuple[float, int, float]) -> None:
    """One block, no noise at all, no ratio and no pairs raise instead of becoming a promise."""
    with pytest.raises(MeasurementError, match="received"):
        power_of(*arguments)


@pytest.mark.parametrize("power", [0.0, 1.0, 80.0])
def test_power_is_a_probability(power: float) -> None:
    """A wanted power outside (0, 1), such as a percentage, raises."""
    with pytest.raises(MeasurementError, match="power"):
        blocks_needed(1.05, 0.02, power=power)
    with pytest.raises(MeasurementError, match="power"):
        resolvable_ratio(10, 0.02, power=power)
