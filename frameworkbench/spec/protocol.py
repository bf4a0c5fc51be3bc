"""Suites: how much is measured, fixed and hashed before the first measurement.

Sizes follow the measuring method (docs/method.md): the process is the unit of evidence, so blocks of fresh
processes matter more than long windows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..errors import UsageError

TASKS = ("train", "infer")


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
        windows: into how many windows the timed steps of a process are cut where processes of a block take turns;
            a process that is alone has one.
        window_s: shortest time in the windows of a process, all together.
        window_steps: fewest steps in them.
        window_limit_s: longest time in them, as far as one step allows.
        warmup_steps: untimed steps after the snapshot and before the first window.
        staged_batches: distinct batches held ready on the device.
        long_parameters: draw the parameter check of the proof from the long range.
        proof_training_steps: steps trained in the proof process for an accuracy (0: none).
        accuracy_seeds: full trainings of each main mode (0: none).
        delta: smallest ratio difference that counts as more than small.
        cell_timeout_s: limit for one worker process.
        tasks: what is measured, in this order: "train", "infer".
        twin: time one framework per workload twice under two names. If it "wins" against itself, no difference of
            that size means anything (method: A/A control in every run).
        sentinel_readings: quiet readings of the harness's own fixed work before the first block; they set the
            limits beyond which a block counts as disturbed (0: no sentinel, nothing is ever flagged).
        extra_blocks_share: how many disturbed blocks are repeated, as a share of the planned ones. A machine that
            disturbs more than this is not made quiet by patience: the run ends noisy instead.
        replay_share: share of the timed processes, drawn by lot, in which the timed window is done once more in
            watched pieces and must lead to the same weights. It costs a window's time; nobody knows whose turn it is.
        memory_blocks: processes of the memory pass for each main mode; other modes get one (0: none at all).
        pilot: fix each cell's warm-up from one discarded process of its own. Without it the warm-up comes from the
            steps of the proof process, which costs nothing but sees fewer steps.
        pilot_steps: steps looked at for a steady state; the warm-up can never be longer than this.
        pilot_limit_s: longest look, for rows whose steps take seconds.
        expected_deviation: process-to-process standard deviation (relative) at which the suite states beforehand
            what difference it resolves.
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
    tasks: tuple[str, ...]
    twin: bool
    sentinel_readings: int
    extra_blocks_share: float
    replay_share: float
    memory_blocks: int
    pilot: bool
    pilot_steps: int
    pilot_limit_s: float
    expected_deviation: float

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
        tasks=("train",),
        twin=False,
        sentinel_readings=0,
        extra_blocks_share=0.5,
        replay_share=1.0,
        memory_blocks=0,
        pilot=False,
        pilot_steps=20,
        pilot_limit_s=5.0,
        expected_deviation=0.02,
    ),
    "quick": Protocol(
        suite="quick",
        entrants=True,
        data="synthetic",
        modes="second",
        main_blocks=3,
        other_blocks=1,
        windows=8,
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
        tasks=("train",),
        twin=True,
        sentinel_readings=20,
        extra_blocks_share=0.5,
        replay_share=0.34,
        memory_blocks=0,
        pilot=False,
        pilot_steps=20,
        pilot_limit_s=5.0,
        expected_deviation=0.02,
    ),
    "standard": Protocol(
        suite="standard",
        entrants=True,
        data="real",
        modes="all",
        main_blocks=10,
        other_blocks=10,
        windows=16,
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
        tasks=("train", "infer"),
        twin=True,
        sentinel_readings=20,
        extra_blocks_share=0.5,
        replay_share=0.34,
        memory_blocks=1,
        pilot=True,
        pilot_steps=90,
        pilot_limit_s=20.0,
        expected_deviation=0.02,
    ),
    "rigorous": Protocol(
        suite="rigorous",
        entrants=True,
        data="real",
        modes="all",
        main_blocks=20,
        other_blocks=10,
        windows=16,
        window_s=2.0,
        window_steps=8,
        window_limit_s=20.0,
        warmup_steps=5,
        staged_batches=64,
        long_parameters=True,
        proof_training_steps=0,
        accuracy_seeds=3,
        delta=0.02,
        cell_timeout_s=900.0,
        tasks=("train", "infer"),
        twin=True,
        sentinel_readings=20,
        extra_blocks_share=0.5,
        replay_share=0.5,
        memory_blocks=3,
        pilot=True,
        pilot_steps=90,
        pilot_limit_s=20.0,
        expected_deviation=0.02,
    ),
}


def suite(name: str, *, data: str | None = None, tasks: Sequence[str] = ()) -> Protocol:
    """A preset by name, with another data source or other tasks if they are asked for.

    Raises:
        UsageError: no such suite or task.
    """
    if name not in SUITES:
        raise UsageError(f"unknown suite {name!r}; known: {', '.join(SUITES)}")
    unknown = [task for task in tasks if task not in TASKS]
    if unknown:
        raise UsageError(f"--task: expected some of {', '.join(TASKS)}; received {unknown[0]!r}")
    changes: dict[str, Any] = {"data": data} if data else {}
    if tasks:
        changes["tasks"] = tuple(task for task in TASKS if task in tasks)
    return replace(SUITES[name], **changes) if changes else SUITES[name]
