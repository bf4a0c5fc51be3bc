"""The loss: softmax cross-entropy, mean over the batch, times the scale of the spec."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from ..errors import SpecError
from ..spec.training import LOSSES, Loss
from .rule import Array


def loss_and_logit_gradient(loss: Loss, logits: Array, labels: Array) -> tuple[float, Array]:
    """L = −scale/B · Σ_b log softmax(z_b)[label_b] and dL/dz = scale/B · (softmax(z) − one-hot).

    Args:
        loss: kind and scale.
        logits: ``(B, classes)``.
        labels: class numbers, ``(B,)``.

    Returns:
        The loss and its gradient by the logits, ``(B, classes)``.

    Raises:
        SpecError: a loss that is not in the vocabulary.
    """
    if loss.kind not in LOSSES:
        raise SpecError("loss", "unknown kind", expected="one of " + ", ".join(LOSSES), received=loss.kind)
    rows = np.arange(len(labels))
    log_p = log_softmax(logits, axis=1)  # (B, classes)
    gradient = np.exp(log_p)
    gradient[rows, labels] -= 1
    gradient *= loss.scale / len(labels)
    return float(-loss.scale * np.mean(log_p[rows, labels])), gradient
