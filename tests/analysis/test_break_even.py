"""Break-even steps, spread of processes, and what was left out, on planted numbers."""

from __future__ import annotations

from typing import Any

import pytest

from frameworkbench.analysis.breakeven import break_even, steps_to_overtake
from frameworkbench.analysis.comparison import Entry, rank
from frameworkbench.analysis.spread import excluded, spread
from frameworkbench.analysis.verdicts import Pair


@pytest.mark.parametrize(
    ("late", "late_step", "early", "early_step"),
    [(10.0, 0.1, 1.0, 0.2), (60.0, 0.01, 2.0, 0.013), (1.1, 0.5, 1.0, 9.0)],
)
def test_the_count_is_the_first_step_at_which_it_is_ahead(
    late: float, late_step: float, early: float, early_step: float
) -> None:
    """After so many steps the late starter is done earlier, and one step before it is not."""
    steps = steps_to_overtake(late, late_step, early, early_step)

    assert steps is not None
    assert late + (steps - 1) * late_step < early + (steps - 1) * early_step
    assert late + (steps - 2) * late_step >= early + (steps - 2) * early_step


@pytest.mark.parametrize("times", [(10.0, 0.2, 1.0, 0.1), (10.0, 0.1, 1.0, 0.1), (1.0, 0.1, 2.0, 0.2)])
def test_no_overtaking_without_a_late_start_and_faster_steps(times: tuple[float, float, float, float]) -> None:
    """Later and no faster never overtakes; whoever also starts earlier has nothing to overtake."""
    assert steps_to_overtake(*times) is None


def cell(rate: float, cold: float | None, warm: float | None) -> dict[str, Any]:
    """What break_even reads of a cell."""
    times = {"time_to_first_step_s": cold, "time_to_first_step_warm_s": warm}
    return {"throughput_samples_per_s": {"mean": rate}, "batch_size": 50, **times}


def compared(rate: float) -> Pair:
    """A pair whose first row is faster than 100 samples per second by a factor, without noise to speak of."""
    noise = (1.001, 0.999, 1.002, 0.998)
    first = Entry("a", "a", {(i, 1): rate * wobble for i, wobble in enumerate(noise)})
    second = Entry("b", "b", {(i, 1): 100.0 / wobble for i, wobble in enumerate(noise)})
    (pair,) = rank([first, second], 0.03).pairs
    return pair


def test_break_even_of_a_pair() -> None:
    """Twice as fast from half a second a step: ten seconds later cold is caught up at step 42, warm it starts first."""
    found = break_even(compared(200.0), cell(200.0, 12.0, 1.0), cell(100.0, 2.0, 2.0))

    assert (found.overtaker, found.cold_steps, found.warm_steps) == ("a", 42, None)


def test_no_break_even_between_tied_rows_or_without_times() -> None:
    """A step count from a difference that was not established, or from a time that was not measured, is not given."""
    tied = break_even(compared(100.0), cell(100.0, 12.0, 1.0), cell(100.0, 2.0, 2.0))
    unknown = break_even(compared(200.0), cell(200.0, None, None), cell(100.0, 2.0, 2.0))

    assert tied.to_json() == unknown.to_json() == {"overtaker": None, "cold_steps": None, "warm_steps": None}


def test_spread_of_known_numbers() -> None:
    """Median, percentiles and quartiles are those worked out by hand, and a far value is a severe outlier, kept."""
    found = spread([1.0, 2.0, 3.0, 4.0, 100.0])

    assert (found["median"], found["iqr"]) == (3.0, 2.0)
    assert (found["p5"], found["p95"]) == (pytest.approx(1.2), pytest.approx(80.8))
    assert found["outliers"] == {"mild": 0, "severe": 1}
    assert spread([1.0, 2.0, 3.0, 4.0, 8.0])["outliers"] == {"mild": 1, "severe": 0}


def test_one_process_has_no_spread() -> None:
    """A single process has a median and nothing else, and equal ones have no outliers."""
    assert spread([7.0]) == {"median": 7.0, "p5": None, "p95": None, "iqr": None, "outliers": {"mild": 0, "severe": 0}}
    assert spread([7.0, 7.0, 7.0])["outliers"] == {"mild": 0, "severe": 0}


def test_each_process_left_out_has_its_reason() -> None:
    """Failed, disturbed and torn processes are counted by reason; those in the statistics are not."""
    good, failed, flagged, torn = (
        {"block": block, "attempt": 1, "status": status, "code": code}
        for block, status, code in ((1, "ok", ""), (2, "failed", "TIMEOUT"), (3, "ok", ""), (4, "ok", ""))
    )
    found = excluded([good, failed, flagged, torn], {id(good)}, {(3, 1): ("sentinel 9 % slow",)})

    assert found["processes"] == 3
    assert [one["reason"] for one in found["reasons"]] == [
        "disturbed block: sentinel 9 % slow",
        "its block was not completed, or another attempt at it counts",
        "the process ended failed/TIMEOUT",
    ]
