"""Reading tables at the edge: unknown keys and wrong types become errors that name file and key.

Specs come from files that people write. Checking happens once, here, so that the rest of the
engine can trust its data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from ..errors import SpecError

T = TypeVar("T")

_NAMES = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}


class Fields:
    """One table of a spec file, read key by key; ``done`` rejects what nobody asked for.

    Args:
        table: the parsed table.
        where: file and key path, used in every message ("workloads/x.toml: layers[2]").

    Raises:
        SpecError: the value is not a table.
    """

    def __init__(self, table: object, where: str) -> None:
        if not isinstance(table, Mapping):
            raise SpecError(where, "not a table", expected="a table of keys", received=table)
        self._table: Mapping[str, Any] = table
        self._where = where
        self._seen: set[str] = set()

    @property
    def where(self) -> str:
        """File and key path of this table."""
        return self._where

    def has(self, key: str) -> bool:
        """Whether the key is present."""
        return key in self._table

    def raw(self, key: str, default: Any = None) -> Any:
        """The value as it was written, or the default."""
        self._seen.add(key)
        return self._table.get(key, default)

    def required(self, key: str, kind: type[T]) -> T:
        """The value of a key that must be there, of the given type."""
        if key not in self._table:
            raise SpecError(f"{self._where}: {key}", "missing", expected=_NAMES.get(kind, kind.__name__))
        return self._typed(key, kind)

    def schema(self, known: int) -> None:
        """Reject a file whose ``schema`` is missing or another number."""
        found = self.required("schema", int)
        if found != known:
            raise SpecError(f"{self._where}: schema", "unknown version", expected=str(known), received=found)

    def optional(self, key: str, kind: type[T], default: T) -> T:
        """The value of a key that may be absent."""
        self._seen.add(key)
        return self._typed(key, kind) if key in self._table else default

    def choice(self, key: str, allowed: tuple[str, ...], default: str | None = None) -> str:
        """A text that must be one of the allowed ones."""
        value = self.required(key, str) if default is None else self.optional(key, str, default)
        if value not in allowed:
            raise SpecError(
                f"{self._where}: {key}",
                "unknown value",
                expected="one of " + ", ".join(allowed),
                received=value,
            )
        return value

    def positive(self, key: str, default: int | None = None) -> int:
        """A whole number of at least one."""
        value = self.required(key, int) if default is None else self.optional(key, int, default)
        if value < 1:
            raise SpecError(f"{self._where}: {key}", "out of range", expected="at least 1", received=value)
        return value

    def not_negative(self, key: str, default: int) -> int:
        """A whole number of at least zero."""
        value = self.optional(key, int, default)
        if value < 0:
            raise SpecError(f"{self._where}: {key}", "out of range", expected="at least 0", received=value)
        return value

    def table(self, key: str) -> Fields:
        """A nested table that must be there."""
        self._seen.add(key)
        if key not in self._table:
            raise SpecError(f"{self._where}: {key}", "missing", expected="a table")
        return Fields(self._table[key], f"{self._where}: {key}")

    def items(self) -> list[tuple[str, Any]]:
        """All pairs; marks every key as read."""
        self._seen.update(self._table)
        return list(self._table.items())

    def done(self) -> None:
        """Reject keys that nothing has read."""
        unknown = sorted(set(self._table) - self._seen)
        if unknown:
            raise SpecError(
                f"{self._where}: {unknown[0]}",
                "unknown key",
                expected="one of " + ", ".join(sorted(self._seen)),
            )

    def _typed(self, key: str, kind: type[T]) -> T:
        self._seen.add(key)
        value = self._table[key]
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        wrong_bool = isinstance(value, bool) and kind is not bool
        if not isinstance(value, kind) or wrong_bool:
            raise SpecError(
                f"{self._where}: {key}",
                "wrong type",
                expected=_NAMES.get(kind, kind.__name__),
                received=value,
            )
        return value
