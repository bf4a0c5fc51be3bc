"""Memory of known size is found where it is, when it is there, and nowhere else."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.run import passes
from frameworkbench.run.fingerprints import available_cores, machine, machine_sha256
from frameworkbench.run.options import RunOptions
from frameworkbench.run.passes import Outcome
from frameworkbench.run.plan import choose, make_plan
from frameworkbench.run.prepare import prepare_all
from frameworkbench.run.session import Books, Session

from .conftest import do, silent

Request = Callable[..., RunOptions]
Weigh = Callable[[str], Outcome]

HELD, LEAKED, SPIKE = 200_000_000, 100_000, 64 * 2**20  # as in tests/fakes/weighty
MODES = (
    "honest", "hoards", "leaks", "forks", "spawns", "orphans", "spikes", "wrong_when_weighed", "bulky_batches",
)  # fmt: skip


@pytest.fixture
def session(request_for: Request) -> Session:
    """A session with every mode of the fake planned, nothing run."""
    options = request_for(*(f"weighty:{mode}" for mode in MODES))
    options.out.mkdir(parents=True)
    choice, cores = choose(options), tuple(available_cores())
    ready = prepare_all(options, choice, silent)
    plan = make_plan(options, choice, ready.datasets, ready.interpreters, len(cores), machine_sha256(machine()))
    return Session(options, choice, ready, plan, cores, silent, Books())


@pytest.fixture
def weigh(session: Session, tmp_path: Path) -> Weigh:
    """Runs the memory pass of one mode of the fake, without proof."""

    def run(mode: str) -> Outcome:
        planned = next(planned for planned in session.plan if planned.cell.mode == mode)
        return passes.memory(
            session.setting(planned), session.expected(planned), tmp_path / f"{mode}.log", chooser=random.Random(1)
        )

    return run


def _phases(outcome: Outcome) -> dict[str, Any]:
    assert outcome.status == "ok", outcome.reason
    return outcome.payload["memory"]["phases"]


def test_memory_of_one_phase_is_found_there_and_nowhere_else(weigh: Weigh) -> None:
    """200 MB that are held during the build show in the build's peak within 5 %, and in no other phase."""
    honest, hoarding = _phases(weigh("honest")), _phases(weigh("hoards"))

    extra = {name: hoarding[name]["peak_bytes"] - honest[name]["peak_bytes"] for name in honest}

    assert extra.pop("build") == pytest.approx(HELD, rel=0.05)
    assert {name: grown for name, grown in extra.items() if abs(grown) > 0.05 * HELD} == {}
    assert set(extra) == {"import", "stage", "first_step", "check", "steady"}


def test_the_peak_of_the_pass_is_that_of_its_largest_phase(weigh: Weigh) -> None:
    """The figure for the report is the largest phase, the harness's own export left out."""
    outcome = weigh("hoards")

    phases = _phases(outcome)
    assert outcome.payload["memory"]["peak_bytes"] == phases["build"]["peak_bytes"]
    assert outcome.payload["memory"]["reset"] is True
    assert outcome.code == ""


def test_a_leak_is_flagged(weigh: Weigh) -> None:
    """100 kB a step are found with their size, and the record says LEAK_MEM without losing its figure."""
    outcome = weigh("leaks")

    assert (outcome.status, outcome.code) == ("ok", "LEAK_MEM")
    readings = outcome.payload["memory"]["series"]["resident_bytes"]
    assert len(readings) == 200
    assert (readings[-1] - readings[0]) / 199 == pytest.approx(LEAKED, rel=0.1)


def test_honest_training_is_not_flagged(weigh: Weigh) -> None:
    """Three real processes without a leak raise no flag."""
    outcomes = [weigh("honest") for _ in range(3)]

    assert [(outcome.status, outcome.code) for outcome in outcomes] == [("ok", "")] * 3


@pytest.mark.parametrize("mode", ["forks", "spawns", "orphans"])
def test_memory_of_a_child_is_counted(mode: str, weigh: Weigh) -> None:
    """200 MB in a process that the worker started are part of the figure, even if that process's parent has gone."""
    honest, hiding = weigh("honest"), weigh(mode)

    grown = _phases(hiding)["steady"]["peak_bytes"] - _phases(honest)["steady"]["peak_bytes"]
    assert grown == pytest.approx(HELD, rel=0.15)  # an interpreter of its own comes on top
    assert hiding.code == "MEM_HIDDEN"
    assert "other processes of the tree hold" in hiding.reason
    assert _phases(hiding)["steady"]["children"] == 1
    assert _phases(hiding)["build"]["children"] == 0


def test_a_spike_between_samples_is_found(weigh: Weigh) -> None:
    """64 MiB held for a moment in one step are in the peak of the phase, although no sample need have seen them."""
    honest, spiking = _phases(weigh("honest")), _phases(weigh("spikes"))

    extra = {name: spiking[name]["peak_bytes"] - honest[name]["peak_bytes"] for name in ("build", "steady")}

    assert extra["steady"] == pytest.approx(SPIKE, rel=0.05)
    assert abs(extra["build"]) < 0.05 * SPIKE


def test_the_weighed_process_shows_that_it_computes_the_proven_thing(weigh: Weigh) -> None:
    """Weights that differ from the reference's in the memory pass make the cell not comparable."""
    outcome = weigh("wrong_when_weighed")

    assert (outcome.status, outcome.code) == ("not_comparable", "WRONG_RESULT")
    assert "in the memory pass" in outcome.reason


def test_a_run_weighs_each_proven_cell_once(request_for: Request) -> None:
    """Each proven cell gets its memory records, and the same command again adds none."""
    options = request_for("weighty:honest", "weighty:leaks")
    options = replace(options, protocol=replace(options.protocol, memory_blocks=1))

    first, run = do(options)
    _, again = do(options)

    found = [record for record in run.records if record["pass"] == "memory"]
    assert sorted((r["cell"]["mode"], r["code"], r["block"]) for r in found) == [
        ("honest", "", 1),
        ("leaks", "LEAK_MEM", 1),
    ]
    assert first.complete
    assert len([record for record in again.records if record["pass"] == "memory"]) == 2


def test_the_largest_batch_within_a_cap_is_found(session: Session, tmp_path: Path) -> None:
    """Capacity is the cap less what a process takes anyway, in samples of known weight, within its resolution."""
    planned = next(planned for planned in session.plan if planned.cell.mode == "bulky_batches")
    cap = 400_000_000

    outcome = passes.capacity(
        session.setting(planned), tmp_path / "log", cap_bytes=cap, limit_s=100.0, progress=lambda text: None
    )

    found = outcome.payload["capacity"]
    trials = {trial["batch"]: trial for trial in found["trials"]}
    assert (outcome.status, found["bound"]) == ("ok", "memory")
    assert trials[found["batch"]]["fits"]
    assert trials[found["batch"]]["peak_bytes"] <= cap
    assert trials[found["too_large"]]["code"] == "OUT_OF_MEMORY"
    assert found["too_large"] - found["batch"] <= max(1, found["batch"] // 16)
    small, large = trials[16], trials[found["batch"]]
    per_sample = (large["peak_bytes"] - small["peak_bytes"]) / (large["batch"] - small["batch"])
    assert found["batch"] == pytest.approx(16 + (cap - small["peak_bytes"]) / per_sample, rel=1 / 16)
