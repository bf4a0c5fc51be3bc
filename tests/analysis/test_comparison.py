"""Verdicts and tiers on planted rows."""

from __future__ import annotations

import math

import pytest

from frameworkbench.analysis.comparison import DISAGREE, FASTER, INCONCLUSIVE, SMALL, TIED, Entry, decide, rank
from frameworkbench.analysis.sentences import verdict_phrase
from frameworkbench.analysis.statistics import LogDifference, hodges_lehmann, paired_log_difference

# Fixed process noise per block, different for two rows, a few tenths of a percent.
NOISE = {"a": (0.001, -0.002, 0.002, -0.001, 0.003, -0.003), "b": (-0.002, 0.001, 0.003, -0.003, 0.001, 0.0)}


def entry(name: str, rate: float, noise: str = "a", scale: float = 1.0) -> Entry:
    """A row with six blocks around a rate."""
    return Entry(name, name, {(i, 1): rate * (1 + scale * n) for i, n in enumerate(NOISE[noise], 1)})


@pytest.mark.parametrize(
    ("rate", "scale", "verdict"),
    [(110.0, 1.0, FASTER), (101.5, 1.0, SMALL), (100.1, 1.0, TIED), (104.0, 20.0, INCONCLUSIVE)],
)
def test_four_verdicts(rate: float, scale: float, verdict: str) -> None:
    """Planted gaps and noise give each of the four verdicts, whichever row comes first."""
    rows = [entry("x", rate, "a", scale), entry("y", 100.0, "b", scale)]
    for order in (rows, rows[::-1]):
        (pair,) = rank(order, 0.03).pairs
        assert pair.verdict == verdict
        assert pair.ratio >= 1


def test_an_undecided_pair_says_how_many_blocks_are_missing() -> None:
    """Inconclusive comes with the number of further blocks, decided verdicts without."""
    (open_pair,) = rank([entry("x", 104.0, "a", 20.0), entry("y", 100.0, "b", 20.0)], 0.03).pairs
    (closed,) = rank([entry("x", 110.0), entry("y", 100.0, "b")], 0.03).pairs
    assert open_pair.extra_blocks
    assert closed.extra_blocks is None


def test_ties_share_a_rank_and_no_rank_is_skipped() -> None:
    """Two tied leaders are both first, the slower row is second, and no winner is named."""
    found = rank([entry("slow", 80.0), entry("x", 100.0), entry("y", 100.1, "b")], 0.03)
    assert found.ranks == {"x": 1, "y": 1, "slow": 2}
    assert "No single winner: y and x share the first place; they are practically tied (within ±3 %)" in found.sentence
    assert "Behind them: slow." in found.sentence


def test_a_winner_is_named_with_ratio_interval_and_closest_rival() -> None:
    """A sole leader is named against its closest rival with an interval."""
    found = rank([entry("x", 120.0), entry("y", 100.0, "b"), entry("z", 50.0, "b")], 0.03)
    assert found.sentence.startswith("x is the fastest main mode: 1.2000× (1.1966–1.2034×)")
    assert "the throughput of y, 95 % confidence." in found.sentence
    assert found.ranks == {"x": 1, "y": 2, "z": 3}


def test_rows_with_one_block_are_left_out() -> None:
    """One block is no evidence: such a row gets no rank, and without two rows there is no winner."""
    found = rank([entry("x", 120.0), Entry("y", "y", {(1, 1): 10.0})], 0.03)
    assert found.ranks == {}
    assert found.pairs == ()
    assert found.sentence.startswith("No winner is named")
    assert rank([], 0.03).sentence.startswith("No winner is named")


def test_only_shared_blocks_are_paired() -> None:
    """A drift that hits blocks which only one row ran does not enter the ratio."""
    drifted = {**entry("x", 100.0).throughput, (7, 1): 1.0, (8, 1): 1.0}
    (pair,) = rank([Entry("x", "x", drifted), entry("y", 100.0, "b")], 0.03).pairs
    assert pair.blocks == 6
    assert pair.verdict == TIED


def test_a_mean_that_its_median_denies_decides_nothing() -> None:
    """A few fast blocks make a mean "faster" at a generous level while most blocks say the opposite: inconclusive."""
    first = [0.99] * 7 + [1.25] * 3
    difference = paired_log_difference(first, [1.0] * 10)
    assert decide(difference, hodges_lehmann(first, [1.0] * 10), 0.03, 0.2) == (INCONCLUSIVE, DISAGREE)
    assert decide(difference, difference.mean, 0.03, 0.2) == (FASTER, "")


@pytest.mark.parametrize(
    ("mean", "median", "verdict"),
    [(0.05, 0.001, FASTER), (0.05, -0.001, INCONCLUSIVE), (0.01, 0.02, SMALL), (0.01, -0.02, INCONCLUSIVE)],
)
def test_mean_and_median_must_point_the_same_way(mean: float, median: float, verdict: str) -> None:
    """A significant mean is believed only when the median lies on the same side of no difference."""
    assert decide(LogDifference(mean, 0.001, 10, 1e-6), median, 0.03, 0.05)[0] == verdict


def test_a_tie_needs_the_median_too() -> None:
    """An interval within delta is a tie only if the median is within delta as well."""
    assert decide(LogDifference(0.0, 0.001, 10, 1.0), 0.02, 0.03, 0.05)[0] == TIED
    assert decide(LogDifference(0.0, 0.001, 10, 1.0), 0.04, 0.03, 0.05) == (INCONCLUSIVE, DISAGREE)


def test_hodges_lehmann_ignores_a_few_wild_blocks() -> None:
    """Two absurd blocks of ten move the mean by far and the median estimate hardly."""
    ones = [1.0] * 10
    wild = [1.01] * 8 + [50.0, 80.0]
    assert math.exp(hodges_lehmann(wild, ones)) == pytest.approx(1.01)
    assert math.exp(hodges_lehmann([1.0, 4.0], [1.0, 1.0])) == pytest.approx(2.0)


def test_many_missing_blocks_are_said_as_a_number() -> None:
    """A hard case says "inconclusive, needs n more blocks", a hopeless one that no plan is enough."""
    hard = [entry("x", 101.5, "a", 20.0), entry("y", 100.0, "b", 20.0)]
    (pair,) = rank(hard, 0.03).pairs
    assert pair.extra_blocks is not None
    assert pair.extra_blocks > 40
    assert str(verdict_phrase(pair.verdict, pair.reason, pair.extra_blocks)) == (
        f"inconclusive, needs {pair.extra_blocks} more blocks"
    )
    assert f"Inconclusive, needs {pair.extra_blocks} more blocks." in rank(hard, 0.03).sentence
    assert str(verdict_phrase(INCONCLUSIVE, "", None)) == "inconclusive, needs more than 1,000 further blocks"
