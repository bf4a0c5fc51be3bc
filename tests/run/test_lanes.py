"""Lanes in real runs of test adapters: what each sets, what it is held to, and what is answered at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from frameworkbench.analysis.summary import summarise
from frameworkbench.errors import UsageError
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose
from frameworkbench.run.prepare import differences
from frameworkbench.store.run import Run

from .conftest import do

Request = Callable[..., RunOptions]
ALL = ("default", "matched", "tuned")


def _lane(run_: Run, lane: str, pass_: str = "proof", mode: str = "honest") -> list[Any]:
    found = [r for r in run_.records if r["cell"] and r["pass"] == pass_]
    return [r for r in found if (r["cell"]["lane"], r["cell"]["mode"]) == (lane, mode)]


def test_lanes_share_a_run_and_nothing_else(request_for: Request) -> None:
    """One run holds three lanes in the same blocks; each sets its own variables and options, and all are proved."""
    options = request_for("laned:honest", blocks=2, lanes=ALL)
    _, run_ = do(replace(options, protocol=replace(options.protocol, twin=True)))

    seen = {lane: _lane(run_, lane)[0]["payload"] for lane in ALL}
    assert [seen[lane]["parity"]["passed"] for lane in ALL] == [True, True, True]
    assert {lane: seen[lane]["effective"]["seen"] for lane in ALL} == {
        "default": {"LANED_THREADS": None, "LANED_SPIN": None},
        "matched": {"LANED_THREADS": str(options_threads(run_)), "LANED_SPIN": None},
        "tuned": {"LANED_THREADS": "1", "LANED_SPIN": "0"},
    }
    assert {lane: seen[lane]["effective"]["options"] for lane in ALL} == {
        "default": {}, "matched": {}, "tuned": {"fused": True},
    }  # fmt: skip
    assert [seen[lane].get("tuning") is not None for lane in ALL] == [False, False, True]
    blocks = [r["payload"]["cells"] for r in run_.records if r["kind"] == "block"]
    assert [len(cells) for cells in blocks] == [4, 4]
    assert [cell.axes["lane"] for cell in run_.plan.cells if cell.axes["role"] == "twin"] == ["matched"]
    assert {c.axes["lane"]: c.facts["status"] for c in summarise(run_).cells} == dict.fromkeys(ALL, "ok")


def options_threads(run_: Run) -> int:
    """Threads of a run's cells."""
    return int(run_.manifest["threads"])


def test_threads_are_held_to_in_matched_alone(request_for: Request) -> None:
    """Another thread count than the cell's cores is invalid in matched, and what the row shows in the other lanes."""
    _, run_ = do(request_for("laned:other_threads", lanes=ALL))

    codes = {lane: _lane(run_, lane, mode="other_threads")[-1]["code"] for lane in ALL}
    assert codes == {"default": "", "matched": "SETTINGS", "tuned": ""}
    shown = {c.axes["lane"]: c.facts["thread_use"] for c in summarise(run_).cells}
    assert not shown["default"]["equalised"]
    assert shown["default"]["read_back"] == options_threads(run_) + 7


def test_tuned_without_settings_is_answered_at_once(request_for: Request) -> None:
    """Where an adapter declares nothing for a mode, tuned is unsupported and never a copy of the matched row."""
    _, run_ = do(request_for("laned:plain", lanes=("matched", "tuned")))

    (record,) = _lane(run_, "tuned", mode="plain")
    assert (record["status"], record["code"], record["log"]) == ("unsupported", "UNSUPPORTED_LANE", None)
    assert _lane(run_, "tuned", "speed", "plain") == []
    assert _lane(run_, "matched", mode="plain")[0]["status"] == "ok"


def test_a_twin_belongs_to_the_only_lane(request_for: Request) -> None:
    """A run of the lane default alone has its A/A control there."""
    options = request_for("laned:honest", lanes=("default",))
    _, run_ = do(replace(options, protocol=replace(options.protocol, twin=True)))

    assert [cell.axes["lane"] for cell in run_.plan.cells if cell.axes["role"] == "twin"] == ["default"]


def test_a_run_keeps_its_set_of_lanes(request_for: Request) -> None:
    """A folder holds one set of lanes; a run of before there was a choice counts as its single lane."""
    options = request_for()
    old = {"protocol_sha256": options.protocol.sha256, "lane": "matched", "device": "cpu", "seed": 0}

    assert differences(options, old) == []
    assert differences(replace(options, lanes=("default", "matched")), old) == ["set of lanes"]
    assert differences(options, {**old, "lanes": ["default", "matched"]}) == ["set of lanes"]


def test_an_unknown_lane(request_for: Request) -> None:
    """A lane that does not exist is a usage error that lists the known ones."""
    with pytest.raises(UsageError, match="expected default, matched, tuned; received 'best'"):
        choose(replace(request_for(), lanes=("matched", "best")))
