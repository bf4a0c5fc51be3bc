"""The oracle's plain loop: NumPy has finished when it returns, so there is nothing to wait for."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    started = time.perf_counter()
    for batch in batches:
        step(batch)
    return time.perf_counter() - started
