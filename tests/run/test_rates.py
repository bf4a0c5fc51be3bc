"""The scaling law is asked with enough work in a window, and of cores that belong to the worker."""

from __future__ import annotations

from typing import cast

import pytest

from frameworkbench.run.link import Link
from frameworkbench.run.passes.outcome import Outcome
from frameworkbench.run.passes.rates import measure_rates

from .links import PlannedLink

_STEP_S = 0.002

pytestmark = pytest.mark.usefixtures("no_sleep")


def _seen(link: PlannedLink, estimate_s: float = _STEP_S) -> Outcome:
    outcome = Outcome(payload={"step_s": estimate_s})
    measure_rates(cast(Link, link), outcome, own_loop=False)
    return outcome


@pytest.mark.parametrize("leaves_after", [0, 1, 5])
def test_others_are_waited_for(leaves_after: int) -> None:
    """An honest row whose windows others stretch is not accused once they have left, after few pauses or many."""
    link = PlannedLink(
        lambda steps, pauses: 10.0 if pauses < leaves_after else steps * _STEP_S,
        lambda pauses: 0.5 if pauses < leaves_after else 0.0,
    )

    assert _seen(link).findings == []
    assert link.pauses == leaves_after


def test_flat_on_quiet_cores_is_accused() -> None:
    """A row whose windows take the same however many steps they hold, alone on its cores, is accused at once."""
    link = PlannedLink(lambda steps, pauses: 0.1, lambda pauses: 0.01)

    (finding,) = _seen(link).findings

    assert finding.code == "NONLINEAR"
    assert "other processes" not in finding.reason
    assert link.pauses == 0


def test_flat_beside_others_to_the_end() -> None:
    """Where others never leave, the row is still refused, and the reason says what they took."""
    link = PlannedLink(lambda steps, pauses: 0.1, lambda pauses: 0.5)

    (finding,) = _seen(link).findings

    assert finding.code == "NONLINEAR"
    assert "other processes took 50.0% of the cores" in finding.reason
    assert link.pauses == 5


def test_a_disturbed_estimate_is_mended() -> None:
    """Steps that seemed slow before are timed in windows as long as the fast ones they turn out to be need."""
    link = PlannedLink(lambda steps, pauses: max(0.02, steps * _STEP_S), lambda pauses: 0.0)

    outcome = _seen(link, estimate_s=0.06)

    assert outcome.findings == []
    shortest = min(int(steps) for steps in outcome.payload["scaling"][0])
    assert shortest * _STEP_S >= 0.01, "of work"
