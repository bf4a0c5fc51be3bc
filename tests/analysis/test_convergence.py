"""Convergence bands: how often honest trainings are flagged, what is found, and when nothing is checked.

Rates are simulated through the code that decides; bounds hold with their Clopper-Pearson uncertainty.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from frameworkbench.analysis.convergence import (
    ABOVE,
    BELOW,
    CONVERGENCE,
    FASTER,
    INSIDE,
    LEAST_RUNS,
    NOT_CHECKED,
    Band,
    Training,
    judge,
    limits,
)

TOTAL = 10_000
SEEDS = 3
RUNS = 3000
# Mean accuracy after each epoch, as the convolutional network's, and the deviation over seeds.
CURVE = np.array([0.45, 0.53, 0.57, 0.59, 0.60, 0.61, 0.62, 0.63])
SIGMA = 0.01

Array = npt.NDArray[np.float64]


def trainings(generator: np.random.Generator, count: int, shift: float = 0.0) -> Array:
    """Accuracies ``(count, epochs)`` in whole samples; half of the variance stays with the seed, the rest does not."""
    lasting, passing = generator.normal(0.0, SIGMA / math.sqrt(2), (2, count, len(CURVE)))
    found = CURVE + shift + lasting[:, :1] + passing
    rounded: Array = np.round(found * TOTAL) / TOTAL
    return rounded


def band_of(curves: Array) -> Band:
    """A band of these reference runs."""
    return Band("net", "aa", "bb", tuple(range(len(curves))), tuple(map(tuple, curves.tolist())), TOTAL)


def row_of(curves: Array) -> Training:
    """A row trained on the same workload and data."""
    return Training("real", "aa", "bb", tuple(map(tuple, curves.tolist())))


def verdicts(shift: float, runs: int, seed: int) -> list[str]:
    """Verdicts on rows whose true accuracy is off by so much, each against reference runs of its own."""
    generator = np.random.default_rng(seed)
    pairs = ((trainings(generator, LEAST_RUNS), trainings(generator, SEEDS, shift)) for _ in range(runs))
    return [judge(row_of(row), band_of(reference)).verdict for reference, row in pairs]


def test_limits_are_those_of_the_formula() -> None:
    """Five runs of known mean and deviation give t(4, 0.9995) · s · √(1/5 + 1/3) on both sides."""
    band = band_of(np.array([[0.5], [0.51], [0.52], [0.53], [0.54]]))

    found = limits(band, 1, 3)

    half = 8.6103 * math.sqrt(2.5e-4) * math.sqrt(8 / 15)
    assert found.mean == pytest.approx(0.52)
    assert (found.low, found.high) == pytest.approx((0.52 - half, 0.52 + half), rel=1e-5)


def test_honest_rows_are_rarely_flagged() -> None:
    """Rows of eight epochs that train as the reference does are flagged in well under 1 % of cases."""
    flagged = sum(verdict != INSIDE for verdict in verdicts(0.0, RUNS, seed=1))

    assert stats.binomtest(flagged, RUNS).proportion_ci(0.99, method="exact").high < 0.01


@pytest.fixture(scope="module")
def rates() -> Array:
    """For each of many bands, how often the final mean of honest seeds leaves its limits."""
    generator, spread = np.random.default_rng(2), SIGMA / math.sqrt(SEEDS)
    bands = (band_of(trainings(generator, LEAST_RUNS)) for _ in range(RUNS))
    ends = [(found.low, found.high) for found in (limits(band, len(CURVE), SEEDS) for band in bands)]
    low, high = np.array(ends).T
    found: Array = stats.norm.cdf(low, CURVE[-1], spread) + stats.norm.sf(high, CURVE[-1], spread)
    return found


def test_limits_cover_what_they_promise(rates: Array) -> None:
    """Over all bands the mean of new seeds leaves the final limits about once in a thousand times."""
    assert np.mean(rates) == pytest.approx(0.001, rel=0.6)


def test_an_unlucky_band_is_rare(rates: Array) -> None:
    """A band is made once and used by every run: few draws of five give one that flags more than 1 % of honest rows."""
    assert np.mean(rates > 0.01) < 0.03


@pytest.mark.parametrize(("shift", "verdict"), [(-10 * SIGMA, BELOW), (10 * SIGMA, ABOVE)])
def test_a_planted_difference_is_found(shift: float, verdict: str) -> None:
    """A shortfall or an advantage of ten deviations over seeds is found in nine of ten runs, on the right side."""
    found = verdicts(shift, 400, seed=4)

    assert found.count(verdict) >= 0.9 * len(found)


def test_an_early_rise_is_found() -> None:
    """A row that ends where the reference ends, but is there after two epochs, is flagged with that epoch."""
    generator = np.random.default_rng(5)
    quick = trainings(generator, SEEDS)
    quick[:, 1:] = CURVE[-1]

    found = judge(row_of(quick), band_of(trainings(generator, LEAST_RUNS)))

    assert (found.verdict, found.code) == (FASTER, CONVERGENCE)
    assert found.limits is not None
    assert found.limits.epoch == 2
    assert found.reason.startswith("faster than the reference: after epoch 2 63.00 % against band ")


def test_a_slow_start_is_no_offence() -> None:
    """Earlier epochs are held against the band from above only."""
    generator = np.random.default_rng(6)
    slow = trainings(generator, SEEDS)
    slow[:, :4] = 0.1

    assert judge(row_of(slow), band_of(trainings(generator, LEAST_RUNS))).verdict == INSIDE


def test_a_flag_says_what_was_expected() -> None:
    """The reason of a flag holds the row's figure and the band."""
    reference = np.array([[0.975], [0.976], [0.977], [0.978], [0.979]])

    found = judge(row_of(np.full((3, 1), 0.90)), band_of(reference))

    assert found.code == CONVERGENCE
    assert found.reason == "ends below what the reference reaches: 90.00 % against band 96.71–98.69 %"


