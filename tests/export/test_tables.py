"""A run as frames and files: all that was measured, as the report says it, and the same bytes each time."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import frameworkbench
from frameworkbench.analysis.summary import summarise
from frameworkbench.errors import StoreError, UsageError
from frameworkbench.export import TABLES, write_export
from frameworkbench.export.frames import Results
from frameworkbench.store.records import load_run
from tests.report.planted_run import SECOND, PlantedRun, check, example

from .pycon import ROOT, examples, run_again

DOCUMENT = ROOT / "docs" / "python-api.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with winners, a tie, a wrong result, a crash, a torn block and odd numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _descriptor: None)
        run = example(tmp_path_factory.mktemp("run") / "one")
        planted = PlantedRun(run.parent / "odd")
        key = planted.cell("alpha", task="infer")
        far = planted.cell("beta", task="infer")
        planted.proof(key)
        checks = [check("logits", "logits", "nan", 2e-5, 0, False)]
        wrong = {"status": "not_comparable", "code": "WRONG_RESULT", "reason": '=1+1, "quoted"\x1b[31m\nline'}
        planted.append(far, "proof", {"parity": {"passed": False, "checks": checks}}, **wrong)
        for block in (1, 2):
            latency = {"batch_size": 1, "windows": [{"latencies_ns": [1_000_000 * block, 2_000_000]}]}
            planted.speed(key, 1000.0, block, extra={"latency": latency})
            planted.speed(far, 900.0, block)
            planted.complete(block, [key, far])
        planted.plan()
    return run


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    """The frames of that run."""
    return frameworkbench.load(folder)


@pytest.fixture(scope="module")
def odd(folder: Path) -> Path:
    """A run of inference with an error that is not a number and a reason that means something to other programs."""
    return folder.parent / "odd"


def exported(run: Path, form: str, out: Path, *tables: str) -> dict[str, bytes]:
    """Bytes of an export by file name."""
    files = write_export(summarise(load_run(run)), form, out, tables)
    return {file.name: file.read_bytes() for file in files}


def test_cells_say_what_the_report_says(results: Results) -> None:
    """Each planned cell is one row with the figures of ``report.json``; what was not measured is missing."""
    facts = results.report["cells"]

    cells = results.cells.set_index("key")

    assert list(cells.index) == [cell["key"] for cell in facts]
    for cell in facts:
        row, found = cells.loc[cell["key"]], cell["throughput_samples_per_s"]
        assert (row["label"], row["status"], row["code"]) == (cell["label"], cell["status"], cell["code"])
        assert (None if row["rank"] is pd.NA else row["rank"]) == cell["rank"]
        assert math.isnan(row["samples_per_s"]) if found is None else row["samples_per_s"] == found["mean"]
        assert row["parity_passed"] is pd.NA or row["parity_passed"] == cell["parity"]["passed"]
    assert cells["accuracy_least"].min() == 0.912
    assert cells.loc[facts[0]["key"], "accuracy_most"] == 0.955


def test_every_window_is_there_and_gives_the_mean_again(results: Results) -> None:
    """Raw samples are complete, those in no statistic are marked, and the counted ones make the report's means."""
    speed = [record for record in load_run_of(results).records if record["pass"] == "speed"]
    samples = results.samples

    counted = samples[samples["counted"]]
    rate = counted.groupby(["key", "block"]).apply(
        lambda part: (part["steps"] * part["batch_size"]).sum() / part["seconds"].sum(), include_groups=False
    )
    means = np.exp(np.log(rate.astype(float)).groupby("key").mean())

    assert len(samples) == sum(len(record["payload"]["windows"]) for record in speed)
    assert len(results.processes) == len(speed)
    assert list(results.processes[~results.processes["counted"]]["standing"]) == ["torn"]
    reported = results.cells.set_index("key")["samples_per_s"].dropna()
    assert set(means.index) == set(reported.index)
    assert np.allclose(means[reported.index], reported, rtol=1e-12)
    assert samples["start_ns"].iloc[0] == 5
    assert samples["stop_ns"].iloc[0] < 60 * SECOND


def load_run_of(results: Results) -> Any:
    """The run behind the frames."""
    return results._source.run


def test_pairs_checks_and_epochs_are_complete(results: Results) -> None:
    """Comparisons, parity checks and epochs are rows of their own, as many as the report and the records hold."""
    report = results.report
    comparisons = [pair for found in report["comparisons"] for pair in found["pairs"]]
    modes = [pair for found in report["comparisons"] for family in found["modes"] for pair in family["pairs"]]
    errors = [error for cell in report["cells"] if cell["parity"] for error in cell["parity"]["checks"]["error"]]

    assert len(results.pairs) == len(comparisons) + len(modes)
    assert set(results.pairs["family"]) == {"main modes", "alpha"}
    assert list(results.pairs["ratio"])[: len(comparisons)].count(comparisons[0]["ratio"]) == 1
    assert list(results.parity["error"]) == errors
    assert len(results.epochs) == 9
    assert set(results.epochs["seed"]) == {1, 2, 3}


