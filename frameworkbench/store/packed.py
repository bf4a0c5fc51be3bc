"""Long lists of equal flat objects, kept as numbers in columns' order instead of one object for each.

A timed process may hold hundreds of windows of six numbers. As Python objects they take ten times the room of the
numbers in them, and a run with a million windows would not fit into the memory of the machine that reports on it.
"""

from __future__ import annotations

import operator
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, overload

# Shorter lists stay as they are: there is nothing to gain.
LEAST_ROWS = 8

_CODES: Mapping[type, str] = {int: "q", float: "d"}


class PackedRows(Sequence[Mapping[str, Any]]):
    """A list of objects with the same keys and numbers as values; reads and compares like the list.

    Args:
        names: the keys, in order.
        codes: one letter for each key: ``q`` for an integer, ``d`` for a float.
        data: the numbers row by row, packed.
    """

    __slots__ = ("_codes", "_data", "names")

    def __init__(self, names: tuple[str, ...], codes: str, data: bytes) -> None:
        self.names = names
        self._codes = codes
        self._data = data

    def tuples(self) -> Iterator[tuple[Any, ...]]:
        """The rows as plain tuples in the order of ``names``."""
        return _layout(self._codes).iter_unpack(self._data)

    def whole(self, *names: str) -> bool:
        """Whether these keys are there and all their numbers are integers."""
        return _whole(self.names, self._codes, names)

    def columns(self, *names: str) -> list[tuple[Any, ...]]:
        """Some columns, two or more, row by row; None for a key that these rows do not have."""
        try:
            return list(map(_picking(self.names, names), self.tuples()))
        except ValueError:
            places = [self.names.index(name) if name in self.names else None for name in names]
            return [tuple(None if at is None else row[at] for at in places) for row in self.tuples()]

    def __len__(self) -> int:
        return len(self._data) // _layout(self._codes).size

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return (dict(zip(self.names, row, strict=True)) for row in self.tuples())

    @overload
    def __getitem__(self, index: int) -> Mapping[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[Mapping[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Mapping[str, Any] | list[Mapping[str, Any]]:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return list(self) == (list(other) if isinstance(other, PackedRows) else other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"PackedRows({list(self)!r})"


def packed(rows: Any) -> Any:
    """The same rows packed where that is possible and worth it, else as they are; nothing is rounded.

    Args:
        rows: any value; only a list of objects that all have the same keys, two or more, and, key by key, an integer
            of at most 64 bits or a float, is packed.
    """
    if type(rows) is not list or len(rows) < LEAST_ROWS or type(rows[0]) is not dict:
        return rows
    names = tuple(rows[0])
    if set(map(type, rows)) != {dict} or set(map(len, rows)) != {len(names)} or len(names) < 2:
        return rows
    try:
        numbers = list(chain.from_iterable(map(operator.itemgetter(*names), rows)))
    except KeyError:
        return rows
    kinds = tuple(map(type, numbers))
    layout = _layout_of(kinds, len(names))
    if layout is None:
        return rows
    try:
        return PackedRows(names, layout[0], layout[1].pack(*numbers))
    except struct.error:  # an integer of more than 64 bits
        return rows


@lru_cache(maxsize=256)
def _layout_of(kinds: tuple[type, ...], width: int) -> tuple[str, struct.Struct] | None:
    """Codes of one row, and the layout of all; nothing where the rows differ or hold something else than numbers."""
    codes = "".join([_CODES.get(kind, "") for kind in kinds[:width]])
    if len(codes) < width or kinds != kinds[:width] * (len(kinds) // width):
        return None
    return codes, struct.Struct(f"<{codes * (len(kinds) // width)}")


@lru_cache(maxsize=256)
def _whole(names: tuple[str, ...], codes: str, wanted: tuple[str, ...]) -> bool:
    return all(name in names and codes[names.index(name)] == "q" for name in wanted)


@lru_cache(maxsize=256)
def _picking(names: tuple[str, ...], wanted: tuple[str, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    return operator.itemgetter(*map(names.index, wanted))


@lru_cache(maxsize=256)
def _layout(codes: str) -> struct.Struct:
    return struct.Struct(f"<{codes}")
