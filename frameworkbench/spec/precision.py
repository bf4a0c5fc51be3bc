"""Precisions that a cell can ask for, and how far each may be from the float64 reference.

``float32`` is held to the workload's own tolerances. A narrower format rounds every operand of a product; what that
costs dwarfs the differences between workloads, so it has limits of its own, one for each kind of check. They are fixed
here and are part of the measuring code's hash: no run and no adapter can choose them. docs/gpu.md says how they were
found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest errors of a precision by kind of check, in the norms of ``ParityLimits``; 0 leaves the workload's."""

    logits: float = 0.0
    gradient: float = 0.0
    optimizer: float = 0.0
    trajectory: float = 0.0
    parameters: float = 0.0


@dataclass(frozen=True, slots=True)
class Precision:
    """How numbers are multiplied; parameters are stored in float32 in each of them (the oracle's apart).

    Attributes:
        name: as on the command line.
        meaning: for people.
        devices: where it exists.
        limits: of its checks where they are wider than the workload's.
    """

    name: str
    meaning: str
    devices: tuple[str, ...]
    limits: Limits = Limits()


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        precision.name: precision
        for precision in (
            Precision("float32", "IEEE float32 throughout", ("cpu", "cuda")),
            Precision("float64", "the oracle's own", ("cpu", "cuda")),
            Precision(
                "tf32",
                "float32 storage and sums, operands of products rounded to 10 mantissa bits",
                ("cuda",),
                # At least twice the worst error of honest code on a card, two workloads (docs/gpu.md). Products in
                # bfloat16 miss the logits by 0.0026 and more: they do not pass as this.
                Limits(logits=0.001, gradient=0.01, optimizer=0.01, trajectory=0.002, parameters=0.06),
            ),
            Precision(
                "bfloat16",
                "float32 parameters and optimizer, products in bfloat16 as the framework's mixed precision does them",
                ("cpu", "cuda"),
                # At least twice the worst error of honest code, one row left out (docs/gpu.md says which and why).
                Limits(logits=0.035, gradient=0.3, optimizer=0.25, trajectory=0.03, parameters=0.3),
            ),
        )
    }
)

# What an entrant may be asked for; the oracle runs in its own.
ENTRANT_PRECISIONS = ("float32", "tf32", "bfloat16")
