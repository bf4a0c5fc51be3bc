"""Losses and optimizers: formulas and constants, defined once.

A framework's default never enters a run: every constant is in the spec, and a spec without it is an error.
Formulas are printed in ``docs/semantics.md`` and computed in ``frameworkbench.reference``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..errors import SpecError
from .fields import Fields

LOSSES = ("softmax_cross_entropy",)
OPTIMIZERS = ("sgd", "adam")


@dataclass(frozen=True, slots=True)
class Loss:
    """What is minimised: the mean over the batch, times ``scale``.

    ``scale`` is 1 in training. The proof pass uses other values to bring gradients near the optimizer's epsilon.
    """

    kind: str
    scale: float = 1.0

    def to_json(self) -> dict[str, Any]:
        """Plain data for the worker."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An update rule with all its constants; those that a kind does not use are zero.

    sgd:  v ← momentum·v + g;  p ← p − learning_rate·v  (v starts at zero).
    adam: m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;
          p ← p − learning_rate · m̂ / (√v̂ + epsilon),  m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ).

    Source: Kingma and Ba 2015, algorithm 1 (epsilon after the bias correction).
    """

    kind: str
    learning_rate: float
    momentum: float = 0.0
    beta1: float = 0.0
    beta2: float = 0.0
    epsilon: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain data for the worker."""
        return asdict(self)


def read_optimizer(fields: Fields) -> Optimizer:
    """Read an optimizer table in which every constant of its kind must be stated.

    Raises:
        SpecError: unknown kind, missing or surplus constant, or a constant out of range.
    """
    kind = fields.choice("kind", OPTIMIZERS)
    names = ("learning_rate", "momentum") if kind == "sgd" else ("learning_rate", "beta1", "beta2", "epsilon")
    values = {name: fields.required(name, float) for name in names}
    fields.done()
    for name, value in values.items():
        low_ok = value > 0 if name in ("learning_rate", "epsilon") else 0 <= value < 1
        if not low_ok:
            wanted = "above 0" if name in ("learning_rate", "epsilon") else "at least 0 and below 1"
            raise SpecError(f"{fields.where}: {name}", "out of range", expected=wanted, received=value)
    return Optimizer(kind, **values)
