"""The content of ``report.json``: what a run's cells contribute, and what is said of the run as a whole."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ..claims import claims_for
from ..phrase import Phrase
from ..spec.lanes import control_lane
from ..store.records import Run
from .cells import number, table
from .disturbance import disturbance
from .families import without_control
from .unmeasured import unmeasured

SCHEMA = 2

Part = dict[str, Any]
"""What some cells contribute: plain data, so that it can come from another process."""


def whole(run: Run, parts: Sequence[Part]) -> dict[str, Any]:
    """The content of ``report.json``.

    Args:
        run: manifest, plan, damage, and at least the records that belong to no cell.
        parts: what the cells contribute, in the order of the plan.
    """
    manifest = run.manifest
    left_out = _not_measured(run, parts)
    found = {
        "schema": SCHEMA,
        "verification": "unverified",
        "run": _run_facts(manifest),
        "machine": dict(table(manifest.get("machine"))),
        "adapters": dict(table(manifest.get("adapters"))),
        "data": dict(table(manifest.get("data"))),
        "plan": {"blocks": dict(run.plan.blocks), "budget": dict(run.plan.budget)},
        "cells": _of_all(parts, "cells"),
        "comparisons": _of_all(parts, "comparisons"),
        "noise": disturbance(run).to_json(),
        "harness": _harness(run),
        "torn_speed_records": sum(part["torn"] for part in parts),
        "damaged": [{"file": damage.file, "reason": damage.reason} for damage in run.damaged],
        "not_measured": [str(said) for said in left_out],
        "not_measured_parts": [said.to_json() for said in left_out],
    }
    return {**found, "claims": claims_for(found)}


def _of_all(parts: Sequence[Part], name: str) -> list[Any]:
    return [one for part in parts for one in part[name]]


def _not_measured(run: Run, parts: Sequence[Part]) -> tuple[Phrase, ...]:
    """What the run left out, in sentences."""
    cells = _of_all(parts, "cells")
    lane = control_lane({str(cell["lane"]) for cell in cells})  # a control runs in one of them
    workloads = [name for part in parts for name in part["uncontrolled"].get(lane, ())]
    torn = sum(part["torn"] for part in parts)
    return (*without_control(workloads), *unmeasured(run, cells, torn))


def _harness(run: Run) -> dict[str, Any]:
    """Where the sessions' wall time went; ``share`` is what environments, imports, builds and steps leave over."""
    names = ("wall_s", "environment_s", "import_s", "build_s", "steps_s", "adapter_other_s", "oracle_s")
    sessions = [record["payload"] for record in run.records if record["kind"] == "run"]
    sums = {name: sum(number(session.get(name)) or 0.0 for session in sessions) for name in names}
    work = sums["environment_s"] + sums["import_s"] + sums["build_s"] + sums["steps_s"]
    share = (sums["wall_s"] - work) / sums["wall_s"] if sums["wall_s"] else None
    interrupted = sum(session.get("interrupted") is True for session in sessions)
    return {**sums, "sessions": len(sessions), "interrupted_sessions": interrupted, "share": share}


def _run_facts(manifest: Mapping[str, Any]) -> dict[str, Any]:
    keys = (
        "run_id",
        "created",
        "frameworkbench_version",
        "code_sha256",
        "suite",
        "protocol",
        "protocol_sha256",
        "seed",
        "threads",
        "card",
        "card_note",
    )
    command = manifest.get("command") or []
    lanes = list(manifest.get("lanes") or [manifest.get("lane")])  # runs of before lanes was an axis have one
    lane = {"lane": lanes[0] if len(lanes) == 1 else None, "lanes": lanes}
    return {**{key: manifest.get(key) for key in keys}, **lane, "command": shlex.join(str(part) for part in command)}
