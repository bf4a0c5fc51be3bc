"""Stretches of steps whose result is compared, timed in the process that was timed before (method T5).

A worker that skips work in its windows is slower here. So is an honest one whose cores others take just now: then the
harness waits for them to leave before it says anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import sleep
from typing import Any

from ...validity import rate
from ...validity.findings import Finding
from .. import foreign
from ..judge import Expected
from ..link import Link
from .outcome import elapsed_s

_LEAST = 4
_MOST = 20
_BUDGET_S = 0.15  # one stretch is enough for slow rows; an objection asks for more of them
_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)  # while others take the cores


@dataclass(frozen=True, slots=True)
class Stretches:
    """What the checked stretches showed.

    Attributes:
        timed: (steps, seconds) of each.
        others: what other processes took of the cores in the stretches after the last pause; empty where little.
    """

    timed: tuple[tuple[int, float], ...]
    others: str

    def to_json(self) -> list[list[float]]:
        """Steps and seconds of each, as a record holds them."""
        return [[steps, round(seconds, 7)] for steps, seconds in self.timed]

    def judge(self, window_step_s: float, call_s: float) -> list[Finding]:
        """Against the windows; see ``rate.windows_against_checked``."""
        found = rate.windows_against_checked(window_step_s, self.timed, call_s)
        return [replace(one, reason=f"{one.reason}; {self.others}") if self.others else one for one in found]


def checked_stretches(
    link: Link, expected: Expected, k: int, window_step_s: float, call_s: float
) -> tuple[Stretches, Path]:
    """Fresh weights, then k steps on batches that were never staged; a few times, because k steps are short.

    More often where all of them were slower than the windows: somebody else may have slowed them. Where the kernel's
    accounts say that somebody did, again after pauses. They cannot help a worker: its weights come after the pause.

    Only the last stretch's weights are compared: nothing tells the worker which one that is.

    Returns:
        what was seen, and the file of the last stretch's weights.
    """
    seen: list[dict[str, Any]] = []
    link.stage(expected.again.order)

    def slow() -> bool:
        return bool(rate.windows_against_checked(window_step_s, _timed(seen), call_s))

    def take(least: int, most: int) -> list[dict[str, Any]]:
        start, spent = len(seen), 0.0
        while (len(seen) - start < least and spent < _BUDGET_S) or (len(seen) - start < most and slow()):
            link.load(expected.again.weights)
            seen.append(link.window(k))
            spent += elapsed_s(seen[-1])
        return seen[start:]

    others = foreign.complaints(foreign.in_windows(take(_LEAST, _MOST)))
    for pause in _PAUSES_S:
        if not others or not slow():
            break
        with link.worker.waiting():
            sleep(pause)
        others = foreign.complaints(foreign.in_windows(take(1, _LEAST)))
    return Stretches(tuple(_timed(seen)), "; ".join(others)), link.export_later()


def _timed(windows: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(window["steps"], elapsed_s(window)) for window in windows]
