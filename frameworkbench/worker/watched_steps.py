"""Ordinary training steps with a look at memory after each one: the raw series behind the leak gate (method M5).

First a burst without draining, as a timed window runs, so that queued work counts in the peak. Then step by step,
drained, so that each reading shows what a finished step leaves behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..adapter import Adapter
from . import memory


@dataclass(frozen=True, slots=True)
class Series:
    """Readings after each watched step, in bytes; ``live_bytes`` is None where the framework's allocator is silent."""

    burst: int
    resident_bytes: list[int]
    live_bytes: list[int] | None


def run_watched_steps(
    adapter: Adapter,
    next_batch: Callable[[], Any],
    drain: Callable[[], None],
    *,
    burst: int,
    steps: int,
    limit_s: float,
) -> Series:
    """Run a burst, then watched steps until there are enough or the time is up.

    Args:
        adapter: built and staged.
        next_batch: the next staged batch.
        drain: blocks until all device work has finished.
        burst: steps before the first drain.
        steps: watched steps.
        limit_s: time for burst and watched steps together; the step that is running then is the last.
    """
    stop = time.monotonic() + limit_s
    for _ in range(burst):
        adapter.step(next_batch())
    drain()
    # Room for all readings is taken and touched beforehand: a growing list would be a leak of the harness's own.
    resident = np.full(steps, -1, np.int64)
    live = np.full(steps, -1, np.int64)
    taken = 0
    while taken < steps and (taken == 0 or time.monotonic() < stop):
        adapter.step(next_batch())
        drain()
        resident[taken] = _number(memory.resident_bytes())
        live[taken] = _number((adapter.device_memory() or {}).get("live_bytes"))
        taken += 1
    return Series(burst, _known(resident[:taken]) or [], _known(live[:taken]))


def _number(value: int | None) -> int:
    return -1 if value is None else int(value)


def _known(readings: npt.NDArray[np.int64]) -> list[int] | None:
    """The readings, or None if one of them is missing."""
    return [int(value) for value in readings] if len(readings) and int(readings.min()) >= 0 else None
