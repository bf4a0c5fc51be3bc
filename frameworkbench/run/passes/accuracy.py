"""The accuracy pass: a full training from one seed, judged by the harness on data the worker never sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy.typing as npt

from ...data.transform import epoch_order
from ...reference import initial_weights
from ..link import Setting, open_link
from .outcome import Outcome, close_books, evaluation

Array = npt.NDArray[Any]


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
        result = evaluation(setting, weights, outcome)
        entry |= {"accuracy": result["value"], "total": result["total"]}
        final = {"accuracy": result["value"], "correct": result["correct"], "total": result["total"]}
    outcome.payload |= {"seed": seed, "epochs": epochs, "final": final, "target": workload.accuracy_target}
    close_books(outcome, link)
    return outcome
