"""Sentences with what stands behind them: cells, facts and answers; and numbers as text, alike in Python and a page."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..phrase import Phrase, enumerated, listed, phrase, verbatim
from .selection import Choice, Table

Link = dict[str, Any]
Words = Sequence[str | Phrase]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and what it rests on: links to cells, facts and answers."""

    said: Phrase
    links: tuple[Link, ...] = ()

    def __str__(self) -> str:
        return str(self.said)

    def to_json(self) -> dict[str, Any]:
        """Plain data: ``text``, ``params`` where there are fields, and ``links``."""
        return {**self.said.to_json(), "links": list(self.links)}


@dataclass(frozen=True, slots=True)
class Voice:
    """Says what a table's templates say, by their names."""

    table: Table
    say: Callable[..., Phrase] = field(init=False)

    def __post_init__(self) -> None:
        texts = self.table["texts"]
        object.__setattr__(self, "say", lambda name, **params: phrase(texts[name], **params))

    def title(self, adapter: str) -> str:
        """A framework as people write it."""
        return str(self.table["adapters"][adapter]["title"])

    def titles(self, adapters: Iterable[str]) -> Phrase:
        """Several frameworks: "a, b and c"."""
        return listed([self.title(name) for name in adapters])

    def either(self, words: Words) -> Phrase:
        """Alternatives: "a, b or c"."""
        if len(words) < 2:
            return enumerated(words)
        return self.say("either", names=enumerated(words[:-1]), last=words[-1])

    def criterion(self, key: str) -> Phrase:
        """What a criterion is called."""
        return Phrase(next(one["title"] for one in self.table["criteria"] if one["key"] == key))

    def topic(self, fact: str) -> Phrase:
        """What a kind of fact is called."""
        found = self.table["topics"].get(fact)
        return Phrase(found["title"]) if found else verbatim(fact)

    def word(self, value: str) -> Phrase:
        """A condition by name; a value without one as it is."""
        found = self.table["texts"].get(value)
        return Phrase(found) if found else verbatim(value)

    def value(self, adapter: str, fact: str) -> Phrase:
        """What is stated, in words."""
        words = (self.table["topics"].get(fact) or {"words": {}})["words"]
        stated = self.table["facts"][adapter][fact]["value"]
        return enumerated([Phrase(words[one]) if one in words else one for one in stated])

    def quoted(self, chosen: Sequence[Choice]) -> Phrase:
        """Answers in quotation marks."""
        return listed([self.say("quoted", answer=Phrase(choice.option["text"])) for choice in chosen])


def cell(row: Table) -> Link:
    """Link to a cell."""
    return {"cell": row["key"]}


def fact(adapter: str, key: str) -> Link:
    """Link to a stated fact."""
    return {"fact": [adapter, key]}


def answer(choice: Choice) -> Link:
    """Link to an answer that was given."""
    return {"answer": choice.question}


def unique(links: Iterable[Link], most: int = 40) -> tuple[Link, ...]:
    """Links without repetition, in order; so many at most."""
    found: list[Link] = []
    for one in links:
        if one not in found and len(found) < most:
            found.append(one)
    return tuple(found)


def fixed(value: float, places: int) -> str:
    """A positive number with so many decimals, halves up: languages differ in what they do with halves."""
    scaled = math.floor(value * 10**places + 0.5)
    if places == 0:
        return str(scaled)
    return f"{scaled // 10**places}.{scaled % 10**places:0{places}d}"


def percent(share: float) -> str:
    """A share in whole per cent."""
    return f"{fixed(share * 100.0, 0)} %"


def times(log_ratio: float) -> str:
    """A ratio from its logarithm."""
    ratio = math.exp(log_ratio)
    return f"{fixed(ratio, 1 if ratio >= 10.0 else 2)}×"


def thousands(count: int) -> str:
    """A whole number with separators."""
    return f"{count:,}"
