"""Accuracy of given weights on a whole test set, computed by the harness and never by a framework.

Float32 is fast but can flip a sample whose two best logits nearly tie; those few are decided in float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..spec.model import Model
from .network import Network
from .rule import Array

EVALUATION_BATCH = 128
"""Samples at once: smaller makes the LSTM's products inefficient, larger pushes attention scores out of the caches."""


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
        batch: samples computed at once.
        to_inputs: turns raw samples into model inputs; None when they are ready.
        dtype: precision of the first pass.
        margin: a sample whose two best logits are closer than this is computed again in float64.

    Returns:
        Accuracy and counts. A sample with a logit that is not finite counts as wrong.

    Raises:
        ValueError: no samples, or another number of labels.
    """
    total = len(inputs)
    if total == 0 or total != len(labels):
        raise ValueError(f"labels: expected one for each of at least 1 sample; received {total} and {len(labels)}")
    convert = to_inputs if to_inputs is not None else np.asarray
    network = Network(model, weights, dtype)
    predicted, margins = np.empty(total, np.int64), np.empty(total)
    for start in range(0, total, batch):
        part = slice(start, start + batch)
        predicted[part], margins[part] = _decide(network.logits(convert(inputs[part])))
    close = np.flatnonzero(margins < margin)
    if len(close):
        exact = Network(model, weights, np.float64)
        for start in range(0, len(close), batch):
            rows = close[start : start + batch]
            predicted[rows], _ = _decide(exact.logits(convert(inputs[rows])))
    correct = int(np.count_nonzero(predicted == np.asarray(labels)))
    return Evaluation(correct / total, correct, total, len(close))


def _decide(logits: Array) -> tuple[Array, Array]:
    """Predicted class, or −1 where a logit is not finite, and the distance to the second best logit."""
    finite: Array = np.asarray(np.isfinite(logits).all(axis=1))
    safe = np.where(finite[:, None], logits, 0)
    best = np.where(finite, safe.argmax(axis=1), -1)
    if logits.shape[1] < 2:
        return best, np.full(len(logits), np.inf)
    top = np.partition(safe, -2, axis=1)[:, -2:]  # second best, best
    return best, np.where(finite, top[:, 1] - top[:, 0], np.inf)
