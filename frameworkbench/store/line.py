"""A value as one line of JSON, keys in the order they have: for the thousands of members of a large report.

Numbers have the fewest digits that tell them, as in the rest of a report; large and small ones are written as
``orjson`` does it, ten times as fast as the standard library. Its versions differ there (``1e16``, ``1e+16``), so it is
asked first. Where it is not installed or answers otherwise, Python writes the same bytes, slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from json.encoder import JSONEncoder, encode_basestring
from typing import Any

from .parsing import parse_json

try:
    import orjson
except ImportError:
    _fast: Callable[[Any], bytes] | None = None
else:
    _STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

    def _fast(value: Any) -> bytes:
        return orjson.dumps(value, option=_STRICT)


_ASKED = (0.0, -0.0, 1e-4, 1e-5, 1.5e-5, 9.9e-6, 1e-6, -1.5e-7, 5e-324, 12.5, 9e15, 1e16, 1.5e16, 1.25e300, 2**53 + 0.0)
# The fast writer makes null of a NaN, which is then not what is read back. Neither is a tuple: the standard library
# tells the two apart.
_FINITE = JSONEncoder(allow_nan=False)


def line_bytes(value: Any) -> bytes:
    """A value as one line of JSON without a line feed.

    Args:
        value: plain data; keys are texts.

    Raises:
        TypeError: it holds something that JSON cannot.
        ValueError: it holds a NaN, an infinity, a cycle or text that UTF-8 cannot hold.
    """
    if _fast is not None and _agrees():
        try:
            written = _fast(value)
            if parse_json(written) != value:
                _FINITE.encode(value)
            return written
        except (TypeError, ValueError, RecursionError):
            pass  # more than 64 bits, or something that is refused below in words
    try:
        return _slow(value).encode("utf-8")
    except RecursionError as problem:
        raise ValueError("nested too deeply, or in itself") from problem


def _agrees() -> bool:
    """Whether the fast writer's numbers are the slow one's; looked at once."""
    global _agreed
    if _agreed is None:
        _agreed = _fast is not None and all(_fast(one) == _number(one).encode() for one in _ASKED)
    return _agreed


_agreed: bool | None = None


def _slow(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return encode_basestring(value)
    if kind is float:
        return _number(value)
    if kind is int:
        return repr(value)
    if value is None or kind is bool:
        return _WORDS[value]
    if kind is list or kind is tuple:
        return f"[{','.join(map(_slow, value))}]"
    if kind is dict:
        if any(type(key) is not str for key in value):
            raise TypeError(f"keys must be texts: {list(value)!r}")
        return "{" + ",".join(f"{encode_basestring(key)}:{_slow(item)}" for key, item in value.items()) + "}"
    raise TypeError(f"not plain data: {kind.__name__}")


_WORDS: Mapping[Any, str] = {None: "null", True: "true", False: "false"}


def _number(value: float) -> str:
    """The shortest digits that tell this number; a power of ten beside them below 1e-5 and from 1e16."""
    text = repr(value)
    if "e" not in text and text[-1] <= "9" and abs(value) >= 1e-4:
        return text
    sign, digits, power = Decimal(text).as_tuple()
    if not isinstance(power, int):
        raise ValueError(f"{text} is not JSON")
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    place = len(digits) + power - 1  # of the first digit
    minus = "-" * sign
    if shown == "0":
        return f"{minus}0.0"
    if -6 < place < 0:
        return f"{minus}0.{'0' * (-place - 1)}{shown}"
    return f"{minus}{shown[0]}{'.' * (len(shown) > 1)}{shown[1:]}e{place:+d}"
