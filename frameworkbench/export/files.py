"""The tables of a run as files: CSV, Parquet, JSON. The same records give the same bytes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..errors import UsageError
from ..report.text import clean
from ..store.atomic import canonical_json
from .columns import FLAG, INTEGER, NUMBER, TEXT, Table
from .tables import TABLES, Source

_FLAGS = {None: None, True: "true", False: "false"}

DOCUMENTATION = "columns.csv"
SCHEMA = 1

_HINT = "python -m pip install 'frameworkbench[parquet]'   (or: python -m pip install pyarrow)"


def csv_files(source: Source, names: Sequence[str]) -> dict[str, bytes]:
    """One CSV file for each table, and one with the meaning and unit of each column."""
    return csv_of({name: csv_rows(source, name) for name in names})


def csv_rows(source: Source, name: str, *, cleaned: bool = False) -> bytes:
    """The rows of one table as CSV, without its head: empty for a missing value, as many digits as a number has.

    Args:
        source: where they come from.
        name: of the table.
        cleaned: all texts of the source have been through ``report.text.clean``.
    """
    words: dict[str, Callable[[Any], Any]] = {FLAG: _FLAGS.__getitem__}
    if not cleaned:
        words[TEXT] = clean
    table = TABLES[name]
    batches = (
        [
            map(words[column.kind], values) if column.kind in words else values
            for column, values in zip(table.columns, batch, strict=True)
        ]
        for batch in table.batches(source)
    )
    return _csv(row for columns in batches for row in zip(*columns, strict=True))


def csv_of(tables: Mapping[str, bytes]) -> dict[str, bytes]:
    """``csv_files`` from the rows of the tables."""
    found = {f"{name}.csv": _csv([_heads(TABLES[name])]) + rows for name, rows in tables.items()}
    documentation = [["table", "column", "unit", "meaning"], *_documentation(list(tables))]
    return {**found, DOCUMENTATION: _csv(documentation)}


def parquet_files(source: Source, names: Sequence[str]) -> dict[str, bytes]:
    """One Parquet file for each table; unit and meaning are in the metadata of its fields.

    Raises:
        UsageError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        import pyarrow.parquet as parquet
    except ImportError as problem:
        raise UsageError(f"--format parquet needs pyarrow, which is not installed; next: {_HINT}") from problem
    types = {TEXT: arrow.string(), INTEGER: arrow.int64(), NUMBER: arrow.float64(), FLAG: arrow.bool_()}
    files = {}
    for name in names:
        table = TABLES[name]
        fields = [
            arrow.field(column.name, types[column.kind], metadata={"unit": column.unit, "meaning": column.meaning})
            for column in table.columns
        ]
        arrays = [
            arrow.array(list(map(clean, values)), types[column.kind])
            for column, values in zip(table.columns, table.by_column(source), strict=True)
        ]
        sink = io.BytesIO()
        parquet.write_table(arrow.Table.from_arrays(arrays, schema=arrow.schema(fields)), sink, compression="zstd")
        files[f"{name}.parquet"] = sink.getvalue()
    return files


def tables_json(source: Source, names: Sequence[str]) -> bytes:
    """One JSON file with all tables as lists of objects, and what their columns mean."""
    run = source.report["run"]
    return canonical_json(
        {
            "schema": SCHEMA,
            "run": {key: clean(run[key]) for key in ("run_id", "created", "frameworkbench_version", "suite")},
            "verification": source.report["verification"],
            "not_measured": clean(source.report["not_measured"]),
            "columns": {
                name: {column.name: {"unit": column.unit, "meaning": column.meaning} for column in TABLES[name].columns}
                for name in names
            },
            "tables": {name: _objects(TABLES[name], source) for name in names},
        }
    )


def _heads(table: Table) -> list[str]:
    return [column.name for column in table.columns]


def _documentation(names: Sequence[str]) -> list[list[Any]]:
    return [[name, column.name, column.unit, column.meaning] for name in names for column in TABLES[name].columns]


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8")


def _objects(table: Table, source: Source) -> list[dict[str, Any]]:
    heads = _heads(table)
    return [dict(zip(heads, map(_plain, row), strict=True)) for row in table.rows(source)]


def _plain(value: Any) -> Any:
    """What JSON can hold: a number that it does not have becomes text, as in the records."""
    if isinstance(value, float) and not -float("inf") < value < float("inf"):
        return str(value)
    return clean(value)
