"""The form of a record: which keys it has, of which types, and the few words that some of them may hold."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA = 1

_KINDS = ("cell", "block", "run", "note")
_PASSES = (None, "environment", "proof", "pilot", "speed", "accuracy", "memory", "capacity")
_STATUSES = ("ok", "not_comparable", "failed", "unsupported", "invalid")
_CHOICES: Sequence[tuple[str, tuple[str | None, ...]]] = (("kind", _KINDS), ("pass", _PASSES), ("status", _STATUSES))
_NULLABLE_TEXT = (str, type(None))
_NUMBER = (int, float)
# What every record has: key → accepted Python types.
_KEYS: Mapping[str, tuple[type, ...]] = {
    "schema": (int,),
    "writer": (str,),
    "sequence": (int,),
    "previous": _NULLABLE_TEXT,
    "kind": (str,),
    "cell_key": _NULLABLE_TEXT,
    "cell": (dict, type(None)),
    "pass": _NULLABLE_TEXT,
    "block": (int,),
    "attempt": (int,),
    "seed": (int, type(None)),
    "status": (str,),
    "code": (str,),
    "reason": (str,),
    "started": (str,),
    "wall_s": _NUMBER,
    "payload": (dict,),
    "log": _NULLABLE_TEXT,
    "log_end": (str,),
}
_values = operator.itemgetter(*_KEYS)
# Types of all these keys together, as seen in records whose form was found right; most records are of few kinds.
_RIGHT_TYPES: set[tuple[type, ...]] = set()


def problem_in(record: Mapping[str, Any]) -> str:
    """What is wrong with the form of a record, or an empty text."""
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r}; this version reads {SCHEMA}"
    problem = _wrong_type(record)
    if problem:
        return problem
    for key, allowed in _CHOICES:
        if record[key] not in allowed:
            return f"key {key!r} is {record[key]!r}; expected one of {', '.join(str(a) for a in allowed)}"
    return ""


def _wrong_type(record: Mapping[str, Any]) -> str:
    """The first key that is missing or of the wrong type, or an empty text."""
    try:
        types = tuple(map(type, _values(record)))
    except KeyError as missing:
        return f"key {missing.args[0]!r} is missing"
    if types in _RIGHT_TYPES:
        return ""
    for (key, kinds), found in zip(_KEYS.items(), types, strict=True):
        if not issubclass(found, kinds) or found is bool:
            return f"key {key!r} has the wrong type ({found.__name__})"
    _RIGHT_TYPES.add(types)
    return ""
