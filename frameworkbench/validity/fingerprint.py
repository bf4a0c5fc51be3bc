"""The precision that really computes, read off results (method §3.2).

Settings can be ignored, and a switch may miss one kind of operation, so precision is measured. A probe model (one
dense layer, built and run like any other) is fed with rows whose exact answers are known: which mantissa bits
survive, whether large numbers do, whether a long sum is exact, and whether infinities and NaN come through. The
workload's own logits and gradients, compared with what NumPy makes of them in float32, cover its other operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..spec.model import Initializer, Model, build_model
from .findings import Finding

Array = npt.NDArray[Any]

_MANTISSA_ROWS = 23
_LONG_SUM = 8193  # 2¹³ + 1: a float16 or bfloat16 accumulator cannot hold it
_WIDTH = _LONG_SUM
_COLUMNS = 27
_SUM_COLUMN, _RANGE_COLUMN, _INF_COLUMN, _NAN_COLUMN = 23, 24, 25, 26
_ROWS = 27
_LARGE = 2.0**40

# Explicit mantissa bits that survive a product.
MANTISSA_BITS = {"float64": 23, "float32": 23, "tf32": 10, "float16": 10, "bfloat16": 7}
# Split schemes (three bfloat16 products) pass the mantissa probe and are 16 times worse than float32 at 512³.
_ERROR_FACTOR = 8.0
_ERROR_FLOOR = 2e-7


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What the dense probe showed; ``bits`` is the largest k for which 1 + 2⁻ᵏ came out as such."""

    bits: int
    large_survives: bool
    long_sum_exact: bool
    special_values: bool

    @property
    def name(self) -> str:
        """The precision that these figures belong to."""
        if self.bits >= MANTISSA_BITS["float32"]:
            return "float32"
        if self.bits >= MANTISSA_BITS["tf32"]:
            return "tf32" if self.large_survives else "float16"
        return "bfloat16" if self.large_survives else f"{self.bits} bits"

    def to_json(self) -> dict[str, Any]:
        """Plain data for the record."""
        return {
            "precision": self.name,
            "mantissa_bits": self.bits,
            "large_survives": self.large_survives,
            "long_sum_exact": self.long_sum_exact,
            "special_values": self.special_values,
        }


def probe_model() -> Model:
    """One dense layer, wide enough for a long sum."""
    initializers = {"kernel": Initializer("zeros"), "bias": Initializer("zeros")}
    layers = [{"name": "dense_1", "kind": "dense", "units": _COLUMNS}]
    return build_model((_WIDTH,), "floats", layers, initializers, "precision probe")


def probe_weights() -> dict[str, Array]:
    """Unit columns for the mantissa, range and special rows; a column of ones for the sum."""
    kernel = np.zeros((_COLUMNS, _WIDTH), np.float32)  # (units, inputs)
    for column in range(_COLUMNS):
        kernel[column, column] = 1.0
    kernel[_SUM_COLUMN] = 1.0
    return {"dense_1.kernel": kernel, "dense_1.bias": np.zeros(_COLUMNS, np.float32)}


def probe_inputs(batch_size: int, offset: int) -> Array:
    """The probe's rows in a batch, ``(B, 8193)`` float32; ``offset`` moves them so that no row can be foreseen.

    Raises:
        ValueError: the batch is too small for the probe.
    """
    if batch_size < _ROWS:
        raise ValueError(f"the precision probe needs a batch of at least {_ROWS}; received {batch_size}")
    rows = np.zeros((batch_size, _WIDTH), np.float32)
    for bit in range(1, _MANTISSA_ROWS + 1):
        rows[bit - 1, bit - 1] = 1.0 + 2.0**-bit
    rows[_SUM_COLUMN] = 1.0
    rows[_RANGE_COLUMN, _RANGE_COLUMN] = _LARGE
    rows[_INF_COLUMN, _INF_COLUMN] = np.inf
    rows[_NAN_COLUMN, _NAN_COLUMN] = np.nan
    return np.roll(rows, offset % batch_size, axis=0)


def read(logits: Array, offset: int) -> Fingerprint:
    """What the probe's outputs ``(B, 27)`` say."""
    rows = np.roll(logits, -(offset % len(logits)), axis=0).astype(np.float64)
    survived = [bit for bit in range(1, _MANTISSA_ROWS + 1) if rows[bit - 1, bit - 1] == 1.0 + 2.0**-bit]
    return Fingerprint(
        bits=max(survived, default=0),
        large_survives=bool(rows[_RANGE_COLUMN, _RANGE_COLUMN] == _LARGE),
        long_sum_exact=bool(rows[_SUM_COLUMN, _SUM_COLUMN] == float(_LONG_SUM)),
        special_values=bool(np.isposinf(rows[_INF_COLUMN, _INF_COLUMN]) and np.isnan(rows[_NAN_COLUMN, _NAN_COLUMN])),
    )


def judge(found: Fingerprint, declared: str, *, shipped: bool = False) -> list[Finding]:
    """The fingerprint against the declared precision.

    Args:
        found: what the probe showed.
        declared: the cell's precision.
        shipped: nothing was switched (lane default), so another precision is no broken promise: the row has none.
    """
    wanted = "float32" if declared == "float64" else declared
    if found.name != wanted:
        reason = f"declared {declared}; products keep {found.bits} bits of the mantissa, as {found.name} does"
        if shipped and found.name in ("float32", "tf32"):
            reason += f": as it ships this is a row of {found.name}, so ask for it with --precision {found.name}"
        return [Finding("precision", "PRECISION", reason)]
    # A 16-bit output cannot hold the sum even where it was accumulated in float32.
    if not found.long_sum_exact and declared not in ("bfloat16", "float16"):
        return [Finding("precision", "PRECISION", f"declared {declared}; a sum of {_LONG_SUM} ones is not exact")]
    if not found.special_values:
        reason = f"declared {declared}; infinity or NaN does not come through (fast-math)"
        return [Finding("precision", "PRECISION", reason)]
    return []


def relative_error(actual: Mapping[str, Array], reference: Mapping[str, Array]) -> float:
    """Relative Frobenius error over all tensors together."""
    difference = sum(float(np.sum((actual[n].astype(np.float64) - reference[n]) ** 2)) for n in reference)
    size = sum(float(np.sum(np.asarray(reference[n], np.float64) ** 2)) for n in reference)
    return float(np.sqrt(difference / size)) if size else 0.0


def judge_errors(errors: Mapping[str, float], numpy_errors: Mapping[str, float], declared: str) -> list[Finding]:
    """The workload's own results against those of NumPy in float32, both compared with float64.

    Args:
        errors: relative error of the worker by kind of result ("logits", "gradients").
        numpy_errors: of NumPy in float32, same kinds.
        declared: only the float32 and float64 lanes are held to it.
    """
    if declared not in ("float32", "float64"):
        return []
    for kind, error in errors.items():
        limit = _ERROR_FACTOR * max(numpy_errors[kind], _ERROR_FLOOR)
        if not error <= limit:
            reason = (
                f"declared {declared}; {kind} are off by {error:.1e}, NumPy's in float32 by {numpy_errors[kind]:.1e}"
            )
            return [Finding("precision", "PRECISION", reason)]
    return []
