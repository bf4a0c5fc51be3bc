"""Leaks and hidden memory are told from honest noise, by simulation and by planted records."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frameworkbench.analysis.leaks import LEAST_STEPS, growth
from frameworkbench.analysis.memory import flags, memory_facts

MIB = 2**20
PEAK = 400 * MIB


def _white(random: np.random.Generator, steps: int) -> npt.NDArray[np.float64]:
    """Readings that waver by a quarter of a MiB."""
    return PEAK + random.normal(0, MIB / 4, steps)


def _settling(random: np.random.Generator, steps: int) -> npt.NDArray[np.float64]:
    """An allocator that takes 3 MiB more at the beginning and then keeps to that."""
    return PEAK + 3 * MIB * (1 - np.exp(-np.arange(steps) / 20)) + random.normal(0, MIB / 16, steps)


def _jumping(random: np.random.Generator, steps: int) -> npt.NDArray[np.float64]:
    """Pools that open and close: plateaus of random height."""
    return PEAK + np.repeat(random.uniform(0, 8 * MIB, steps // 20 + 1), 20)[:steps]


def _wandering(random: np.random.Generator, steps: int) -> npt.NDArray[np.float64]:
    """A walk of single pages: readings that depend on the one before."""
    return PEAK + np.cumsum(random.choice([-4096, 0, 4096], steps)) * 4


@pytest.mark.parametrize("noise", [_white, _settling, _wandering])
def test_honest_memory_is_not_a_leak(noise: Any) -> None:
    """Twenty honest series of each kind, and not one is called a leak."""
    found = [growth(list(noise(np.random.default_rng(seed), 200)), PEAK) for seed in range(20)]

    assert [seen.leaks for seen in found if seen] == [False] * 20


@pytest.mark.parametrize("noise", [_white, _settling, _wandering])
def test_a_leak_is_found_in_noise(noise: Any) -> None:
    """100 kB a step on top of the same noise are found every time, with their size within a tenth."""
    leak = 100_000 * np.arange(200)
    found = [growth(list(noise(np.random.default_rng(seed), 200) + leak), PEAK) for seed in range(20)]

    assert [seen.leaks for seen in found if seen] == [True] * 20
    assert np.median([seen.slope for seen in found if seen]) == pytest.approx(100_000, rel=0.1)


def test_opening_and_closing_pools_rarely_look_like_a_leak() -> None:
    """Plateaus of random height, the worst honest case, are called a leak in at most one series of twenty."""
    found = [growth(list(_jumping(np.random.default_rng(seed), 200)), PEAK) for seed in range(100)]

    assert sum(seen.leaks for seen in found if seen) <= 5


def test_a_slope_that_noise_explains_is_no_leak() -> None:
    """Wavering by 64 MiB gives slopes above one part in a hundred; with an interval around 0 they are no leak."""
    found = [growth(list(PEAK + np.random.default_rng(seed).normal(0, 64 * MIB, 200)), PEAK) for seed in range(100)]

    assert sum(seen.share > 0.01 for seen in found if seen) > 20
    assert sum(seen.leaks for seen in found if seen) <= 8


def test_growth_that_does_not_matter_is_no_leak() -> None:
    """A steady growth below one part in a hundred of the peak over the series is measured and not flagged."""
    seen = growth([PEAK + 10_000 * step for step in range(200)], PEAK)

    assert seen is not None
    assert (seen.low > 0, seen.leaks) == (True, False)
    assert seen.slope == pytest.approx(10_000)


def test_too_few_steps_say_nothing() -> None:
    """Below the least number of steps there is no answer, not a clean one."""
    leaking = [PEAK + 1_000_000 * step for step in range(LEAST_STEPS)]

    assert growth(leaking[:-1], PEAK) is None
    assert growth(leaking, PEAK) is not None


def test_a_flat_series_has_slope_zero() -> None:
    """Memory that does not move at all is not a leak and needs no interval."""
    seen = growth([PEAK] * 200, PEAK)

    assert seen is not None
    assert (seen.slope, seen.leaks) == (0.0, False)


def _found(**changes: Any) -> dict[str, Any]:
    phase = {"peak_bytes": PEAK, "own_peak_bytes": PEAK, "resident_bytes": PEAK, "children": 0}
    phases = {
        name: {**phase, "tree_pss_bytes": PEAK, "own_pss_bytes": PEAK}
        for name in ("import", "build", "stage", "first_step", "check", "steady")
    }
    series = {"burst": 40, "resident_bytes": [PEAK] * 200, "live_bytes": None}
    base = {"peak_bytes": PEAK, "phases": phases, "series": series, "reset": True, "device": None, "device_note": "n"}
    return {**base, **changes}


def _record(found: dict[str, Any]) -> dict[str, Any]:
    return {"payload": {"memory": found}, "status": "ok"}


@pytest.mark.parametrize(("own", "codes"), [(0.81, []), (0.79, ["MEM_HIDDEN"])])
def test_memory_of_other_processes_is_flagged_above_a_fifth(own: float, codes: list[str]) -> None:
    """Other processes may hold a fifth of the tree in any phase; beyond that the figure is flagged."""
    found = _found()
    found["phases"]["steady"]["own_pss_bytes"] = round(own * PEAK)

    assert [flag.code for flag in flags(found)] == codes


def test_a_leak_of_device_memory_is_flagged() -> None:
    """Live bytes of the framework's allocator go through the same gate as resident memory."""
    found = _found()
    found["series"]["live_bytes"] = [PEAK + 100_000 * step for step in range(200)]

    assert [flag.code for flag in flags(found)] == ["LEAK_MEM"]
    assert "allocator" in flags(found)[0].reason


@pytest.mark.parametrize(
    ("told", "grown", "codes"),
    [(0, 500 * MIB, ["MEM_MODE"]), (0, 10 * MIB, []), (400 * MIB, 500 * MIB, []), (None, 500 * MIB, [])],
)
def test_a_counter_that_stays_at_zero_is_flagged(told: int | None, grown: int, codes: list[str]) -> None:
    """An allocator that reports nothing while the device's count of the process grows cannot be trusted."""
    allocator = None if told is None else {"source": "counter", "live_bytes": told, "peak_bytes": told}
    device = {
        "import": {"footprint_bytes": 400 * MIB, "allocator": None},
        "steady": {"footprint_bytes": 400 * MIB + grown, "allocator": allocator},
    }

    assert [flag.code for flag in flags(_found(device=device))] == codes


def test_the_memory_pass_goes_before_the_speed_process() -> None:
    """Where a cell was weighed the figure is the weighing's and says so; else it is the timed processes' median."""
    timed = [_record({"peak_bytes": value * MIB, "source": "speed process"}) for value in (300, 320, 310)]

    weighed = memory_facts([_record(_found())], timed)
    unweighed = memory_facts([], timed)

    assert weighed is not None
    assert unweighed is not None
    assert (weighed["peak_bytes"], weighed["processes"]) == (PEAK, 1)
    assert weighed["source"] == "peak resident memory of the process tree, memory pass"
    assert weighed["phases"]["steady"]["peak_bytes"] == PEAK
    assert (unweighed["peak_bytes"], unweighed["processes"], unweighed["phases"]) == (310 * MIB, 3, None)
    assert unweighed["source"] == "peak resident memory of a timed process"


def test_no_figure_is_none() -> None:
    """Without any reading there is no memory, rather than zero."""
    assert memory_facts([], []) is None
    assert memory_facts([], [_record({})]) is None
