"""A report against the records: made again from them, it must come out byte by byte the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..analysis.summary import summarise
from ..errors import StoreError, UsageError
from ..report import languages_of, render_report
from ..report.pictures import FOLDER
from ..store.run import Run
from .findings import REPORT_DIFFERS, Finding


def check_report(run: Run, report_dir: Path) -> Iterator[Finding]:
    """Report files that are not what these records give; for ``report.json`` with the first value that differs.

    Raises:
        UsageError: the folder holds no report.
        StoreError: a file cannot be read.
    """
    expected = render_report(summarise(run), languages_of(report_dir))
    present = [name for name in expected if (report_dir / name).is_file()]
    if not present:
        raise UsageError(f"{report_dir}: holds none of {', '.join(expected)}; name the folder that `report` wrote")
    for name in present:
        try:
            content = (report_dir / name).read_bytes()
        except OSError as problem:
            raise StoreError(f"{report_dir / name}: cannot be read: {problem.strerror or problem}") from problem
        if content == expected[name]:
            continue
        if name.startswith(f"{FOLDER}/"):
            reason = "not what these records give with this version of the drawing library; the tables are what counts"
            yield Finding(name, REPORT_DIFFERS, reason, grave=False)
        else:
            yield Finding(name, REPORT_DIFFERS, f"not what these records give: {_where(name, content, expected[name])}")
    for name in sorted(set(expected) - set(present)):
        yield Finding(name, REPORT_DIFFERS, "missing from the report", grave=False)


def _where(name: str, content: bytes, expected: bytes) -> str:
    if name.endswith(".json"):
        try:
            place = first_difference(json.loads(content), json.loads(expected))
        except ValueError:
            return "not valid JSON"
        if place:
            return place
    pairs = enumerate(zip(content.splitlines(), expected.splitlines(), strict=False), 1)
    line = next((number for number, (one, other) in pairs if one != other), None)
    return f"line {line}" if line else f"{len(content)} bytes, expected {len(expected)}"


def first_difference(found: Any, expected: Any, place: str = "") -> str:
    """The first place where two JSON values differ, with both values; empty if they are equal."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted({*found, *expected})
        pairs = [(f"{place}.{key}".lstrip("."), found.get(key), expected.get(key)) for key in keys]
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        pairs = [(f"{place}[{number}]", *pair) for number, pair in enumerate(zip(found, expected, strict=True))]
    else:
        return (
            "" if found == expected else f"{place or 'the whole'}: {_short(found)}, the records give {_short(expected)}"
        )
    return next((text for name, one, other in pairs if (text := first_difference(one, other, name))), "")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
