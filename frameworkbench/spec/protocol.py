"""Suites: how much is measured, fixed and hashed before the first measurement.

Sizes follow the measuring method (docs/method.md): the process is the unit of evidence, so blocks of fresh
processes matter more than long windows.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import UsageError


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything about a run that is decided beforehand.

    Attributes:
        suite: the preset's name.
        entrants: whether frameworks take part; False runs the oracle alone.
        data: "synthetic" or "real", unless the command line says otherwise.
        modes: "second" (the main mode and one other) or "all".
        main_blocks: fresh processes for each main mode.
        other_blocks: fresh processes for each other mode; with 1 it is shown without verdict.
        windows: timed windows in each process.
        window_s: shortest window.
        window_steps: fewest steps in a window.
        window_limit_s: longest window, as far as one step allows.
        warmup_steps: untimed steps after the snapshot and before the first window.
        staged_batches: distinct batches held ready on the device.
        long_parameters: draw the parameter check of the proof from the long range.
        proof_training_steps: steps trained in the proof process for an accuracy (0: none).
        accuracy_seeds: full trainings of each main mode (0: none).
        delta: smallest ratio difference that counts as more than small.
        cell_timeout_s: limit for one worker process.
    """

    suite: str
    entrants: bool
    data: str
    modes: str
    main_blocks: int
    other_blocks: int
    windows: int
    window_s: float
    window_steps: int
    window_limit_s: float
    warmup_steps: int
    staged_batches: int
    long_parameters: bool
    proof_training_steps: int
    accuracy_seeds: int
    delta: float
    cell_timeout_s: float

    def to_json(self) -> dict[str, Any]:
        """Plain data for the manifest."""
        return asdict(self)

    @property
    def sha256(self) -> str:
        """Hash of every field; part of each cell key."""
        return hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode()).hexdigest()


SUITES: dict[str, Protocol] = {
    "smoke": Protocol(
        suite="smoke",
        entrants=False,
        data="synthetic",
        modes="second",
        main_blocks=1,
        other_blocks=1,
        windows=1,
        window_s=0.2,
        window_steps=2,
        window_limit_s=2.0,
        warmup_steps=2,
        staged_batches=24,
        long_parameters=False,
        proof_training_steps=0,
        accuracy_seeds=0,
        delta=0.10,
        cell_timeout_s=120.0,
    ),
    "quick": Protocol(
        suite="quick",
        entrants=True,
        data="synthetic",
        modes="second",
        main_blocks=3,
        other_blocks=1,
        windows=1,
        window_s=1.0,
        window_steps=5,
        window_limit_s=8.0,
        warmup_steps=5,
        staged_batches=64,
        long_parameters=False,
        proof_training_steps=60,
        accuracy_seeds=0,
        delta=0.10,
        cell_timeout_s=300.0,
    ),
    "standard": Protocol(
        suite="standard",
        entrants=True,
        data="real",
        modes="all",
        main_blocks=10,
        other_blocks=10,
        windows=1,
        window_s=2.0,
        window_steps=8,
        window_limit_s=20.0,
        warmup_steps=5,
        staged_batches=64,
        long_parameters=True,
        proof_training_steps=0,
        accuracy_seeds=3,
        delta=0.03,
        cell_timeout_s=900.0,
    ),
}


def suite(name: str, *, data: str | None = None) -> Protocol:
    """A preset by name, with another data source if one is asked for.

    Raises:
        UsageError: no such suite.
    """
    if name not in SUITES:
        raise UsageError(f"unknown suite {name!r}; known: {', '.join(SUITES)}")
    return replace(SUITES[name], data=data) if data else SUITES[name]
