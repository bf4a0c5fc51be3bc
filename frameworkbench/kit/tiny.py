"""Shipped workloads made small: the same layers in the same order, narrow enough for a proof in a second."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..spec.model import build_model
from ..spec.workload import ParityLimits, Workload

_BATCH = 16
_LENGTH = 16
_ROWS = 64  # of every table: tokens, users, items
_TABLES = ("vocabulary", "users", "items")
_SAMPLES = 512
_NARROWER = 8  # or more, until
_WIDEST = 32  # is the widest layer
_LEAST = 4
_WIDTHS = ("units", "filters", "width")
_STEPS = 10  # longer trajectories of some models are chaotic


def shrink(workload: Workload) -> Workload:
    """The workload with narrow layers, short texts, small batches and little data.

    Widths are divided by one number everywhere, so that what had to be equal stays equal.
    """
    whole = workload.model.to_json()["layers"]
    factor = max(_NARROWER, math.ceil(max(_widths(whole), default=0) / _WIDEST))
    tables = [_narrow(table, factor) for table in whole]
    last = workload.model.layers[-1]
    tables[-1] = {**tables[-1], **{key: value for key, value in last.options.items() if key == "units"}}
    data = replace(workload.data, train_limit=_SAMPLES, test_limit=_BATCH)
    rows: dict[str, Any] = {key: _ROWS for key in _TABLES if getattr(data, key)}
    data = replace(data, **rows)
    shape = workload.model.input_shape
    if data.length:
        data, shape = replace(data, length=_LENGTH), (_LENGTH,)
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


def _widths(tables: Sequence[Mapping[str, Any]]) -> list[int]:
    own = [table[key] for table in tables for key in _WIDTHS if key in table]
    return own + [width for table in tables for width in _widths(table.get("layers", []))]


def _narrow(table: Mapping[str, Any], factor: int) -> dict[str, Any]:
    found = dict(table)
    for key in _WIDTHS:
        if key in found:
            found[key] = max(_LEAST, found[key] // factor)
    for key in _TABLES:
        if key in found:
            found[key] = _ROWS
    if "heads" in found:
        found["heads"] = math.gcd(found["heads"], _LEAST)
    if "layers" in found:
        found["layers"] = [_narrow(inner, factor) for inner in found["layers"]]
    return found


def _short(limits: ParityLimits) -> ParityLimits:
    trajectory = {min(step, _STEPS): limits.loss_tolerance(min(step, _STEPS)) for step in limits.trajectory}
    return replace(limits, trajectory=trajectory, parameters_steps=(3, 8), parameters_steps_quick=(3, 8))
