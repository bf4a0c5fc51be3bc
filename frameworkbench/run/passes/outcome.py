"""What one pass came to, and the evaluation of exported weights that several passes share."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ...data.transform import to_inputs
from ...reference import evaluate
from ...validity.findings import Finding, active, status_of
from ..judge import input_options
from ..link import Link, Setting

Array = npt.NDArray[Any]


@dataclass(slots=True)
class Outcome:
    """What one pass came to.

    ``busy_s`` is the worker's time by operation, ``oracle_s`` that of evaluating weights, ``libraries`` the names of
    the shared libraries that the process had loaded.
    """

    status: str = "ok"
    code: str = ""
    reason: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    busy_s: dict[str, float] = field(default_factory=dict)
    oracle_s: float = 0.0
    findings: list[Finding] = field(default_factory=list)

    def conclude(self, detectors: frozenset[str]) -> None:
        """Take the verdict from the findings of active detectors; all of them are kept in the payload."""
        found = active(self.findings, detectors)
        if found:
            self.payload["findings"] = [finding.to_json() for finding in found]
            self.status, self.code, self.reason = status_of(found[0].code), found[0].code, found[0].reason


Turns = Generator[None, None, Outcome]
"""A pass whose windows are taken in turns with those of other processes: it yields before each window and after the
last one, and returns what it came to."""


def evaluation(setting: Setting, weights: Mapping[str, Array], outcome: Outcome) -> dict[str, Any]:
    """Accuracy of exported weights on the test set, which the worker never sees; booked as the oracle's time."""
    started = time.monotonic()
    inputs = np.load(setting.dataset.test_inputs, mmap_mode="r", allow_pickle=False)
    labels = np.load(setting.dataset.test_labels, mmap_mode="r", allow_pickle=False)
    options = input_options(setting.workload)
    workload = setting.workload
    result = evaluate(
        workload.model,
        weights,
        inputs,
        labels,
        loss=workload.loss.kind,
        to_inputs=lambda raw: to_inputs(raw, **options),
    )
    outcome.oracle_s += time.monotonic() - started
    return {"value": result.accuracy, "correct": result.correct, "total": result.total}


def elapsed_s(window: Mapping[str, Any]) -> float:
    """Seconds of a window by the parent's clock."""
    return float(window["stop_ns"] - window["start_ns"]) / 1e9


def seconds(link: Link, op: str) -> float:
    """Seconds that the worker has spent on one operation so far."""
    return link.worker.busy_ns.get(op, 0) / 1e9


def close_books(outcome: Outcome, link: Link) -> None:
    """Note the worker's time by operation, what kind of process it was, and the libraries that it had loaded."""
    outcome.payload["process"] = link.process()
    if link.libraries:
        outcome.payload["libraries"] = link.libraries
    outcome.busy_s = {op: ns / 1e9 for op, ns in link.worker.busy_ns.items()}
