"""One fact with its source, read from an adapter's declaration and checked at the edge."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import SpecError
from ..spec.fields import Fields
from ..written_files import read_toml
from .vocabulary import VOCABULARY, Topic

# What is true of a framework changes with its releases; after a year somebody has to look again.
FRESH = timedelta(days=365)

_RELEASE = re.compile(r"\S+ \(\d{4}-\d{2}-\d{2}\)")


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about a framework.

    Attributes:
        key: what it is about, a key of the vocabulary.
        value: a text, or texts where the vocabulary says that there can be several. Never empty: what is not known
            is not stated.
        source: address of the page that says so.
        checked: the day on which somebody read it there.
        note: what a reader must know beside it; may be empty.
    """

    key: str
    value: str | tuple[str, ...]
    source: str
    checked: date
    note: str = ""

    @property
    def title(self) -> str:
        """What a report calls this kind of fact."""
        return VOCABULARY[self.key].title

    @property
    def values(self) -> tuple[str, ...]:
        """The value as a list, also where there is only one."""
        return (self.value,) if isinstance(self.value, str) else self.value

    @property
    def words(self) -> tuple[str, ...]:
        """The values for readers: fixed words by their names."""
        allowed = VOCABULARY[self.key].allowed
        return tuple(allowed.get(value, value) for value in self.values)

    @property
    def text(self) -> str:
        """The value for readers, several separated by commas."""
        return ", ".join(self.words)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        value = self.value if isinstance(self.value, str) else list(self.value)
        return {
            "value": value,
            "source": self.source,
            "checked": self.checked.isoformat(),
            "note": self.note,
        }


def stale(fact: Fact, on: date) -> bool:
    """Whether a fact was checked more than a year before a day."""
    return on - fact.checked > FRESH


def read_facts(folder: Path) -> dict[str, Fact]:
    """The facts that an adapter folder states, by key, in the order of the vocabulary.

    Raises:
        SpecError: the file cannot be read, a key is unknown, or a fact lacks value, source or date.
    """
    file = folder / "adapter.toml"
    table = read_toml(file)
    stated = Fields(table.get("facts", {}), f"{file}: facts")
    found = {
        key: _read(topic, stated.table(key), f"{file}: facts: {key}")
        for key, topic in VOCABULARY.items()
        if stated.has(key)
    }
    unknown = [key for key, _ in stated.items() if key not in VOCABULARY]
    if unknown:
        raise SpecError(f"{stated.where}: {unknown[0]}", "unknown key", expected="one of " + ", ".join(VOCABULARY))
    return found


@cache
def shipped_facts() -> dict[str, dict[str, Fact]]:
    """Facts of every shipped adapter, by its name and by key.

    Raises:
        SpecError: a declaration is wrong.
    """
    from ..registry import load_adapters

    return {name: read_facts(info.folder) for name, info in load_adapters().items()}


def _read(topic: Topic, fields: Fields, where: str) -> Fact:
    fact = Fact(
        key=topic.key,
        value=_value(topic, fields.raw("value"), f"{where}: value"),
        source=fields.required("source", str),
        checked=_date(fields.raw("checked"), f"{where}: checked"),
        note=fields.optional("note", str, ""),
    )
    fields.done()
    if not re.fullmatch(r"https?://[^\s/]+\.[^\s]+", fact.source):
        raise SpecError(f"{where}: source", "not a source", expected="an https:// address", received=fact.source)
    return fact


def _value(topic: Topic, value: object, where: str) -> str | tuple[str, ...]:
    """The checked value.

    A missing key and an empty value are both refused: nothing is stated by leaving the whole fact out.
    """
    texts = value if topic.many else [value]
    expected = "a list of texts, not empty" if topic.many else "a text, not empty"
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise SpecError(where, "missing" if value is None else "not usable", expected=expected, received=value)
    for text in texts:
        if topic.allowed and text not in topic.allowed:
            raise SpecError(where, "unknown value", expected="some of " + ", ".join(topic.allowed), received=text)
    if len(set(texts)) < len(texts):
        raise SpecError(where, "states a value twice", expected="distinct values", received=value)
    if topic.key == "last_release" and not _RELEASE.fullmatch(texts[0]):
        raise SpecError(where, "not a release", expected='"VERSION (YYYY-MM-DD)"', received=value)
    return tuple(texts) if topic.many else str(texts[0])


def _date(value: object, where: str) -> date:
    # A datetime is a date to isinstance, but states a time of day that nobody reads.
    if type(value) is not date:
        problem = "missing" if value is None else "not a date"
        raise SpecError(where, problem, expected="a date such as 2026-11-26, without quotes", received=value)
    return value
