"""A run's timings in the forms that other tools read: one module for each form, listed here by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..analysis.summary import Summary
from ..store.atomic import write_bytes_atomic
from .pytest_benchmark import pytest_benchmark_json

__all__ = ["FORMATS", "write_export"]

FORMATS: Mapping[str, Callable[[Summary], bytes]] = {"pytest-benchmark": pytest_benchmark_json}


def write_export(summary: Summary, form: str, out: Path) -> None:
    """Write a run in one of ``FORMATS``; the same records give the same bytes.

    Raises:
        UsageError: the run has nothing that this form could hold.
        StoreError: the file cannot be written.
    """
    write_bytes_atomic(out, FORMATS[form](summary))
