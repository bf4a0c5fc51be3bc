"""The A/A control, the families, and what takes a ranking's verdicts away."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from frameworkbench.analysis.comparison import Entry
from frameworkbench.analysis.control import FAILED, NOT_RUN, PASSED, control
from frameworkbench.analysis.disturbance import Disturbance
from frameworkbench.analysis.families import Candidate, GroupVerdicts, group_verdicts
from frameworkbench.analysis.verdicts import FASTER, INCONCLUSIVE, INVALID, TIED

QUIET = Disturbance(False, "", {})
DELTA = 0.03


def row(
    name: str, rate: float, *, role: str = "entrant", main: bool = True, noise: float = 0.003, blocks: int = 10
) -> Candidate:
    """A row "adapter:mode" with a little noise of its own."""
    generator = np.random.default_rng(list(f"{name}{role}".encode()))
    values = rate * np.exp(generator.normal(0.0, noise, blocks))
    adapter, mode = name.split(":")
    label = f"{name} (twin)" if role == "twin" else name
    entry = Entry(label, label, {(i, 1): value for i, value in enumerate(values.tolist(), 1)})
    return Candidate(entry, adapter, mode, role, main)


def judged(*rows: Candidate, noise: Disturbance = QUIET) -> GroupVerdicts:
    """The verdicts of one group at a delta of 3 %."""
    return group_verdicts(rows, DELTA, noise)


def test_a_row_that_equals_its_twin_passes() -> None:
    """The control passes with its ratio, interval and noise floor, and the winner stands."""
    found = judged(row("a:x", 120.0), row("a:x", 120.0, role="twin"), row("b:x", 100.0))

    assert found.control.verdict == PASSED
    assert found.control.label == "a:x"
    assert found.control.low is not None
    assert found.control.high is not None
    assert found.control.low < 1 < found.control.high
    floor = math.sqrt(found.control.high / found.control.low) - 1
    assert found.control.noise_floor == pytest.approx(floor)
    assert found.control.extra_blocks == 0
    assert found.main.ranks == {"a:x": 1, "b:x": 2}
    assert found.main.code == ""


@pytest.mark.parametrize("rate", [110.0, 131.0])
def test_a_row_that_beats_itself_invalidates_its_group(rate: float) -> None:
    """A twin 9 % off, either way, is a false win: no ranks, every pair of every family invalid, and why."""
    rows = (row("a:x", 120.0), row("b:x", 60.0), row("a:y", 200.0, main=False))
    found = judged(*rows, row("a:x", rate, role="twin"))

    assert found.control.verdict == FAILED
    for ranking in (found.main, found.modes["a"]):
        assert (ranking.code, ranking.ranks) == ("FALSE_WIN", {})
        assert [pair.verdict for pair in ranking.pairs] == [INVALID]
        assert ranking.sentence == "Invalid: a:x wins against itself, so a win here proves nothing. No winner is named."


def test_a_small_difference_of_its_own_is_said_and_passes() -> None:
    """A twin 1 % off on a quiet machine is significant, but wins nothing: passed, and the sentence says so."""
    found = control(row("a:x", 101.0, role="twin", noise=0.001).entry, row("a:x", 100.0, noise=0.001).entry, DELTA)

    assert found.verdict == PASSED
    assert found.p_value is not None
    assert found.p_value < 0.01
    assert "a difference of its own" in found.sentence


def test_a_machine_that_cannot_resolve_delta_names_no_winner() -> None:
    """With a noise floor above delta there are no ranks; only intervals wholly above the floor stay "faster"."""
    loud = [row(name, rate, noise=0.08) for name, rate in (("a:x", 400.0), ("b:x", 106.0), ("c:x", 100.0))]
    found = judged(*loud, row("a:x", 400.0, role="twin", noise=0.08))

    assert found.control.verdict == PASSED
    assert found.control.noise_floor is not None
    assert found.control.noise_floor > DELTA
    assert found.control.extra_blocks
    assert (found.main.code, found.main.ranks) == ("UNRESOLVED", {})
    assert found.main.sentence.startswith("This machine cannot resolve 3 % today: no winner is named.")
    assert "2 of 3 differences are larger than that" in found.main.sentence
    verdicts = {(pair.first, pair.second): pair.verdict for pair in found.main.pairs}
    assert verdicts["a:x", "b:x"] == verdicts["a:x", "c:x"] == FASTER
    assert verdicts["b:x", "c:x"] == INCONCLUSIVE


def test_a_gap_below_the_noise_floor_is_no_finding() -> None:
    """A pair whose interval excludes 1 but not the floor of a restless control is inconclusive, with the reason."""
    quiet = [row("a:x", 106.0), row("b:x", 100.0)]
    found = judged(*quiet, row("a:x", 106.0, role="twin", noise=0.15))

    (pair,) = found.main.pairs
    assert found.main.code == "UNRESOLVED"
    assert (pair.verdict, pair.reason) == (INCONCLUSIVE, "within the noise floor")
    assert pair.extra_blocks == found.control.extra_blocks
    assert found.control.extra_blocks


def test_a_noisy_run_has_intervals_and_no_winner() -> None:
    """A run that ended noisy keeps ratios and intervals and loses verdicts and ranks."""
    rows = (row("a:x", 120.0), row("a:x", 120.0, role="twin"), row("b:x", 60.0))
    found = judged(*rows, noise=Disturbance(True, "9 of 10 blocks disturbed", {}))

    (pair,) = found.main.pairs
    assert (found.main.code, found.main.ranks) == ("NOISY", {})
    assert found.main.sentence.startswith("The run ended noisy (9 of 10 blocks disturbed)")
    assert (pair.verdict, pair.reason, pair.extra_blocks) == (INCONCLUSIVE, "noisy run", None)
    assert pair.low > 1


@pytest.mark.parametrize(
    ("twin", "why"),
    [
        ((), "no row entered twice"),
        ((row("a:x", 100.0, role="twin", blocks=1),), "fewer than 2 complete blocks"),
        ((row("z:x", 100.0, role="twin"),), "no proved and timed original"),
    ],
)
def test_without_a_control_verdicts_stand_and_it_is_said(twin: tuple[Candidate, ...], why: str) -> None:
    """A run of an older version, or one whose twin failed, is judged as before and says that no control was run."""
    found = judged(row("a:x", 120.0), row("b:x", 100.0), *twin)

    assert found.control.verdict == NOT_RUN
    assert why in found.control.sentence
    assert found.main.ranks == {"a:x": 1, "b:x": 2}


def test_modes_are_compared_within_their_framework_only() -> None:
    """Each framework's modes are a family of their own; twin and other frameworks' modes are in none of them."""
    rows = [row("a:x", 100.0), row("a:y", 140.0, main=False), row("a:z", 140.1, main=False)]
    rows += [row("b:x", 50.0), row("b:y", 75.0, main=False), row("c:x", 20.0)]
    found = judged(*rows, row("a:x", 100.0, role="twin"))

    assert {(pair.first, pair.second) for pair in found.main.pairs} == {
        ("a:x", "b:x"),
        ("a:x", "c:x"),
        ("b:x", "c:x"),
    }
    assert list(found.modes) == ["a", "b"]
    assert found.modes["a"].ranks == {"a:y": 1, "a:z": 1, "a:x": 2}
    assert TIED in {pair.verdict for pair in found.modes["a"].pairs}
    assert found.modes["b"].sentence.startswith("b:y is the fastest mode of b: 1.5")


def test_each_family_is_corrected_for_its_own_pairs() -> None:
    """One pair of modes keeps its plain p-value however many frameworks stand in the other family."""
    pair = (row("a:x", 100.0, noise=0.03), row("a:y", 103.0, main=False, noise=0.03))
    alone = judged(*pair).modes["a"].pairs
    among = judged(*pair, *(row(f"{name}:x", 90.0) for name in "bcdef")).modes["a"].pairs

    assert alone == among


def test_a_row_is_compared_with_the_one_that_it_is_built_on() -> None:
    """What a layer on top costs has a verdict of its own, in a family of two, where both rows were timed."""
    above, alone = row("top:x", 90.0), row("top:y", 80.0, main=False)
    above, alone = replace(above, built_on="b:x"), replace(alone, built_on="gone:x")
    found = judged(above, alone, row("b:x", 100.0), row("b:x", 100.0, role="twin"))

    assert list(found.built_on) == [("top:x", "b:x")]
    (pair,) = found.built_on["top:x", "b:x"].pairs
    assert pair.verdict == FASTER
    assert pair.ratio == pytest.approx(100 / 90, rel=0.01)
    noisy = judged(above, row("b:x", 100.0), row("b:x", 100.0, role="twin"), noise=Disturbance(True, "loud", {}))
    assert noisy.built_on["top:x", "b:x"].pairs[0].verdict == INCONCLUSIVE
