"""Statistics: known values by hand, and coverage and error rates by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest

from frameworkbench.analysis.statistics import (
    extra_pairs,
    holm,
    holm_levels,
    paired_log_difference,
    process_interval,
)
from frameworkbench.errors import MeasurementError


def test_the_interval_is_a_t_interval_on_logarithms() -> None:
    """Two processes at 100 and 400 give a geometric mean of 200 and the t-interval with one degree of freedom."""
    found = process_interval([100.0, 400.0])
    half = 12.706204736 * math.log(2)  # standard error of the mean of ln 100 and ln 400 is ln 2
    assert found.mean == pytest.approx(200.0)
    assert found.low == pytest.approx(200.0 * math.exp(-half))
    assert found.high == pytest.approx(200.0 * math.exp(half))


def test_one_process_has_no_interval() -> None:
    """A single process is one observation: a mean, and no bounds."""
    found = process_interval([50.0])
    assert (found.mean, found.low, found.high, found.processes) == (pytest.approx(50.0), None, None, 1)


@pytest.mark.parametrize("values", [[], [1.0, 0.0], [1.0, -2.0], [1.0, math.nan], [math.inf]])
def test_impossible_samples_are_errors(values: list[float]) -> None:
    """Nothing, zero, negative and non-finite samples raise instead of becoming a statistic."""
    with pytest.raises(MeasurementError):
        process_interval(values)


@pytest.mark.parametrize("processes", [3, 10])
def test_a_95_percent_interval_covers_95_percent(processes: int) -> None:
    """Over simulated runs with log-normal noise the interval holds the truth in 93 to 97 % of cases."""
    generator = np.random.default_rng(1)
    samples = 1000.0 * np.exp(generator.normal(0.0, 0.05, (3000, processes)))
    inside = 0
    for row in samples:
        found = process_interval(row.tolist())
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= 1000.0 <= found.high
    assert 0.93 <= inside / len(samples) <= 0.97


def test_a_paired_test_finds_no_difference_where_none_is() -> None:
    """With equal truth and a strong drift common to both, at most about 5 % of runs find a difference."""
    generator = np.random.default_rng(2)
    false = 0
    for _ in range(2000):
        drift = np.linspace(0.0, 0.2, 10)
        first, second = np.exp(drift + generator.normal(0.0, 0.02, (2, 10)))
        false += paired_log_difference(first.tolist(), second.tolist()).p_value < 0.05
    assert false / 2000 <= 0.065


def test_a_paired_test_finds_a_planted_gap() -> None:
    """Ten blocks find a true 5 % gap at 2 % process noise in more than 80 % of runs."""
    generator = np.random.default_rng(3)
    noise = np.exp(generator.normal(0.0, 0.02, (500, 2, 10)))
    found = [paired_log_difference((1.05 * a).tolist(), b.tolist()).p_value < 0.05 for a, b in noise]
    assert np.mean(found) > 0.8


def test_equal_pairs_need_no_division() -> None:
    """Identical samples have p = 1; a constant gap without any spread has p = 0."""
    assert paired_log_difference([2.0, 3.0], [2.0, 3.0]).p_value == 1.0
    assert paired_log_difference([4.0, 4.0], [2.0, 2.0]).p_value == 0.0


@pytest.mark.parametrize("pair", [([1.0], [1.0]), ([1.0, 2.0], [1.0])])
def test_pairs_must_match(pair: tuple[list[float], list[float]]) -> None:
    """A single pair and unequal lengths raise."""
    with pytest.raises(MeasurementError):
        paired_log_difference(*pair)


def test_holm_is_the_published_procedure() -> None:
    """The adjusted p-values of a small family are those worked out by hand."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []


def test_holm_levels_agree_with_holm() -> None:
    """A raw p-value is below its level exactly when its adjusted p-value is below 5 %."""
    generator = np.random.default_rng(4)
    for _ in range(300):
        p_values = (generator.random(6) ** 3).tolist()
        by_level = [p < level for p, level in zip(p_values, holm_levels(p_values), strict=True)]
        assert by_level == [p < 0.05 for p in holm(p_values)]


def test_holm_keeps_false_findings_of_a_family_rare() -> None:
    """Five equal frameworks in ten pairs produce a false winner in at most about 5 % of reports."""
    generator = np.random.default_rng(5)
    false = 0
    for _ in range(800):
        rows = np.exp(generator.normal(0.0, 0.02, (5, 10))).tolist()
        p_values = [paired_log_difference(rows[i], rows[j]).p_value for i in range(5) for j in range(i + 1, 5)]
        false += min(holm(p_values)) < 0.05
    assert false / 800 <= 0.065


def test_extra_pairs_shrink_with_precision() -> None:
    """A noisier pair needs more blocks than a quieter one, and hopeless ones give no number."""
    quiet = paired_log_difference([1.02, 1.00, 1.03], [1.0, 1.0, 1.0])
    noisy = paired_log_difference([1.08, 0.97, 1.03], [1.0, 1.0, 1.0])
    few, many = extra_pairs(quiet, 0.03, 0.05), extra_pairs(noisy, 0.03, 0.05)
    assert few is not None
    assert many is not None
    assert few < many
    hopeless = paired_log_difference([9.0, 0.1, 1.0], [1.0, 1.0, 1.0])
    assert extra_pairs(hopeless, 0.001, 0.05) is None
