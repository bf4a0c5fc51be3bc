"""The passes: what the parent asks of one worker process to prove, time or train a cell.

Each pass is one fresh process and gives one outcome. Comparing with the reference happens after the worker
has delivered, so that it never disturbs a timing.
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..analysis import parity
from ..analysis.parity import Check
from ..data.transform import epoch_order, to_inputs
from ..errors import WorkerError
from ..reference import Network, evaluate, initial_weights
from ..spec.protocol import Protocol
from ..spec.training import Loss, Optimizer
from ..spec.workload import Workload
from . import codes
from .judge import Expected, input_options
from .link import Link, Setting, load_export, open_link

Array = npt.NDArray[Any]

_SNAPSHOT_STEPS = 3  # how many different step counts a run draws its checks from


@dataclass(slots=True)
class Outcome:
    """What one pass came to; ``busy_s`` is the worker's time by operation, ``oracle_s`` that of evaluating weights."""

    status: str = "ok"
    code: str = ""
    reason: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    busy_s: dict[str, float] = field(default_factory=dict)
    oracle_s: float = 0.0


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
        phases = {"import_s": _seconds(link, "start"), "build_s": _seconds(link, "build")}
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
    _close_books(outcome, link)
    _conclude(outcome, checks)
    if trained is not None and outcome.status == "ok":
        steps = setting.protocol.proof_training_steps
        outcome.payload["accuracy"] = _evaluation(setting, trained, outcome) | {"steps": steps}
    return outcome


def speed(setting: Setting, expected: Expected, log: Path, *, chooser: random.Random) -> Outcome:
    """Time a cell in one fresh process, which first shows again that it computes the proven thing."""
    protocol, workload = setting.protocol, setting.workload
    outcome = Outcome(payload={"cache": "warm"})
    k = chooser.choice([step for step in sorted(expected.updates) if step <= workload.parity.parameters_steps_quick[1]])
    with open_link(setting, log) as link:
        link.start()
        link.build(expected.weights, workload.loss, workload.optimizer)
        link.stage(expected.order)
        first = link.worker.ask("steps", count=1)
        before = link.worker.ask("steps", count=k - 1)
        snapshot = link.export_later()
        warm = link.worker.ask("steps", count=protocol.warmup_steps)
        # The faster of two looks: a window sized on a disturbed one would come out too short.
        step_ns = min(before["elapsed_ns"] / (k - 1), warm["elapsed_ns"] / protocol.warmup_steps)
        steps = window_steps(protocol, max(step_ns / 1e9, 1e-7))
        windows = [link.worker.window(steps) for _ in range(protocol.windows)]
        outcome.payload |= {
            "phases": {
                "import_s": _seconds(link, "start"),
                "build_s": _seconds(link, "build"),
                "first_step_s": first["elapsed_ns"] / 1e9,
                "warmup_s": warm["elapsed_ns"] / 1e9,
            },
            "windows": windows,
            "effective": link.effective(),
            "memory": {"peak_bytes": link.worker.ask("memory")["peak_bytes"], "source": "speed process"},
            "load_average": round(os.getloadavg()[0], 2),
        }
        link.worker.close()
        exported = load_export(snapshot)
    check_clocks(windows)
    limit = workload.parity.parameters
    checks = parity.compare_updates("snapshot", k, exported, expected.weights, expected.updates[k], limit)
    worst = parity.worst(checks)
    outcome.payload["snapshot"] = worst.to_json()
    _close_books(outcome, link)
    if not worst.passed:
        outcome.status, outcome.code = "not_comparable", codes.WRONG_RESULT
        outcome.reason = f"in the timed process: {worst.sentence}"
    return outcome


def accuracy(setting: Setting, log: Path, *, seed: int, progress: Callable[[str], None]) -> Outcome:
    """Train for the workload's epochs from a seed; the harness evaluates the exported weights itself."""
    outcome = Outcome()
    workload, dataset = setting.workload, setting.dataset
    epochs: list[dict[str, Any]] = []
    exports: list[dict[str, Array]] = []
    with open_link(setting, log) as link:
        link.start()
        link.build(initial_weights(workload.model, seed), workload.loss, workload.optimizer)
        for epoch in range(workload.epochs):
            order = epoch_order(seed, epoch, dataset.train_size, workload.batch_size)
            reply = link.epoch(order)
            exports.append(link.export())
            epochs.append({"epoch": epoch + 1, "train_s": reply["train_ns"] / 1e9, "loss": reply["loss"]})
            progress(f"epoch {epoch + 1} of {workload.epochs}, loss {reply['loss']:.3f}")
        outcome.payload["effective"] = link.effective()  # which mode ran is known once something has run
    for entry, weights in zip(epochs, exports, strict=True):
        result = _evaluation(setting, weights, outcome)
        entry |= {"accuracy": result["value"], "total": result["total"]}
        final = {"accuracy": result["value"], "correct": result["correct"], "total": result["total"]}
    outcome.payload |= {"seed": seed, "epochs": epochs, "final": final, "target": workload.accuracy_target}
    _close_books(outcome, link)
    return outcome


def window_steps(protocol: Protocol, step_s: float) -> int:
    """Steps of a window: long enough in time and in steps, but no longer than the limit."""
    wanted = max(protocol.window_steps, round(protocol.window_s / step_s))
    longest = max(1, int(protocol.window_limit_s / step_s))
    return min(wanted, longest)


def check_clocks(windows: list[dict[str, Any]]) -> None:
    """The worker's claim may not be shorter than the parent's stamps say (method T4).

    Raises:
        WorkerError: CLOCK_MISMATCH.
    """
    for window in windows:
        seen = window["stop_ns"] - window["start_ns"]
        if seen - window["claimed_ns"] > max(0.03 * seen, 20e6):
            raise WorkerError(
                codes.CLOCK_MISMATCH,
                f"the worker claims {window['claimed_ns'] / 1e6:.1f} ms for a window of {seen / 1e6:.1f} ms",
            )


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
    is_main = setting.cell.mode == setting.adapter.main_mode
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


def _evaluation(setting: Setting, weights: Mapping[str, Array], outcome: Outcome) -> dict[str, Any]:
    started = time.monotonic()
    inputs = np.load(setting.dataset.test_inputs, mmap_mode="r", allow_pickle=False)
    labels = np.load(setting.dataset.test_labels, mmap_mode="r", allow_pickle=False)
    options = input_options(setting.workload)
    result = evaluate(setting.workload.model, weights, inputs, labels, to_inputs=lambda raw: to_inputs(raw, **options))
    outcome.oracle_s += time.monotonic() - started
    return {"value": result.accuracy, "correct": result.correct, "total": result.total}


def _seconds(link: Link, op: str) -> float:
    return link.worker.busy_ns.get(op, 0) / 1e9


def _step_estimate(link: Link, first_step_s: float, steps: int) -> float:
    return max(1e-6, _seconds(link, "steps") - first_step_s) / max(steps - 1, 1)


def _close_books(outcome: Outcome, link: Link) -> None:
    outcome.busy_s = {op: ns / 1e9 for op, ns in link.worker.busy_ns.items()}
