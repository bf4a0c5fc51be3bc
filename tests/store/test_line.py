"""One line of JSON: the fast writer and the slow one give the same bytes, which say what the value is."""

from __future__ import annotations

import json
import math
import random
import struct
from typing import Any

import pytest

from frameworkbench.store import line
from frameworkbench.store.line import line_bytes
from tests.store.test_canonical import anything


def slowly(monkeypatch: pytest.MonkeyPatch, value: Any) -> bytes:
    """What is written where ``orjson`` is not installed."""
    with monkeypatch.context() as changed:
        changed.setattr(line, "_fast", None)
        return line_bytes(value)


def any_number(chance: random.Random) -> float:
    """A finite number of any size, often one with few digits."""
    while True:
        found = struct.unpack("<d", struct.pack("<Q", chance.getrandbits(64)))[0]
        if chance.random() < 0.5:
            found = float(f"{chance.uniform(1, 10):.{chance.randrange(17)}f}e{chance.randrange(-12, 20)}")
        if math.isfinite(found):
            return found


def test_numbers_are_written_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers of every size, large, small and with few digits, come out the same with and without the fast writer."""
    pytest.importorskip("orjson")
    chance = random.Random(3)
    numbers = [any_number(chance) for _ in range(50_000)]
    assert line._agrees(), "this version of orjson writes other numbers: the slow writer is used, and nothing is shown"

    written = line_bytes(numbers)

    assert written == slowly(monkeypatch, numbers)
    assert json.loads(written) == numbers


def test_values_are_written_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random plain data is written in the same bytes both ways, and read back as what it was, in its order."""
    chance = random.Random(4)
    values = [found for found in (anything(chance, 5) for _ in range(2000)) if only_texts_as_keys(found)]
    assert len(values) > 1000

    for value in values:
        written = line_bytes(value)
        assert written == slowly(monkeypatch, value)
        assert json.loads(written) == json.loads(json.dumps(value))
        assert list(json.loads(written)) == list(value) if isinstance(value, dict) else True


def only_texts_as_keys(value: Any) -> bool:
    """Whether all keys in it are texts."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and only_texts_as_keys(item) for key, item in value.items())
    return all(map(only_texts_as_keys, value)) if isinstance(value, list | tuple) else True


def test_another_version_of_the_fast_writer_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer whose numbers look otherwise is left alone, so a report does not depend on its version."""
    monkeypatch.setattr(line, "_fast", lambda value: json.dumps(value).encode())
    monkeypatch.setattr(line, "_agreed", None)

    assert line_bytes([1e16, 1e-7]) == b"[1e+16,1e-7]"


@pytest.mark.parametrize("number", [math.nan, -math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(number: float) -> None:
    """The fast writer alone would write null; nowhere in a value is that what comes out."""
    for value in (number, [number], {"a": [{"b": 1.0}] * 50 + [{"b": number}]}, {"g": ["ggggg", number, "x"]}):
        with pytest.raises(ValueError, match="is not JSON"):
            line_bytes(value)


@pytest.mark.parametrize("value", [{1: "one"}, {"a": {1, 2}}, [b"bytes"], {"a": 1j}, type("Text", (str,), {})("text")])
def test_what_is_not_plain_is_refused(value: Any) -> None:
    """Keys that are no text, sets, bytes and subclasses are no plain data."""
    with pytest.raises(TypeError):
        line_bytes(value)


def test_what_cannot_be_written_is_refused() -> None:
    """A value in itself, and text that UTF-8 cannot hold, are errors and not a crash."""
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueError, match="nested"):
        line_bytes(loop)
    with pytest.raises(ValueError, match="surrogates"):
        line_bytes(["\ud800"])


def test_tuples_are_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tuple, which is not what is read back, is written all the same, and a NaN in it is refused."""
    assert line_bytes({"a": (1, 2.5)}) == slowly(monkeypatch, {"a": (1, 2.5)}) == b'{"a":[1,2.5]}'
    with pytest.raises(ValueError, match="is not JSON"):
        line_bytes({"a": (1, math.nan)})


def test_large_integers_are_written() -> None:
    """An integer of more than 64 bits, which the fast writer refuses, keeps all its digits."""
    assert line_bytes({"a": [2**70]}) == b'{"a":[1180591620717411303424]}'
