"""Files of measured rows: one row a line, so that measuring one row again changes one line, and written whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from frameworkbench.store.atomic import write_bytes_atomic

Row = Mapping[str, Any]


def as_text(found: Mapping[str, Any]) -> str:
    """JSON with one line for each of the ``rows`` and for each other key."""
    lines = [f"  {json.dumps(key)}: {_value(key, value)}" for key, value in found.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(file: Path, found: Mapping[str, Any]) -> None:
    """Write the file; it appears complete or not at all.

    Raises:
        StoreError: the disk is full or refuses.
    """
    write_bytes_atomic(file, as_text(found).encode("utf-8"))


def read(file: Path) -> dict[str, Any]:
    """What the file holds; nothing where there is none."""
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}


def merged(old: Sequence[Row], new: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """New rows in place of old ones of the same name, the rest as it was.

    Args:
        old: rows of the file.
        new: rows to put in.
        names: keys that name a row; values that can be ordered.
    """
    named = {tuple(row[name] for name in names): row for row in (*old, *new)}
    return [named[name] for name in sorted(named)]


def _value(key: str, value: Any) -> str:
    if key != "rows" or not value:
        return json.dumps(value, ensure_ascii=False)
    return "[\n" + ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in value) + "\n  ]"
