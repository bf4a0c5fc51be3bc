"""Durations and sizes as people type them: 90s, 30m, 2h; 500M, 8G."""

from __future__ import annotations

import re

from .errors import UsageError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_BYTES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def parse_duration(text: str, where: str) -> float:
    """Seconds of "90s", "30m", "2h" or a plain number of seconds.

    Raises:
        UsageError: not a positive duration.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None or float(match[1]) <= 0:
        raise UsageError(f"{where}: not a duration; expected such as 90s, 30m or 2h; received {text!r}")
    return float(match[1]) * _SECONDS[match[2] or "s"]


def parse_size(text: str, where: str) -> int:
    """Bytes of "500M" or "8G" (powers of 1024).

    Raises:
        UsageError: not a positive size.
    """
    match = re.fullmatch(r"(\d+)([KMG]?)i?B?", text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"{where}: not a size; expected such as 500M or 8G; received {text!r}")
    return int(match[1]) * _BYTES[match[2]]


def format_duration(seconds: float) -> str:
    """For people: 45 s, 12 min, 2 h 05 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def format_bytes(count: int) -> str:
    """For people: 512 MiB, 3.4 GiB."""
    if count < 1024**3:
        return f"{count / 1024**2:.0f} MiB"
    return f"{count / 1024**3:.1f} GiB"
