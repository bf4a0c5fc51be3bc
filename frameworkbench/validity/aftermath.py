"""Two ordinary steps after the last window, judged from the weights that were found there.

Nothing can be known about weights after thousands of steps. But the loss of one more step must be the reference's
loss at those weights, and of two successive updates the part that is new must point along the reference's
gradient: the state that momentum or Adam carries over cancels out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..reference import Network
from ..reference.optimizers import penalised
from ..spec.training import Optimizer
from ..spec.workload import Workload
from .findings import Finding

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]

# float32 sums over long windows drift by far less than one per cent of a loss; stale answers miss by more.
_LOSS_LIMIT = 1e-3
LEAST_AGREEMENT = 0.97  # honest code: docs/method.md gives what was measured


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What was seen: the step count before, weights before, between and after two steps, their losses and batches.

    Attributes:
        steps_before: ordinary steps since the build or load, which Adam's correction needs.
        start: weights when the windows began.
        exports: weights before the first, after the first and after the second step.
        losses: reported losses of the two steps.
        batches: inputs and labels of the two steps.
    """

    steps_before: int
    start: Weights
    exports: Sequence[Weights]
    losses: Sequence[float]
    batches: Sequence[tuple[Array, Array]]


def judge(seen: Aftermath, workload: Workload) -> tuple[list[Finding], dict[str, float]]:
    """Findings, and the figures behind them (relative loss errors, agreement of the update with the gradient)."""
    findings = _unmoved(seen)
    figures: dict[str, float] = {}
    first = Network(workload.model, seen.exports[0], np.float32)
    optimizer, earlier = workload.optimizer, None
    if optimizer.kind == "nesterov":
        expected, gradients, _ = first.loss_and_gradients(*seen.batches[0], workload.loss)
        earlier = penalised(optimizer, seen.exports[0], gradients)
    else:
        expected = first.training_loss(*seen.batches[0], workload.loss)
    second = Network(workload.model, seen.exports[1], np.float32)
    value, gradients, _ = second.loss_and_gradients(*seen.batches[1], workload.loss)
    for name, actual, wanted in (("first", seen.losses[0], expected), ("second", seen.losses[1], value)):
        error = abs(actual - wanted) / max(abs(wanted), 1e-3)
        figures[f"{name}_loss_error"] = error
        if not error <= _LOSS_LIMIT:
            reason = f"the {name} loss after the windows is {actual:.6g}; the weights found there give {wanted:.6g}"
            findings.append(Finding("aftermath", "WRONG_RESULT", reason))
            break
    agreement = update_agreement(seen, penalised(optimizer, seen.exports[1], gradients), optimizer, earlier)
    figures["agreement"] = agreement
    if not agreement >= LEAST_AGREEMENT:
        reason = f"a step after the windows follows the reference's gradient in {agreement:.0%} of its size only"
        findings.append(Finding("aftermath", "WRONG_RESULT", reason))
    return findings, figures


def update_agreement(
    seen: Aftermath, gradients: Weights, optimizer: Optimizer, earlier: Weights | None = None
) -> float:
    """Weighted share of elements in which the new part of the second update has the gradient's direction.

    Updates are divided by the rate of their step; adamw's decay is taken off before. rmsprop and adagrad carry nothing
    over. sgd: u₂ − momentum·u₁ = −g₂ exactly. nesterov: u₁ = −(g₁ + momentum·v), and momentum·v is carried over, so it
    needs g₁ (``earlier``). adam: with s nearly constant over one step,
    u₂(1−β₁ᵗ⁺¹) − β₁·u₁(1−β₁ᵗ) ≈ −rate·(1−β₁)·g₂/s; s is positive, so the signs agree. After t steps s falls by
    1/(2t) of itself in a step whose gradient is near zero, and what is carried over changes by as much: where the new
    part is no larger than twice that its sign says nothing, and it has no weight.
    """
    agreeing = total = 0.0
    for name, gradient in gradients.items():
        before, between, after = (np.asarray(export[name], np.float64) for export in seen.exports)
        rates = optimizer.rate(seen.steps_before + 1), optimizer.rate(seen.steps_before + 2)
        first = (between - before) / rates[0] + optimizer.weight_decay * before
        second = (after - between) / rates[1] + optimizer.weight_decay * between
        start = np.asarray(earlier[name], np.float64) if earlier else np.zeros_like(first)
        carried, updated = _carried_and_updated(first, second, optimizer, seen.steps_before, start)
        new = updated - carried
        unsure = np.abs(carried) / max(seen.steps_before, 1) if optimizer.kind in ("adam", "adamw") else 0.0
        weight = np.where(np.abs(new) > unsure, np.abs(new) * np.abs(gradient), 0.0)
        size = float(np.sum(weight))
        if size > 0:  # each tensor counts alike, however large its gradient is
            agreeing += float(np.sum(weight[(new * gradient) < 0])) / size
            total += 1.0
    return agreeing / total if total else 0.0


def _carried_and_updated(
    first: Array, second: Array, optimizer: Optimizer, steps_before: int, earlier: Array
) -> tuple[Array, Array]:
    """What the second update owes to the first one's momentum, and the whole of it, in the same units."""
    if optimizer.kind in ("rmsprop", "adagrad"):
        return np.zeros_like(first), second
    if optimizer.kind == "nesterov":
        return optimizer.momentum * (first + earlier), second
    if optimizer.kind in ("adam", "adamw"):
        early = 1.0 - optimizer.beta1 ** (steps_before + 1)
        late = 1.0 - optimizer.beta1 ** (steps_before + 2)
        return optimizer.beta1 * first * early, second * late
    return optimizer.momentum * first, second


def _unmoved(seen: Aftermath) -> list[Finding]:
    """Tensors that the windows left exactly where they were."""
    still = [name for name, value in seen.start.items() if np.array_equal(value, seen.exports[0][name])]
    if not still:
        return []
    return [Finding("aftermath", "GRAD_MISSING", f"{still[0]} did not move during the windows")]