def test_requests_are_single(odd: Path) -> None:
    """Every request of an inference process is one row, in seconds."""
    requests = frameworkbench.load(odd).requests

    assert list(requests["latency_s"]) == [0.001, 0.002, 0.002, 0.002]
    assert list(requests["request"]) == [1, 2, 1, 2]


def test_what_is_not_proved_has_no_number_and_keeps_its_samples(odd: Path) -> None:
    """A wrong result has raw windows that never count, no figure, and an error that is not a number."""
    run = frameworkbench.load(odd)
    wrong = run.cells[run.cells["status"] == "not_comparable"]["key"].iloc[0]

    assert run.cells.set_index("key").loc[wrong, ["samples_per_s", "peak_memory_bytes"]].isna().all()
    assert list(run.samples[run.samples["key"] == wrong]["counted"]) == [False, False]
    assert math.isnan(run.parity[run.parity["key"] == wrong]["error"].iloc[0])
    assert not run.parity[run.parity["key"] == wrong]["passed"].iloc[0]


def test_columns_have_types_units_and_meanings(results: Results) -> None:
    """An empty table has the columns and types of a full one, and each column says what it is."""
    for name, table in TABLES.items():
        frame, words = results.table(name), results.describe(name)

        assert list(frame.columns) == list(words.index) == [column.name for column in table.columns]
        assert words["meaning"].str.endswith(".").all()
        timed = [heading for heading in frame.columns if heading.endswith("_s") and "per_s" not in heading]
        assert set(words.loc[timed, "unit"]) <= {"s"}
    assert results.requests.empty
    assert str(results.requests["request"].dtype) == "Int64"
    assert str(results.requests["counted"].dtype) == "boolean"


def test_csv_is_the_frames(folder: Path, results: Results, tmp_path: Path) -> None:
    """Read back, each CSV file is its frame to the last digit, and columns.csv explains all of them."""
    files = exported(folder, "csv", tmp_path / "out")

    assert set(files) == {*(f"{name}.csv" for name in TABLES), "columns.csv"}
    for name in TABLES:
        frame = results.table(name)
        text = {column: str(kind) for column, kind in frame.dtypes.items()}
        again = pd.read_csv(io.BytesIO(files[f"{name}.csv"]), dtype=text, keep_default_na=True, na_values=[""])
        kept = [column for column in frame if str(frame[column].dtype) != "string"]
        pd.testing.assert_frame_equal(again[kept], frame[kept], check_exact=True)
    words = list(csv.DictReader(io.StringIO(files["columns.csv"].decode())))
    assert {(row["table"], row["column"]) for row in words} == {
        (n, c.name) for n, t in TABLES.items() for c in t.columns
    }


def test_json_is_strict_and_complete(odd: Path, tmp_path: Path) -> None:
    """The JSON file holds no number that JSON does not have, and the same rows as the frames."""
    content = exported(odd, "json", tmp_path / "out.json")["out.json"]

    def refuse(name: str) -> None:
        raise AssertionError(name)

    found = json.loads(content, parse_constant=refuse)
    assert {name: len(rows) for name, rows in found["tables"].items()} == {
        name: len(frameworkbench.load(odd).table(name)) for name in TABLES
    }
    assert [row["error"] for row in found["tables"]["parity"] if row["passed"] is False] == ["nan"]
    assert found["columns"]["samples"]["seconds"]["unit"] == "s"
    assert found["verification"] == "unverified"
    assert found["not_measured"]


def test_parquet_is_the_frames(folder: Path, results: Results, tmp_path: Path) -> None:
    """Parquet has the values and types of the frames, and units and meanings in its fields."""
    parquet = pytest.importorskip("pyarrow.parquet")

    exported(folder, "parquet", tmp_path / "out")

    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(TABLES)
    for name in TABLES:
        found = parquet.read_table(tmp_path / "out" / f"{name}.parquet")
        frame = results.table(name)
        for column in frame:
            expected = [None if value is pd.NA else value for value in frame[column]]
            if str(frame[column].dtype) == "float64":
                expected = [None if math.isnan(value) else value for value in expected]
            assert found.column(column).to_pylist() == expected, (name, column)
    field = parquet.read_schema(tmp_path / "out" / "samples.parquet").field("seconds")
    assert field.metadata == {b"unit": b"s", b"meaning": b"Length of the window."}


