"""The scaling law and single latencies: time must follow work, in the state that a proof left (method T5)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ...validity import rate
from ...validity.findings import Finding
from ..link import Link
from .outcome import Outcome, elapsed_s
from .patience import patiently

_LATENCIES = 24
_SLOW_STEP_S = 0.05  # from here on every step is long against clock and scheduler: half as many show as much
_TRIES = 5
_BUDGET_S = 0.3
_MOST_GROWTH = 8
_MOST_GROWTH_OF_CALLS = 64


def measure_rates(link: Link, outcome: Outcome, own_loop: bool) -> None:
    """Windows of N, 2N and 4N steps, and steps drained one by one; findings and figures go to the outcome.

    Fast rows are looked at for a while; others once, and again only where the look raises an objection. Where it does
    and the kernel says that others took the cores, they are waited for.

    Args:
        link: to the worker, warmed up.
        outcome: holds ``step_s``, the estimate of a step in seconds.
        own_loop: whether a window costs something by itself; see ``Mode.own_loop``.
    """
    slow = outcome.payload["step_s"] >= _SLOW_STEP_S
    scaling = _Scaling(link, outcome.payload["step_s"], own_loop)
    others = patiently(link.worker, scaling.take, scaling.findings)
    step_s = scaling.step_s
    looks = _LATENCIES // 2 if slow and step_s >= _SLOW_STEP_S else _LATENCIES
    latencies = [link.latencies(looks)]
    while len(latencies) < _TRIES and rate.free_steps(latencies, step_s):
        latencies.append(link.latencies(_LATENCIES))
    outcome.payload["scaling"] = [{str(count): round(s, 6) for count, s in found.items()} for found in scaling.tries]
    outcome.payload["latencies_s"] = [[round(latency, 7) for latency in found] for found in latencies]
    outcome.findings += [finding.remarked(others) for finding in scaling.findings()]
    outcome.findings += rate.free_steps(latencies, step_s)


class _Scaling:
    """Windows of three lengths: the shortest holds enough work for the clock, by the fastest step seen so far.

    Attributes:
        tries: seconds by number of steps, one mapping for each try.
    """

    def __init__(self, link: Link, step_s: float, own_loop: bool) -> None:
        self._link, self._own_loop = link, own_loop
        least = rate.SCALE_STEPS // 2 if step_s >= _SLOW_STEP_S else rate.SCALE_STEPS
        self._shortest = max(least, math.ceil(rate.SCALE_LEAST_S / step_s))
        self._most = self._shortest * (_MOST_GROWTH_OF_CALLS if own_loop else _MOST_GROWTH)
        self.tries: list[dict[int, float]] = []

    @property
    def step_s(self) -> float:
        """Seconds of a step in the fastest window."""
        return min(seconds / steps for steps, seconds in rate.best_of(self.tries).items())

    def findings(self) -> list[Finding]:
        """What the windows so far say."""
        return rate.scaling(self.tries)

    def take(self) -> list[dict[str, Any]]:
        """A few tries, more of them where there is an objection; the windows that were timed."""
        taken: list[dict[str, Any]] = []
        count, spent_s = 0, 0.0
        while count == 0 or (count < _TRIES and (spent_s < _BUDGET_S or self.findings())):
            windows = {self._shortest * factor: self._link.window(self._shortest * factor) for factor in (1, 2, 4)}
            taken += windows.values()
            self.tries.append({steps: _seconds(window) for steps, window in windows.items()})
            count, spent_s = count + 1, spent_s + sum(self.tries[-1].values())
            if self._too_short() and self._shortest < self._most:
                self._shortest, self.tries, count, spent_s = self._shortest * 2, [], 0, 0.0
        return taken

    def _too_short(self) -> bool:
        """The estimate came from disturbed steps, or a window has a cost of its own."""
        return self.step_s * self._shortest < rate.SCALE_LEAST_S or (self._own_loop and bool(self.findings()))


def _seconds(window: Mapping[str, Any]) -> float:
    return max(1e-9, elapsed_s(window))
