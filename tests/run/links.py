"""A link to no worker: its windows take what a test says, and others leave the cores after a number of pauses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


class PlannedLink:
    """A link whose windows take ``window_s(steps, pauses)`` while others take ``others(pauses)`` of the cores.

    ``pauses`` counts the rests so far. Steps drained one by one take the window's mean.
    """

    def __init__(self, window_s: Callable[[int, int], float], others: Callable[[int], float]) -> None:
        self.pauses, self.windows, self.loads = 0, 0, 0
        self.worker = self
        self._window_s, self._others = window_s, others

    def stage(self, order: object) -> None:
        pass

    def load(self, weights: object) -> None:
        self.loads += 1

    def window(self, steps: int) -> dict[str, Any]:
        self.windows += 1
        ns = int(self._window_s(steps, self.pauses) * 1e9)
        return {"steps": steps, "start_ns": 0, "stop_ns": ns, "foreign_cpu_share": self._others(self.pauses)}

    def latencies(self, steps: int) -> list[float]:
        return [self._window_s(steps, self.pauses) / steps] * steps

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        self.pauses += 1
        yield

    def export_later(self) -> Path:
        return Path("weights.npz")
