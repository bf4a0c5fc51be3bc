"""Export tests write hundreds of records; syncing each to disk is what tests/store is for."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def _no_sync(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the sync, which makes up most of the time."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
