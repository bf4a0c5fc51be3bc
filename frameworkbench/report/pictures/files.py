"""Which pictures a report has, and what is said beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...phrase import Phrase, phrase
from .points import Curve, Dot, Ratio, curves, dots, group_cells, ratios, waits

Table = Mapping[str, Any]

FOLDER = "pictures"
MOST_GROUPS = 24
"""Sections up to which a report has pictures in files, at half a second each; beyond, the page alone draws them."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One file beside the report.

    Attributes:
        path: relative to the report.
        alt: what stands there for those who do not see it.
        caption: what it shows and how it is read.
        content: the SVG.
    """

    path: str
    alt: Phrase
    caption: Phrase
    content: bytes


def album(report: Table) -> dict[str, tuple[Picture, ...]]:
    """The pictures of each group, by the anchor of the group ("w1").

    Args:
        report: the content of ``report.json``.
    """
    if len(report["comparisons"]) > MOST_GROUPS:
        return {}
    from . import drawings  # draws with matplotlib, which takes a second to load

    found: dict[str, tuple[Picture, ...]] = {}
    with drawings.style():
        for index, comparison in enumerate(report["comparisons"], 1):
            anchor = f"w{index}"
            found[anchor] = _of_group(anchor, comparison, group_cells(report, comparison), drawings)
    return found


def _of_group(anchor: str, comparison: Table, cells: list[Table], drawings: Any) -> tuple[Picture, ...]:
    name = str(comparison["workload"])
    drawn = (
        _ratios(name, ratios(comparison, cells), float(comparison["delta"]), drawings),
        _start(name, [dot for dot in dots(cells) if dot.wait_s is not None], drawings),
        _trade(name, [dot for dot in dots(cells) if dot.memory_bytes is not None], drawings),
        _memory(name, cells, drawings),
        _latency(name, cells, drawings),
        _accuracy(name, curves(cells), drawings),
    )
    return tuple(
        Picture(f"{FOLDER}/{anchor}-{kind}.svg", alt, caption, content)
        for kind, alt, caption, content in (each for each in drawn if each is not None)
    )


Drawn = tuple[str, Phrase, Phrase, bytes]


def _ratios(workload: str, found: list[Ratio], delta: float, drawings: Any) -> Drawn | None:
    if not found:
        return None
    caption = phrase(
        "Throughput as a multiple of that of the row named on the left of the bar's group; 1 is equally fast. The "
        "line is the 95 % interval, Holm-adjusted within its family; the grey band is the difference that does not "
        "count "
        "(±{percent} %). Filled: a difference was shown; hollow: it was not.",
        percent=f"{delta * 100:g}",
    )
    alt = phrase("Forest plot of throughput ratios on {workload}", workload=workload)
    return "ratios", alt, caption, drawings.forest(found, delta)


def _start(workload: str, found: list[Dot], drawings: Any) -> Drawn | None:
    if not found:
        return None
    caption = phrase(
        "How long one waits for the first step (cold caches) against how fast a row runs then, both axes logarithmic. "
        "Left and up is better. A row further right and up pays only after its break-even step."
    )
    alt = phrase("Time to first step against steady speed on {workload}", workload=workload)
    return "start", alt, caption, drawings.start(found)


def _trade(workload: str, found: list[Dot], drawings: Any) -> Drawn | None:
    if len(found) < 2:
        return None
    caption = phrase(
        "Speed against peak memory; the larger the mark, the longer the wait for the first step. Left and up is "
        "better. Filled: no other row is shown to be faster while it needs no more memory and no longer start (Pareto "
        "front)."
    )
    alt = phrase("Speed, memory and time to first step of the rows on {workload}", workload=workload)
    return "trade", alt, caption, drawings.trade(found)


def _memory(workload: str, cells: list[Table], drawings: Any) -> Drawn | None:
    known = [cell for cell in cells if cell["peak_memory_bytes"] is not None]
    if not known:
        return None
    caption = phrase("Peak resident memory of each row; the axis starts at zero, so lengths can be compared.")
    alt = phrase("Peak memory of the rows on {workload}", workload=workload)
    return "memory", alt, caption, drawings.memory(known)


def _latency(workload: str, cells: list[Table], drawings: Any) -> Drawn | None:
    known = waits(cells)
    if not known:
        return None
    caption = phrase(
        "Latency of single requests on a logarithmic axis: what half (p50), 95 % (p95) and 99 % (p99) of the requests "
        "stayed below. Left is better; a short line is a steady row."
    )
    alt = phrase("Latency of single requests on {workload}", workload=workload)
    return "latency", alt, caption, drawings.latency(known)


def _accuracy(workload: str, found: list[Curve], drawings: Any) -> Drawn | None:
    if not found:
        return None
    caption = phrase(
        "Accuracy on the test set after each epoch against training time (first seed, time axis logarithmic). Left "
        "and up is better; the dashed line is the workload's target."
    )
    alt = phrase("Accuracy against training time on {workload}", workload=workload)
    return "accuracy", alt, caption, drawings.accuracy(found)
