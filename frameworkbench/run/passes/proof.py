"""The proof pass: one process shows that a cell computes what the float64 reference computes."""

from __future__ import annotations

import random
import shutil
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...analysis import parity
from ...analysis.parity import Check
from ...errors import WorkerError
from ...reference import Network, initial_weights
from ...spec.cell import TWIN
from ...spec.lanes import DEFAULT
from ...spec.model import Model
from ...spec.protocol import Protocol
from ...spec.training import Loss, Optimizer
from ...spec.workload import Workload, without_dropout
from ...validity import cause, fingerprint, identity
from ...validity.cause import GradientEvidence
from ..judge import Expected, host_batch
from ..link import Link, Setting, open_link
from .masks import prove_dropout
from .outcome import Outcome, close_books, evaluation, seconds
from .rates import measure_rates

Array = npt.NDArray[Any]
Weights = dict[str, Array]

_SNAPSHOT_STEPS = 3  # how many different step counts a run draws its checks from
_DISBELIEF = 20.0  # exports lie between the steps, too
_PROBE_BATCH = 32


@dataclass(slots=True)
class _Seen:
    """What the worker delivered; judged after it is gone.

    ``loaded``, ``after_k``, ``final`` and ``after_gradient`` are exported weights; ``probes`` those by optimizer step.
    """

    k: int
    loaded: Weights = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)
    after_k: Weights = field(default_factory=dict)
    final: Weights = field(default_factory=dict)
    logits: Array = field(default_factory=lambda: np.empty(0))
    after_gradient: Weights = field(default_factory=dict)
    probes: dict[int, Weights] = field(default_factory=dict)
    trained: Weights | None = None


def proof(setting: Setting, expected: Expected, log: Path, *, chooser: random.Random) -> Outcome:
    """Prove a cell: trajectory, parameters, logits, gradients, optimizer; all through the step that is timed.

    The compile cache is emptied first, so this process also gives the cold time to first step.
    """
    shutil.rmtree(setting.compile_cache, ignore_errors=True)
    outcome = Outcome(payload={"cache": "cold"})
    timed, setting = setting.workload.model, replace(setting, workload=without_dropout(setting.workload))
    seen = _Seen(chooser.choice(_proof_steps(setting.workload, setting.protocol, expected)))
    with open_link(setting, log) as link:
        link.start()
        outcome.findings += identity.judge_cache(setting.compile_cache)
        outcome.findings += identity.judge(link.identity(), setting.interpreter.path, setting.adapter.module)
        link.build(expected.weights, setting.workload.loss, setting.workload.optimizer)
        outcome.payload["phases"] = {"import_s": seconds(link, "start"), "build_s": seconds(link, "build")}
        outcome.findings += link.stage(expected.order)
        seen.loaded = link.export()
        parity_checks = parity.compare_weights(seen.loaded, expected.weights)
        if all(check.error < float("inf") for check in parity_checks):
            _work(link, setting, expected, seen, outcome, timed)
            measure_rates(link, outcome, setting.own_loop)
            parity_checks += _judge(setting, expected, seen)
            same = all(check.passed for check in parity_checks)
            try:
                _measure_precision(link, setting, expected, seen, outcome, chooser, same)
            except WorkerError:
                if same:  # where parity failed, that is the verdict
                    raise
            if same and timed.dropout:
                found, outcome.payload["dropout"] = prove_dropout(link, timed)
                outcome.findings += found
    close_books(outcome, link)
    outcome.payload["parity"] = {
        "passed": all(check.passed for check in parity_checks),
        "checks": [check.to_json() for check in parity_checks],
    }
    outcome.findings += cause.parity_findings(parity_checks, _evidence(setting, expected, seen), setting.workload)
    outcome.conclude(setting.detectors)
    if seen.trained is not None and outcome.status == "ok":
        steps = setting.protocol.proof_training_steps
        outcome.payload["accuracy"] = evaluation(setting, seen.trained, outcome) | {"steps": steps}
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


def _work(link: Link, setting: Setting, expected: Expected, seen: _Seen, outcome: Outcome, timed: Model) -> None:
    """Ordinary steps first, as a user takes them; then the probes, each from a fresh build; then the timed model."""
    workload = setting.workload
    first = link.timed_steps(1)
    outcome.payload["phases"]["first_step_s"] = first["elapsed_ns"] / 1e9
    started = time.perf_counter()
    seen.losses = [float(first["losses"][0]), *link.steps(seen.k - 1)]
    seen.after_k = link.export()
    seen.losses += link.steps(max(0, workload.parity.trajectory_steps - seen.k))
    outcome.payload["step_s"] = _step_estimate(
        link, first["elapsed_ns"] / 1e9, len(seen.losses), time.perf_counter() - started
    )
    seen.final = link.export() if len(seen.losses) > seen.k else seen.after_k
    seen.logits = link.predict(0)
    link.build(expected.weights, workload.loss, expected.gradient_optimizer)
    link.steps(1)
    seen.after_gradient = link.export()
    link.build(expected.weights, expected.optimizer_loss, workload.optimizer)
    for step in (1, 2):
        link.steps(1)
        seen.probes[step] = link.export()
    outcome.payload["effective"] = link.effective()
    outcome.payload["proof_peak_bytes"] = link.worker.ask("memory")["peak_bytes"]
    installed = setting.interpreter.framework_version
    outcome.findings += identity.judge_version(outcome.payload["effective"], installed)
    seen.trained = _train_briefly(link, setting, timed)


