"""Durations and sizes as people type them."""

from __future__ import annotations

import pytest

from frameworkbench.errors import UsageError
from frameworkbench.units import format_bytes, format_duration, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("45", 45), ("1.5h", 5400), (" 10s ", 10)]
)
def test_durations(text: str, seconds: float) -> None:
    """Seconds, minutes and hours, and a plain number of seconds, are understood."""
    assert parse_duration(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["", "0", "0s", "-5s", "5d", "two hours", "1e3", "1h30m", "inf", "nan"])
def test_wrong_durations(text: str) -> None:
    """Anything else is a usage error that names the option, what is expected and what came."""
    with pytest.raises(UsageError, match=r"--budget: not a duration; expected such as 90s") as caught:
        parse_duration(text, "--budget")

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "size"), [("8G", 8 * 2**30), ("500M", 500 * 2**20), ("1K", 1024), ("77", 77), ("2GiB", 2**31)]
)
def test_sizes(text: str, size: int) -> None:
    """Sizes use powers of 1024."""
    assert parse_size(text, "--memory-limit") == size


@pytest.mark.parametrize("text", ["", "0", "0G", "-1G", "8T", "1.5G", "much"])
def test_wrong_sizes(text: str) -> None:
    """Anything else is a usage error that names the option, what is expected and what came."""
    with pytest.raises(UsageError, match=r"--memory-limit: not a size") as caught:
        parse_size(text, "--memory-limit")

    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (1200, "20 min"), (7500, "2 h 05 min")]
)
def test_durations_for_people(seconds: float, text: str) -> None:
    """Long durations are told in minutes and hours."""
    assert format_duration(seconds) == text


@pytest.mark.parametrize(("count", "text"), [(0, "0 MiB"), (300 * 2**20, "300 MiB"), (int(3.4 * 2**30), "3.4 GiB")])
def test_sizes_for_people(count: int, text: str) -> None:
    """Sizes are told in MiB and GiB."""
    assert format_bytes(count) == text