def test_equal_runs_leave_room_for_a_sample() -> None:
    """Where all reference runs agree, the limits are a few samples wide, not empty."""
    found = limits(band_of(np.full((5, 1), 0.5)), 1, 3)

    assert 2 / TOTAL < found.high - found.low < 20 / TOTAL


def test_limits_stay_between_nothing_and_all() -> None:
    """No band promises more than every answer right or fewer than none."""
    wide = band_of(np.array([[0.0], [0.5], [1.0], [0.2], [0.9]]))

    found = limits(wide, 1, 1)

    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"data": "synthetic"}, "bands are of real data"),
        ({"curves": ()}, "no full training"),
        ({"workload_sha256": "zz"}, "the band is stale: it was made from another version of the workload file"),
        ({"dataset_fingerprint": "zz"}, "the band is of other data"),
        ({"curves": ((0.1, 0.2),)}, "the band is of trainings of 8 epochs"),
    ],
)
def test_another_training_is_not_checked(change: dict[str, object], reason: str) -> None:
    """A row of other data, another workload file or another length gets no verdict, however far off it is."""
    generator = np.random.default_rng(7)
    row = replace(row_of(trainings(generator, SEEDS, shift=-0.4)), **change)  # type: ignore[arg-type]

    found = judge(row, band_of(trainings(generator, LEAST_RUNS)))

    assert (found.verdict, found.code, found.reason, found.limits) == (NOT_CHECKED, "", reason, None)


def test_nothing_is_checked_without_enough_runs() -> None:
    """Neither a missing band nor one of four runs is used."""
    generator = np.random.default_rng(8)
    row, few = row_of(trainings(generator, SEEDS)), band_of(trainings(generator, 4))

    assert judge(row, None).reason == "no band for this workload"
    assert judge(row, few).reason == "the band has 4 of at least 5 reference runs"
