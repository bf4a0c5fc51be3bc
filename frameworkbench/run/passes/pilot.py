"""The pilot pass: one discarded process per cell, from which the warm-up of all its timed processes is fixed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...analysis.steady import steadiness
from ..judge import Expected
from ..link import Link, Setting, open_link
from .outcome import Outcome, close_books

_CHUNK = 10  # steps asked for at a time, so that rows of slow steps can be stopped at the limit


def pilot(setting: Setting, expected: Expected, log: Path) -> Outcome:
    """Look at single steps of a fresh process until they have shown their steady state, or the limit is reached.

    The steps are drained one by one, so a level here is latency and not throughput; where it changes is the same.
    """
    protocol, workload = setting.protocol, setting.workload
    outcome = Outcome(payload={"cache": "warm"})
    with open_link(setting, log) as link:
        link.start()
        link.build(expected.weights, workload.loss, workload.optimizer)
        link.stage(expected.order)
        first = link.worker.ask("steps", count=1)
        series = _series(link, protocol.pilot_steps, protocol.pilot_limit_s)
        outcome.payload["effective"] = link.effective()
    found = steadiness(series, least=protocol.warmup_steps, most=max(protocol.warmup_steps, len(series)))
    outcome.payload |= {
        "first_step_s": first["elapsed_ns"] / 1e9,
        "steps_s": [float(f"{value:.4g}") for value in series],
        "warmup": found.to_json(),
    }
    close_books(outcome, link)
    return outcome


def warmup_of(payload: Any) -> int | None:
    """The warm-up that a pilot's record fixed; None if it holds none."""
    warmup = payload.get("warmup") if isinstance(payload, dict) else None
    steps = warmup.get("warmup_steps") if isinstance(warmup, dict) else None
    return steps if isinstance(steps, int) else None


def _series(link: Link, steps: int, limit_s: float) -> list[float]:
    series: list[float] = []
    while len(series) < steps and sum(series) < limit_s:
        series += link.latencies(min(_CHUNK, steps - len(series)))
    return series
