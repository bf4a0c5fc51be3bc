"""Parity failed: what does the pattern of failed checks say about the cause?

The verdict stands without this; the code only tells the reader where to look. Each rule tests a statement about
the work (a tensor that never moves, a gradient of fewer samples), not about a way of cheating.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..analysis.parity import Check, max_error, worst
from ..reference import Network
from ..spec.workload import Workload
from .findings import Finding

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]

_DEAD_SHARE = 0.1  # of a tensor's elements that the reference moves: fewer may be chance
_MATCH = 10.0  # a hypothesis explains a gradient when it fits within this many tolerances


@dataclass(frozen=True, slots=True)
class GradientEvidence:
    """One plain SGD step: what was measured and what it was computed from.

    Attributes:
        measured: gradients read off the step, by parameter name.
        reference: the float64 reference's, by parameter name.
        weights: the weights before the step.
        inputs: the batch ``(B, *input_shape)``.
        labels: its labels ``(B,)``.
    """

    measured: Weights
    reference: Weights
    weights: Weights
    inputs: Array
    labels: Array


def parity_findings(checks: Sequence[Check], evidence: GradientEvidence, workload: Workload) -> list[Finding]:
    """What failed, with the most specific code that the evidence carries; empty when all passed."""
    loading = [check for check in checks if check.check == "weights" and not check.passed]
    if loading:
        return [loading_finding(loading)]
    failed = [check for check in checks if not check.passed]
    if not failed:
        return []
    code, why = _cause(checks, failed, evidence, workload)
    return [Finding("parity", code, f"{worst(failed).sentence}{why}")]


def loading_finding(failed: Sequence[Check]) -> Finding:
    """What failed checks of freshly loaded weights say: another model, or another start."""
    missing = [check for check in failed if check.error == float("inf")]
    if missing:
        reason = f"parameter {missing[0].tensor} is missing, unknown or has another shape"
        return Finding("weights", "MODEL_MISMATCH", reason)
    reason = f"{worst(failed).sentence}: the weights that came out are not those that went in"
    return Finding("weights", "INIT_MISMATCH", reason)


def _cause(
    checks: Sequence[Check], failed: Sequence[Check], evidence: GradientEvidence, workload: Workload
) -> tuple[str, str]:
    kinds = {check.check for check in failed}
    if kinds <= {"loss", "trajectory"}:
        return "METRIC_FORGED", "; gradients, updates and logits are right, so the reported losses are not its own"
    if "gradient" in kinds:
        return _gradient_cause(evidence, workload)
    frozen = [c.tensor for c in failed if c.check in ("optimizer", "parameters") and c.error == 1.0]
    if frozen:
        return "GRAD_MISSING", f"; {frozen[0]} does not move in ordinary steps"
    if "optimizer" in kinds and not _other_data(checks):
        return "HPARAM", "; the gradient is right, so the update rule or one of its constants is not the spec's"
    return "WRONG_RESULT", ""


def _other_data(checks: Sequence[Check]) -> bool:
    """The first update is right and the next loss is wrong: step 2 did not see the batch that was handed out."""
    first_update = [check for check in checks if check.check == "optimizer" and check.step == 1]
    second_loss = [check for check in checks if check.check == "trajectory" and check.step == 2]
    updated = bool(first_update) and all(check.passed for check in first_update)
    return updated and any(not check.passed for check in second_loss)


def _gradient_cause(evidence: GradientEvidence, workload: Workload) -> tuple[str, str]:
    count = len(evidence.labels)
    for samples in sorted({count // 2, count // 4, 3 * count // 4, count - 1} - {0, count}, reverse=True):
        if _explains(evidence, workload, samples=samples):
            return "SAMPLE_COUNT", f"; it is the gradient of the first {samples} of {count} samples"
    if _explains(evidence, workload, blank=True):
        return "DATA_MISMATCH", "; it is the gradient on blank inputs, not on the batch that was handed out"
    dead = {name: _dead_share(evidence.measured.get(name), value) for name, value in evidence.reference.items()}
    whole = [name for name, share in dead.items() if share == 1.0]
    if whole:
        return "GRAD_MISSING", f"; the gradient of {whole[0]} is exactly zero"
    partly = {name: share for name, share in dead.items() if share >= _DEAD_SHARE}
    if partly:
        name, share = max(partly.items(), key=lambda item: item[1])
        return "MODEL_MISMATCH", f"; {share:.0%} of {name} has no gradient: a smaller model computes here"
    return "WRONG_RESULT", ""


def _dead_share(measured: Array | None, reference: Array) -> float:
    """Share of the elements that the reference moves and the worker does not."""
    moves = reference != 0
    if measured is None or measured.shape != reference.shape or not bool(np.any(moves)):
        return 0.0
    return float(np.mean(measured[moves] == 0))


def _explains(
    evidence: GradientEvidence, workload: Workload, *, samples: int | None = None, blank: bool = False
) -> bool:
    inputs = (np.zeros_like(evidence.inputs) if blank else evidence.inputs)[:samples]
    network = Network(workload.model, evidence.weights)
    _, gradients, _ = network.loss_and_gradients(inputs, evidence.labels[:samples], workload.loss)
    errors = [max_error(evidence.measured[name], value) for name, value in gradients.items() if np.any(value)]
    return max(errors, default=np.inf) <= _MATCH * workload.parity.gradient
