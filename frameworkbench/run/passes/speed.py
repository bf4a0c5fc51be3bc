"""The speed pass: one fresh process shows again that it computes the proven thing, and is timed."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

from ...analysis import parity
from ...errors import WorkerError
from ...spec.protocol import Protocol
from .. import census, codes
from ..judge import Expected
from ..link import Setting, load_export, open_link
from .outcome import Outcome, close_books, seconds


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
        warm = link.worker.ask("steps", count=setting.warmup_steps)
        # The faster of two looks: a window sized on a disturbed one would come out too short.
        step_ns = min(before["elapsed_ns"] / (k - 1), warm["elapsed_ns"] / setting.warmup_steps)
        steps = window_steps(protocol, max(step_ns / 1e9, 1e-7))
        windows = [link.worker.window(steps) for _ in range(protocol.windows)]
        census.check(windows, setting.cores)
        outcome.payload |= {
            "phases": {
                "import_s": seconds(link, "start"),
                "build_s": seconds(link, "build"),
                "first_step_s": first["elapsed_ns"] / 1e9,
                "warmup_s": warm["elapsed_ns"] / 1e9,
            },
            "warmup_steps": setting.warmup_steps,
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
    close_books(outcome, link)
    if not worst.passed:
        outcome.status, outcome.code = "not_comparable", codes.WRONG_RESULT
        outcome.reason = f"in the timed process: {worst.sentence}"
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
