"""Strict JSON: with the fast reader, without it, and in batches the same values and the same refusals."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from frameworkbench.store import parsing

DOCUMENTS = (
    b'{"a": 1, "b": [1.5, -0.0, true, null, "\\u00e9\xe2\x80\x93"]}\n',
    b"[]",
    b'"text"',
    b"3",
    b"-0",
    b'{"a": 1, "a": 2}',
    b"18446744073709551616",
    b'{"seed": -9223372036854775809}',
    b"0.00016918397096415063",
    b"0.1234567890123456789012345678901234567890",
    b"1e400",
    b'"\\ud800"',
    b"123456789012345678901234567890",
    b"5e-324",
)
BROKEN = (
    b"",
    b"{",
    b"{} {}",
    b'{"a": NaN}',
    b"[Infinity]",
    b"[-Infinity]",
    b"'a'",
    b"[1,]",
    b'"\xff"',
    b"\xef\xbb\xbf{}",
    b'"tab\there"',
    b"[" * 100_000,
    b"01",
    b"nul",
)
READERS = ("fast", "standard")


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both readers in turn; the fast one only where it is installed."""
    if request.param == "fast":
        pytest.importorskip("orjson")
    else:
        monkeypatch.setattr(parsing, "_fast", None)
    return str(request.param)


def same(found: Any, expected: Any) -> bool:
    """Equal in value, in type and in sign."""
    if isinstance(expected, float):
        return type(found) is float and math.copysign(1, found) == math.copysign(1, expected) and found == expected
    if isinstance(expected, list):
        return isinstance(found, list) and len(found) == len(expected) and all(map(same, found, expected))
    if isinstance(expected, dict):
        return list(found) == list(expected) and all(same(found[key], expected[key]) for key in expected)
    return type(found) is type(expected) and bool(found == expected)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_value_never_depends_on_the_reader(reader: str, document: bytes) -> None:
    """What is read is what the standard library reads, to the type and the last digit."""
    assert same(parsing.parse_json(document), json.loads(document.decode()))


@pytest.mark.parametrize("document", BROKEN, ids=[repr(document[:12]) for document in BROKEN])
def test_a_refusal_never_depends_on_the_reader(reader: str, document: bytes) -> None:
    """What is not strict JSON is refused with a reason."""
    with pytest.raises(ValueError, match=r"\S"):
        parsing.parse_json(document)


def test_a_batch_is_its_documents_one_by_one(reader: str) -> None:
    """Good and broken documents keep their places."""
    documents = [*DOCUMENTS, *BROKEN, *DOCUMENTS] * 3

    found = parsing.parse_many(documents)

    assert len(found) == len(documents)
    assert [isinstance(value, ValueError) for value in found] == [document in BROKEN for document in documents]
    good = [(value, document) for value, document in zip(found, documents, strict=True) if document in DOCUMENTS]
    assert all(same(value, json.loads(document.decode())) for value, document in good)


@pytest.mark.parametrize(
    "documents",
    [[b'{"a": [1', b"2]}", b"{},{}"], [b"1, 2", b"[3"], [b"[1", b"2]"], [b'"open', b'closed"'], [b"", b"1,2,3"]],
)
def test_documents_of_a_batch_cannot_join(reader: str, documents: list[bytes]) -> None:
    """Fragments that would be JSON only together are refused each for itself."""
    assert all(isinstance(value, ValueError) for value in parsing.parse_many(documents))


def test_equal_keys_of_a_batch_are_one_string(reader: str) -> None:
    """The memory of many small documents is not spent on their keys."""
    found = parsing.parse_many([b'{"a rather long key": 1}'] * 10)

    assert len({id(next(iter(value))) for value in found}) == 1


@pytest.mark.parametrize(
    ("document", "long"),
    [
        (b"1234567890123456789", True),
        (b"-1234567890123456789", True),
        (b"[0.5, 1234567890123456789]", True),
        (b"123456789012345678", False),
        (b"0.1234567890123456789012345", False),
        (b"0.1234567890123456789 1234567890123456789", True),
        (b"9" * 40, True),
        (b"", False),
        (b"1", False),
        (b"." * 40, False),
        (b'{"a":1234567890123456789}', True),
        (b'"12345678901234567890abc"', False),
        (b'"abc12345678901234567890"', False),
    ],
)
def test_long_numbers_are_seen(document: bytes, long: bool) -> None:
    """Nineteen digits in a row are a long number, unless they are a fraction's or part of a text such as a hash."""
    assert parsing._long_numbers(document) is long
    assert parsing._long_numbers(b"[1.5, 2]," * 10 + document + b" " * 5) is long
