"""A whole model: weights in one precision, logits, loss and gradients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ..spec.model import Model
from ..spec.training import Loss
from .layers import backward_layers, forward_layers, next_statistics, predict_layers
from .loss import loss_and_logit_gradient
from .rule import Array


class Network:
    """A model with its weights.

    Args:
        model: layers with shapes.
        weights: one array for each parameter name, canonical shape; copied and converted to ``dtype``.
        dtype: float64 for proof, float32 to evaluate large test sets.

    Raises:
        ValueError: a parameter is missing, unknown or has another shape.
    """

    def __init__(self, model: Model, weights: Mapping[str, Array], dtype: npt.DTypeLike = np.float64) -> None:
        self.model = model
        self._dtype = np.dtype(dtype)
        shapes = {parameter.name: parameter.shape for parameter in model.parameters}
        wrong = sorted(set(shapes) ^ set(weights))
        if wrong:
            raise ValueError(f"weights: expected exactly {', '.join(shapes)}; missing or unknown: {', '.join(wrong)}")
        for name, shape in shapes.items():
            if weights[name].shape != shape:
                raise ValueError(f"weights: {name}: expected shape {shape}; received {weights[name].shape}")
        self.weights: dict[str, Array] = {name: np.array(weights[name], self._dtype, order="C") for name in shapes}
        self._trained = [parameter.name for parameter in model.parameters if parameter.trained]
        self._next: dict[str, Array] = {}

    def logits(self, inputs: Array) -> Array:
        """Scores before the softmax, in evaluation.

        Args:
            inputs: ``(B, *input_shape)``, floats in NCHW order or tokens.

        Returns:
            ``(B, classes)`` in the network's precision.
        """
        return predict_layers(self.model.layers, self.weights, self._inputs(inputs))

    def loss_and_gradients(self, inputs: Array, labels: Array, loss: Loss) -> tuple[float, dict[str, Array], Array]:
        """Loss, gradient by every trained parameter, and logits of one batch, in training.

        Args:
            inputs: ``(B, *input_shape)``.
            labels: class numbers, ``(B,)``.
            loss: kind and scale.

        Returns:
            The loss, gradients by parameter name in the order of ``model.parameters``, logits ``(B, classes)``.
        """
        logits, caches = forward_layers(self.model.layers, self.weights, self._inputs(inputs))
        value, dlogits = loss_and_logit_gradient(loss, logits, labels)
        _, gradients = backward_layers(self.model.layers, self.weights, caches, dlogits)
        self._next = next_statistics(self.model.layers, self.weights, caches)
        return value, {name: gradients[name] for name in self._trained}, logits

    def training_loss(self, inputs: Array, labels: Array, loss: Loss) -> float:
        """The loss alone, as a training step computes it."""
        logits, _ = forward_layers(self.model.layers, self.weights, self._inputs(inputs))
        return loss_and_logit_gradient(loss, logits, labels)[0]

    def move_statistics(self) -> None:
        """Take over the running statistics that the batch of the last ``loss_and_gradients`` leads to."""
        self.weights.update(self._next)
        self._next = {}

    def _inputs(self, inputs: Array) -> Array:
        if self.model.input_kind == "tokens":
            return np.asarray(inputs)
        return np.asarray(inputs, self._dtype)
