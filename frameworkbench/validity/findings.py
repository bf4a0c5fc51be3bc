"""What a detector found, which detectors there are, and which finding names the verdict of a record.

The set of active detectors is data, so that the self-test can show what each one catches alone, and that nothing
else in the harness does its work unnoticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

# The work differs: no number of this worker can stand beside another's.
NOT_COMPARABLE = frozenset(
    {
        "MODEL_MISMATCH",
        "INIT_MISMATCH",
        "SAMPLE_COUNT",
        "DATA_MISMATCH",
        "GRAD_MISSING",
        "HPARAM",
        "WRONG_RESULT",
        "METRIC_FORGED",
    }
)
# The measurement cannot stand.
INVALID = frozenset(
    {
        "IDENTITY",
        "CLOCK_MISMATCH",
        "RESIDUAL_WORK",
        "LATE_MUTATION",
        "FOREIGN_WORK",
        "CONTAMINATION",
        "RESOURCE",
        "FALLBACK",
        "PRECISION",
        "RECOMPILE",
        "WARM_CACHE",
        "NONLINEAR",
        "DETECTION",
        "IMPLAUSIBLE",
        "LEAK",
        "DIVERGED",
    }
)
# Where several detectors speak, causes come before their symptoms: the first code names the verdict.
_ORDER = (
    "IDENTITY",
    "WARM_CACHE",
    "CLOCK_MISMATCH",
    "MODEL_MISMATCH",
    "INIT_MISMATCH",
    "RESOURCE",
    "RESIDUAL_WORK",
    "LATE_MUTATION",
    "FOREIGN_WORK",
    "CONTAMINATION",
    "FALLBACK",
    "PRECISION",
    "SAMPLE_COUNT",
    "DATA_MISMATCH",
    "GRAD_MISSING",
    "HPARAM",
    "RECOMPILE",
    "NONLINEAR",
    "LEAK",
    "DIVERGED",
    "WRONG_RESULT",
    "METRIC_FORGED",
    "DETECTION",
    "IMPLAUSIBLE",
)

DETECTORS: Mapping[str, str] = MappingProxyType(
    {
        "weights": "the weights that come out right after loading are those that went in",
        "parity": "losses, logits, gradients and updates equal the float64 reference's",
        "dropout": "dropout keeps the stated share, scales it, draws anew in each step, and does nothing in evaluation",
        "samples": "as many batches are staged as were handed out",
        "precision": "rounding, range and summation are those of the declared precision",
        "scaling": "twice the steps take about twice the time, and no step is free",
        "clock": "the worker's clock agrees with the parent's",
        "snapshot": "the timed process computes the proven thing in its first steps",
        "aftermath": "the steps after the last window follow the reference from the weights found there",
        "again": "fresh weights and batches, handed over after the windows, lead where the reference goes",
        "replay": "a timed window leads where the same steps lead when they are watched",
        "rate": "steps in windows are not faster than steps that were checked",
        "residual": "nothing is left to do once a window has ended",
        "late": "weights do not change once a window has ended",
        "quiet": "nothing computes once a window has ended",
        "parked": "nothing computes while other processes are timed",
        "resource": "no more cores and CPU-seconds are used than were given",
        "recompile": "nothing is compiled inside a window",
        "cold": "the compile cache of a cold start is empty",
        "identity": "the framework that runs is the one that is installed and locked",
        "survivors": "no process of a worker outlives it",
        "plausible": "no more operations per second than the machine can do",
        "finite": "weights stay finite",
        "start": "a training starts from the harness's weights and data",
        "canary": "the worker knows nothing about the test labels",
    }
)
ALL = frozenset(DETECTORS)


@dataclass(frozen=True, slots=True)
class Finding:
    """One objection: which detector raised it, its verdict code, and a sentence with the figures."""

    detector: str
    code: str
    reason: str

    def to_json(self) -> dict[str, Any]:
        """Plain data for records."""
        return asdict(self)

    def remarked(self, remark: str) -> Finding:
        """The same objection with a remark at the end of its sentence; itself where the remark is empty."""
        return replace(self, reason=f"{self.reason}; {remark}") if remark else self


def status_of(code: str) -> str:
    """Record status of a finding's code: not comparable where the work differs, else invalid."""
    return "not_comparable" if code in NOT_COMPARABLE else "invalid"


def active(findings: Iterable[Finding], detectors: frozenset[str]) -> list[Finding]:
    """The findings of active detectors, the one that names the verdict first."""
    return sorted((f for f in findings if f.detector in detectors), key=lambda f: _ORDER.index(f.code))
