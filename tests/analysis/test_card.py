"""Figures of a card over the timed processes of a cell."""

from __future__ import annotations

from typing import Any

import pytest

from frameworkbench.analysis.card import card_facts

SECOND = 1_000_000_000


def _record(power_w: float, energy: dict[str, Any] | None = None, **facts: Any) -> Any:
    """A speed record with one window of 100 steps."""
    spread = {"least": power_w - 10, "mean": power_w, "most": power_w + 10}
    card = {
        "sm_mhz": {"least": 1700, "mean": 1800, "most": 1900},
        "temperature_c": {"least": 50, "mean": 60, "most": power_w / 10},
        "power_w": spread,
        "utilisation": None,
        "reasons": {"software power cap": 0.5},
        "process_peak_bytes": int(power_w) * 2**20,
        "rate_hz": 19.5,
        "flags": [],
        "energy": [energy or {"not_measured": "the window of 2.0 s is shorter than 30 s"}],
        **facts,
    }
    return {"payload": {"windows": [{"steps": 100, "start_ns": 0, "stop_ns": 40 * SECOND}], "card": card}}


def test_figures_over_processes() -> None:
    """Means of means, the highest temperature, the largest footprint; a figure that is nowhere is None."""
    found = card_facts([_record(400.0), _record(500.0, reasons={}, flags=["x"])], 64)

    assert found is not None
    assert (found["processes"], found["power_w"], found["sm_mhz"]) == (2, 450.0, 1800.0)
    assert (found["temperature_c"], found["utilisation"]) == (50.0, None)
    assert found["process_peak_bytes"] == 500 * 2**20
    assert found["reasons"] == {"software power cap": 0.25}
    assert found["flagged_processes"] == 1
    assert "shorter than 30 s" in found["energy"]["not_measured"]


def test_energy_per_sample() -> None:
    """Joules of long windows are divided by their samples; a window that was too short counts in no mean."""
    long = {"energy_j": 12_800.0, "above_idle_j": 6_400.0, "note": "allowance"}

    found = card_facts([_record(400.0, long), _record(400.0, long), _record(400.0)], 64)

    assert found is not None
    assert found["energy"]["joules_per_sample"] == pytest.approx(2.0)
    assert found["energy"]["joules_per_sample_above_idle"] == pytest.approx(1.0)
    assert (found["energy"]["windows"], found["energy"]["note"]) == (2, "allowance")


def test_energy_above_idle_needs_the_idle_power() -> None:
    """Where the idle power is unknown in one window, only the whole is given."""
    found = card_facts([_record(400.0, {"energy_j": 6_400.0, "above_idle_j": None, "note": "n"})], 64)

    assert found is not None
    assert found["energy"]["joules_per_sample"] == pytest.approx(1.0)
    assert found["energy"]["joules_per_sample_above_idle"] is None


def test_no_card_no_figures() -> None:
    """Records of a CPU run, and those of before there were readings, give nothing."""
    assert card_facts([], 64) is None
    assert card_facts([{"payload": {"windows": []}}], 64) is None  # type: ignore[typeddict-item]