def test_some_tables_alone(folder: Path, tmp_path: Path) -> None:
    """Only the tables that were asked for are written."""
    assert set(exported(folder, "csv", tmp_path / "out", "cells")) == {"cells.csv", "columns.csv"}


def test_text_in_a_table_is_text(odd: Path, tmp_path: Path) -> None:
    """A reason with quotes, line breaks and control characters is one cell, without what could steer a terminal."""
    content = exported(odd, "csv", tmp_path / "out")["cells.csv"].decode()

    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["reason"] for row in rows] == ["", '=1+1, "quoted"\nline']
    assert "\x1b" not in content


@pytest.mark.parametrize(
    ("form", "out", "tables", "says"),
    [
        ("csv", "out", ("cell",), "no table 'cell'; expected one of cells, pairs"),
        ("pytest-benchmark", "out", ("cells",), "has no tables"),
        ("csv", "one/records/here", (), "holds raw results"),
        ("json", "one/logs/a.json", (), "holds raw results"),
        ("csv", "one/manifest.json", (), "is a file"),
    ],
)
def test_wrong_use_is_named(
    folder: Path, tmp_path: Path, form: str, out: str, tables: tuple[str, ...], says: str
) -> None:
    """What cannot be written is an error with the reason, and nothing is written."""
    shutil.copytree(folder, tmp_path / "one")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(UsageError, match=says):
        exported(tmp_path / "one", form, tmp_path / out, *tables)

    assert sorted(tmp_path.rglob("*")) == before


def test_without_pyarrow_the_way_to_it_is_named(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parquet without its package is wrong usage, with the command that installs it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(UsageError, match=r"needs pyarrow.*pip install 'frameworkbench\[parquet\]'"):
        exported(folder, "parquet", tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_not_a_run_and_not_a_table(results: Results, tmp_path: Path) -> None:
    """A folder without a run, and a table that there is not, are errors with what is expected."""
    with pytest.raises(StoreError, match="not a run folder"):
        frameworkbench.load(tmp_path)
    for ask in (results.table, results.describe):
        with pytest.raises(UsageError, match="expected one of cells"):
            ask("rows")


_EVERYTHING = """
import hashlib, importlib.util, pathlib, sys
from frameworkbench.analysis.summary import summarise
from frameworkbench.export import FORMATS, write_export
from frameworkbench.report import write_report
from frameworkbench.store.records import load_run
run, out = map(pathlib.Path, sys.argv[1:])
summary = summarise(load_run(run))
write_report(run, out / "report", summary=summary)
for form in FORMATS:
    if form != "parquet" or importlib.util.find_spec("pyarrow"):
        write_export(summary, form, out / form)
for path in sorted(out.rglob("*")):
    if path.is_file():
        print(path.relative_to(out), hashlib.sha256(path.read_bytes()).hexdigest())
"""


def everything(run: Path, out: Path, seed: str) -> list[str]:
    """Hash of every file of every form, made by a process with its own seed for the order of sets."""
    process = subprocess.run(
        [sys.executable, "-c", _EVERYTHING, str(run), str(out)],
        cwd=ROOT, env={"PYTHONHASHSEED": seed, "PATH": "", "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return process.stdout.splitlines()


def test_the_same_records_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    """Report and exports of a copy in another place, by a process that orders sets otherwise, are the same bytes."""
    copy = tmp_path / "elsewhere" / "copy"
    shutil.copytree(folder, copy)

    first, second = everything(folder, tmp_path / "out1", "1"), everything(copy, tmp_path / "out2", "4242")

    assert first == second
    assert {"report/report.html", "report/report.json", "report/report.md", "csv/cells.csv", "json"} <= {
        line.split()[0] for line in first
    }


def test_the_examples_of_the_document_print_what_it_says() -> None:
    """docs/python-api.md is what its examples print (python -m tests.export.pycon docs/python-api.md)."""
    text = DOCUMENT.read_text(encoding="utf-8")

    assert len(examples(text)) > 20
    assert run_again(text) == text


def test_every_table_is_documented() -> None:
    """docs/python-api.md names each table and what its rows are."""
    text = DOCUMENT.read_text(encoding="utf-8")

    assert [name for name, table in TABLES.items() if f"| `{name}` | {table.row.split(':')[0]}" not in text] == []


@pytest.mark.parametrize("code", ["import frameworkbench", "import frameworkbench; frameworkbench.load"])
def test_importing_the_package_loads_no_pandas(code: str) -> None:
    """The package stays light until ``load`` is called."""
    names = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    process = subprocess.run(
        [sys.executable, "-c", f"{code}\n{names}"], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert not set(process.stdout.split()) & {"pandas", "numpy", "pyarrow", "scipy", "orjson"}
