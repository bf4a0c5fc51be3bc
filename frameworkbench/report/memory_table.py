"""Memory by phase as rows of text, for the cells that were weighed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..phrase import clauses, marked, phrase, verbatim
from .messages import ENGLISH, Language
from .text import NOTHING, significant, size

# Phase of the record → heading. The harness's own check is in report.json only.
PHASES = (
    ("import", marked("Import")),
    ("build", marked("Build")),
    ("stage", marked("Staging")),
    ("first_step", marked("First step")),
    ("steady", marked("Steady")),
)
HEADINGS = (
    marked("Framework and mode"),
    *(heading for _, heading in PHASES),
    marked("Peak"),
    marked("Growth a step"),
    marked("Largest batch"),
    marked("Remarks"),
)


# What ended a search for the largest batch, unless it was a failure's code.
_BOUNDS = {"time": phrase("time"), "largest batch tried": phrase("largest batch tried")}


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One weighed cell: its name, the figures under ``HEADINGS`` after it, and remarks."""

    name: str
    figures: tuple[str, ...]
    remarks: str

    @property
    def cells(self) -> tuple[str, ...]:
        """All columns in order."""
        return (self.name, *self.figures, self.remarks)


def memory_rows(cells: Iterable[Mapping[str, Any]], words: Language = ENGLISH) -> tuple[MemoryRow, ...]:
    """A row for each cell that has phases or a capacity."""
    return tuple(_row(cell, words) for cell in cells if (cell["memory"] or {}).get("phases") or cell["capacity"])


def memory_remarks(found: Mapping[str, Any] | None) -> str:
    """Codes of what is odd about a memory figure, empty if nothing is."""
    return ", ".join(flag["code"] for flag in found["flags"]) if found else ""


def _row(cell: Mapping[str, Any], words: Language) -> MemoryRow:
    found: Mapping[str, Any] = cell["memory"] or {"phases": None, "growth": None, "flags": [], "reset": None}
    phases = found["phases"] or {}
    figures = (
        *(size((phases.get(name) or {}).get("peak_bytes")) for name, _ in PHASES),
        size(found.get("peak_bytes")),
        _growth(found["growth"]),
        _capacity(cell["capacity"], words),
    )
    remarks = [verbatim(f"{flag['code']}: {words.tell(flag['reason_parts'])}") for flag in found["flags"]]
    if found["reset"] is False:
        remarks.append(phrase("the kernel did not allow the peak to be set back: each phase shows the peak so far"))
    return MemoryRow(cell["label"], figures, words.tell(clauses(remarks)) or NOTHING)


def _growth(found: Mapping[str, Any] | None) -> str:
    if not found:
        return NOTHING
    slope = found["slope"] / 1000
    return "0 kB" if abs(slope) < 0.05 else f"{significant(slope, 2)} kB"


def _capacity(found: Mapping[str, Any] | None, words: Language) -> str:
    if not found:
        return NOTHING
    batch, cap = f"{found['batch']:,}", size(found["cap_bytes"])
    if found["bound"] == "memory":
        return words.say("{batch} within {cap}", batch=batch, cap=cap)
    return words.say(
        "{batch} or more (stopped by {bound}) within {cap}",
        batch=batch,
        bound=_BOUNDS.get(found["bound"], str(found["bound"])),
        cap=cap,
    )
