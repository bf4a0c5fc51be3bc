"""Every verdict code is explained, has one status, and a place in the order."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworkbench.run import codes
from frameworkbench.validity import findings
from frameworkbench.validity.findings import ALL, Finding, active

DOCS = Path(__file__).parent.parent.parent / "docs" / "verdicts.md"


@pytest.mark.parametrize("code", sorted(findings.NOT_COMPARABLE | findings.INVALID))
def test_code_is_documented(code: str) -> None:
    """A reader who meets a code in a report finds it in docs/verdicts.md."""
    assert f"`{code}`" in DOCS.read_text(encoding="utf-8")


def test_order_holds_every_code_once() -> None:
    """Any two findings can be ordered, so the verdict never depends on who spoke first."""
    every = [Finding("parity", code, "") for code in sorted(findings.NOT_COMPARABLE | findings.INVALID)]

    forwards = [f.code for f in active(every, ALL)]

    assert forwards == [f.code for f in active(reversed(every), ALL)]
    assert len(set(forwards)) == len(every)


def test_status_follows_the_code() -> None:
    """Other work is not comparable, a bad measurement is invalid, an accident is a failure."""
    assert {codes.status_of(code) for code in findings.NOT_COMPARABLE} == {"not_comparable"}
    assert {codes.status_of(code) for code in findings.INVALID} == {"invalid"}
    assert codes.status_of("CRASH") == "failed"
    assert codes.status_of("UNSUPPORTED_LAYER") == "unsupported"


def test_inactive_detectors_say_nothing() -> None:
    """A finding counts only while its detector is active."""
    found = [Finding("late", "LATE_MUTATION", "x"), Finding("parity", "HPARAM", "y")]

    assert [f.code for f in active(found, frozenset({"parity"}))] == ["HPARAM"]
    assert active(found, frozenset()) == []
