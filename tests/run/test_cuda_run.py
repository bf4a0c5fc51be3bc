"""A run on a card, end to end, with a fake driver in the workers and a fake NVML in the parent."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.device.choice import NO_DEVICE
from frameworkbench.errors import EnvironmentProblem
from frameworkbench.registry import read_adapter
from frameworkbench.run import engine
from frameworkbench.run.link import Setting, worker_environment
from frameworkbench.run.options import RunOptions
from frameworkbench.spec.cell import Cell
from tests.device.conftest import fake_libcuda  # noqa: F401 - a fixture
from tests.device.fake_nvml import Card, scripted_monitor

from .conftest import do


@pytest.fixture
def card_run(
    request_for: Callable[..., RunOptions],
    fake_libcuda: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[..., Any]:
    """Does a run on a scripted card: card_run("carded:honest", Card(...), window_s=…)."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(fake_libcuda.parent))

    def run_it(adapter: str, card: Card, *, device: str = "cuda", **protocol: Any) -> Any:
        monkeypatch.setattr(engine, "open_monitor", scripted_monitor(card, tmp_path))
        options = request_for(adapter, device=device)
        return do(replace(options, protocol=replace(options.protocol, **protocol)))[1]

    return run_it


def _speed(run: Any) -> Any:
    return next(record for record in run.records if record["pass"] == "speed")


def test_a_card_run_end_to_end(card_run: Callable[..., Any]) -> None:
    """Proof and speed are ok, every window was drained by the driver, and the record holds what the card did."""
    run = card_run("carded:honest", Card(), window_s=0.5, window_limit_s=1.0)

    assert {record["status"] for record in run.records} == {"ok"}
    effective, card = _speed(run)["payload"]["effective"], _speed(run)["payload"]["card"]
    assert effective["observed"]["driver"]["context"] is True
    assert effective["observed"]["driver"]["drains"] >= 2 * len(_speed(run)["payload"]["windows"])
    assert effective["environment"]["CUDA_VISIBLE_DEVICES"] == "0"
    assert effective["environment"]["CUDA_CACHE_PATH"] == f"{effective['environment']['CARDED_CACHE']}/cuda"
    assert "CARDED_PREALLOCATE" not in effective["environment"]
    assert card["sm_mhz"]["mean"] == 1980
    assert "shorter than 30 s" in card["energy"][0]["not_measured"]
    assert run.manifest["card"]["name"] == "Fake Card"
    assert run.manifest["card"]["idle_w"] == 400.0


def test_no_context_on_the_card_is_a_fallback(card_run: Callable[..., Any]) -> None:
    """A worker that never makes a context on the card that was asked for is invalid, whatever it claims."""
    run = card_run("carded:stays_off", Card())

    failed = [record for record in run.records if record["status"] != "ok"]
    assert {(record["status"], record["code"]) for record in failed} == {("invalid", "FALLBACK")}


def test_an_idle_card_is_a_fallback(card_run: Callable[..., Any]) -> None:
    """A timed window through which the card stays idle is invalid."""
    run = card_run("carded:honest", Card(utilisation=0), window_s=1.5, window_limit_s=2.0)

    assert (_speed(run)["status"], _speed(run)["code"]) == ("invalid", "FALLBACK")


def test_a_neighbour_on_the_card_flags_the_block(card_run: Callable[..., Any]) -> None:
    """A stranger on the card leaves measurements standing, flags their block, and in the end makes the run noisy."""
    run = card_run("carded:honest", Card(processes=[(os.getppid(), 2**30)]))

    assert _speed(run)["status"] == "ok"
    assert "other compute process" in _speed(run)["payload"]["card"]["flags"][0]
    blocks = [record["payload"]["noise"] for record in run.records if record["kind"] == "block"]
    assert blocks
    assert all(noise["flagged"] and "card: 1 other compute process" in noise["reasons"][0] for noise in blocks)
    assert [record["payload"]["noisy"] for record in run.records if record["kind"] == "run"] == [True]


def test_no_card(request_for: Callable[..., RunOptions], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a card the request ends at once with the reason; nothing is installed and nothing recorded."""
    monkeypatch.setattr(engine, "open_monitor", scripted_monitor(None, tmp_path))

    with pytest.raises(EnvironmentProblem, match="no NVML here") as caught:
        do(request_for("carded:honest", device="cuda"))

    assert caught.value.code == NO_DEVICE


def test_a_cpu_run_on_a_machine_with_a_card(card_run: Callable[..., Any]) -> None:
    """A CPU cell sees no card, needs no driver, and keeps no facts of the card."""
    run = card_run("carded:honest", Card(), device="cpu")

    assert {record["status"] for record in run.records} == {"ok"}
    assert _speed(run)["payload"]["effective"]["environment"]["CUDA_VISIBLE_DEVICES"] == ""
    assert _speed(run)["payload"]["effective"]["observed"]["driver"] == {"drain": None}
    assert "card" not in _speed(run)["payload"]


def test_a_weighed_process_grows_its_memory() -> None:
    """The adapter's variables against preallocation reach weighed processes and no timed one."""
    info = read_adapter(Path(__file__).parent.parent / "fakes" / "carded")
    cell = Cell("train", "w", "synthetic", "carded", "entrant", "honest", "eager", "matched", "cuda", "float64", 1, 16)
    nothing: Any = None
    setting = Setting(cell, info, nothing, nothing, nothing, nothing, 0, (), Path("cache"), 1.0, None, 0, card=3)

    timed, weighed = worker_environment(setting), worker_environment(replace(setting, weighed=True))

    assert timed["CUDA_VISIBLE_DEVICES"] == "3"
    assert "CARDED_PREALLOCATE" not in timed
    assert weighed == timed | {"CARDED_PREALLOCATE": "false"}
