"""Report tests write hundreds of records and dozens of reports; what makes them slow is tested where it belongs."""

from __future__ import annotations

import os

import pytest

from frameworkbench.report import write


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the sync, which makes up most of the time; tests/store is for that."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture(autouse=True)
def _no_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing beside a report, unless a test asks for ``pictures``."""
    if "pictures" not in request.fixturenames:
        monkeypatch.setattr(write, "album", lambda _report: {})


@pytest.fixture
def pictures() -> None:
    """Reports of this test have their pictures."""
