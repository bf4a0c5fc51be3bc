"""Cards watched from outside: readings, rate, owners of processes, gates and energy, on scripted cards."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import pytest

from frameworkbench.device import energy, gates
from frameworkbench.device.nvml import Nvml, Process, Reading, open_nvml
from frameworkbench.device.owners import Family, Owners, owners
from frameworkbench.device.sampler import LOWEST_RATE_HZ, Sampler, rate_hz, sample
from frameworkbench.device.summary import summarise

from .fake_nvml import Card, FakeNvml

OWN, STRANGER = 4001, 999
SECOND = 1_000_000_000
WINDOW = [(1 * SECOND, 3 * SECOND)]


def _reading(at_s: float, **changes: Any) -> Reading:
    """A busy card with the worker alone on it."""
    usual = Reading(
        round(at_s * SECOND), 1900, 60, 500.0, 0x4, 95, 500.0 * at_s, (Process(OWN, 10 * 2**30),), frozenset()
    )
    return replace(usual, **changes)


def _run(count: int = 80, **changes: Any) -> list[Reading]:
    """Readings every 50 ms over four seconds."""
    return [_reading(0.05 * number, **changes) for number in range(count)]


def _mine(pid: int) -> bool:
    return pid == OWN


def _judge(readings: list[Reading]) -> gates.Verdict:
    return gates.judge(readings, WINDOW, owners(readings, _mine))


def test_a_quiet_busy_card_passes() -> None:
    """Full use, the software power cap and the worker alone on its card: no objection."""
    assert _judge(_run()) == gates.Verdict()


@pytest.mark.parametrize(
    ("bit", "word"),
    [(0x8, "hardware slow"), (0x20, "software thermal"), (0x40, "hardware therm"), (0x80, "power brake")],
)
def test_a_slowdown_inside_a_window_is_flagged(bit: int, word: str) -> None:
    """One reading with a slowdown or thermal bit inside a window flags the block and names the reason."""
    readings = _run()
    readings[40] = _reading(2.0, reasons=bit)

    verdict = _judge(readings)

    assert (verdict.code, len(verdict.flags)) == ("", 1)
    assert word in verdict.flags[0]


def test_a_slowdown_outside_windows_is_not_flagged() -> None:
    """What happens while nothing is timed disturbs nothing."""
    readings = _run()
    readings[5] = _reading(0.25, reasons=0x8)

    assert _judge(readings).flags == ()


def test_another_process_on_the_card_is_flagged() -> None:
    """A compute process that is not the worker's flags the block, however short it was there."""
    readings = _run()
    readings[30] = _reading(1.5, processes=(Process(OWN, 2**30), Process(STRANGER, 2**30)))

    assert "1 other compute process" in _judge(readings).flags[0]


def test_an_idle_card_is_a_fallback() -> None:
    """Asked for the card and utilisation 0 all through the windows: the work ran elsewhere."""
    assert _judge(_run(utilisation=0)).code == "FALLBACK"
    assert _judge([*_run(60, utilisation=0), _reading(3.5)]).code == ""


def test_utilisation_that_cannot_be_read_accuses_nobody() -> None:
    """Without the figure, or with too few readings of it, there is no verdict of a fallback."""
    assert _judge(_run(utilisation=None)).code == ""
    assert _judge(_run(24, utilisation=0)).code == ""


def test_a_second_card_is_a_resource_violation() -> None:
    """The worker on a card that it was not given is invalid; a stranger there is none of our business."""
    assert _judge([*_run(), _reading(4.0, elsewhere=frozenset({OWN}))]).code == "RESOURCE"
    assert _judge([*_run(), _reading(4.0, elsewhere=frozenset({STRANGER}))]).code == ""


def test_a_card_used_by_a_cpu_cell() -> None:
    """A worker that was to use the CPU and is seen on any card is invalid; others' processes are not its own."""
    assert gates.judge_cpu([frozenset(), frozenset({OWN, STRANGER})], frozenset({OWN})).code == "RESOURCE"
    assert gates.judge_cpu([frozenset({STRANGER})], frozenset()) == gates.Verdict()


