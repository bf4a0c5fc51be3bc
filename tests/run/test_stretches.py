"""Checked steps that others slow are waited for; slow ones on quiet cores are other work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from frameworkbench.run.judge import Expected
from frameworkbench.run.link import Link
from frameworkbench.run.passes import stretches
from frameworkbench.run.passes.stretches import Stretches, checked_stretches

_WINDOW_STEP_S = 0.01


class _Link:
    """A link whose steps take what ``step_s(pauses so far)`` says, while others take ``others(pauses so far)``."""

    def __init__(self, step_s: Callable[[int], float], others: Callable[[int], float]) -> None:
        self.pauses, self.windows, self.loads = 0, 0, 0
        self.worker = self
        self._step_s, self._others = step_s, others

    def stage(self, order: object) -> None:
        pass

    def load(self, weights: object) -> None:
        self.loads += 1

    def window(self, steps: int) -> dict[str, Any]:
        self.windows += 1
        ns = int(steps * self._step_s(self.pauses) * 1e9)
        return {"steps": steps, "start_ns": 0, "stop_ns": ns, "foreign_cpu_share": self._others(self.pauses)}

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        self.pauses += 1
        yield

    def export_later(self) -> Path:
        return Path("weights.npz")


def _seen(monkeypatch: pytest.MonkeyPatch, link: _Link) -> Stretches:
    monkeypatch.setattr(stretches, "sleep", lambda seconds: None)
    expected = SimpleNamespace(again=SimpleNamespace(order=(), weights={}))
    found, _ = checked_stretches(cast(Link, link), cast(Expected, expected), 8, _WINDOW_STEP_S, 0.0)
    assert link.loads == link.windows == len(found.timed), "fresh weights before each"
    return found


@pytest.mark.parametrize("leaves_after", [0, 1, 5])
def test_others_are_waited_for(monkeypatch: pytest.MonkeyPatch, leaves_after: int) -> None:
    """An honest row whose cores others take is not accused once they have left, after few pauses or many."""
    link = _Link(
        lambda pauses: _WINDOW_STEP_S * (20 if pauses < leaves_after else 1),
        lambda pauses: 0.5 if pauses < leaves_after else 0.0,
    )

    assert _seen(monkeypatch, link).judge(_WINDOW_STEP_S, 0.0) == []
    assert link.pauses == leaves_after


def test_slow_on_quiet_cores_is_other_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that is slower whenever its result is checked, alone on its cores, is accused without a pause."""
    link = _Link(lambda pauses: _WINDOW_STEP_S * 20, lambda pauses: 0.01)

    findings = _seen(monkeypatch, link).judge(_WINDOW_STEP_S, 0.0)

    assert [finding.code for finding in findings] == ["DETECTION"]
    assert link.pauses == 0
    assert "other processes" not in findings[0].reason


def test_slow_beside_others_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where others never leave, the row is still refused, and the reason says what they took."""
    link = _Link(lambda pauses: _WINDOW_STEP_S * 20, lambda pauses: 0.5)

    findings = _seen(monkeypatch, link).judge(_WINDOW_STEP_S, 0.0)

    assert [finding.code for finding in findings] == ["DETECTION"]
    assert "other processes took 50.0% of the cores" in findings[0].reason
    assert link.pauses == 5


def test_fast_ones_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others took is asked only where checked steps are slow."""
    link = _Link(lambda pauses: _WINDOW_STEP_S, lambda pauses: 0.9)

    assert _seen(monkeypatch, link).judge(_WINDOW_STEP_S, 0.0) == []
    assert (link.pauses, link.windows) == (0, 2), "the budget of time is spent after two"
