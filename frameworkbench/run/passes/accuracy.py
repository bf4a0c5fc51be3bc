"""The accuracy pass: a full training from one seed, judged by the harness on data the worker never sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...analysis import parity
from ...data.transform import epoch_order, to_inputs
from ...reference import Network, decide, initial_weights, run_trajectory
from ...validity import canary
from ...validity.canary import Canaries
from ...validity.findings import Finding
from ..judge import host_batch, input_options
from ..link import Link, Setting, open_link
from .outcome import Outcome, close_books, evaluation

Array = npt.NDArray[Any]
Weights = dict[str, Array]

_CHECKED_STEPS = 3  # of a training's start; the reference computes them anew for each seed


def accuracy(setting: Setting, log: Path, *, seed: int, progress: Callable[[str], None]) -> Outcome:
    """Train for the workload's epochs from a seed; the harness evaluates the exported weights itself."""
    outcome = Outcome()
    workload, dataset = setting.workload, setting.dataset
    start = initial_weights(workload.model, seed)
    epochs: list[dict[str, Any]] = []
    exports: list[Weights] = []
    with open_link(setting, log) as link:
        link.start()
        link.build(start, workload.loss, workload.optimizer)
        loaded = link.export()
        for epoch in range(workload.epochs):
            order = epoch_order(seed, epoch, dataset.train_size, workload.batch_size)
            checked = _train_checked(link, order) if epoch == 0 else None
            reply = link.epoch(order if checked is None else order[_CHECKED_STEPS:])
            if checked is not None:
                early, early_s = checked
                outcome.findings += _judge_start(setting, start, loaded, early, order)
                reply = reply | {"train_ns": reply["train_ns"] + early_s * 1e9}
            exports.append(link.export())
            epochs.append({"epoch": epoch + 1, "train_s": reply["train_ns"] / 1e9, "loss": reply["loss"]})
            progress(f"epoch {epoch + 1} of {workload.epochs}, loss {reply['loss']:.3f}")
            if not _finite(exports[-1]):
                reason = f"weights are not finite after epoch {epoch + 1} of {workload.epochs}"
                outcome.findings.append(Finding("finite", "DIVERGED", reason))
                break
        outcome.payload["effective"] = link.effective()  # which mode ran is known once something has run
        canaries = link.canaries
    final: dict[str, Any] = {}
    for entry, weights in zip(epochs, exports, strict=True):
        result = evaluation(setting, weights, outcome)
        entry |= {"accuracy": result["value"], "total": result["total"]}
        final = {"accuracy": result["value"], "correct": result["correct"], "total": result["total"]}
    outcome.findings += _judge_canaries(setting, exports[-1], canaries, 1.0 - final["accuracy"])
    outcome.payload |= {"seed": seed, "epochs": epochs, "final": final, "target": workload.accuracy_target}
    close_books(outcome, link)
    outcome.conclude(setting.detectors)
    return outcome


def _train_checked(link: Link, order: Array) -> tuple[Weights, float]:
    """The first steps of the training and the weights they led to."""
    reply = link.epoch(order[:_CHECKED_STEPS])
    return link.export(), reply["train_ns"] / 1e9


def _judge_start(setting: Setting, start: Weights, loaded: Weights, early: Weights, order: Array) -> list[Finding]:
    workload = setting.workload
    loading = [check for check in parity.compare_weights(loaded, start) if not check.passed]
    if loading:
        return [Finding("start", "INIT_MISMATCH", f"at the start of a training: {parity.worst(loading).sentence}")]
    batches = [host_batch(workload, setting.dataset, row) for row in order[:_CHECKED_STEPS]]
    reference = run_trajectory(
        workload.model, workload.loss, workload.optimizer, start, batches, snapshot_steps=[_CHECKED_STEPS]
    ).snapshots[_CHECKED_STEPS]
    updates = {name: value - start[name] for name, value in reference.items()}
    limit = workload.parity.parameters
    checks = parity.compare_updates("training", _CHECKED_STEPS, early, start, updates, limit)
    worst = parity.worst(checks)
    return [] if worst.passed else [Finding("start", "WRONG_RESULT", f"in a full training: {worst.sentence}")]


def _judge_canaries(setting: Setting, weights: Weights, canaries: Canaries | None, error_rate: float) -> list[Finding]:
    if canaries is None or not _finite(weights):
        return []
    inputs = np.load(setting.dataset.test_inputs, mmap_mode="r", allow_pickle=False)[canaries.rows]
    network = Network(setting.workload.model, weights, np.float32)
    logits = network.logits(to_inputs(inputs, **input_options(setting.workload)))
    answers, _ = decide(setting.workload.loss.kind, logits)
    return canary.judge(answers, canaries, error_rate, setting.dataset.classes)


def _finite(weights: Mapping[str, Array]) -> bool:
    return all(bool(np.all(np.isfinite(value))) for value in weights.values())
