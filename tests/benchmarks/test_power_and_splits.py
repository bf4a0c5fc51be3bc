"""The promised power in the documentation is what the planner computes, and splits of a row find what is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.analysis.power import blocks_needed, power_of, resolvable_ratio
from tests.benchmarks.programs import program
from tests.report.planted_run import PlantedRun

ROOT = Path(__file__).resolve().parents[2]


power = program("power")
split_aa = program("split_aa")


def documented(deviation: str) -> list[list[str]]:
    """The cells of the rows of docs/method.md that begin with a deviation, one list for each table."""
    text = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith(f"| {deviation} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize(("text", "deviation"), [("1 %", 0.01), ("2 %", 0.02), ("5 %", 0.05), ("10 %", 0.10)])
def test_the_documented_power_is_the_computed_one(text: str, deviation: float) -> None:
    """The tables of docs/method.md hold power, blocks and resolvable differences as the planner computes them."""
    first, second = documented(text)

    for column, pairs in ((1, 1), (2, 10)):
        assert float(first[column]) == pytest.approx(power_of(1.05, 10, deviation, pairs, delta=0.03), abs=0.0051)
        needed = blocks_needed(1.05, deviation, pairs, delta=0.03)
        assert first[column + 2] == str(needed)
    for column, (blocks, delta) in enumerate(((3, 0.10), (10, 0.03), (20, 0.02)), 1):
        shown = [float(found) / 100 for found in re.findall(r"([\d.]+) %", second[column])]
        computed = [resolvable_ratio(blocks, deviation, pairs, delta=delta) - 1 for pairs in (1, 10)]
        assert shown == pytest.approx(computed, rel=0.06)


def test_tables_and_picture_are_up_to_date() -> None:
    """Running the program again would change neither docs/method.md nor the picture."""
    assert power.tables() in (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    assert power.picture() == (ROOT / "docs" / "images" / "power.svg").read_text(encoding="utf-8")


def test_splits_of_one_row_rarely_win() -> None:
    """Halves of one noisy row differ in about 5 % of splits and fail the control in about 1 %, over many rows."""
    generator = np.random.default_rng(31)
    rows = 1000 * np.exp(generator.normal(0.0, 0.05, (40, 10)))
    found = [split_aa.split("row", row.tolist(), 0.001, 50, 0) for row in rows]

    assert 0.02 <= np.mean([one.differs for one in found]) <= 0.06
    assert np.mean([one.faster for one in found]) <= 0.06
    assert np.mean([one.control_failed for one in found]) <= 0.02


def test_splits_go_through_every_timed_row_of_a_run(tmp_path: Path) -> None:
    """Each row with four processes or more is split, others are left out, and names select."""
    planted = PlantedRun(tmp_path)
    keys = [planted.cell("alpha"), planted.cell("beta", workload="other-net"), planted.cell("gamma")]
    for key in keys:
        planted.proof(key)
    planted.timed(dict.fromkeys(keys[:2], 100.0), blocks=5)
    planted.timed({keys[2]: 100.0}, blocks=3)
    planted.plan()

    found = split_aa.splits_of_run(tmp_path, 20, 0)
    assert [(one.row, one.processes, one.splits) for one in found] == [
        ("small-net alpha:usual", 5, 20),
        ("other-net beta:usual", 5, 20),
    ]
    assert len(split_aa.splits_of_run(tmp_path, 20, 0, row="beta:usual")) == 1
    assert split_aa.splits_of_run(tmp_path, 20, 0, workload="none") == []


def test_rates_can_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file says which run was split and how, holds one row a line, and the mean over them; inference is named."""
    planted = PlantedRun(tmp_path / "run")
    for key in (keys := [planted.cell("alpha"), planted.cell("alpha", task="infer")]):
        planted.proof(key)
    planted.timed(dict.fromkeys(keys, 100.0), blocks=5)
    planted.plan()

    split_aa.main([str(tmp_path / "run"), "--splits", "50", "--out", str(tmp_path / "rates.json")])

    text = (tmp_path / "rates.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert (found["run"], found["delta"], found["splits"], found["seed"]) == ("20261121-010000", 0.03, 50, 0)
    assert [row["row"] for row in found["rows"]] == ["small-net alpha:usual", "small-net alpha:usual (infer)"]
    assert set(found["mean"]) == {"faster", "differs", "control_failed"}
    for name, rate in found["mean"].items():
        assert rate == pytest.approx(np.mean([row[name] for row in found["rows"]]))
    assert sum('"row": ' in line for line in text.splitlines()) == 2
    assert "mean of 2 rows, 50 splits each" in capsys.readouterr().out
