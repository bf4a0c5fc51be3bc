"""Facts and sourced sentences behind a claim: looked up, compared with what they were, and put into one outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..facts import shipped_facts
from ..phrase import Phrase, enumerated, phrase
from .model import Claim, Stated
from .verdict import CONTRADICTED, OPEN, SUPPORTED


@dataclass
class Found:
    """What stands, what it says, and what no longer stands."""

    facts: list[dict[str, Any]] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    sentences: list[Phrase] = field(default_factory=list)
    says: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def judge_statements(claim: Claim) -> tuple[str, Found]:
    """Look everything up that the claim cites.

    Returns:
        The outcome (open where a fact is no longer what the claim's file says), and what was found.
    """
    found = Found()
    for stated in claim.stated:
        _look_up(stated, found)
    if found.missing or not found.says:
        return OPEN, found
    return (CONTRADICTED if "contradicts" in found.says else SUPPORTED), found


def reasons(found: Found) -> Phrase:
    """The sentences behind an outcome as one."""
    sentences = list(found.sentences)
    if found.missing:
        sentences.append(phrase("no longer stated so: {facts}", facts=", ".join(found.missing)))
    whole = sentences[0]
    for sentence in sentences[1:]:
        whole = phrase("{one}; {other}", one=whole, other=sentence)
    return whole


def _look_up(stated: Stated, found: Found) -> None:
    if stated.text:
        found.statements.append(
            {"text": stated.text, "source": stated.source, "checked": stated.checked and stated.checked.isoformat()}
        )
        found.sentences.append(phrase(stated.text))
        found.says.append(stated.says)
        return
    fact = shipped_facts().get(stated.adapter, {}).get(stated.key)
    if fact is None or stated.value not in fact.values:
        found.missing.append(f"{stated.adapter}: {stated.key}")
        return
    found.facts.append({"adapter": stated.adapter, "key": stated.key, **fact.to_json()})
    value = enumerated([phrase(word) for word in fact.words])
    found.sentences.append(
        phrase("{title} of {adapter}: {value}", title=phrase(fact.title), adapter=stated.adapter, value=value)
    )
    found.says.append(stated.says)
