"""Which rows get more blocks, and what is said about those that get none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from frameworkbench.analysis.comparison import INCONCLUSIVE, Pair
from frameworkbench.analysis.summary import Summary, summarise
from frameworkbench.analysis.topup import top_up
from frameworkbench.store.records import load_run
from tests.report.planted_run import PlantedRun


@pytest.fixture
def summary(tmp_path: Path) -> Summary:
    """Two workloads: on one two close, scattered rows, on the other two that are far apart."""
    planted = PlantedRun(tmp_path / "run")
    close = [planted.cell("alpha"), planted.cell("beta")]
    far = [planted.cell("alpha", workload="other-net"), planted.cell("beta", workload="other-net")]
    for key in (*close, *far):
        planted.proof(key)
    planted.timed({close[0]: 1000.0, close[1]: 1030.0}, spread=0.05)
    planted.timed({far[0]: 1000.0, far[1]: 3000.0})
    return summarise(load_run(planted.plan()))


def test_only_inconclusive_groups_get_blocks(summary: Summary) -> None:
    """The rows of the undecided workload get the blocks that its pair asks for; the decided one gets none."""
    (pair,) = (p for ranking in summary.rankings.values() for p in ranking.pairs if p.verdict == INCONCLUSIVE)

    found = top_up(summary, most=1000)

    wanted = {cell.key for cell in summary.cells if cell.axes["workload"] == "small-net"}
    assert found.blocks == dict.fromkeys(wanted, pair.extra_blocks)


def test_a_difference_beyond_the_cap_stays_inconclusive(summary: Summary) -> None:
    """A pair that needs more blocks than the cap gets none, and the number it needs is said."""
    found = top_up(summary, most=7)

    assert found.blocks == {}
    assert "beyond 7: stays inconclusive" in found.sentences[0]
    assert "needs" in found.sentences[0]


def test_nothing_to_add(summary: Summary) -> None:
    """Where every pair is decided, that is said and nothing is added."""
    decided = {
        group: replace(verdicts, main=replace(verdicts.main, pairs=())) for group, verdicts in summary.groups.items()
    }

    found = top_up(replace(summary, groups=decided), most=40)

    assert (found.blocks, found.sentences) == ({}, ("no pair is inconclusive: nothing to add",))


def test_a_pair_that_blocks_would_not_settle(summary: Summary) -> None:
    """Where the pair is open for another reason than too few blocks, that reason is said instead of a number."""
    groups = {
        key: replace(found, main=replace(found.main, pairs=tuple(_disagreeing(pair) for pair in found.main.pairs)))
        for key, found in summary.groups.items()
    }

    found = top_up(replace(summary, groups=groups), most=40)

    assert found.blocks == {}
    assert all("mean and median disagree: no number of blocks follows" in line for line in found.sentences)


def _disagreeing(pair: Pair) -> Pair:
    return replace(pair, verdict=INCONCLUSIVE, reason="mean and median disagree", extra_blocks=None)


def test_a_noisy_run_asks_for_no_number(tmp_path: Path) -> None:
    """From a noisy run no number of blocks follows."""
    planted = PlantedRun(tmp_path / "run")
    keys = [planted.cell("alpha"), planted.cell("beta")]
    for key in keys:
        planted.proof(key)
    planted.timed({keys[0]: 1000.0, keys[1]: 1030.0}, spread=0.05)
    planted.append(None, None, {"noisy": True, "noisy_reason": "a neighbour"}, kind="run")

    found = top_up(summarise(load_run(planted.plan())), most=1000)

    assert found.blocks == {}
    assert "a neighbour" in found.sentences[0]
