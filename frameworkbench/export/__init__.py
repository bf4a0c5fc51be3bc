"""A run in the forms that other tools read: its tables as CSV, Parquet and JSON, and pytest-benchmark's own form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..analysis.summary import Summary
from ..errors import UsageError
from ..store.atomic import write_bytes_atomic
from ..store.run import among_raw
from .files import csv_files, parquet_files, tables_json
from .pytest_benchmark import pytest_benchmark_json
from .tables import TABLES, Source

__all__ = ["FORMATS", "TABLES", "write_export"]

PYTEST_BENCHMARK = "pytest-benchmark"
_FOLDERS: Mapping[str, Callable[[Source, Sequence[str]], Mapping[str, bytes]]] = {
    "csv": csv_files,
    "parquet": parquet_files,
}
FORMATS = (PYTEST_BENCHMARK, "json", *_FOLDERS)


def write_export(summary: Summary, form: str, out: Path, tables: Sequence[str] = ()) -> list[Path]:
    """Write a run in one of ``FORMATS``; the same records give the same bytes.

    Args:
        summary: the facts of the run.
        form: CSV and Parquet make a folder with one file for each table, the others one file.
        out: the folder or file.
        tables: names from ``TABLES``; all of them unless given.

    Returns:
        The files that were written.

    Raises:
        UsageError: an unknown table, a package that is missing, a folder that holds raw results, or a run that has
            nothing that this form could hold.
        StoreError: a file cannot be written.
    """
    unknown = [name for name in tables if name not in TABLES]
    if unknown:
        raise UsageError(f"--table: no table {unknown[0]!r}; expected one of {', '.join(TABLES)}")
    if tables and form == PYTEST_BENCHMARK:
        raise UsageError(f"--table: {PYTEST_BENCHMARK} has no tables; choose another --format")
    if among_raw(summary.run.path, out):
        raise UsageError(f"{out}: holds raw results; choose another place for the export")
    files = _files(summary, form, out, tables or tuple(TABLES))
    for path, content in files.items():
        write_bytes_atomic(path, content)
    return list(files)


def _files(summary: Summary, form: str, out: Path, tables: Sequence[str]) -> dict[Path, bytes]:
    if form == PYTEST_BENCHMARK:
        return {out: pytest_benchmark_json(summary)}
    source = Source.of(summary)
    if form == "json":
        return {out: tables_json(source, tables)}
    if out.is_file():
        raise UsageError(f"{out}: is a file; --format {form} writes one file for each table into a folder")
    return {out / name: content for name, content in _FOLDERS[form](source, tables).items()}
