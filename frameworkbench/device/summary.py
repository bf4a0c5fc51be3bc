"""Readings of a card as the few figures that a record keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .gates import Span, within
from .nvml import REASONS, Reading
from .owners import Owners


def summarise(readings: Sequence[Reading], windows: Sequence[Span], found: Owners | None) -> dict[str, Any]:
    """Least, mean and most of each figure inside the windows; the worker's peak memory over its whole life.

    Args:
        readings: of one worker.
        windows: its timed windows; without any, all readings count.
        found: whose the processes on the card were.

    Returns:
        Plain data. ``reasons`` gives the share of readings for each clock-event bit that was seen.
    """
    looks = within(readings, windows)
    return {
        "readings": len(looks),
        "sm_mhz": _spread(reading.sm_mhz for reading in looks),
        "temperature_c": _spread(reading.temperature_c for reading in looks),
        "power_w": _spread(reading.power_w for reading in looks),
        "utilisation": _spread(reading.utilisation for reading in looks),
        "reasons": _reasons(looks),
        "process_peak_bytes": _peak(readings, found),
        "processes_recognised": None if found is None else found.by_number,
        "other_processes": None if found is None else len(found.foreign),
    }


def _spread(values: Iterable[float | None]) -> dict[str, float] | None:
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"least": min(known), "mean": round(sum(known) / len(known), 2), "most": max(known)}


def _reasons(looks: Sequence[Reading]) -> dict[str, float] | None:
    known = [reading.reasons for reading in looks if reading.reasons is not None]
    if not known:
        return None
    shares = {name: sum(bool(bits & bit) for bits in known) / len(known) for bit, name in REASONS.items()}
    return {name: round(share, 4) for name, share in shares.items() if share}


def _peak(readings: Sequence[Reading], found: Owners | None) -> int | None:
    """Most memory that the worker's processes held on the card at one reading; None where it is not told."""
    if found is None or not found.own:
        return None
    sums = []
    for reading in readings:
        own = [process.used_bytes for process in reading.processes or () if process.pid in found.own]
        if own and all(used is not None for used in own):
            sums.append(sum(used for used in own if used is not None))
    return max(sums, default=None)