def test_owners_in_a_container() -> None:
    """Where ids are another namespace's, the one process that came with the worker counts as it, others as foreign."""
    before = _reading(0.0, processes=(Process(STRANGER, 1),))
    during = _reading(1.0, processes=(Process(STRANGER, 1), Process(31337, 2)))

    found = owners([before, during], lambda pid: False)

    assert found == Owners(frozenset({31337}), frozenset({STRANGER}), by_number=False)


def test_several_unknown_newcomers_are_all_foreign() -> None:
    """Two new processes cannot both be taken for the worker: neither is."""
    before, during = _reading(0.0, processes=()), _reading(1.0, processes=(Process(7, 1), Process(8, 1)))

    found = owners([before, during], lambda pid: False)

    assert found == Owners(frozenset(), frozenset({7, 8}), by_number=False)


def test_processes_that_cannot_be_listed() -> None:
    """Without a list there are no owners, no neighbour is claimed, and memory is not measured."""
    readings = _run(processes=None)

    assert owners(readings, _mine) is None
    assert _judge(readings) == gates.Verdict()
    assert summarise(readings, WINDOW, None)["process_peak_bytes"] is None


def test_a_family_knows_its_children() -> None:
    """A child process belongs to the family, also after its end; process 1 and the parent do not."""
    family = Family()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        alive = family.has(child.pid)
    finally:
        child.communicate()

    assert alive
    assert family.has(child.pid)
    assert not Family().has(child.pid)
    assert not family.has(1)
    assert not family.has(os.getppid())


class _FakeTime:
    """A clock that readings and pauses move."""

    def __init__(self, reading_s: float) -> None:
        self.now_ns, self.reading_s = 0, reading_s

    def clock(self) -> int:
        return self.now_ns

    def read(self, at_ns: int) -> Reading:
        self.now_ns += round(self.reading_s * SECOND)
        return Reading(at_ns)

    def wait(self, seconds: float) -> bool:
        self.now_ns += round(seconds * SECOND)
        return self.now_ns > 10 * SECOND


@pytest.mark.parametrize("reading_s", [0.0, 0.004, 0.03, 0.08])
def test_the_rate_does_not_suffer_from_slow_readings(reading_s: float) -> None:
    """At 20 Hz nominal the rate stays at or above 10 Hz even with readings of 80 ms, and never above 20."""
    fake, readings = _FakeTime(reading_s), list[Reading]()

    sample(fake.read, readings, wait=fake.wait, clock=fake.clock, interval_s=0.05)

    rate = rate_hz(readings)
    assert rate is not None
    assert LOWEST_RATE_HZ <= rate <= 20.1
    assert max(b.at_ns - a.at_ns for a, b in itertools.pairwise(readings)) <= 0.1 * SECOND


def test_a_sampler_reads_before_the_worker_starts() -> None:
    """The first reading is there when the block begins, and none comes after it has ended."""
    with Sampler(lambda at_ns: Reading(at_ns), interval_s=0.001) as sampler:
        first = len(sampler.readings)
        while len(sampler.readings) < 4:
            time.sleep(0.001)
    count = len(sampler.readings)

    assert first >= 1
    assert len(sampler.readings) == count


def test_a_reading_survives_refusals() -> None:
    """A figure that the card refuses is None; the others are there."""
    card = Card(energy_mj=None, reasons=None, processes=[(OWN, None)])
    nvml = Nvml(FakeNvml(card, Card(uuid="GPU-b", processes=[(STRANGER, 1)])))

    reading = nvml.read(0, 5)

    assert (reading.energy_j, reading.reasons) == (None, None)
    assert (reading.sm_mhz, reading.power_w, reading.utilisation) == (1980, 400.0, 97)
    assert reading.processes == (Process(OWN, None),)
    assert reading.elsewhere == frozenset({STRANGER})


