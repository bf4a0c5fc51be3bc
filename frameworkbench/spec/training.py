"""Losses, optimizers and learning-rate schedules: formulas and constants, defined once.

A framework's default never enters a run: every constant is in the spec, and a spec without it is an error.
Formulas are printed in ``docs/semantics.md`` and computed in ``frameworkbench.reference``.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ..errors import SpecError
from .fields import Fields

LOSSES = ("softmax_cross_entropy", "binary_cross_entropy", "focal", "mean_squared_error")
SCHEDULES = ("constant", "step", "cosine")
OPTIONS = ("l1", "l2", "clip_norm", "schedule")
"""What may be asked of any optimizer on top of its own rule; an adapter declares those it knows."""

_CONSTANTS: dict[str, tuple[str, ...]] = {
    "sgd": ("learning_rate", "momentum"),
    "nesterov": ("learning_rate", "momentum"),
    "rmsprop": ("learning_rate", "decay", "epsilon"),
    "adagrad": ("learning_rate", "initial_accumulator", "epsilon"),
    "adam": ("learning_rate", "beta1", "beta2", "epsilon"),
    "adamw": ("learning_rate", "beta1", "beta2", "epsilon", "weight_decay"),
}
OPTIMIZERS = tuple(_CONSTANTS)

_ABOVE_ZERO = ("learning_rate", "epsilon", "clip_norm")
_AT_LEAST_ZERO = ("initial_accumulator", "weight_decay", "l1", "l2")
_EPSILON_PLACES = ("outside", "inside")


@dataclass(frozen=True, slots=True)
class Loss:
    """What is minimised: the mean over the batch, times ``scale``.

    ``scale`` is 1 in training. The proof pass uses other values to bring gradients near the optimizer's epsilon.
    ``alpha`` and ``gamma`` belong to ``focal`` and are zero elsewhere.
    """

    kind: str
    scale: float = 1.0
    alpha: float = 0.0
    gamma: float = 0.0

    @property
    def single_output(self) -> bool:
        """Whether the model gives one number per sample instead of one logit per class."""
        return self.kind != "softmax_cross_entropy"

    def to_json(self) -> dict[str, Any]:
        """Plain data for the worker."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Optimizer:
    """An update rule with all its constants; those that a kind does not use are zero.

    The gradient g is first clipped (``clip_norm``: all tensors together, times min(1, clip_norm/‖g‖)), then the
    penalties are added (g + l2·p + l1·sign p; the reported loss is without them), then the kind's rule follows with
    the rate of the step (``rate``; η below):

    sgd:      v ← momentum·v + g;  p ← p − η·v  (v starts at zero).
    nesterov: v ← momentum·v + g;  p ← p − η·(g + momentum·v).
    rmsprop:  v ← decay·v + (1−decay)·g²;  p ← p − η·g/(√v + epsilon), or /√(v + epsilon) with epsilon inside the root.
    adagrad:  v ← v + g²;  p ← p − η·g/(√v + epsilon), or inside  (v starts at ``initial_accumulator``).
    adam:     m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;
              p ← p − η·m̂/(√v̂ + epsilon),  m̂ = m/(1−β₁ᵗ),  v̂ = v/(1−β₂ᵗ).
    adamw:    p ← p − η·weight_decay·p, then as adam.

    Sources: Sutskever et al. 2013; Tieleman and Hinton 2012; Duchi et al. 2011; Kingma and Ba 2015, algorithm 1
    (epsilon after the bias correction); Loshchilov and Hutter 2019, algorithm 2.
    """

    kind: str
    learning_rate: float
    momentum: float = 0.0
    beta1: float = 0.0
    beta2: float = 0.0
    epsilon: float = 0.0
    decay: float = 0.0
    initial_accumulator: float = 0.0
    weight_decay: float = 0.0
    epsilon_inside: bool = False
    l1: float = 0.0
    l2: float = 0.0
    clip_norm: float = 0.0
    schedule: str = "constant"
    warmup_steps: int = 0
    schedule_steps: int = 0
    schedule_factor: float = 0.0

    @property
    def scheduled(self) -> bool:
        """Whether the rate changes from step to step."""
        return self.schedule != "constant" or self.warmup_steps > 0

    @property
    def options(self) -> frozenset[str]:
        """Which of ``OPTIONS`` it asks for."""
        asked = {"l1": self.l1, "l2": self.l2, "clip_norm": self.clip_norm, "schedule": self.scheduled}
        return frozenset(name for name, value in asked.items() if value)

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 1; every adapter is handed this number.

        step:   rate·factor^⌊(t−1)/steps⌋
        cosine: rate·(factor + (1−factor)·(1 + cos(π·min(1, (t−1)/steps)))/2)
        warm-up multiplies either, and a constant rate, by min(1, t/warmup_steps).

        Source: cosine: Loshchilov and Hutter 2017, equation 5, without restarts. Warm-up: Goyal et al. 2017, 2.2.
        """
        rate, before = self.learning_rate, step - 1
        if self.schedule == "step":
            rate *= self.schedule_factor ** (before // self.schedule_steps)
        elif self.schedule == "cosine":
            part = (1 + math.cos(math.pi * min(1.0, before / self.schedule_steps))) / 2
            rate *= self.schedule_factor + (1 - self.schedule_factor) * part
        return rate * min(1.0, step / self.warmup_steps) if self.warmup_steps else rate

    def to_json(self) -> dict[str, Any]:
        """Plain data for the worker."""
        return asdict(self)


def read_loss(fields: Fields, key: str) -> Loss:
    """Read a loss: its kind as a text, or a table where it has constants.

    Raises:
        SpecError: unknown kind, missing or surplus constant, or a constant out of range.
    """
    if not isinstance(fields.raw(key), dict):
        kind = fields.choice(key, LOSSES)
        if kind == "focal":
            expected = '{ kind = "focal", alpha = 0.25, gamma = 2.0 } with its constants'
            raise SpecError(f"{fields.where}: {key}", "constants missing", expected=expected, received=kind)
        return Loss(kind)
    table = fields.table(key)
    kind = table.choice("kind", LOSSES)
    values = {name: table.required(name, float) for name in (("alpha", "gamma") if kind == "focal" else ())}
    table.done()
    if values and not (0 < values["alpha"] < 1 and values["gamma"] >= 0):
        expected = "alpha between 0 and 1, gamma at least 0"
        raise SpecError(f"{fields.where}: {key}", "out of range", expected=expected, received=values)
    return Loss(kind, **values)


def read_optimizer(fields: Fields) -> Optimizer:
    """Read an optimizer table in which every constant of its kind must be stated.

    Raises:
        SpecError: unknown kind, missing or surplus constant, a constant out of range, or a penalty beside adamw's own.
    """
    kind = fields.choice("kind", OPTIMIZERS)
    values: dict[str, Any] = {name: fields.required(name, float) for name in _CONSTANTS[kind]}
    values |= {name: fields.required(name, float) for name in ("l1", "l2", "clip_norm") if fields.has(name)}
    for name, value in values.items():
        _check(fields, name, value)
    if kind in ("rmsprop", "adagrad"):
        values["epsilon_inside"] = fields.choice("epsilon_place", _EPSILON_PLACES) == "inside"
    if kind == "adamw" and values.get("l2"):
        raise SpecError(f"{fields.where}: l2", "adamw decays weights itself", expected="weight_decay alone")
    if fields.has("schedule"):
        values |= _read_schedule(fields.table("schedule"))
    fields.done()
    return Optimizer(kind, **values)


def _check(fields: Fields, name: str, value: float) -> None:
    if name in _ABOVE_ZERO:
        good, wanted = value > 0, "above 0"
    elif name in _AT_LEAST_ZERO:
        good, wanted = value >= 0, "at least 0"
    else:
        good, wanted = 0 <= value < 1, "at least 0 and below 1"
    if not good:
        raise SpecError(f"{fields.where}: {name}", "out of range", expected=wanted, received=value)


def _read_schedule(fields: Fields) -> dict[str, Any]:
    kind = fields.choice("kind", SCHEDULES)
    values: dict[str, Any] = {"schedule": kind, "warmup_steps": fields.not_negative("warmup_steps", 0)}
    if kind != "constant":
        values["schedule_steps"] = fields.positive("steps")
        values["schedule_factor"] = factor = fields.required("factor", float)
        if not 0 < factor < 1:
            where = f"{fields.where}: factor"
            raise SpecError(where, "out of range", expected="above 0 and below 1", received=factor)
    fields.done()
    return values
