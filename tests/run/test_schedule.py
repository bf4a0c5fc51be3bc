"""The A/A twin, the pilot, blocks added later, and what is kept about each process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import pytest

from frameworkbench.analysis.steady import WARM_UP, Steadiness
from frameworkbench.analysis.summary import summarise
from frameworkbench.run.engine import run
from frameworkbench.run.estimate import Estimates
from frameworkbench.run.options import RunOptions
from frameworkbench.run.variation import draw
from frameworkbench.spec.cell import TWIN
from frameworkbench.store.run import Run

from .conftest import do, silent

Request = Callable[..., RunOptions]


def _with(options: RunOptions, **changes: object) -> RunOptions:
    return replace(options, protocol=replace(options.protocol, **changes))


def _twins(run_: Run) -> list[str]:
    return [cell.key for cell in run_.plan.cells if cell.axes["role"] == TWIN]


def _blocks_of(run_: Run, key: str) -> list[int]:
    return [record["block"] for record in run_.counted_speed_records(key)]


def test_one_main_mode_runs_under_two_names(request_for: Request) -> None:
    """Each workload has one twin of an entrant's main mode: proved, in every main block, never trained or ranked."""
    options = _with(request_for("faulty:honest", "faulty:noisy", blocks=2), twin=True, accuracy_seeds=1)
    _, run_ = do(options)

    (twin,) = _twins(run_)
    (original,) = (c for c in run_.plan.cells if c.axes["mode"] == "honest" and c.key != twin)
    assert _blocks_of(run_, twin) == _blocks_of(run_, original.key) == [1, 2]
    assert run_.latest(twin, "proof")["status"] == "ok"
    assert run_.cell_records(twin, "accuracy") == []
    summary = summarise(run_)
    facts = next(cell.facts for cell in summary.cells if cell.key == twin)
    assert facts["label"] == "faulty:honest (twin)"
    assert all(twin not in ranking.ranks for ranking in summary.rankings.values())


def test_a_mode_that_is_named_gets_as_many_blocks(request_for: Request) -> None:
    """Who names a mode wants it compared: it gets as many blocks as a main mode."""
    _, named = do(request_for("faulty:honest", "faulty:noisy", blocks=3))
    (key,) = (cell.key for cell in named.plan.cells if cell.axes["mode"] == "noisy")
    facts = next(cell.facts for cell in summarise(named).cells if cell.key == key)

    assert _blocks_of(named, key) == [1, 2, 3]
    assert (facts["main"], facts["blocks"]["planned"], facts["blocks"]["counted"]) == (False, 3, 3)


def test_the_twin_is_found_again(request_for: Request) -> None:
    """The seed decides whose twin it is: a second session continues with the same one and measures nothing twice."""
    options = _with(request_for("faulty:honest", "sabotaged:honest", blocks=1), twin=True)
    _, first = do(options)
    _, second = do(options)

    assert _twins(first) == _twins(second)
    assert [r for r in second.records if r["kind"] == "cell"] == [r for r in first.records if r["kind"] == "cell"]


def test_the_oracle_and_other_modes_have_no_twin(request_for: Request) -> None:
    """Without an entrant's main mode in the plan there is nothing to control, and no twin."""
    _, run_ = do(_with(request_for("reference", "faulty:noisy"), twin=True))

    assert _twins(run_) == []


