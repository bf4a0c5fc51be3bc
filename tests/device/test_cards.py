"""The card of a run: chosen, locked, described and watched from the engine's side."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from frameworkbench import diagnosis
from frameworkbench.device import choice
from frameworkbench.device.baseline import bare_context_bytes
from frameworkbench.device.choice import card_environment, visible_card
from frameworkbench.device.lock import card_lock
from frameworkbench.device.monitor import Monitor, open_monitor
from frameworkbench.device.nvml import Nvml, Process
from frameworkbench.errors import EnvironmentProblem, UsageError

from .fake_nvml import Card, FakeNvml

TWO = (Card(uuid="GPU-aaaa-1"), Card(uuid="GPU-bbbb-2"))


@pytest.mark.parametrize(
    ("variable", "index"), [(None, 0), ("0", 0), ("1", 1), ("1,0", 1), ("GPU-bbbb-2", 1), ("GPU-bb", 1)]
)
def test_which_card(variable: str | None, index: int) -> None:
    """The first card that CUDA_VISIBLE_DEVICES allows, by number or unique name; the first of all without it."""
    environment = {} if variable is None else {"CUDA_VISIBLE_DEVICES": variable}

    assert visible_card(environment, Nvml(FakeNvml(*TWO))) == index


@pytest.mark.parametrize("variable", ["2", "", "GPU-", "GPU-cccc"])
def test_no_such_card(variable: str) -> None:
    """A variable that names no card, or two, is a usage error that says how many there are."""
    with pytest.raises(UsageError, match=r"one of 2 card\(s\)"):
        visible_card({"CUDA_VISIBLE_DEVICES": variable}, Nvml(FakeNvml(*TWO)))


def test_what_a_worker_is_told() -> None:
    """A CPU cell sees no card; a CUDA cell sees one, has a compile cache of its own, and TF32 barred in float32."""
    cuda = card_environment("cuda", 1, "float32", "matched", "CACHE")

    assert card_environment("cpu", 1, "float32", "matched", "CACHE") == {"CUDA_VISIBLE_DEVICES": ""}
    assert (cuda["CUDA_VISIBLE_DEVICES"], cuda["CUDA_DEVICE_ORDER"]) == ("1", "PCI_BUS_ID")
    assert cuda["CUDA_CACHE_PATH"] == "CACHE/cuda"
    assert cuda["NVIDIA_TF32_OVERRIDE"] == "0"
    assert "NVIDIA_TF32_OVERRIDE" not in card_environment("cuda", 1, "tf32", "matched", "CACHE")
    assert "NVIDIA_TF32_OVERRIDE" not in card_environment("cuda", 1, "float32", "default", "CACHE")


def test_one_run_to_a_card(tmp_path: Path) -> None:
    """A second process cannot have a card that is held, can have another, and can have it once it is free."""
    script = (
        "import sys; from pathlib import Path; from frameworkbench.device.lock import card_lock\n"
        "with card_lock(sys.argv[1], Path(sys.argv[2])): print('held')"
    )

    def other(uuid: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, uuid, str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with card_lock("GPU-a", tmp_path):
        refused, allowed = other("GPU-a"), other("GPU-b")
    after = other("GPU-a")

    assert "another run is using this card" in refused.stderr
    assert allowed.stdout == after.stdout == "held\n"


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    """A killed run leaves the card free, though its file stays."""
    script = (
        "import os, sys; from pathlib import Path; from frameworkbench.device.lock import card_lock\n"
        "card_lock('GPU-a', Path(sys.argv[1])).__enter__(); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    with card_lock("GPU-a", tmp_path):
        assert len(list(tmp_path.iterdir())) == 1


def test_no_card_at_all(tmp_path: Path) -> None:
    """--device cuda without bindings and without a driver ends at once with the reason and the way out."""
    with (
        pytest.raises(EnvironmentProblem, match=r"no NVIDIA card can be used here \(no bindings\).*--device cpu") as e,
        open_monitor("cuda", {}, load=lambda: (None, "no bindings"), count=lambda: 0, lock_folder=tmp_path),
    ):
        pass

    assert e.value.code == choice.NO_DEVICE


def test_a_card_without_bindings(tmp_path: Path) -> None:
    """A card that the driver counts but nothing can read is used; what is missing is told, nothing is sampled."""
    with (
        open_monitor("cuda", {}, load=lambda: (None, "no bindings"), count=lambda: 1, lock_folder=tmp_path) as monitor,
        monitor.watch() as watch,
    ):
        verdict, facts = watch.conclude([])

    assert (monitor.card, monitor.missing) == (None, "no bindings")
    assert (verdict.code, facts) == ("", None)


def test_counting_by_the_driver(fake_libcuda: Path) -> None:
    """Without a driver library there are no cards; one that lacks the call counts as none."""

    def absent(name: str) -> Any:
        raise OSError(name)

    assert choice.count_by_driver(absent) == 0
    assert choice.count_by_driver(lambda name: object()) == 0


class _Script:
    """Puts a stranger on the card, or the worker, once the first reading is taken."""

    def __init__(self, card: Card, **changes: Any) -> None:
        self._card, self._changes, self._reads = card, changes, 0

    def __call__(self) -> None:
        self._reads += 1
        if self._reads > 1:
            for name, value in self._changes.items():
                setattr(self._card, name, value)


def _watch(device: str, fake: FakeNvml, windows: list[tuple[int, int]] | None = None) -> tuple[Any, Any]:
    """Watch a scripted card for a moment with the real sampler."""
    monitor = Monitor(device, Nvml(fake))
    with monitor.watch() as watch:
        readings = watch._sampler.readings  # type: ignore[union-attr]
        while len(readings) < (3 if device == "cuda" else 2):
            time.sleep(0.005)
    return watch.conclude(windows or [])


def test_a_worker_on_the_card_is_recognised() -> None:
    """A descendant of this process is the worker: its memory is reported, and no neighbour is seen."""
    card = Card()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        fake = FakeNvml(card, on_read=_Script(card, processes=[(child.pid, 3 * 2**30)]))
        verdict, facts = _watch("cuda", fake)
    finally:
        child.communicate()

    assert (verdict.code, verdict.flags) == ("", ())
    assert facts["process_peak_bytes"] == 3 * 2**30
    assert facts["processes_recognised"] is True
    assert facts["rate_enough"] is True


def test_a_stranger_on_the_card_is_flagged_in_the_facts() -> None:
    """A process that was there before the worker is a neighbour, and the record's facts say so."""
    verdict, facts = _watch("cuda", FakeNvml(Card(processes=[(os.getppid(), 2**30)])))

    assert len(verdict.flags) == 1
    assert facts["flags"] == list(verdict.flags)


