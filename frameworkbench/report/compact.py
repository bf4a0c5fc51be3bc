"""Plain data in few bytes: numbers of six digits, and columns in which texts that repeat are stored once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..store.parsing import compact_json

Table = dict[str, Any]

_SIX = "%.6g"


def said(found: Mapping[str, Any], key: str = "sentence") -> Any:
    """A sentence as data that the page can say in another language, or as the English text where there is no such."""
    return found.get(f"{key}_parts") or found[key]


def shortened(value: Any) -> Any:
    """The same plain data with numbers of six significant digits."""
    if isinstance(value, float):
        return short(value)
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value]
    return value


def short(value: Any) -> Any:
    """A number with six significant digits, whole where it can be; texts and nothing as they are."""
    if type(value) is not float:
        return value
    rounded = float(_SIX % value)
    whole = int(rounded)
    return whole if whole == rounded else rounded


class Words:
    """Texts that repeat, each stored once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._at: dict[str, int] = {}

    def index(self, text: object) -> int:
        """Where the text is stored."""
        found = str(text)
        if found not in self._at:
            self._at[found] = len(self.texts)
            self.texts.append(found)
        return self._at[found]


def texts_column(values: Iterable[object]) -> Table:
    """A column of texts: the distinct ones in order of appearance, and which of them each row has."""
    words = Words()
    of = [words.index("" if value is None else value) for value in values]
    return {"texts": words.texts, "of": of}


def sentences_column(values: Sequence[Any]) -> Table:
    """A column of sentences, each distinct one stored once."""
    words = Words()
    return _told(words, _places(words, values))


def joined_texts(parts: Sequence[Table]) -> Table:
    """One column of texts or sentences from several, without looking at each row's text again."""
    words, of = Words(), []
    for part in parts:
        places = _places(words, part["texts"])
        of += [places[at] for at in part["of"]]
    return _told(words, of)


def parts_columns(tables: Sequence[Mapping[str, Any] | None], names: Sequence[str]) -> Table:
    """Columns of the numbers of one object of each cell; nothing where a cell has no such object."""
    return {name: [short(found.get(name)) if found else None for found in tables] for name in names}


def _places(words: Words, values: Sequence[Any]) -> list[int]:
    """Where values are stored, as JSON."""
    return [words.index(compact_json(value).decode()) for value in values]


def _told(words: Words, of: list[int]) -> Table:
    return {"texts": [json.loads(found) for found in words.texts], "of": of}
