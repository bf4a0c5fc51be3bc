"""Shipped workloads made small: the same layers in the same order, narrow enough for a proof in a second."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..spec.model import build_model
from ..spec.workload import ParityLimits, Workload

_BATCH = 16
_LENGTH = 16
_VOCABULARY = 64
_SAMPLES = 512
_NARROWER = 8
_LEAST = 4
_WIDTHS = ("units", "filters", "width")
_STEPS = 10  # longer trajectories of some models are chaotic


def shrink(workload: Workload) -> Workload:
    """The workload with narrow layers, short texts, small batches and little data.

    Widths are divided by one number everywhere, so that what had to be equal stays equal.
    """
    text = workload.model.input_kind == "tokens"
    tables = [_narrow(table) for table in workload.model.to_json()["layers"]]
    last = workload.model.layers[-1]
    tables[-1] = {**tables[-1], **{key: value for key, value in last.options.items() if key == "units"}}
    data = replace(workload.data, train_limit=_SAMPLES, test_limit=_BATCH)
    shape = workload.model.input_shape
    if text:
        data, shape = replace(data, length=_LENGTH, vocabulary=_VOCABULARY), (_LENGTH,)
    model = build_model(shape, workload.model.input_kind, tables, workload.model.initializers, workload.name)
    facts = json.dumps([model.to_json(), workload.sha256], sort_keys=True)
    return replace(
        workload,
        name=f"tiny-{workload.name}",
        model=model,
        data=data,
        batch_size=_BATCH,
        parity=_short(workload.parity),
        sha256=hashlib.sha256(facts.encode()).hexdigest(),
    )


def _narrow(table: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(table)
    for key in _WIDTHS:
        if key in found:
            found[key] = max(_LEAST, found[key] // _NARROWER)
    if "vocabulary" in found:
        found["vocabulary"] = _VOCABULARY
    if "heads" in found:
        found["heads"] = math.gcd(found["heads"], _LEAST)
    if "layers" in found:
        found["layers"] = [_narrow(inner) for inner in found["layers"]]
    return found


def _short(limits: ParityLimits) -> ParityLimits:
    trajectory = {min(step, _STEPS): limits.loss_tolerance(min(step, _STEPS)) for step in limits.trajectory}
    return replace(limits, trajectory=trajectory, parameters_steps=(3, 8), parameters_steps_quick=(3, 8))
