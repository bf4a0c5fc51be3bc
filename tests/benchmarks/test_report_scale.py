"""Generated runs are real run folders that nobody can take for a measurement, and their committed figures hold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frameworkbench.provenance.verify import verify_run
from frameworkbench.store.records import load_run
from tests.benchmarks.programs import BENCHMARKS, program

many_cells = program("many_cells")
FIGURES = json.loads((BENCHMARKS / "report_scale.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three groups of ten cells."""
    folder = tmp_path_factory.mktemp("generated") / "run"
    assert many_cells.make(folder, 30) == {"cells": 30, "records": 300, "samples": 3000}
    return folder


def test_a_generated_run_is_whole(generated: Path) -> None:
    """Its chain holds, every counter agrees, and each cell has ten records with a hundred windows."""
    found = [finding for finding in verify_run(generated).findings if finding.grave]
    run = load_run(generated)

    assert found == []
    assert run.damaged == ()
    for cell in run.plan.cells:
        speed = run.counted_speed_records(cell.key)
        assert len(speed) + len(run.cell_records(cell.key, "proof")) == many_cells.RECORDS
        assert sum(len(record["payload"]["windows"]) for record in speed) == many_cells.WINDOWS


def test_a_generated_run_says_what_it_is(generated: Path) -> None:
    """Machine, suite and data are called generated, and no framework's name is in it."""
    run = load_run(generated)

    assert "generated" in run.manifest["machine"]["cpu_model"]
    assert run.manifest["suite"] == "generated"
    assert {cell.axes["data"] for cell in run.plan.cells} == {"synthetic"}
    assert {cell.axes["adapter"] for cell in run.plan.cells} == set(many_cells.ADAPTERS)


def test_the_same_sizes_are_generated_alike(generated: Path, tmp_path: Path) -> None:
    """Two runs of one size are the same files."""
    many_cells.make(tmp_path / "again", 30)

    files = {path.relative_to(generated): path.read_bytes() for path in generated.rglob("*") if path.is_file()}
    again = {path.relative_to(tmp_path / "again"): path for path in (tmp_path / "again").rglob("*") if path.is_file()}
    assert {name: path.read_bytes() for name, path in again.items()} == files


@pytest.mark.slow
def test_one_size_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Time, memory of all processes and stages of a small run, and a line that says so."""
    report_scale = program("report_scale")
    report_scale.REPEATS = 2

    found = report_scale.measure(tmp_path, 30)

    assert found["records"] == 300
    assert len(found["seconds"]) == 2
    assert min(found["seconds"]) > 0.1
    assert found["peak_bytes"] > 30 * 2**20
    assert set(found["stages_by_one_process_s"]) == {"import", "load", "summarise", "write"}
    assert "report.json" in found["bytes"]
    assert "30 cells" in capsys.readouterr().out


def test_the_text_quotes_the_figures() -> None:
    """What the documentation says of large runs is in the committed file."""
    text = " ".join((BENCHMARKS.parent / "docs" / "python-api.md").read_text(encoding="utf-8").split())
    for size in FIGURES["sizes"]:
        seconds = sorted(size["seconds"])[len(size["seconds"]) // 2]
        quoted = f"| {size['cells']:,} | {seconds:.1f} s | {size['peak_bytes'] / 2**20:,.0f} MiB |"
        assert quoted in text, quoted
