"""A table's columns: what each is called, in which unit, what it means, and where its value comes from.

The same list makes the pandas frame, the CSV file, the Parquet file, the JSON object and their documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.cells import number, table

TEXT = "text"
INTEGER = "integer"
NUMBER = "number"
FLAG = "flag"

Getter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        name: its heading.
        kind: TEXT, INTEGER, NUMBER or FLAG; any value may be missing.
        unit: of the values; empty for a pure number, a name or a flag.
        meaning: in one sentence.
        get: takes the value out of what makes one row.
    """

    name: str
    kind: str
    unit: str
    meaning: str
    get: Getter


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what its rows are, its columns, and where its rows come from."""

    name: str
    row: str
    columns: tuple[Column, ...]
    items: Callable[[Any], Iterable[Any]]

    def rows(self, source: Any) -> Iterable[list[Any]]:
        """The values row by row, in the order of the columns; None where something is missing."""
        getters = [(column.get, _READERS[column.kind]) for column in self.columns]
        return ([read(get(item)) for get, read in getters] for item in self.items(source))


def path(*keys: str) -> Getter:
    """Takes a value out of nested tables; None where one of them is missing."""
    if len(keys) == 1:  # most columns
        only = keys[0]
        return lambda item: item.get(only) if type(item) is dict else table(item).get(only)
    outer, inner = path(keys[0]), path(*keys[1:])
    return lambda item: inner(outer(item))


def of(part: Getter, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The same columns for an item that holds the one they are written for."""
    return tuple(
        Column(column.name, column.kind, column.unit, column.meaning, _after(part, column.get)) for column in columns
    )


def _after(part: Getter, get: Getter) -> Getter:
    return lambda item: get(part(item))


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _integer(value: Any) -> int | None:
    found = number(value)
    return None if found is None else round(found)


def _float(value: Any) -> float | None:
    """A number; the texts that stand for those that JSON does not have become what they mean."""
    if isinstance(value, str):
        return float(value) if value in ("nan", "inf", "-inf") else None
    found = number(value)
    return None if found is None else float(found)


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


_READERS: dict[str, Callable[[Any], Any]] = {TEXT: _text, INTEGER: _integer, NUMBER: _float, FLAG: _flag}
