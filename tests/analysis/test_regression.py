"""The regression gate's statistics, against published values, against scipy and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from frameworkbench.analysis.regression import (
    FASTER,
    IMPROVEMENT,
    INCONCLUSIVE,
    REGRESSION,
    SLOWER,
    UNCHANGED,
    RowPair,
    judge_rows,
    verdict_of,
    welch_log_difference,
)
from frameworkbench.errors import MeasurementError


def test_welch_agrees_with_scipy() -> None:
    """Mean, p-value, degrees of freedom and interval are those of scipy's test with unequal variances."""
    generator = np.random.default_rng(0)
    one, other = generator.lognormal(0.1, 0.05, 9), generator.lognormal(0, 0.01, 5)

    found = welch_log_difference(one.tolist(), other.tolist())

    expected = stats.ttest_ind(np.log(one), np.log(other), equal_var=False)
    assert found.mean == pytest.approx(np.log(one).mean() - np.log(other).mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.freedom == pytest.approx(expected.df)
    assert found.interval(0.05) == pytest.approx(tuple(expected.confidence_interval(0.95)))


def test_the_interval_covers() -> None:
    """Of 2,000 pairs of runs with unequal spreads and sizes, the 95 % interval covers the truth in 93 to 97 %."""
    generator = np.random.default_rng(1)
    truth, inside = math.log(0.95), 0
    for _ in range(2000):
        new = generator.lognormal(truth, 0.03, 5)
        old = generator.lognormal(0, 0.01, 10)
        low, high = welch_log_difference(new.tolist(), old.tolist()).interval(0.05)
        inside += low <= truth <= high

    assert 0.93 <= inside / 2000 <= 0.97


def test_false_regressions_stay_rare_over_many_rows() -> None:
    """In 500 pairs of runs of eight unchanged rows, at most 6 % report any change at all."""
    generator = np.random.default_rng(2)
    wrong = 0
    for _ in range(500):
        pairs = [
            RowPair(str(row), generator.lognormal(0, 0.02, 5).tolist(), generator.lognormal(0, 0.02, 5).tolist())
            for row in range(8)
        ]
        wrong += any(change.verdict not in (UNCHANGED, INCONCLUSIVE) for change in judge_rows(pairs, 0.05))

    assert wrong / 500 <= 0.06


def test_a_real_slow_down_is_found() -> None:
    """A slow-down of 15 % at 2 % deviation between processes is found with 5 processes in at least 95 of 100 runs."""
    generator = np.random.default_rng(3)
    found = 0
    for _ in range(100):
        old, new = generator.lognormal(0, 0.02, 5), generator.lognormal(-math.log(1.15), 0.02, 5)
        found += judge_rows([RowPair("row", old.tolist(), new.tolist())], 0.05)[0].verdict == REGRESSION

    assert found >= 95


@pytest.mark.parametrize(
    ("ratio", "half", "verdict"),
    [
        (0.90, 0.02, REGRESSION),
        (0.97, 0.01, SLOWER),
        (1.00, 0.02, UNCHANGED),
        (1.00, 0.20, INCONCLUSIVE),
        (0.90, 0.20, INCONCLUSIVE),
        (1.03, 0.01, FASTER),
        (1.20, 0.02, IMPROVEMENT),
    ],
)
def test_verdicts(ratio: float, half: float, verdict: str) -> None:
    """A regression needs both: an interval that excludes 1 and an estimate beyond the limit."""
    mean = math.log(ratio)

    assert verdict_of(mean, mean - half, mean + half, 0.05) == verdict


def test_the_limit_is_on_the_time() -> None:
    """5 % means 5 % more time per sample: a throughput of 1/1.06 is beyond it, of 1/1.04 is not."""
    for slow_down, verdict in ((1.06, REGRESSION), (1.04, SLOWER)):
        mean = -math.log(slow_down)
        assert verdict_of(mean, mean - 0.001, mean + 0.001, 0.05) == verdict


def test_one_process_is_no_evidence() -> None:
    """A single process on either side has no spread and is refused."""
    with pytest.raises(MeasurementError, match="two or more"):
        welch_log_difference([1.0], [1.0, 2.0])


def test_identical_values_do_not_divide_by_zero() -> None:
    """Without any spread equal means are unchanged and different ones are certain."""
    same, slower = judge_rows([RowPair("a", [2.0, 2.0], [2.0, 2.0]), RowPair("b", [2.0, 2.0], [1.0, 1.0])], 0.05)

    assert (same.verdict, slower.verdict) == (UNCHANGED, REGRESSION)
