"""The proof pass: one process shows that a cell computes what the float64 reference computes."""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...analysis import parity
from ...analysis.parity import Check
from ...data.transform import to_inputs
from ...errors import WorkerError
from ...reference import Network, initial_weights
from ...spec.cell import TWIN
from ...spec.protocol import Protocol
from ...spec.training import Loss, Optimizer
from ...spec.workload import Workload
from .. import codes
from ..judge import Expected, input_options
from ..link import Link, Setting, open_link
from .outcome import Outcome, close_books, evaluation, seconds

Array = npt.NDArray[Any]

_SNAPSHOT_STEPS = 3  # how many different step counts a run draws its checks from


def proof(setting: Setting, expected: Expected, log: Path, *, chooser: random.Random) -> Outcome:
    """Prove a cell: trajectory, parameters, logits, gradients, optimizer; all through the step that is timed.

    The compile cache is emptied first, so this process also gives the cold time to first step.
    """
    shutil.rmtree(setting.compile_cache, ignore_errors=True)
    outcome = Outcome(payload={"cache": "cold"})
    workload = setting.workload
    k = chooser.choice(_proof_steps(workload, setting.protocol, expected))
    checks: list[Check] = []
    with open_link(setting, log) as link:
        link.start()
        link.build(expected.weights, workload.loss, workload.optimizer)
        phases = {"import_s": seconds(link, "start"), "build_s": seconds(link, "build")}
        link.stage(expected.order)
        checks += parity.compare_weights(link.export(), expected.weights)
        mismatch = [check for check in checks if check.error == float("inf")]
        if mismatch:
            raise WorkerError(codes.MODEL_MISMATCH, f"parameter {mismatch[0].tensor} is missing or has another shape")
        first = link.worker.ask("steps", count=1)
        phases["first_step_s"] = first["elapsed_ns"] / 1e9
        outcome.payload["phases"] = phases
        losses = [float(first["losses"][0]), *link.steps(k - 1)]
        after_k = link.export()
        losses += link.steps(max(0, workload.parity.trajectory_steps - k))
        outcome.payload["step_s"] = _step_estimate(link, phases["first_step_s"], len(losses))
        final = link.export() if len(losses) > k else after_k
        logits = link.predict(0)
        after_gradient = _one_step(link, expected, workload.loss, expected.gradient_optimizer)
        link.build(expected.weights, expected.optimizer_loss, workload.optimizer)
        probes = {}
        for step in (1, 2):
            link.steps(1)
            probes[step] = link.export()
        outcome.payload["effective"] = link.effective()
        trained = _train_briefly(link, setting, expected)
    checks += _judge(setting, expected, k, losses, after_k, after_gradient, probes)
    checks.append(_logits_check(setting, expected, final, logits))
    close_books(outcome, link)
    _conclude(outcome, checks)
    if trained is not None and outcome.status == "ok":
        steps = setting.protocol.proof_training_steps
        outcome.payload["accuracy"] = evaluation(setting, trained, outcome) | {"steps": steps}
    return outcome


def draw_snapshot_steps(workload: Workload, protocol: Protocol, chooser: random.Random) -> list[int]:
    """Steps after which parameters are compared: drawn per run, so that no adapter can know them."""
    drawn = chooser.sample(_range(workload.parity.parameters_steps_quick), k=_SNAPSHOT_STEPS)
    if protocol.long_parameters:
        drawn += chooser.sample(_range(workload.parity.parameters_steps), k=_SNAPSHOT_STEPS)
    return sorted(set(drawn))


def _proof_steps(workload: Workload, protocol: Protocol, expected: Expected) -> list[int]:
    first = workload.parity.parameters_steps[0] if protocol.long_parameters else 0
    return [step for step in sorted(expected.updates) if step >= first]


def _range(bounds: tuple[int, int]) -> list[int]:
    steps = list(range(bounds[0], bounds[1] + 1))
    return steps * _SNAPSHOT_STEPS if len(steps) < _SNAPSHOT_STEPS else steps


def _one_step(link: Link, expected: Expected, loss: Loss, optimizer: Optimizer) -> dict[str, Array]:
    link.build(expected.weights, loss, optimizer)
    link.steps(1)
    return link.export()


def _train_briefly(link: Link, setting: Setting, expected: Expected) -> dict[str, Array] | None:
    """A few dozen ordinary steps on distinct batches, for an accuracy that shows that learning happens."""
    steps = setting.protocol.proof_training_steps
    is_main = setting.cell.mode == setting.adapter.main_mode and setting.cell.role != TWIN
    if not steps or not is_main:
        return None
    link.build(initial_weights(setting.workload.model, setting.seed), setting.workload.loss, setting.workload.optimizer)
    link.steps(steps)
    return link.export()


def _judge(
    setting: Setting,
    expected: Expected,
    k: int,
    losses: list[float],
    after_k: dict[str, Array],
    after_gradient: dict[str, Array],
    probes: Mapping[int, dict[str, Array]],
) -> list[Check]:
    limits = setting.workload.parity
    length = limits.trajectory_steps
    checks = parity.compare_losses(
        losses[:length], expected.losses[:length], expected.loss_tolerances(setting.workload)
    )
    checks += parity.compare_gradients(
        after_gradient, expected.weights, expected.gradient_optimizer.learning_rate, expected.gradients, limits.gradient
    )
    for step, exported in probes.items():
        reference = expected.optimizer_updates[step]
        checks += parity.compare_updates("optimizer", step, exported, expected.weights, reference, limits.optimizer)
    checks += parity.compare_updates("parameters", k, after_k, expected.weights, expected.updates[k], limits.parameters)
    return checks


def _logits_check(setting: Setting, expected: Expected, weights: dict[str, Array], logits: Array) -> Check:
    """Logits against the reference's logits for the very weights that the adapter exported."""
    inputs = np.load(setting.dataset.train_inputs, mmap_mode="r", allow_pickle=False)[expected.order[0]]
    reference = Network(setting.workload.model, weights).logits(to_inputs(inputs, **input_options(setting.workload)))
    return Check("logits", 0, "logits", parity.max_error(logits, reference), setting.workload.parity.logits)


def _conclude(outcome: Outcome, checks: list[Check]) -> None:
    worst = parity.worst(checks)
    passed = all(check.passed for check in checks)
    outcome.payload["parity"] = {"passed": passed, "checks": [check.to_json() for check in checks]}
    if not passed:
        outcome.status, outcome.code = "not_comparable", f"PARITY_{worst.check.upper()}"
        outcome.reason = worst.sentence


def _step_estimate(link: Link, first_step_s: float, steps: int) -> float:
    return max(1e-6, seconds(link, "steps") - first_step_s) / max(steps - 1, 1)
