"""The losses: mean over the batch, times the scale of the spec. And what a model's outputs mean as an answer.

SciPy's functions are imported by those that call them: it doubles the start-up time of a worker, and most need none.
"""

from __future__ import annotations

import numpy as np

from ..errors import SpecError
from ..spec.training import LOSSES, Loss
from .rule import Array


def loss_and_logit_gradient(loss: Loss, logits: Array, labels: Array) -> tuple[float, Array]:
    """The loss of a batch and its gradient by the outputs.

    Args:
        loss: kind, constants and scale.
        logits: ``(B, classes)``; ``(B, 1)`` for all losses but softmax cross-entropy.
        labels: class numbers, 0 or 1, or whole numbers to be met, ``(B,)``.

    Returns:
        The loss and its gradient by the logits, shaped like them.

    Raises:
        SpecError: a loss that is not in the vocabulary.
    """
    if loss.kind not in LOSSES:
        raise SpecError("loss", "unknown kind", expected="one of " + ", ".join(LOSSES), received=loss.kind)
    if loss.kind == "softmax_cross_entropy":
        return _softmax_cross_entropy(loss, logits, labels)
    each, slope = _SINGLE[loss.kind](loss, logits[:, 0], np.asarray(labels, logits.dtype))
    return float(loss.scale * np.mean(each)), (loss.scale / len(labels) * slope)[:, None]


def decide(loss: str, logits: Array) -> tuple[Array, Array]:
    """The answer that outputs stand for, and how far each is from another one.

    softmax cross-entropy: the largest logit, and its distance to the second. Binary cross-entropy and focal: 1 for a
    positive logit. Mean squared error: the nearest whole number, and the distance to where another would be nearer.

    Args:
        loss: kind of loss that the outputs were trained for.
        logits: ``(B, outputs)``, all finite.

    Returns:
        Answers and distances, ``(B,)`` each.
    """
    if loss == "mean_squared_error":
        nearest = np.rint(logits[:, 0])
        return nearest.astype(np.int64), 0.5 - np.abs(logits[:, 0] - nearest)
    if loss != "softmax_cross_entropy":
        return (logits[:, 0] > 0).astype(np.int64), np.abs(logits[:, 0])
    if logits.shape[1] < 2:
        return np.zeros(len(logits), np.int64), np.full(len(logits), np.inf)
    top = np.partition(logits, -2, axis=1)[:, -2:]  # second best, best
    return logits.argmax(axis=1), top[:, 1] - top[:, 0]


def _softmax_cross_entropy(loss: Loss, logits: Array, labels: Array) -> tuple[float, Array]:
    """L = −scale/B · Σ_b log softmax(z_b)[label_b] and dL/dz = scale/B · (softmax(z) − one-hot)."""
    rows = np.arange(len(labels))
    log_p = log_softmax(logits)  # (B, classes)
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1
    gradient *= loss.scale / len(labels)
    return float(-loss.scale * np.mean(log_p[rows, labels])), gradient


def log_softmax(z: Array) -> Array:
    """log(exp(z)/Σ exp(z)) over the last axis, shifted by the largest score; the same bits as SciPy's."""
    largest = z.max(axis=-1, keepdims=True)
    shifted = z - np.where(np.isfinite(largest), largest, 0).astype(z.dtype)
    with np.errstate(divide="ignore"):
        return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def _binary(_loss: Loss, z: Array, y: Array) -> tuple[Array, Array]:
    """−log p for the label's p: σ(z) for 1 and σ(−z) for 0; slope σ(z) − y."""
    from scipy.special import expit, log_expit

    return -log_expit(np.where(y == 1, z, -z)), expit(z) - y


def _focal(loss: Loss, z: Array, y: Array) -> tuple[Array, Array]:
    """−α_t·(1 − p_t)^γ·log p_t with p_t = σ(z), α_t = α for label 1 and p_t = σ(−z), α_t = 1 − α for label 0.

    Slope by z, with s = +1 or −1: s·α_t·(1 − p_t)^γ·(γ·p_t·log p_t − (1 − p_t)).

    Source: Lin et al. 2017, equation 5.
    """
    from scipy.special import expit, log_expit

    sign = np.where(y == 1, 1.0, -1.0).astype(z.dtype)
    alpha = np.where(y == 1, loss.alpha, 1 - loss.alpha).astype(z.dtype)
    log_p, p, rest = log_expit(sign * z), expit(sign * z), expit(-sign * z)
    weight = alpha * rest**loss.gamma
    return -weight * log_p, sign * weight * (loss.gamma * p * log_p - rest)


def _squared(_loss: Loss, z: Array, y: Array) -> tuple[Array, Array]:
    """(z − y)²; slope 2(z − y)."""
    return np.square(z - y), 2 * (z - y)


_SINGLE = {"binary_cross_entropy": _binary, "focal": _focal, "mean_squared_error": _squared}