def test_the_pilot_fixes_the_warm_up(request_for: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """One pilot for each cell comes before its first block and fixes the warm-up of all its processes, twin's too."""
    wanted = 7
    found = Steadiness(WARM_UP, (4,), 4, wanted, 20)
    monkeypatch.setattr(import_module("frameworkbench.run.passes.pilot"), "steadiness", lambda *args, **sizes: found)
    options = _with(request_for("faulty:honest", blocks=2), twin=True, pilot=True, pilot_steps=20)
    _, run_ = do(options)

    (twin,) = _twins(run_)
    (key,) = (cell.key for cell in run_.plan.cells if cell.key != twin)
    (pilot,) = run_.cell_records(key, "pilot")
    assert options.protocol.warmup_steps != wanted
    assert len(pilot["payload"]["steps_s"]) == 20
    assert run_.cell_records(twin, "pilot") == []
    speeds = [*run_.cell_records(key, "speed"), *run_.cell_records(twin, "speed")]
    assert [record["payload"]["warmup_steps"] for record in speeds] == [wanted] * 4
    order = [record["pass"] for record in run_.records if record["kind"] == "cell"]
    assert order.index("pilot") < order.index("speed")


def test_a_real_pilot_looks_at_single_steps(request_for: Request) -> None:
    """The pilot keeps the time of every step it looked at, and what it made of them."""
    _, run_ = do(_with(request_for("faulty:honest"), pilot=True, pilot_steps=25))

    (pilot,) = (record for record in run_.records if record["pass"] == "pilot")
    assert len(pilot["payload"]["steps_s"]) == 25
    assert all(value > 0 for value in pilot["payload"]["steps_s"])
    assert run_.plan.cells[0].key == pilot["cell_key"]
    assert pilot["payload"]["warmup"]["steps"] == 25


def test_without_its_pilot_nothing_is_timed(request_for: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget with no room for the pilot leaves no block either; the next session does both."""
    options = _with(request_for("faulty:honest"), pilot=True, pilot_steps=10)
    with monkeypatch.context() as patch:
        patch.setattr(Estimates, "pilot_s", lambda self, planned: 1e9)
        first, short = do(replace(options, budget_s=600.0))
    second, run_ = do(options)

    assert "pilots are missing" in first.open_text
    assert [record["pass"] for record in short.records if record["kind"] == "cell"] == ["proof"]
    assert second.complete
    assert [record["pass"] for record in run_.records if record["kind"] == "cell"] == ["proof", "pilot", "speed"]


def test_blocks_are_added_to_a_finished_run(request_for: Request) -> None:
    """More blocks are numbered on, the first ones stay as they are, and a later session asks for no fewer."""
    options = request_for("faulty:honest", blocks=1)
    _, first = do(options)
    _, second = do(replace(options, more=2))
    _, third = do(options)

    key = first.plan.cells[0].key
    assert _blocks_of(second, key) == [1, 2, 3]
    assert second.cell_records(key, "speed")[0] == first.cell_records(key, "speed")[0]
    assert third.cell_records(key, "speed") == second.cell_records(key, "speed")
    assert third.plan.aims["more"] == {key: 2}


def test_only_the_cells_that_need_them_get_more_blocks(request_for: Request) -> None:
    """With a number by cell the others are left as they are."""
    options = request_for("faulty:honest", "sabotaged:honest", blocks=1)
    _, first = do(options)
    one, other = (cell.key for cell in first.plan.cells)
    result, second = do(replace(options, more={one: 1}))

    assert result.complete
    assert (_blocks_of(second, one), _blocks_of(second, other)) == ([1, 2], [1])


def test_an_unfinished_run_is_finished_first(request_for: Request) -> None:
    """--more on a run with something open finishes that and adds nothing."""
    options = request_for("faulty:honest", blocks=2)
    do(replace(options, budget_s=0.001))
    told: list[str] = []
    run(replace(options, more=5), lambda event: told.append(event.text))
    _, run_ = do(options)

    assert any("finished first" in text for text in told)
    assert _blocks_of(run_, run_.plan.cells[0].key) == [1, 2]


def test_a_run_says_beforehand_what_it_resolves(request_for: Request) -> None:
    """The manifest, the plan's news and the ending all state the difference that the blocks can show."""
    options = request_for("faulty:honest", "sabotaged:honest", blocks=4)
    told: list[str] = []
    result = run(options, lambda event: told.append(event.text))
    manifest = json.loads((options.out / "manifest.json").read_text())

    assert manifest["resolution"]["blocks"] == 4
    assert manifest["resolution"]["ratio"] > 1 + options.protocol.delta
    assert any("4 blocks find a true difference of" in text for text in told)
    assert result.resolution.startswith("4 blocks find a true difference of")


def test_a_budget_says_what_its_blocks_resolve(request_for: Request) -> None:
    """A budget that all blocks fit into still states their number and what they resolve, in the plan."""
    options = request_for("faulty:honest", "sabotaged:honest", blocks=3)
    do(replace(options, budget_s=3600.0))
    notes = [json.loads(path.read_text())["budget"]["note"] for path in sorted(options.out.glob("plans/*.json"))]

    assert "up to 3 of 3 blocks" in notes[-1]
    assert "3 blocks find a true difference of" in notes[-1]


def test_each_process_is_varied(request_for: Request) -> None:
    """What nobody can hold fixed differs from process to process, and the record says what was drawn."""
    _, run_ = do(request_for("faulty:honest", blocks=2))

    first, second = (record["payload"]["process"] for record in run_.cell_records(run_.plan.cells[0].key, "speed"))
    assert first["varied"] != second["varied"]
    assert set(first["varied"]) == {"hash_seed", "padding_bytes", "folder_suffix"}
    assert first["pid"] != second["pid"]
    assert first["started_ns"] < first["ended_ns"] < second["started_ns"]
    assert first["interpreter"] == second["interpreter"]


def test_a_variation_reaches_the_process() -> None:
    """Hash seed and padding are handed over as variables of the drawn size."""
    drawn = draw(random.Random(5))

    assert drawn.environment["PYTHONHASHSEED"] == str(drawn.hash_seed)
    assert sorted(map(len, drawn.environment.values()))[-1] == max(drawn.padding_bytes, len(str(drawn.hash_seed)))
    assert draw(random.Random(6)) != drawn


def test_a_quiet_suite_flags_nothing(request_for: Request) -> None:
    """A suite without a sentinel takes no readings and flags no block, whatever else the machine does."""
    options = request_for("faulty:honest")
    run(options, silent)
    _, run_ = do(options)

    blocks = [record["payload"]["noise"] for record in run_.records if record["kind"] == "block"]
    assert [(noise["flagged"], noise["sentinel"]) for noise in blocks] == [(False, {})]
    assert not [r for r in run_.records if r["kind"] == "note" and "sentinel" in r["payload"]]
