"""Values as text: safe characters, and no more digits than the measurement supports."""

from __future__ import annotations

import math
import operator
import re
from functools import lru_cache
from types import NoneType
from typing import Any

NOTHING = "–"

_NUMBERS = frozenset({float, int, bool, NoneType})

# Control characters that neither HTML nor Markdown may hold; tab and line feed stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
# An escape in JSON that may stand for something else than a tab, a line feed or itself.
_ESCAPED = re.compile(rb"\\[^nt\"\\/]")
# Overrides that reorder the text around them, with which a reason could be made to read differently.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def clean(value: Any) -> Any:
    """The same plain data with text that every output can hold: no control characters, no lone surrogates.

    What needs no change is not copied: a large report is mostly such.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() and value.isprintable() else _clean_text(value)
    if kind in _NUMBERS:
        return value
    if isinstance(value, dict):
        return _clean_dict(value)
    if isinstance(value, (list, tuple)):
        members = [clean(item) for item in value]
        same = kind is list and all(map(operator.is_, members, value))
        return value if same else members
    return _clean_text(value) if isinstance(value, str) else value


def is_clean(document: bytes) -> bool:
    """Whether ``clean`` leaves every text of a JSON document as it is, told by its bytes alone.

    Where that would take a closer look, as for letters beyond ASCII, the answer is no.
    """
    return document.isascii() and b"\x7f" not in document and not (b"\\" in document and _ESCAPED.search(document))


def _clean_dict(value: dict[Any, Any]) -> dict[str, Any]:
    changed = {}
    for key, item in value.items():
        kind = type(item)
        if kind in _NUMBERS or (kind is str and item.isascii() and item.isprintable()):
            continue  # most values, without another call
        found = clean(item)
        if found is not item:
            changed[key] = found
    if not changed and _plain_keys(tuple(value)):
        return value
    return {clean(str(key)): changed.get(key, item) for key, item in value.items()}


@lru_cache(maxsize=4096)
def _plain_keys(keys: tuple[Any, ...]) -> bool:
    """Whether keys are texts that need no change; most objects have the keys of many others."""
    return all(type(key) is str and key.isascii() and key.isprintable() for key in keys)


def _clean_text(value: str) -> str:
    text = _ESCAPE_SEQUENCE.sub("", value).replace("\r\n", "\n").replace("\r", "\n")
    text = _BIDI.sub("\ufffd", _CONTROL.sub("\ufffd", text))
    return text.encode("utf-8", "replace").decode("utf-8")


def interval_text(mean: float, low: float | None, high: float | None) -> tuple[str, str]:
    """Mean and range, both rounded where the interval has its second digit; no interval, no range.

    Source:
        Hoefler and Belli 2015, rule on significant digits (10.1145/2807591.2807644).
    """
    if low is None or high is None:
        return significant(mean, 3), ""
    half = max(mean - low, high - mean)
    places = 2 - _digits(half) if half > 0 else 4 - _digits(mean)
    # A very wide interval must not round its lower end to nothing.
    places = max(places, 1 - _digits(low)) if low > 0 else places
    return rounded(mean, places), f"{rounded(low, places)}–{rounded(high, places)}"


def significant(value: float, digits: int) -> str:
    """A number with so many significant digits and thousands separators."""
    return rounded(value, digits - _digits(value)) if value else "0"


def rounded(value: float, places: int) -> str:
    """A number rounded to decimal places; negative places round to tens, hundreds and so on."""
    return f"{round(value, places):,.{max(places, 0)}f}"


def seconds(value: float | None) -> str:
    """A duration with three significant digits."""
    if value is None:
        return NOTHING
    return f"{significant(value, 3)} s" if value >= 0.1 else f"{significant(value * 1000, 3)} ms"


def size(value: float | None) -> str:
    """Bytes in binary units with three significant digits."""
    if value is None:
        return NOTHING
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if value >= factor:
            return f"{significant(value / factor, 3)} {unit}"
    return f"{value:.0f} B"


def percent(value: float, total: int) -> str:
    """A share of ``total`` samples, with the digits that its binomial standard error supports."""
    error = math.sqrt(max(value * (1 - value), 0.25 / max(total, 1)) / max(total, 1))
    places = min(max(-math.floor(math.log10(error * 100)), 0), 2)
    return f"{value * 100:.{places}f} %"


def percent_of(value: float | None) -> str:
    """A relative spread in per cent with two significant digits."""
    return NOTHING if value is None else f"{significant(value * 100, 2)} %"


def tiny(value: object) -> str:
    """An error or a tolerance: two significant digits, or the text that stands for a non-finite number."""
    if isinstance(value, (int, float)):
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}×10{str(int(exponent)).translate(_SUPERSCRIPT)}" if value else "0"
    return plain(value)


def plain(value: object) -> str:
    """A number with four significant digits; anything else as it is."""
    if isinstance(value, float):
        return significant(value, 4)
    return NOTHING if value is None else str(value)


def factor(value: float) -> str:
    """A ratio with two decimals, or two significant digits when it is small."""
    return f"{value:.2f}×" if value >= 0.1 else f"{significant(value, 2)}×"


def _digits(value: float) -> int:
    """Digits before the decimal point; zero or negative below one."""
    return math.floor(math.log10(abs(value))) + 1 if value else 1