def test_a_cards_identity() -> None:
    """The manifest knows name, driver, VBIOS, ECC, MIG, power limit; the unique name only as a hash."""
    identity = Nvml(FakeNvml(Card())).identity(0)

    assert identity["name"] == "Fake Card"
    assert (identity["driver"], identity["vbios"], identity["ecc"], identity["mig"]) == ("600.1", "96.00", True, None)
    assert (identity["power_limit_w"], identity["memory_bytes"], identity["cards"]) == (700.0, 80 * 2**30, 1)
    assert "GPU-" not in str(identity)


def test_no_bindings_and_no_library() -> None:
    """Without nvidia-ml-py, or with it on a machine without a driver, NVML is absent and the reason is told."""

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    class Broken(FakeNvml):
        def nvmlInit(self) -> None:
            raise self.NVMLError("NVML Shared Library Not Found")

    assert open_nvml(missing) == (None, "nvidia-ml-py is not installed (pip install nvidia-ml-py)")
    assert open_nvml(lambda name: Broken()) == (None, "NVML says: NVML Shared Library Not Found")


def test_energy_doubles_with_the_window() -> None:
    """At constant power a window twice as long costs twice as much within 3 %, whole and above idle."""
    readings = [_reading(0.05 * number) for number in range(2600)]

    one = energy.window_energy(readings, 2 * SECOND, 34 * SECOND, idle_w=100.0)
    two = energy.window_energy(readings, 40 * SECOND, 104 * SECOND, idle_w=100.0)

    assert one["energy_j"] == pytest.approx(500.0 * 32, rel=1e-3)
    assert one["above_idle_j"] == pytest.approx(400.0 * 32, rel=1e-3)
    assert two["energy_j"] / one["energy_j"] == pytest.approx(2.0, rel=0.03)
    assert two["above_idle_j"] / one["above_idle_j"] == pytest.approx(2.0, rel=0.03)


def test_energy_follows_a_coarse_counter() -> None:
    """A counter that moves every 100 ms changes a window of 32 s by less than 1 %."""
    readings = [_reading(0.05 * n, energy_j=500.0 * (n // 2 * 2) * 0.05) for n in range(800)]

    found = energy.window_energy(readings, 2 * SECOND, 34 * SECOND, idle_w=None)

    assert found["energy_j"] == pytest.approx(500.0 * 32, rel=0.01)
    assert found["above_idle_j"] is None
    assert found["allowance"] == 0.10


def test_energy_of_a_short_window_is_not_measured() -> None:
    """Under 30 s, without a counter, or without readings on both sides nothing is claimed."""
    readings = _run(800)

    assert "shorter than 30 s" in energy.window_energy(readings, 0, 29 * SECOND, 100.0)["not_measured"]
    assert "not_measured" in energy.window_energy(_run(800, energy_j=None), 0, 31 * SECOND, 100.0)
    assert "not_measured" in energy.window_energy(readings, 20 * SECOND, 60 * SECOND, 100.0)


def test_a_summary_of_readings() -> None:
    """Figures are those of the windows; peak memory is the worker's over its whole life, others' left out."""
    readings = _run()
    readings[2] = _reading(0.1, processes=(Process(OWN, 30 * 2**30), Process(STRANGER, 2**40)), power_w=1.0)
    readings[30] = _reading(1.5, reasons=0x8, temperature_c=90)

    facts = summarise(readings, WINDOW, owners(readings, _mine))

    assert facts["readings"] == 41
    assert facts["process_peak_bytes"] == 30 * 2**30
    assert facts["power_w"] == {"least": 500.0, "mean": 500.0, "most": 500.0}
    assert facts["temperature_c"]["most"] == 90
    assert facts["reasons"]["hardware slowdown"] == pytest.approx(1 / 41, abs=1e-4)
    assert facts["other_processes"] == 1
