"""What a card did while a cell was timed on it, over all of the cell's timed processes."""

from __future__ import annotations

import statistics as plain
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..store.records import Record
from .cells import number, rows, table

_FACTS = "card"
_MOST = ("temperature_c",)
_MEAN = ("sm_mhz", "power_w", "utilisation")


def card_facts(records: Sequence[Record], batch_size: int) -> dict[str, Any] | None:
    """The card's figures for ``report.json``.

    Args:
        records: speed records that count.
        batch_size: samples in a step.

    Returns:
        None where no record holds readings of a card.
    """
    if not any(_FACTS in record["payload"] for record in records):
        return None
    held = [(record, table(record["payload"].get(_FACTS))) for record in records]
    found = [(record, facts) for record, facts in held if facts]
    if not found:
        return None
    facts = [one for _, one in found]
    return {
        "processes": len(found),
        **{name: _over(plain.fmean, (table(one.get(name)).get("mean") for one in facts)) for name in _MEAN},
        **{name: _over(max, (table(one.get(name)).get("most") for one in facts)) for name in _MOST},
        "reasons": _reasons(facts),
        "process_peak_bytes": _over(max, (one.get("process_peak_bytes") for one in facts)),
        "slowest_rate_hz": _over(min, (one.get("rate_hz") for one in facts)),
        "flagged_processes": sum(bool(one.get("flags")) for one in facts),
        "energy": _energy(found, batch_size),
    }


def _over(reduce: Any, values: Iterable[Any]) -> float | None:
    known = [value for value in map(number, values) if value is not None]
    return reduce(known) if known else None


def _reasons(facts: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean share of readings by clock-event reason."""
    names = sorted({name for one in facts for name in table(one.get("reasons"))})
    return {name: plain.fmean(number(table(one.get("reasons")).get(name)) or 0.0 for one in facts) for name in names}


def _energy(found: Sequence[tuple[Record, Mapping[str, Any]]], batch_size: int) -> dict[str, Any]:
    """Joules per sample, whole and above the idle card, over all windows that were long enough."""
    whole, above, reasons = [], [], []
    for record, facts in found:
        for window, energy in zip(rows(record["payload"].get("windows")), rows(facts.get("energy")), strict=False):
            samples = (number(window.get("steps")) or 0.0) * batch_size
            joules, net = number(energy.get("energy_j")), number(energy.get("above_idle_j"))
            if joules is None or not samples:
                reasons.append(str(energy.get("not_measured") or "no counter"))
                continue
            whole.append(joules / samples)
            above += [net / samples] if net is not None else []
            note = str(energy.get("note") or "")
    if not whole:
        return {"not_measured": reasons[0] if reasons else "no window"}
    return {
        "joules_per_sample": plain.fmean(whole),
        "joules_per_sample_above_idle": plain.fmean(above) if len(above) == len(whole) else None,
        "windows": len(whole),
        "note": note,
    }
