"""Waiting for others to leave the cores before a slow time is held against a worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import sleep
from typing import Any

from ...validity.findings import Finding
from .. import foreign
from ..worker_process import WorkerProcess

_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)


def patiently(
    worker: WorkerProcess, take: Callable[[], Sequence[Mapping[str, Any]]], objection: Callable[[], Sequence[Finding]]
) -> str:
    """Take windows; while there is an objection and others took the cores meanwhile, again after a pause.

    Args:
        worker: what rests in the pauses.
        take: times further windows and returns those.
        objection: what is to be said about all windows so far; nothing if all is well.

    Returns:
        what others took of the cores in the windows after the last pause; empty where little.
    """
    others = foreign.complaints(foreign.in_windows(take()))
    for pause in _PAUSES_S:
        if not others or not objection():
            break
        with worker.waiting():
            sleep(pause)
        others = foreign.complaints(foreign.in_windows(take()))
    return "; ".join(others)
