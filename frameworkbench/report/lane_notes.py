"""What belongs to lanes in a report: remarks on matched rows, what a tuned row sets, and threads that were not set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..phrase import Phrase, enumerated, phrase
from ..spec.lanes import MATCHED
from .messages import Language

Cell = Mapping[str, Any]


def remark_lines(cells: Iterable[Cell], words: Language) -> tuple[str, ...]:
    """Remarks on rows, each with its code."""
    remarks = (remark for cell in cells for remark in cell["remarks"])
    return tuple(f"{remark['code']}: {words.tell(remark['sentence_parts'])}" for remark in remarks)


def tuning_lines(cells: Iterable[Cell], words: Language) -> tuple[str, ...]:
    """How each tuned row differs from its matched one: setting, reason and source; twins repeat their original."""
    return tuple(
        words.say(
            "{row}: {settings}. {why} Source: {source}",
            row=cell["label"],
            settings=_settings(setting),
            why=setting["why"],
            source=setting["source"],
        )
        for cell in cells
        for setting in cell["tuning"] or ()
        if cell["role"] != "twin"
    )


def threads_heading(lane: object) -> Phrase:
    """What the list of rows says whose threads differ from the cell's cores."""
    if lane == MATCHED:
        return phrase("Rows whose threads could not be shown to be equal:")
    return phrase(
        "Lane {lane} does not equalise threads; these rows had, or may have had, another number than the cell's cores:",
        lane=lane,
    )


def lanes_phrase(lanes: Iterable[object]) -> Phrase:
    """ "lane matched", or "lanes default, matched"."""
    names = [str(lane) for lane in lanes]
    if len(names) == 1:
        return phrase("lane {lane}", lane=names[0])
    return phrase("lanes {lanes}", lanes=enumerated(names))


def _settings(setting: Mapping[str, Any]) -> str:
    pairs = {**setting["environment"], **setting["options"]}
    return ", ".join(f"{name} = {value}" for name, value in pairs.items())
