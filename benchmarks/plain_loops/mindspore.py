"""MindSpore's documented loop: ``for batch, (data, label) in enumerate(…): loss = train_step(data, label)``.

Source:
    Loop: https://www.mindspore.cn/tutorials/en/master/beginner/quick_start.html (``train``), reading
    ``loss.asnumpy()`` at times, which waits for it.
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
        loss.asnumpy()
    return time.perf_counter() - started
