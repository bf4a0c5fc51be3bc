"""MXNet's documented loop: ``for data, label in train_data`` with ``autograd.record`` and ``trainer.step``.

Source:
    Loop: apache/mxnet v1.x, docs/python_docs/python/tutorials/getting-started/crash-course/4-train.md. It reads the
    loss in every step, which makes it wait each time; left out, because a slower plain loop would flatter the harness.
    Waiting: https://mxnet.apache.org/versions/1.9.1/api/python/docs/tutorials/performance/backend/profiler.html
    (``waitall``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import mxnet as mx


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    started = time.perf_counter()
    for batch in batches:
        step(batch)
    mx.nd.waitall()
    return time.perf_counter() - started
