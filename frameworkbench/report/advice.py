"""What the page holds beside the run's figures: the guidance table, claims, and how the frameworks are to write in."""

from __future__ import annotations

from typing import Any

from ..facts import VOCABULARY, shipped_facts, shipped_writing
from ..guidance import PRESETS, advise, guidance_table
from .messages import Language

Table = dict[str, Any]


def advice_table(report: Table) -> Table:
    """The guidance table of a report; facts are as old as they were on the day of the run."""
    return guidance_table(report, shipped_facts(), topics=VOCABULARY)


def writing_facts(report: Table) -> Table:
    """Lines of code and words on a wrong shape, of the report's adapters that ship with this version."""
    found = shipped_writing()
    return {name: found[name].to_json() for name in sorted(report["adapters"]) if name in found}


def answers_by_case(advice: Table, words: Language) -> list[tuple[str, tuple[str, ...]]]:
    """The answer to each preset as sentences, for readers without JavaScript."""
    return [
        (
            words.translate(preset.text),
            tuple(words.tell(said.to_json()) for said in advise(advice, preset.answers).headlines),
        )
        for preset in PRESETS
    ]
