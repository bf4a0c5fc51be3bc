"""Parity: is what the framework did the same as what the float64 reference does?

Norms (docs/method.md): logits and gradients by max|a−b| / max|reference| for each tensor; updates by the relative
L2 norm of their difference, because after one Adam step a gradient that is nearly zero becomes a full step, and a
maximum norm would then fail honest code. A parameter is stored in float32, so each step may round it by one unit
roundoff, whoever computes it; that much is taken off an update's difference before it counts as an error.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

FLOAT32_ROUNDOFF = 2.0**-24  # IEEE 754 binary32, round to nearest: |fl(x) − x| ≤ 2⁻²⁴·|x|


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what, at which step, in which tensor, how far off, and how far it may be."""

    check: str
    step: int
    tensor: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        """Within tolerance; an error that is not a number never passes."""
        return self.error <= self.tolerance

    def to_json(self) -> dict[str, Any]:
        """Plain data for records; errors that are not finite become text."""
        error: float | str = self.error if math.isfinite(self.error) else str(self.error)
        return {**asdict(self), "error": error, "passed": self.passed}

    @property
    def sentence(self) -> str:
        """For people: "gradient of conv_2.kernel off by 3e-02 (allowed 5e-05)"."""
        what = f"{self.check} of {self.tensor}" if self.tensor else self.check
        at = f" after step {self.step}" if self.step else ""
        return f"{what}{at} off by {self.error:.1e} (allowed {self.tolerance:.1e})"


def max_error(actual: Array, reference: Array) -> float:
    """max|actual − reference| / max|reference|; infinite for wrong shapes, nan for values that are not finite."""
    if actual.shape != reference.shape:
        return math.inf
    difference = np.max(np.abs(actual.astype(np.float64) - reference), initial=0.0)
    size = np.max(np.abs(reference), initial=0.0)
    return _ratio(float(difference), float(size))


def update_error(actual: Array, before: Array, reference: Array, steps: int) -> float:
    """Relative L2 error of an update, less what storing the parameter in float32 explains.

    (‖update − reference‖₂ − steps · 2⁻²⁴ · ‖before + reference‖₂) / ‖reference‖₂, not below zero. Without the
    second term a parameter near one that moves by 1e-4 shows an error of 1e-4 in flawless code.

    Args:
        actual: parameter after ``steps`` steps, any float type.
        before: the same parameter before them.
        reference: the float64 reference's update.
        steps: how often the parameter was rounded.
    """
    if actual.shape != reference.shape:
        return math.inf
    start = before.astype(np.float64)
    difference = float(np.linalg.norm(actual.astype(np.float64) - start - reference))
    rounding = steps * FLOAT32_ROUNDOFF * float(np.linalg.norm(start + reference))
    if math.isnan(difference):
        return math.nan
    return _ratio(max(0.0, difference - rounding), float(np.linalg.norm(reference)))


def compare_weights(exported: Mapping[str, Array], given: Mapping[str, Array]) -> list[Check]:
    """What came out right after loading must be what went in, name by name and bit by bit."""
    return [Check("weights", 0, name, _max_or_missing(exported, given, name), 0.0) for name in _names(exported, given)]


def compare_losses(losses: Iterable[float], reference: Iterable[float], tolerance: Mapping[int, float]) -> list[Check]:
    """Relative loss error at each step, counted from 1; ``tolerance`` gives the limit by step."""
    checks = []
    for step, (actual, expected) in enumerate(zip(losses, reference, strict=False), start=1):
        kind = "loss" if step == 1 else "trajectory"
        error = _ratio(abs(actual - expected), abs(expected))
        checks.append(Check(kind, step, "loss", error, tolerance[step]))
    return checks


def compare_gradients(
    exported: Mapping[str, Array], before: Mapping[str, Array], learning_rate: float, reference: Mapping[str, Array],
    tolerance: float,
) -> list[Check]:  # fmt: skip
    """Gradients read off one plain SGD step: (p₀ − p₁) / learning rate."""
    checks = []
    for name, expected in reference.items():
        if name not in exported:
            checks.append(Check("gradient", 1, name, math.inf, tolerance))
            continue
        moved = before[name].astype(np.float64) - exported[name].astype(np.float64)
        checks.append(Check("gradient", 1, name, max_error(moved / learning_rate, expected), tolerance))
    return checks


def gradients_of_step(
    before: Mapping[str, Array], after: Mapping[str, Array], learning_rate: float
) -> dict[str, Array]:
    """(p₀ − p₁) / learning rate of one plain SGD step, where a tensor came back in its shape."""
    return {
        name: (start.astype(np.float64) - after[name]) / learning_rate
        for name, start in before.items()
        if name in after and after[name].shape == start.shape
    }


def compare_updates(
    check: str, step: int, exported: Mapping[str, Array], before: Mapping[str, Array], reference: Mapping[str, Array],
    tolerance: float,
) -> list[Check]:  # fmt: skip
    """Updates since ``before`` against the reference's updates, tensor by tensor."""
    checks = []
    for name, expected in reference.items():
        if name not in exported or exported[name].shape != expected.shape:
            checks.append(Check(check, step, name, math.inf, tolerance))
            continue
        error = update_error(exported[name], before[name], expected, step)
        checks.append(Check(check, step, name, error, tolerance))
    return checks


def worst(checks: Iterable[Check]) -> Check:
    """The check closest to its limit, or furthest beyond it; one that is not a number comes first."""
    return max(checks, key=_badness)


def _badness(check: Check) -> float:
    if math.isnan(check.error):
        return math.inf
    if check.tolerance == 0.0:
        return math.inf if check.error > 0 else 0.0
    return check.error / check.tolerance


def _ratio(difference: float, size: float) -> float:
    if size == 0.0:
        return 0.0 if difference == 0.0 else math.inf
    return difference / size


def _names(first: Mapping[str, Array], second: Mapping[str, Array]) -> list[str]:
    return list(dict.fromkeys([*second, *first]))


def _max_or_missing(exported: Mapping[str, Array], given: Mapping[str, Array], name: str) -> float:
    if name not in exported or name not in given:
        return math.inf
    return max_error(exported[name], given[name].astype(np.float64))
