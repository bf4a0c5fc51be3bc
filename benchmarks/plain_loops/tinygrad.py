"""tinygrad's documented loop: ``for i in (t:=trange(…)): loss = train_step(…)``, reading ``loss.item()`` at times.

Source:
    Loop: https://docs.tinygrad.org/mnist/ (``step`` under ``TinyJit``, called in a loop).
    Waiting: https://docs.tinygrad.org/tensor/properties/ (``item`` reads the value, and so waits for it).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    loss = None
    started = time.perf_counter()
    for batch in batches:
        loss = step(batch)
    if loss is not None:
        loss.value()
    return time.perf_counter() - started
