"""The optimizers of ``frameworkbench.spec.training``, applied to dense gradients."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import SpecError
from ..spec.training import OPTIMIZERS, Optimizer
from .rule import Array


class OptimizerState:
    """One optimizer with its moving averages, which start at zero.

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
        self.steps = 0

    def update(self, weights: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Take one step: change every array of ``weights`` in place.

        Args:
            weights: parameters by name.
            gradients: one gradient for each parameter, same shapes.
        """
        self.steps += 1
        step = self._sgd if self._optimizer.kind == "sgd" else self._adam
        for name, parameter in weights.items():
            if name not in self._first:
                self._first[name] = np.zeros_like(parameter)
                self._second[name] = np.zeros_like(parameter)
            step(parameter, gradients[name], self._first[name], self._second[name])

    def _sgd(self, parameter: Array, gradient: Array, velocity: Array, _unused: Array) -> None:
        """v ← momentum·v + g; p ← p − lr·v.

        Source: Sutskever et al. 2013 with the learning rate outside the velocity.
        """
        velocity *= self._optimizer.momentum
        velocity += gradient
        parameter -= self._optimizer.learning_rate * velocity

    def _adam(self, parameter: Array, gradient: Array, first: Array, second: Array) -> None:
        """m ← β₁m + (1−β₁)g; v ← β₂v + (1−β₂)g²; p ← p − lr·m̂/(√v̂ + ε), m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).

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
        denominator *= constants.learning_rate / (1 - constants.beta1**self.steps)
        parameter -= denominator
