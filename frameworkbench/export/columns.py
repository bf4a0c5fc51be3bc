"""A table's columns: what each is called, in which unit, what it means, and where its value comes from.

The same list makes the pandas frame, the CSV file, the Parquet file, the JSON object and their documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..analysis.cells import number, table

TEXT = "text"
INTEGER = "integer"
NUMBER = "number"
FLAG = "flag"

Getter = Callable[[Any], Any]

# Rows that are made together, column by column: the values of a column are alike, and a loop over them is short.
_TOGETHER = 500


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

    def values(self, items: Sequence[Any]) -> list[Any]:
        """The value of each row; None where something is missing."""
        return _READERS[self.kind](_taken(self.get, items))


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what its rows are, its columns, and where its rows come from."""

    name: str
    row: str
    columns: tuple[Column, ...]
    items: Callable[[Any], Iterable[Any]]

    def batches(self, source: Any) -> Iterator[list[list[Any]]]:
        """The values of some hundred rows at a time: for each column a list; None where something is missing."""
        items = iter(self.items(source))
        while batch := list(islice(items, _TOGETHER)):
            yield [column.values(batch) for column in self.columns]

    def by_column(self, source: Any) -> list[list[Any]]:
        """The values of each column, all rows together."""
        columns: list[list[Any]] = [[] for _ in self.columns]
        for batch in self.batches(source):
            for column, values in zip(columns, batch, strict=True):
                column += values
        return columns

    def rows(self, source: Any) -> Iterator[tuple[Any, ...]]:
        """The values row by row, in the order of the columns; None where something is missing."""
        return (row for batch in self.batches(source) for row in zip(*batch, strict=True))


@dataclass(frozen=True, slots=True)
class _Steps:
    """Takes a value out of something in several steps, from one thing or from many at once."""

    steps: tuple[Getter | str, ...]

    def __call__(self, item: Any) -> Any:
        return self.many([item])[0]

    def many(self, items: Sequence[Any]) -> list[Any]:
        """The value of each."""
        found = list(items)
        for step in self.steps:
            if isinstance(step, str):
                found = [item.get(step) if type(item) is dict else table(item).get(step) for item in found]
            else:
                found = _taken(step, found)
        return found


def path(*keys: str) -> Getter:
    """Takes a value out of nested tables; None where one of them is missing."""
    return _Steps(keys)


def after(part: Getter, get: Getter) -> Getter:
    """Takes a value out of a part of an item."""
    return _Steps((part, get))


def _taken(get: Getter, items: Sequence[Any]) -> list[Any]:
    return get.many(items) if isinstance(get, _Steps) else list(map(get, items))


def of(part: Getter, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The same columns for an item that holds the one they are written for."""
    return tuple(
        Column(column.name, column.kind, column.unit, column.meaning, after(part, column.get)) for column in columns
    )


def _text(values: Iterable[Any]) -> list[str | None]:
    return [value if value is None or type(value) is str else str(value) for value in values]


def _integer(values: Iterable[Any]) -> list[int | None]:
    return [value if type(value) is int else _rounded(value) for value in values]


def _rounded(value: Any) -> int | None:
    found = number(value)
    return None if found is None else round(found)


def _number(values: Iterable[Any]) -> list[float | None]:
    return [None if value is None else _float(value) for value in values]


def _float(value: Any) -> float | None:
    """A number; the texts that stand for those that JSON does not have become what they mean."""
    if isinstance(value, str):
        return float(value) if value in ("nan", "inf", "-inf") else None
    found = number(value)
    return None if found is None else float(found)


def _flag(values: Iterable[Any]) -> list[bool | None]:
    return [value if isinstance(value, bool) else None for value in values]


_READERS: dict[str, Callable[[Iterable[Any]], list[Any]]] = {
    TEXT: _text,
    INTEGER: _integer,
    NUMBER: _number,
    FLAG: _flag,
}
