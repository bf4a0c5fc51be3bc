"""Latency of single requests as rows of text, for the cells that answered some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..phrase import marked
from .text import NOTHING, interval_text, percent_of, seconds

LATENCY_HEADINGS = (
    marked("Framework and mode"),
    "p50",
    "p95",
    "p99",
    marked("Jitter (p99 − p50)"),
    marked("IQR / median"),
    marked("First request"),
    marked("Requests"),
    "n",
)
_UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


@dataclass(frozen=True, slots=True)
class LatencyRow:
    """One cell: its name and the figures under ``LATENCY_HEADINGS`` after it."""

    name: str
    figures: tuple[str, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """All columns in order."""
        return (self.name, *self.figures)


def latency_rows(cells: Iterable[Mapping[str, Any]]) -> tuple[LatencyRow, ...]:
    """A row for each cell with a latency, the lowest median first."""
    found = [(cell, cell["latency"]) for cell in cells if cell.get("latency")]
    return tuple(_row(cell, latency) for cell, latency in sorted(found, key=_median))


def _row(cell: Mapping[str, Any], found: Mapping[str, Any]) -> LatencyRow:
    figures = (
        *(_with_interval(found[name]) for name in ("p50_s", "p95_s", "p99_s", "jitter_s")),
        percent_of(found["spread"]),
        seconds(found["first_s"]),
        f"{found['requests']:,}",
        str(found["processes"]),
    )
    return LatencyRow(cell["label"], figures)


def _with_interval(found: Mapping[str, Any] | None) -> str:
    """ "1.23 ms (1.20–1.26)", in the unit that suits the mean."""
    if not found:
        return NOTHING
    factor, unit = next((pair for pair in _UNITS if found["mean"] >= pair[0]), _UNITS[-1])
    low, high = (None if found[name] is None else found[name] / factor for name in ("low", "high"))
    mean, interval = interval_text(found["mean"] / factor, low, high)
    return f"{mean} {unit} ({interval})" if interval else f"{mean} {unit}"


def _median(pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> tuple[float, str]:
    cell, latency = pair
    return (latency["p50_s"]["mean"] if latency["p50_s"] else float("inf"), cell["label"])
