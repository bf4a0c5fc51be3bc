"""Stretches of steps whose result is compared, timed in the process that was timed before (method T5).

A worker that skips work in its windows is slower here. So is an honest one whose cores others take just now: then the
harness waits for them to leave before it says anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...validity import rate
from ...validity.findings import Finding
from ..judge import Expected
from ..link import Link
from .outcome import elapsed_s
from .patience import patiently

_LEAST = 4
_MOST = 20
_BUDGET_S = 0.15  # one stretch is enough for slow rows; an objection asks for more of them


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
        return [finding.remarked(self.others) for finding in found]


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

    def findings() -> list[Finding]:
        return rate.windows_against_checked(window_step_s, _timed(seen), call_s)

    def take() -> list[dict[str, Any]]:
        start, spent = len(seen), 0.0
        least, most = (1, _LEAST) if seen else (_LEAST, _MOST)  # few after a pause: a slow row has a time limit
        while (len(seen) - start < least and spent < _BUDGET_S) or (len(seen) - start < most and findings()):
            link.load(expected.again.weights)
            seen.append(link.window(k))
            spent += elapsed_s(seen[-1])
        return seen[start:]

    others = patiently(link.worker, take, findings)
    return Stretches(tuple(_timed(seen)), others), link.export_later()


def _timed(windows: Sequence[dict[str, Any]]) -> list[tuple[int, float]]:
    return [(window["steps"], elapsed_s(window)) for window in windows]
