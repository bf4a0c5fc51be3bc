"""What belongs to lanes in a report: remarks on matched rows, what a tuned row sets, and threads that were not set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..spec.lanes import MATCHED

Cell = Mapping[str, Any]


def remark_lines(cells: Iterable[Cell]) -> tuple[str, ...]:
    """Remarks on rows, each with its code."""
    return tuple(f"{remark['code']}: {remark['sentence']}" for cell in cells for remark in cell["remarks"])


def tuning_lines(cells: Iterable[Cell]) -> tuple[str, ...]:
    """How each tuned row differs from its matched one: setting, reason and source; twins repeat their original."""
    return tuple(
        f"{cell['label']}: {_settings(setting)}. {setting['why']} Source: {setting['source']}"
        for cell in cells
        for setting in cell["tuning"] or ()
        if cell["role"] != "twin"
    )


def threads_heading(lane: object) -> str:
    """What the list of rows says whose threads differ from the cell's cores."""
    if lane == MATCHED:
        return "Rows whose threads could not be shown to be equal:"
    return (
        f"Lane {lane} does not equalise threads; these rows had, or may have had, another number than the cell's cores:"
    )


def lanes_text(lanes: Iterable[object]) -> str:
    """ "lane matched", or "lanes default, matched"."""
    names = [str(lane) for lane in lanes]
    return f"lane{'s' * (len(names) != 1)} {', '.join(names)}"


def _settings(setting: Mapping[str, Any]) -> str:
    pairs = {**setting["environment"], **setting["options"]}
    return ", ".join(f"{name} = {value}" for name, value in pairs.items())