def test_a_cpu_run_watches_who_is_on_the_cards() -> None:
    """In a CPU run a descendant of this process on any card is a resource violation."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        verdict, facts = _watch("cpu", FakeNvml(Card(), Card(uuid="GPU-b", processes=[(child.pid, 1)])))
    finally:
        child.communicate()

    assert verdict.code == "RESOURCE"
    assert facts is None


def test_a_cpu_run_without_cards_costs_nothing() -> None:
    """Where there is no card, no thread samples anything."""
    with Monitor("cpu", Nvml(FakeNvml())).watch() as watch:
        assert watch._sampler is None


def test_a_card_is_described_before_the_first_worker() -> None:
    """Idle power and the bare context's memory are measured once and go to the manifest with the card's identity."""
    monitor = Monitor("cuda", Nvml(FakeNvml(Card(power_mw=75_000))))

    monitor.describe({"PATH": os.environ["PATH"]}, wait=lambda seconds: None)

    assert monitor.card is not None
    assert monitor.card["idle_w"] == 75.0
    assert monitor.card["bare_context_bytes"] is None
    assert monitor.card["name"] == "Fake Card"


def test_a_bare_context_is_measured_in_a_process_of_its_own(fake_libcuda: Path) -> None:
    """A process that makes a context through the driver and nothing else is found by its id; its memory is the base."""
    seen: list[int] = []

    def children() -> set[int]:
        return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii").split()}

    others = children()  # orphans of earlier workers, which the harness adopts

    def processes() -> tuple[Process, ...]:
        seen.extend(sorted(children() - others - set(seen)))
        return tuple(Process(pid, 512 * 2**20) for pid in seen)

    environment = {"LD_LIBRARY_PATH": str(fake_libcuda.parent), "PATH": os.environ["PATH"]}

    assert bare_context_bytes(processes, environment) == 512 * 2**20
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("nvml", "cards", "state", "words"),
    [
        (Nvml(FakeNvml(Card())), 1, "ok", "Fake Card, driver 600.1"),
        (Nvml(FakeNvml()), 0, "problem", "NVML finds none"),
        (None, 0, "problem", "not installed"),
        (None, 1, "note", "the driver finds one, but not installed"),
    ],
)
def test_the_doctor_looks_for_a_card(
    monkeypatch: pytest.MonkeyPatch, nvml: Nvml | None, cards: int, state: str, words: str
) -> None:
    """The doctor says which card would be used, that there is none, or that it cannot be read and what to install."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(diagnosis, "open_nvml", lambda: (nvml, "" if nvml else "not installed"))
    monkeypatch.setattr(diagnosis, "count_by_driver", lambda: cards)

    found = diagnosis._card()

    assert (found.state, found.found) == (state, words)
