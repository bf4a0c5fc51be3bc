"""The memory pass: one fresh process, weighed phase by phase and never timed (method M1–M5).

Host memory is read in two ways that complete each other: the worker's own peak counter, set back between phases,
which misses nothing but knows only its own process; and samples of the whole process tree from outside, which
count children but can miss a spike. The reported figure of a phase is the larger of the two.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...analysis import parity
from ...analysis.memory import COUNTED_PHASES, flags
from .. import codes
from ..cgroup import cgroup_peak
from ..judge import Expected
from ..link import Link, Setting, load_export, open_link
from ..tree_memory import Footprint, TreeSampler
from ..weighing import Weighing
from .outcome import Outcome, close_books

# The leak gate asks for 200 steps and five passes over the batches: 40 batches give both at once.
BATCHES = 40
WATCHED_STEPS = 200
STEADY_LIMIT_S = 60.0
_BURST_LIMIT_S = 10.0
_PACE_STEPS = 2


def memory(
    setting: Setting, expected: Expected, log: Path, *, chooser: random.Random, footprint: Footprint | None = None
) -> Outcome:
    """Weigh a cell in one fresh process, which shows on the way that it computes the proven thing.

    Args:
        setting: the cell.
        expected: the reference's answers.
        log: receives the worker's output.
        chooser: draws the step at which parameters are compared.
        footprint: device memory of a set of processes; by default the setting's, where a device is measured.
    """
    outcome = Outcome()
    workload = setting.workload
    k = chooser.choice([step for step in sorted(expected.updates) if step <= workload.parity.parameters_steps_quick[1]])
    with (
        open_link(replace(setting, weighed=True), log) as link,
        TreeSampler(link.worker.pid, footprint=footprint or setting.footprint) as sampler,
    ):
        scales = Weighing(link, sampler)
        with scales.phase("import"):
            link.start()
        with scales.phase("build"):
            link.build(expected.weights, workload.loss, workload.optimizer)
        with scales.phase("stage"):
            link.stage(expected.order[: max(BATCHES, k)], keep=False)
        with scales.phase("first_step"):
            link.steps(1)
        with scales.phase("check"):
            link.steps(k - 1)
            snapshot = link.export_later()
            pace = link.worker.ask("steps", count=_PACE_STEPS)
        with scales.phase("steady"):
            series = _steady(link, pace["elapsed_ns"] / 1e9 / _PACE_STEPS)
        outcome.payload["effective"] = link.effective()
        outcome.payload["memory"] = _found(setting, link, scales) | {"series": series}
        link.worker.close()
        exported = load_export(snapshot)
    close_books(outcome, link)
    limit = workload.parity.parameters
    checks = parity.compare_updates("snapshot", k, exported, expected.weights, expected.updates[k], limit)
    _conclude(outcome, parity.worst(checks))
    return outcome


def _steady(link: Link, step_s: float) -> dict[str, Any]:
    """One pass over the batches as in a timed window, then 200 watched steps, as far as time allows."""
    burst = max(1, min(BATCHES, int(_BURST_LIMIT_S / max(step_s, 1e-9))))
    found = link.worker.ask("memory_steps", burst=burst, steps=WATCHED_STEPS, limit_s=STEADY_LIMIT_S)
    return {key: found[key] for key in ("burst", "resident_bytes", "live_bytes")}


def _found(setting: Setting, link: Link, scales: Weighing) -> dict[str, Any]:
    phases = scales.phases()
    peaks = [phases[name]["peak_bytes"] for name in COUNTED_PHASES if phases[name]["peak_bytes"] is not None]
    device = scales.device()
    on_cpu = setting.cell.device == "cpu"
    return {
        "peak_bytes": max(peaks, default=None),
        "source": "memory pass",
        "phases": phases,
        "reset": scales.reset,
        "readings": scales.readings,
        "cgroup": cgroup_peak(link.worker.pid),
        "device": device,
        "device_note": "" if device else f"not measured{' on cpu' if on_cpu else ': nothing could be read'}",
    }


def _conclude(outcome: Outcome, worst: parity.Check) -> None:
    """A wrong result decides; else the flags, which leave the record ok: the figure stands, with a remark."""
    outcome.payload["snapshot"] = worst.to_json()
    if not worst.passed:
        outcome.status, outcome.code = "not_comparable", codes.WRONG_RESULT
        outcome.reason = f"in the memory pass: {worst.sentence}"
        return
    found = flags(outcome.payload["memory"])
    outcome.code = found[0].code if found else ""
    outcome.reason = "; ".join(flag.reason for flag in found)
