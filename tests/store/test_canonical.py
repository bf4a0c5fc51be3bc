"""Canonical JSON: the fast writer gives the bytes of the standard library's, and refuses what that refuses."""

from __future__ import annotations

import enum
import json
import random
from typing import Any

import pytest

from frameworkbench.errors import StoreError
from frameworkbench.store.atomic import canonical_json

TEXTS = ("", "plain", 'quote " and \\', "line\nfeed\ttab\x00", "–±≤ 中文 😀", "\u2028", "</script>")
NUMBERS = (0, -1, 2**70, 0.1, -0.0, 1e-7, 1e22, 5e-324, 1.7976931348623157e308, 123456789.123456789)


def expected(value: object) -> bytes:
    """What the standard library writes."""
    return (json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")


def anything(chance: random.Random, depth: int) -> Any:
    """Random plain data."""
    kind = chance.randrange(8 if depth else 5)
    if kind < 2:
        return chance.choice(TEXTS)
    if kind < 4:
        return chance.choice(NUMBERS)
    if kind == 4:
        return chance.choice((True, False, None))
    if chance.randrange(6) == 0:
        return [table(chance) for _ in range(chance.randrange(3, 8))]
    members = [anything(chance, depth - 1) for _ in range(chance.randrange(5))]
    if kind == 5:
        return {f"{chance.choice(TEXTS)}{place}": member for place, member in enumerate(members)}
    return members if kind == 6 else tuple(members)


def table(chance: random.Random) -> dict[str, Any]:
    """A flat object, as lists of rows hold them; sometimes with keys that are no text, or with nothing in it."""
    if chance.randrange(20) == 0:
        return {}
    keys = (1, 2, 3) if chance.randrange(20) == 0 else ('"},\n   {"', "b", "a")
    return {key: chance.choice((*TEXTS, *NUMBERS, True, None)) for key in keys}


def test_the_bytes_are_those_of_the_standard_library() -> None:
    """Random plain data of every shape is written byte for byte as ``json.dumps`` writes it."""
    chance = random.Random(1)

    values = [anything(chance, 5) for _ in range(2000)]

    assert sum(isinstance(value, dict) and len(value) > 2 for value in values) > 50
    assert [value for value in values if canonical_json(value) != expected(value)] == []


@pytest.mark.parametrize(
    "value",
    [
        {1: "one", 2: {"x": 3}},
        {"list": [{}, [], [[]], [{}], ()]},
        {"key": enum.IntEnum("Few", ["ONE"]).ONE},
        type("Text", (str,), {})("text"),
        {"z": [1], "a": type("Table", (dict,), {})(b=1)},
    ],
    ids=["keys that are no text", "empty containers", "an enum", "a kind of text", "a kind of table"],
)
def test_what_is_not_plain_is_left_to_the_standard_library(value: object) -> None:
    """Odd keys and subclasses are written as the standard library writes them."""
    assert canonical_json(value) == expected(value)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [{"b": float("nan")}]},
        {"a": [{"b": 1.0}] * 5 + [{"b": float("nan")}]},
        [float("-inf")],
        {"a": {1, 2}},
        {"a": 1, 2: "mixed keys"},
        {"lone surrogate": "\ud800"},
    ],
    ids=["nan", "nan in a row", "infinity", "a set", "mixed keys", "a lone surrogate"],
)
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """Nothing is written in a way that a strict reader would not read."""
    with pytest.raises(StoreError, match="cannot be stored as JSON"):
        canonical_json(value)
