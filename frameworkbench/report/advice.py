"""What the page holds beside the run's figures: the guidance table, claims, and how the frameworks are to write in."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from ..facts import VOCABULARY, shipped_facts, shipped_writing
from ..guidance import PRESETS, advise, guidance_table
from ..phrase import Phrase
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
    found = _headlines(json.dumps(advice, sort_keys=True))
    return [(words.translate(case), tuple(map(words.tell, said))) for case, said in found]


@lru_cache(maxsize=1)
def _headlines(table: str) -> tuple[tuple[str, tuple[Phrase, ...]], ...]:
    """Each preset with its sentences: worked out once for all forms and languages of a report."""
    advice = json.loads(table)
    return tuple(
        (preset.text, tuple(one.said for one in advise(advice, preset.answers).headlines)) for preset in PRESETS
    )
