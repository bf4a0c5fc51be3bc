"""Throughput with its interval as one SVG picture per workload, drawn without a library.

Positions are percentages, so the picture is as wide as its place while its text keeps one size: readable
on a phone. Marks differ by shape, not by colour alone, and a table with the same numbers stands below.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .view import Group, Row

ROW_HEIGHT = 46
# Beyond this ratio between the fastest and the slowest row a linear axis hides the slow ones.
_LOG_FROM = 20.0


@dataclass(frozen=True, slots=True)
class Mark:
    """One row of the chart; positions in percent of the width, heights in pixels."""

    y: int
    label: str
    note: str
    value: str
    shape: str
    at: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Tick:
    """One labelled line of the axis."""

    at: float
    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that the template draws."""

    title: str
    description: str
    height: int
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]
    axis: str


def chart(group: Group) -> Chart | None:
    """Lay out the throughput chart of one workload, or None when no row has a number."""
    rows = [row for row in group.rows if row.fact["throughput_samples_per_s"]]
    if not rows:
        return None
    numbers = [row.fact["throughput_samples_per_s"] for row in rows]
    top = max(found["high"] or found["mean"] for found in numbers)
    # An interval from two processes can be wider than all rows together; it is drawn as far as the axis goes.
    top = min(top, 1.5 * max(found["mean"] for found in numbers))
    low = min(found["low"] or found["mean"] for found in numbers)
    logarithmic = max(found["mean"] for found in numbers) / min(found["mean"] for found in numbers) > _LOG_FROM
    floor = 10.0 ** math.floor(math.log10(max(low, min(f["mean"] for f in numbers) / 10))) if logarithmic else 0.0
    ceiling, ticks = _decades(floor, top) if logarithmic else _even(top)
    scale = _Scale(floor, ceiling, logarithmic)
    marks = tuple(_mark(index, row, scale) for index, row in enumerate(rows))
    words = "; ".join(f"{mark.label} {mark.value}" for mark in marks)
    return Chart(
        title=f"Throughput of {group.title}",
        description=f"Samples per second, mean over processes with 95 % confidence interval: {words}.",
        height=len(marks) * ROW_HEIGHT + 30,
        marks=marks,
        ticks=tuple(_tick(value, scale) for value in ticks),
        axis="samples per second, logarithmic axis" if logarithmic else "samples per second",
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    logarithmic: bool

    def at(self, value: float) -> float:
        """Percent of the width, kept inside the picture and rounded so that files stay equal."""
        if self.logarithmic:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        else:
            share = value / self.high
        return round(100 * min(max(share, 0.0), 1.0), 2)


def _mark(index: int, row: Row, scale: _Scale) -> Mark:
    found = row.fact["throughput_samples_per_s"]
    oracle = row.fact["role"] == "oracle"
    twin = row.fact["role"] == "twin"
    shape = "square" if oracle else "circle" if row.fact["main"] and not twin else "diamond"
    note = " · reference" if oracle else " · A/A control" if twin else "" if row.fact["main"] else " · other mode"
    value = f"{row.throughput} ({row.interval})" if row.interval else f"{row.throughput} (one process)"
    bounds = (None, None) if found["low"] is None else (scale.at(found["low"]), scale.at(found["high"]))
    return Mark(index * ROW_HEIGHT, row.name, note, value, shape, scale.at(found["mean"]), *bounds)


def _tick(value: float, scale: _Scale) -> Tick:
    at = scale.at(value)
    anchor = "start" if at < 3 else "end" if at > 94 else "middle"
    return Tick(at, f"{value:,.10g}", anchor)


def _even(top: float) -> tuple[float, list[float]]:
    """A ceiling a little above the top and three to six evenly spaced ticks from zero."""
    raw = top / 4.5
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(magnitude * nice for nice in (1, 2, 2.5, 5, 10) if magnitude * nice >= raw * 0.999)
    ceiling = 1.05 * top
    return ceiling, [step * index for index in range(math.floor(ceiling / step) + 1)]


def _decades(low: float, top: float) -> tuple[float, Sequence[float]]:
    """Powers of ten that enclose everything."""
    first, last = round(math.log10(low)), max(math.ceil(math.log10(top) - 1e-9), round(math.log10(low)) + 1)
    return 10.0**last, [10.0**power for power in range(first, last + 1)]