def _train_briefly(link: Link, setting: Setting, timed: Model) -> Weights | None:
    """A few dozen ordinary steps on distinct batches, for an accuracy that shows that learning happens."""
    steps = setting.protocol.proof_training_steps
    is_main = setting.cell.mode == setting.adapter.main_mode and setting.cell.role != TWIN
    if not steps or not is_main:
        return None
    start, workload = initial_weights(timed, setting.seed), setting.workload
    link.build(start, workload.loss, workload.optimizer, timed)
    link.steps(steps)
    return link.export()


def _measure_precision(
    link: Link, setting: Setting, expected: Expected, seen: _Seen, outcome: Outcome, chooser: random.Random, same: bool
) -> None:
    """The dense probe, and the workload's own results against NumPy's in float32.

    Where parity failed (``same`` is false) the size of an error says nothing about rounding.
    """
    offset = chooser.randrange(_PROBE_BATCH)
    loss, optimizer = Loss("softmax_cross_entropy"), Optimizer("sgd", 1.0)
    link.build(fingerprint.probe_weights(), loss, optimizer, fingerprint.probe_model())
    found = fingerprint.read(link.logits(fingerprint.probe_inputs(_PROBE_BATCH, offset)), offset)
    inputs, _ = host_batch(setting.workload, setting.dataset, expected.order[0])
    model, declared = setting.workload.model, setting.cell.precision
    exact = {"logits": Network(model, seen.final).logits(inputs)}
    rough = {"logits": Network(model, seen.final, np.float32).logits(inputs)}
    measured = _measured_gradients(expected, seen)
    usable = measured.keys() >= expected.gradients.keys()
    errors = {"logits": fingerprint.relative_error({"logits": seen.logits}, exact)}
    numpy_errors = {"logits": fingerprint.relative_error(rough, exact)}
    if usable:
        errors["gradients"] = fingerprint.relative_error(measured, expected.gradients)
        numpy_errors["gradients"] = expected.float32_gradient_error
    outcome.payload["fingerprint"] = found.to_json() | {"errors": errors, "numpy_float32_errors": numpy_errors}
    outcome.findings += fingerprint.judge(found, declared, shipped=setting.cell.lane == DEFAULT)
    if same:
        outcome.findings += fingerprint.judge_errors(errors, numpy_errors, declared)


def _judge(setting: Setting, expected: Expected, seen: _Seen) -> list[Check]:
    limits = setting.workload.parity
    length = limits.trajectory_steps
    tolerances = expected.loss_tolerances(setting.workload)
    checks = parity.compare_losses(seen.losses[:length], expected.losses[:length], tolerances)
    rate_ = expected.gradient_optimizer.learning_rate
    checks += parity.compare_gradients(
        seen.after_gradient, expected.weights, rate_, expected.gradients, limits.gradient
    )
    for step, exported in seen.probes.items():
        reference = expected.optimizer_updates[step]
        checks += parity.compare_updates("optimizer", step, exported, expected.weights, reference, limits.optimizer)
    updates = expected.updates[seen.k]
    checks += parity.compare_updates("parameters", seen.k, seen.after_k, expected.weights, updates, limits.parameters)
    inputs, _ = host_batch(setting.workload, setting.dataset, expected.order[0])
    # Against the reference's logits for the very weights that the adapter exported.
    logits = Network(setting.workload.model, seen.final).logits(inputs)
    checks.append(Check("logits", 0, "logits", parity.max_error(seen.logits, logits), limits.logits))
    return checks


def _evidence(setting: Setting, expected: Expected, seen: _Seen) -> GradientEvidence:
    inputs, labels = host_batch(setting.workload, setting.dataset, expected.order[0])
    return GradientEvidence(_measured_gradients(expected, seen), expected.gradients, expected.weights, inputs, labels)


def _measured_gradients(expected: Expected, seen: _Seen) -> Weights:
    """(p₀ − p₁) / rate of the plain SGD step, where a tensor came back in its shape."""
    return parity.gradients_of_step(expected.weights, seen.after_gradient, expected.gradient_optimizer.learning_rate)


def _step_estimate(link: Link, first_step_s: float, steps: int, wall_s: float) -> float:
    """Seconds of a step by the worker's clock, but not far below the parent's: a clock that lies sizes no windows."""
    further = max(steps - 1, 1)
    claimed = (seconds(link, "steps") - first_step_s) / further
    return max(1e-6, claimed, wall_s / further / _DISBELIEF)
