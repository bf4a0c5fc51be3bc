"""Accuracy of given weights on a whole test set, computed by the harness and never by a framework.

Float32 is fast but can flip a sample whose two best logits nearly tie; those few are decided in float64.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..spec.model import Model
from .blas import one_blas_thread
from .loss import decide
from .network import Network
from .rule import Array

EVALUATION_BATCH = 128
"""Samples at once: smaller makes the LSTM's products inefficient, larger pushes attention scores out of the caches."""

MAX_THREADS = 8
"""Batches in flight, so that memory stays below 1 GiB on machines with many cores."""


@dataclass(frozen=True)
class Evaluation:
    """Accuracy on a test set, and how many samples had to be decided in float64."""

    accuracy: float
    correct: int
    total: int
    rechecked: int


def evaluate(
    model: Model,
    weights: Mapping[str, Array],
    inputs: Array,
    labels: Array,
    *,
    loss: str = "softmax_cross_entropy",
    batch: int = EVALUATION_BATCH,
    to_inputs: Callable[[Array], Array] | None = None,
    dtype: npt.DTypeLike = np.float32,
    margin: float = 1e-3,
) -> Evaluation:
    """Count correct predictions over all samples.

    Args:
        model: layers with shapes.
        weights: canonical weights.
        inputs: all samples, raw (a memory map is read batch by batch) or ready.
        labels: class numbers, ``(N,)``.
        loss: kind of loss, which says what outputs mean as an answer.
        batch: samples computed at once.
        to_inputs: turns raw samples into model inputs, called from several threads; None when they are ready.
        dtype: precision of the first pass.
        margin: a sample whose answer is closer than this to another one is computed again in float64.

    Returns:
        Accuracy and counts. A sample with a logit that is not finite counts as wrong.

    Raises:
        ValueError: no samples, or another number of labels.
    """
    total = len(inputs)
    if total == 0 or total != len(labels):
        raise ValueError(f"labels: expected one for each of at least 1 sample; received {total} and {len(labels)}")
    convert = to_inputs if to_inputs is not None else np.asarray
    predicted, margins = _predict(Network(model, weights, dtype), loss, inputs, np.arange(total), convert, batch)
    close = np.flatnonzero(margins < margin)
    if len(close):
        predicted[close], _ = _predict(Network(model, weights, np.float64), loss, inputs, close, convert, batch)
    correct = int(np.count_nonzero(predicted == np.asarray(labels)))
    return Evaluation(correct / total, correct, total, len(close))


def _predict(
    network: Network, loss: str, inputs: Array, rows: Array, convert: Callable[[Array], Array], batch: int
) -> tuple[Array, Array]:
    """Predicted answers and margins of the given rows, one batch for each thread at a time."""

    def one(start: int) -> tuple[Array, Array]:
        return _decide(loss, network.logits(convert(inputs[rows[start : start + batch]])))

    with one_blas_thread() as single, ThreadPoolExecutor(_cores() if single else 1) as threads:
        parts = list(threads.map(one, range(0, len(rows), batch)))
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _cores() -> int:
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(available, MAX_THREADS)


def _decide(loss: str, logits: Array) -> tuple[Array, Array]:
    """Predicted answers, or −1 where an output is not finite, and the distances to another answer."""
    finite: Array = np.asarray(np.isfinite(logits).all(axis=1))
    best, margin = decide(loss, np.where(finite[:, None], logits, 0))
    return np.where(finite, best, -1), np.where(finite, margin, np.inf)
