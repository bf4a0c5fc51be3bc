"""The optimizers of ``frameworkbench.spec.training``, applied to dense gradients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import SpecError
from ..spec.training import OPTIMIZERS, Optimizer
from .rule import Array


def penalised(optimizer: Optimizer, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> dict[str, Array]:
    """Gradients as the update rule sees them: clipped together by their norm, then with the penalties' slopes.

    Args:
        optimizer: holds ``clip_norm``, ``l1`` and ``l2``.
        weights: parameters before the step.
        gradients: of the loss, by name.

    Returns:
        g·min(1, clip_norm/‖g‖) + l2·p + l1·sign(p) for each gradient; what is not asked for is left out.
    """
    found = dict(gradients)
    if optimizer.clip_norm:
        norm = float(np.sqrt(sum(float(np.sum(np.square(g))) for g in gradients.values())))
        if norm > optimizer.clip_norm:
            found = {name: g * (optimizer.clip_norm / norm) for name, g in found.items()}
    if optimizer.l2:
        found = {name: g + optimizer.l2 * weights[name] for name, g in found.items()}
    if optimizer.l1:
        found = {name: g + optimizer.l1 * np.sign(weights[name]) for name, g in found.items()}
    return found


class OptimizerState:
    """One optimizer with its moving averages, which start at zero (AdaGrad's sum at its stated start).

    Args:
        optimizer: kind and constants.

    Raises:
        SpecError: an optimizer that is not in the vocabulary.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        if optimizer.kind not in OPTIMIZERS:
            raise SpecError(
                "optimizer", "unknown kind", expected="one of " + ", ".join(OPTIMIZERS), received=optimizer.kind
            )
        self._optimizer = optimizer
        self._first: dict[str, Array] = {}
        self._second: dict[str, Array] = {}
        self._rate = 0.0
        self.steps = 0

    def update(self, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Take one step: change in place every array of ``weights`` that has a gradient.

        Args:
            weights: parameters by name.
            gradients: of the loss, by parameter name, same shapes.
        """
        self.steps += 1
        self._rate = self._optimizer.rate(self.steps)
        step = getattr(self, f"_{self._optimizer.kind}")
        for name, gradient in penalised(self._optimizer, weights, gradients).items():
            parameter = weights[name]
            if name not in self._first:
                self._first[name] = np.zeros_like(parameter)
                self._second[name] = np.full_like(parameter, self._optimizer.initial_accumulator)
            step(parameter, gradient, self._first[name], self._second[name])

    def _sgd(self, parameter: Array, gradient: Array, velocity: Array, _unused: Array) -> None:
        """v ← momentum·v + g; p ← p − η·v.

        Source: Sutskever et al. 2013 with the learning rate outside the velocity.
        """
        velocity *= self._optimizer.momentum
        velocity += gradient
        parameter -= self._rate * velocity

    def _nesterov(self, parameter: Array, gradient: Array, velocity: Array, _unused: Array) -> None:
        """v ← momentum·v + g; p ← p − η·(g + momentum·v).

        Source: Sutskever et al. 2013, section 2, in the variables of Bengio et al. 2012.
        """
        velocity *= self._optimizer.momentum
        velocity += gradient
        parameter -= self._rate * (gradient + self._optimizer.momentum * velocity)

    def _rmsprop(self, parameter: Array, gradient: Array, _unused: Array, second: Array) -> None:
        """v ← decay·v + (1−decay)·g²; p ← p − η·g/root. Source: Tieleman and Hinton 2012, lecture 6.5."""
        second *= self._optimizer.decay
        second += (1 - self._optimizer.decay) * np.square(gradient)
        parameter -= self._rate * gradient / self._root(second)

    def _adagrad(self, parameter: Array, gradient: Array, _unused: Array, second: Array) -> None:
        """v ← v + g²; p ← p − η·g/root. Source: Duchi et al. 2011, with a diagonal matrix."""
        second += np.square(gradient)
        parameter -= self._rate * gradient / self._root(second)

    def _root(self, second: Array) -> Array:
        """√v + ε, or √(v + ε)."""
        epsilon = self._optimizer.epsilon
        root: Array = np.sqrt(second + epsilon) if self._optimizer.epsilon_inside else np.sqrt(second) + epsilon
        return root

    def _adam(self, parameter: Array, gradient: Array, first: Array, second: Array) -> None:
        """m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; p ← p − η·m̂/(√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).

        Source: Kingma and Ba 2015, algorithm 1: ε is added after the bias correction.
        """
        constants = self._optimizer
        first *= constants.beta1
        first += (1 - constants.beta1) * gradient
        second *= constants.beta2
        second += (1 - constants.beta2) * np.square(gradient)
        denominator = np.sqrt(second / (1 - constants.beta2**self.steps))
        denominator += constants.epsilon
        np.divide(first, denominator, out=denominator)
        denominator *= self._rate / (1 - constants.beta1**self.steps)
        parameter -= denominator

    def _adamw(self, parameter: Array, gradient: Array, first: Array, second: Array) -> None:
        """p ← p − η·weight_decay·p, then as adam.

        Source: Loshchilov and Hutter 2019, algorithm 2, with the decay proportional to the rate of the step.
        """
        parameter *= 1 - self._rate * self._optimizer.weight_decay
        self._adam(parameter, gradient, first, second)
