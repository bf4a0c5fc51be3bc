"""A run in pytest-benchmark's form, read by the real pytest-benchmark."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_benchmark.stats import Stats

from frameworkbench.export.pytest_benchmark import stats

from .conftest import Command, Finished


def pytest_benchmark_compare(*files: Path) -> subprocess.CompletedProcess[str]:
    """The real command on exported files."""
    command = [sys.executable, "-m", "pytest_benchmark", "compare", *map(str, files)]
    return subprocess.run(command, cwd=files[0].parent, capture_output=True, text=True, check=False)


def test_pytest_benchmark_reads_an_export(finished: Finished, command: Command, tmp_path: Path) -> None:
    """`pytest-benchmark compare` shows the row of an exported run."""
    answer = command("export", str(finished.out), "--format", "pytest-benchmark", "--out", "export.json")

    shown = pytest_benchmark_compare(tmp_path / "export.json")

    assert answer.code == 0
    assert shown.returncode == 0, shown.stderr
    assert "train[tiny-mlp-reference:numpy]" in shown.stdout
    assert "Failed to load" not in shown.stdout + shown.stderr


def test_a_round_is_a_process(finished: Finished, command: Command, tmp_path: Path) -> None:
    """Rounds are the seconds of a step in each process, as the report's samples say, and the same bytes each time."""
    command("export", str(finished.out), "--out", "one.json")
    command("export", str(finished.out), "--out", "two.json")
    bench = json.loads((tmp_path / "one.json").read_text())["benchmarks"][0]
    cell = json.loads((finished.report / "report.json").read_text())["cells"][0]
    samples = [sample["value"] for sample in cell["throughput_samples_per_s"]["samples"]]

    assert bench["stats"]["data"] == [cell["batch_size"] / value for value in samples]
    assert bench["stats"]["rounds"] == len(samples)
    assert bench["extra_info"]["proved"] is True
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_an_unknown_form_is_wrong_usage(finished: Finished, command: Command) -> None:
    """A form that is not written ends with 2 and names those that are."""
    answer = command("export", str(finished.out), "--format", "xlsx", "--out", "export.xlsx")

    assert answer.code == 2
    assert "expected pytest-benchmark, json, csv or parquet" in answer.err


def test_tables_of_a_real_run(finished: Finished, command: Command, tmp_path: Path) -> None:
    """`export --format csv` writes the tables and names its files; one row is one timed window of the run."""
    answer = command("export", str(finished.out), "--format", "csv", "--table", "samples", "--out", "tables")

    assert answer.code == 0
    assert answer.out.split() == ["tables/samples.csv", "tables/columns.csv"]
    rows = (tmp_path / "tables" / "samples.csv").read_text().splitlines()
    records = [json.loads(path.read_text()) for path in sorted(finished.out.glob("records/*/*.json"))]
    assert len(rows) - 1 == sum(
        len(found["payload"].get("windows", ())) for found in records if found["pass"] == "speed"
    )


def test_a_run_without_numbers_has_no_export(command: Command, tiny: str, tmp_path: Path) -> None:
    """A run in which nothing was timed is an error, not an empty file."""
    command("run", "--suite", "smoke", "-w", tiny, "--out", "out", "--budget", "0.001s")

    answer = command("export", "out", "--out", "export.json")

    assert answer.code == 2
    assert not (tmp_path / "export.json").exists()


@pytest.mark.parametrize("count", range(1, 14))
def test_statistics_are_pytest_benchmarks_own(count: int) -> None:
    """Every field of an exported benchmark is what pytest-benchmark computes from the same rounds."""
    data = [0.01 + 0.001 * ((7 * number) % 5) + (0.1 if number == 9 else 0) for number in range(count)]
    theirs = Stats()
    for value in data:
        theirs.update(value)

    ours = stats(data)

    assert {name: ours[name] for name in Stats.fields} == pytest.approx(
        {name: getattr(theirs, name) for name in Stats.fields if name != "outliers"} | {"outliers": theirs.outliers}
    )
    assert ours["mean"] == statistics.mean(data)
