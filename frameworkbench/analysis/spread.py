"""How the processes behind one mean are spread, and which processes are in no statistic and why.

Outliers are classified and kept. A process is left out for reasons that are blind to its timing only: its block was
not completed, was disturbed from outside, or the process failed (method T16).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..phrase import Phrase, clauses, phrase, spoken
from ..store.records import Record
from .disturbance import BlockKey

# Fences of Tukey 1977, Exploratory Data Analysis, section 2D, in units of the interquartile range.
_MILD, _SEVERE = 1.5, 3.0


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, percentiles, interquartile range and outliers of one number per process.

    Args:
        values: one number per process, at least one.

    Returns:
        ``median``; ``p5``, ``p95`` and ``iqr`` (linear interpolation; None for a single process); ``outliers`` with
        ``mild`` (beyond 1.5 interquartile ranges from the box) and ``severe`` (beyond 3).
    """
    ordered = sorted(map(float, values))
    p5, q1, median, q3, p95 = (percentile(ordered, share) for share in (0.05, 0.25, 0.5, 0.75, 0.95))
    if len(ordered) < 2:
        return {"median": median, "p5": None, "p95": None, "iqr": None, "outliers": {"mild": 0, "severe": 0}}
    beyond = [max(q1 - value, value - q3) / (q3 - q1) for value in ordered] if q3 > q1 else []
    severe = sum(distance > _SEVERE for distance in beyond)
    return {
        "median": median,
        "p5": p5,
        "p95": p95,
        "iqr": q3 - q1,
        "outliers": {"mild": sum(distance > _MILD for distance in beyond) - severe, "severe": severe},
    }


def percentile(ordered: Sequence[float], share: float) -> float:
    """The same number as ``numpy.percentile`` to the last bit, which takes 80 µs for five of them.

    Args:
        ordered: at least one number, in ascending order.
        share: 0 to 1.

    Source:
        Hyndman and Fan 1996, type 7 (10.1080/00031305.1996.10473566); the rounding is that of NumPy's ``_lerp``.
    """
    place = (len(ordered) - 1) * share
    before = math.floor(place)
    low, high = ordered[before], ordered[min(before + 1, len(ordered) - 1)]
    rest = place - before
    return high - (high - low) * (1 - rest) if rest >= 0.5 else low + (high - low) * rest


def excluded(
    speed: Sequence[Record], counted: Collection[int], flagged: Mapping[BlockKey, tuple[str, ...]]
) -> dict[str, Any]:
    """Speed records of a cell that are in no statistic.

    Args:
        speed: all of them.
        counted: ``id`` of those in the statistics.
        flagged: disturbed blocks with their reasons.

    Returns:
        ``processes``, how many, and ``reasons``, each with its number.
    """
    left_out = [_reason(record, flagged) for record in speed if id(record) not in counted]
    said = {str(reason): reason for reason in left_out}
    counts = sorted(Counter(map(str, left_out)).items())
    return {
        "processes": len(left_out),
        "reasons": [{**spoken("reason", said[reason]), "processes": count} for reason, count in counts],
    }


def _reason(record: Record, flagged: Mapping[BlockKey, tuple[str, ...]]) -> Phrase:
    if record["status"] != "ok":
        return phrase("the process ended {status}/{code}", status=record["status"], code=record["code"])
    key = (record["block"], record["attempt"])
    if key in flagged:
        why = clauses(flagged[key]) if flagged[key] else phrase("no reason recorded")
        return phrase("disturbed block: {reason}", reason=why)
    return phrase("its block was not completed, or another attempt at it counts")
