"""Records of the memory pass → figures and flags.

A flag is a remark, not a verdict: the figure stands, and the reader knows what is odd about it. Flags are derived from
the stored readings, so that they can be recomputed.
"""

from __future__ import annotations

import statistics as plain
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..phrase import Phrase, phrase, spoken
from ..store.records import Record
from .cells import number, table
from .leaks import Growth, growth

LEAK_MEM = "LEAK_MEM"
MEM_HIDDEN = "MEM_HIDDEN"
MEM_MODE = "MEM_MODE"

PHASES = ("import", "build", "stage", "first_step", "check", "steady")
# In "check" the harness exports weights: what that takes is its own doing.
COUNTED_PHASES = tuple(name for name in PHASES if name != "check")

FROM_TREE = "peak resident memory of the process tree, memory pass"
FROM_SPEED = "peak resident memory of a timed process"

_HIDDEN_SHARE = 0.20
# A context or a workspace of a library may come late; this much is a model.
_DEVICE_GROWTH = 64 * 2**20
_MIB = 2**20
_PHASE_KEYS = ("peak_bytes", "own_peak_bytes", "resident_bytes", "tree_pss_bytes", "own_pss_bytes", "children")


@dataclass(frozen=True, slots=True)
class Flag:
    """Something odd about a memory figure: a code and a sentence."""

    code: str
    said: Phrase

    @property
    def reason(self) -> str:
        """The sentence in English."""
        return str(self.said)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        return {"code": self.code, **spoken("reason", self.said)}


def flags(found: Mapping[str, Any]) -> tuple[Flag, ...]:
    """What is odd about one memory pass.

    Args:
        found: ``payload["memory"]`` of its record.
    """
    if not (found.get("series") or found.get("phases") or found.get("device")):
        return ()  # a timed process, of which there are many
    return (*_leaks(found), *_hidden(found), *_mode(found))


def memory_facts(weighed: Sequence[Record], timed: Sequence[Record]) -> dict[str, Any] | None:
    """The memory of a cell for the report: from its memory pass, or else from its timed processes.

    Args:
        weighed: its records of the memory pass that went well.
        timed: its speed records that count.

    Returns:
        None where neither has a figure.
    """
    tables = [table(record["payload"].get("memory")) for record in weighed or timed]
    values = [value for value in (number(found.get("peak_bytes")) for found in tables) if value is not None]
    if not values:
        return None
    first = tables[0] if weighed else {}
    found_growth = _growth(first)
    return {
        "peak_bytes": round(plain.median(values)),
        "source": FROM_TREE if weighed else FROM_SPEED,
        "processes": len(values),
        "phases": _phases(tables) if weighed else None,
        "reset": all(found.get("reset") is True for found in tables) if weighed else None,
        "growth": asdict(found_growth) if found_growth else None,
        "cgroup": dict(table(first.get("cgroup"))) or None,
        "device": dict(table(first.get("device"))) or None,
        "device_note": str(first.get("device_note", "not measured")),
        "flags": [flag.to_json() for flag in _distinct(flag for found in tables for flag in flags(found))],
    }


def capacity_facts(record: Record | None) -> dict[str, Any] | None:
    """The largest batch that trained, and what stopped the search; None where it was not searched or never trained."""
    found = table(record["payload"].get("capacity")) if record is not None else {}
    keys = ("batch", "too_large", "bound", "steps", "resolution", "cap_bytes", "address_space_bytes")
    return {key: found.get(key) for key in keys} if number(found.get("batch")) is not None else None


def _phases(tables: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int | None]]:
    """Median of every figure of every phase over processes."""
    columns = {name: [table(table(found.get("phases")).get(name)) for found in tables] for name in PHASES}
    return {
        name: {key: _median(phase.get(key) for phase in column) for key in _PHASE_KEYS}
        for name, column in columns.items()
        if any(column)
    }


def _median(values: Iterable[object]) -> int | None:
    known = [value for value in map(number, values) if value is not None]
    return round(plain.median(known)) if known else None


def _distinct(found: Iterable[Flag]) -> list[Flag]:
    """The first flag of each code."""
    first: dict[str, Flag] = {}
    for flag in found:
        first.setdefault(flag.code, flag)
    return list(first.values())


def _growth(found: Mapping[str, Any], key: str = "resident_bytes") -> Growth | None:
    readings = table(found.get("series")).get(key)
    peak = number(found.get("peak_bytes"))
    if not peak or not isinstance(readings, list) or any(number(value) is None for value in readings):
        return None
    return growth(readings, peak)


def _leaks(found: Mapping[str, Any]) -> list[Flag]:
    names = {"resident_bytes": phrase("resident memory"), "live_bytes": phrase("the allocator's live memory")}
    for key, name in names.items():
        seen = _growth(found, key)
        if seen is not None and seen.leaks:
            return [Flag(LEAK_MEM, _leak(name, seen))]
    return []


def _hidden(found: Mapping[str, Any]) -> list[Flag]:
    """Other processes of the tree that hold more than a fifth of it, in the phase where they hold most."""
    worst = (0.0, "", 0.0, 0.0)
    for name, phase in ((name, table(phase)) for name, phase in table(found.get("phases")).items()):
        tree, own = number(phase.get("tree_pss_bytes")), number(phase.get("own_pss_bytes"))
        if tree and own is not None:
            worst = max(worst, ((tree - own) / tree, str(name), tree - own, tree))
    share, name, children, tree = worst
    if share <= _HIDDEN_SHARE:
        return []
    said = phrase(
        "other processes of the tree hold {children} of {tree} MiB ({percent} %) in phase {phase}; they are part of "
        "the figure",
        children=f"{children / _MIB:.0f}",
        tree=f"{tree / _MIB:.0f}",
        percent=f"{share * 100:.0f}",
        phase=name,
    )
    return [Flag(MEM_HIDDEN, said)]


def _mode(found: Mapping[str, Any]) -> list[Flag]:
    """An allocator that says nothing was handed out while the device's own count grew."""
    device = table(found.get("device"))
    footprints = [number(table(phase).get("footprint_bytes")) for phase in device.values()]
    known = [value for value in footprints if value is not None]
    peaks = [number(table(table(phase).get("allocator")).get("peak_bytes")) for phase in device.values()]
    told = [value for value in peaks if value is not None]
    if not known or not told or max(told) > 0:
        return []
    grown = max(known) - known[0]
    if grown <= _DEVICE_GROWTH:
        return []
    said = phrase(
        "the allocator reports 0 bytes while the device's count grew by {size} MiB", size=f"{grown / _MIB:.0f}"
    )
    return [Flag(MEM_MODE, said)]


def _leak(name: Phrase, seen: Growth) -> Phrase:
    return phrase(
        "{name} grows by {slope} kB a step (95 % interval {low} to {high}) over {steps} steps: {percent} % of the peak",
        name=name,
        slope=f"{seen.slope / 1000:.1f}",
        low=f"{seen.low / 1000:.1f}",
        high=f"{seen.high / 1000:.1f}",
        steps=seen.steps,
        percent=f"{seen.share * 100:.1f}",
    )
