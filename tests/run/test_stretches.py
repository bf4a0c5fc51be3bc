"""Checked steps that others slow are waited for; slow ones on quiet cores are other work."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from frameworkbench.run.judge import Expected
from frameworkbench.run.link import Link
from frameworkbench.run.passes.stretches import Stretches, checked_stretches

from .links import PlannedLink

_WINDOW_STEP_S = 0.01

pytestmark = pytest.mark.usefixtures("no_sleep")


def _seen(link: PlannedLink) -> Stretches:
    expected = SimpleNamespace(again=SimpleNamespace(order=(), weights={}))
    found, _ = checked_stretches(cast(Link, link), cast(Expected, expected), 8, _WINDOW_STEP_S, 0.0)
    assert link.loads == link.windows == len(found.timed), "fresh weights before each"
    return found


@pytest.mark.parametrize("leaves_after", [0, 1, 5])
def test_others_are_waited_for(leaves_after: int) -> None:
    """An honest row whose cores others take is not accused once they have left, after few pauses or many."""
    link = PlannedLink(
        lambda steps, pauses: steps * _WINDOW_STEP_S * (20 if pauses < leaves_after else 1),
        lambda pauses: 0.5 if pauses < leaves_after else 0.0,
    )

    assert _seen(link).judge(_WINDOW_STEP_S, 0.0) == []
    assert link.pauses == leaves_after


def test_slow_on_quiet_cores_is_other_work() -> None:
    """A row that is slower whenever its result is checked, alone on its cores, is accused without a pause."""
    link = PlannedLink(lambda steps, pauses: steps * _WINDOW_STEP_S * 20, lambda pauses: 0.01)

    findings = _seen(link).judge(_WINDOW_STEP_S, 0.0)

    assert [finding.code for finding in findings] == ["DETECTION"]
    assert link.pauses == 0
    assert "other processes" not in findings[0].reason


def test_slow_beside_others_to_the_end() -> None:
    """Where others never leave, the row is still refused, and the reason says what they took."""
    link = PlannedLink(lambda steps, pauses: steps * _WINDOW_STEP_S * 20, lambda pauses: 0.5)

    findings = _seen(link).judge(_WINDOW_STEP_S, 0.0)

    assert [finding.code for finding in findings] == ["DETECTION"]
    assert "other processes took 50.0% of the cores" in findings[0].reason
    assert link.pauses == 5


def test_fast_ones_are_not_waited_for() -> None:
    """What others took is asked only where checked steps are slow."""
    link = PlannedLink(lambda steps, pauses: steps * _WINDOW_STEP_S, lambda pauses: 0.9)

    assert _seen(link).judge(_WINDOW_STEP_S, 0.0) == []
    assert (link.pauses, link.windows) == (0, 2), "the budget of time is spent after two"
