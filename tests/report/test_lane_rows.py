"""Lanes in a report: never in one table, one ranking or one aggregate, and a handicap is said in every form."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from planted_run import PlantedRun

from frameworkbench.analysis.gate import compare_runs
from frameworkbench.analysis.summary import summarise
from frameworkbench.export.pytest_benchmark import pytest_benchmark_json
from frameworkbench.report import write_report
from frameworkbench.store.records import load_run

FUSED = {"why": "One kernel for all tensors.", "source": "https://example.org", "environment": {"SPIN": "0"}}


def _planted(folder: Path, *, noisy: bool = False) -> tuple[Path, dict[str, str]]:
    """Two frameworks in the lanes matched and default, one of them tuned too, and a twin; alpha is held back."""
    planted = PlantedRun(folder)
    keys = {name: planted.cell(name) for name in ("alpha", "beta")}
    keys["twin"] = planted.cell("beta", role="twin")
    keys |= {f"{name} default": planted.cell(name, lane="default") for name in ("alpha", "beta")}
    keys["beta tuned"] = planted.cell("beta", lane="tuned")
    for name, key in keys.items():
        path = planted.proof(key)
        if name == "beta tuned":
            record = json.loads(path.read_text(encoding="utf-8"))
            tuning = {**FUSED, "options": {"fused": True}}
            planted.append(key, "proof", {**record["payload"], "tuning": [tuning]}, seed=1)
    rates = {"alpha": 1000.0, "beta": 2000.0, "twin": 2000.0, "alpha default": 1800.0, "beta default": 2100.0}
    planted.timed({keys[name]: rate for name, rate in {**rates, "beta tuned": 2200.0}.items()})
    planted.session()
    if noisy:
        ending = {"wall_s": 9.0, "noisy": True, "noisy_reason": "neighbours"}
        planted.append(None, None, ending, kind="run")
    return planted.plan(lanes=["default", "matched", "tuned"]), keys


def _report(folder: Path) -> tuple[dict[str, Any], dict[str, str], dict[str, str]]:
    run, keys = _planted(folder / "run")
    summary = summarise(load_run(run))
    files = {path.name: path.read_text(encoding="utf-8") for path in write_report(run, folder / "out", summary=summary)}
    return summary.to_json(), keys, files


def test_lanes_stay_apart(tmp_path: Path) -> None:
    """Each lane is a comparison of its own, no pair spans two of them, and only matched is ranked and controlled."""
    report, keys, _ = _report(tmp_path)
    lanes = {found["lane"]: found for found in report["comparisons"]}
    lane_of = {cell["key"]: cell["lane"] for cell in report["cells"]}

    assert set(lanes) == {"default", "matched", "tuned"}
    for lane, found in lanes.items():
        pairs = [*found["pairs"], *(pair for family in found["modes"] for pair in family["pairs"])]
        assert {lane_of[key] for pair in pairs for key in (pair["first_key"], pair["second_key"])} <= {lane}
    assert lanes["matched"]["ranks"] == {keys["beta"]: 1, keys["alpha"]: 2}
    assert (lanes["default"]["ranks"], lanes["default"]["code"]) == ({}, "NOT_RANKED")
    assert len(lanes["default"]["pairs"]) == 1
    assert lanes["matched"]["control"]["verdict"] == "passed"
    assert not any("No A/A control" in sentence for sentence in report["not_measured"])
    assert report["run"]["lanes"] == ["default", "matched", "tuned"]


def test_the_gate_pairs_rows_of_one_lane(tmp_path: Path) -> None:
    """A run with more lanes is compared lane by lane; rows of a lane that only one run holds are left out by name."""
    run, _ = _planted(tmp_path / "both")
    both = summarise(load_run(run))
    matched = replace(both, cells=tuple(cell for cell in both.cells if cell.axes["lane"] == "matched"))

    more, fewer = compare_runs(matched, both, 0.05), compare_runs(both, matched, 0.05)

    for gate in (more, fewer):
        assert {row.name for row in gate.rows} == {"small-net alpha:usual", "small-net beta:usual"}
        assert gate.refused == ()
        names = {name for name, _ in gate.left_out}
        assert names == {
            "small-net alpha:usual [default]", "small-net beta:usual [default]", "small-net beta:usual [tuned]",
        }  # fmt: skip


def test_an_export_keeps_lanes_apart(tmp_path: Path) -> None:
    """No two benchmarks of an export share a name, and the lanes are in groups of their own."""
    run, _ = _planted(tmp_path / "run")
    found = json.loads(pytest_benchmark_json(summarise(load_run(run))))["benchmarks"]

    assert len({one["fullname"] for one in found}) == len(found) == 5
    assert {one["group"] for one in found} == {
        "train small-net", "train small-net [default]", "train small-net [tuned]",
    }  # fmt: skip


def test_a_handicap_is_in_every_form(tmp_path: Path) -> None:
    """The matched row that another lane beats by 1.8 carries the remark in every form, no other row does."""
    report, keys, files = _report(tmp_path)
    remarks = {cell["key"]: cell["remarks"] for cell in report["cells"]}

    (remark,) = remarks.pop(keys["alpha"])
    assert (remark["code"], remark["lane"]) == ("HANDICAP", "default")
    assert not any(remarks.values())
    for name in ("report.md", "report.html"):
        assert "times (1.8–1.8) as fast in lane default" in files[name], name


def test_a_noisy_run_accuses_no_settings(tmp_path: Path) -> None:
    """Where blocks were disturbed from outside, a gap between lanes is no handicap."""
    run, _ = _planted(tmp_path / "run", noisy=True)

    assert not any(cell["remarks"] for cell in summarise(load_run(run)).to_json()["cells"])


def test_a_tuned_row_says_what_it_sets(tmp_path: Path) -> None:
    """Settings, reason and source of a tuned row are printed as its difference from the matched one."""
    report, keys, files = _report(tmp_path)
    tuning = {cell["key"]: cell["tuning"] for cell in report["cells"]}

    assert tuning[keys["beta tuned"]][0]["options"] == {"fused": True}
    assert tuning[keys["beta"]] is None
    for name in ("report.md", "report.html"):
        assert "SPIN = 0, fused = True. One kernel for all tensors. Source: https://example.org" in files[name], name
        assert "lanes default, matched, tuned" in files[name], name
        assert "small-net, lane default" in files[name], name
