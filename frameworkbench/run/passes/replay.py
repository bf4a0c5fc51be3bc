"""Drives the watched repetition of a timed window (``validity/replay.py`` judges it)."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from ...validity import replay
from ...validity.findings import Finding
from ..link import Link, load_export


def replayed(
    link: Link, start: Path, end: Path, steps: int, chooser: random.Random
) -> tuple[list[Finding], dict[str, Any]]:
    """Do the steps of the timed windows once more from their start, and compare where they lead.

    Args:
        link: a worker whose staged batches are those of the windows.
        start: its export from which the windows started, with an empty optimizer state.
        end: its export after them.
        steps: between the two.
        chooser: draws the pieces.
    """
    first, last = load_export(start), load_export(end)
    watched = [_watched(link, start, steps, chooser)]
    if replay.needs_another(first, last, watched):
        watched.append(_watched(link, start, steps, chooser))
    return replay.judge(first, last, watched, steps)


def _watched(link: Link, start: Path, steps: int, chooser: random.Random) -> dict[str, Any]:
    link.load_again(start)
    while link.steps_done < steps:
        link.steps(min(chooser.randint(1, replay.LONGEST_PIECE), steps - link.steps_done))
    return link.export()
