"""PyTorch's documented loop: ``for batch, (X, y) in enumerate(dataloader)``.

Source:
    Loop: https://docs.pytorch.org/tutorials/beginner/basics/quickstart_tutorial.html (``train``).
    Waiting: https://docs.pytorch.org/docs/stable/notes/cuda.html#asynchronous-execution; CPU operators are done when
    they return.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    started = time.perf_counter()
    for batch in batches:
        step(batch)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - started
