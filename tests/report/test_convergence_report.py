"""A full training against the reference's band, from records to all three files of the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planted_run import PlantedRun

from frameworkbench.analysis.convergence import Band
from frameworkbench.analysis.summary import summarise
from frameworkbench.report import write_report
from frameworkbench.store.records import load_run

SHA, DATA = "ab" * 32, "12" * 32  # the fingerprint that a planted run writes
ENDS = (0.948, 0.949, 0.950, 0.951, 0.952)
CURVES = tuple((end - 0.1, end - 0.05, end) for end in ENDS)
BAND = Band("small-net", SHA, DATA, (1, 2, 3, 4, 5), CURVES, 10_000)


def reported(folder: Path, band: Band | None = BAND, data: str = "real") -> tuple[dict[str, Any], dict[str, str]]:
    """The content of report.json and the text of the files: one honest row and one that ends six points too low."""
    planted = PlantedRun(folder / "run")
    good, poor = planted.cell("alpha", data=data), planted.cell("beta", data=data)
    for key in (good, poor):
        planted.proof(key)
    planted.timed({good: 1000.0, poor: 1300.0})
    planted.full_training(good, (0.950, 0.951, 0.949))
    planted.full_training(poor, (0.890, 0.891, 0.889))
    run = load_run(planted.plan(workloads={"small-net": {"sha256": SHA}}))
    summary = summarise(run, {"small-net": band} if band else {})
    paths = write_report(folder / "run", folder / "report", summary=summary)
    return summary.to_json(), {path.name: path.read_text(encoding="utf-8") for path in paths}


def test_a_row_off_the_band_is_flagged_beside_its_accuracy(tmp_path: Path) -> None:
    """Every form of the report marks the row and says what was expected; the honest row shows the band."""
    report, files = reported(tmp_path)

    good, poor = (cell["accuracy"]["convergence"] for cell in report["cells"])
    assert (good["verdict"], good["code"]) == ("inside", "")
    assert (poor["verdict"], poor["code"]) == ("below", "CONVERGENCE")
    assert poor["value"] < poor["band"]["low"] < poor["band"]["mean"]
    assert (poor["band"]["runs"], poor["band"]["seeds"], poor["band"]["epoch"]) == (5, 3, 3)
    for name in ("report.md", "report.html"):
        assert "CONVERGENCE: ends below what the reference reaches: 89.00 % against band" in files[name]
        assert files[name].count("%) ⚑") == 1
        assert "within the reference" in files[name]


def test_a_flag_takes_no_number_away(tmp_path: Path) -> None:
    """A flagged row keeps its status, throughput and rank: the flag is for review."""
    report, _ = reported(tmp_path)

    poor = report["cells"][1]
    assert (poor["status"], poor["code"], poor["rank"]) == ("ok", "", 1)
    assert poor["throughput_samples_per_s"]["mean"] > 1000


def test_a_missing_band_is_said(tmp_path: Path) -> None:
    """Without a band nothing is flagged, and the first screen and the row say that nothing was checked."""
    report, files = reported(tmp_path, band=None)

    sentence = "Accuracy on small-net was not held against trainings of the reference: no band for this workload."
    assert [cell["accuracy"]["convergence"]["code"] for cell in report["cells"]] == ["", ""]
    assert sentence in report["not_measured"]
    assert "not held against the reference: no band for this workload" in files["report.md"]


def test_a_stale_band_is_said_and_not_used(tmp_path: Path) -> None:
    """A band of another workload file flags nobody; the report says why."""
    stale = Band("small-net", "ff" * 32, DATA, BAND.seeds, BAND.curves, BAND.total)

    report, files = reported(tmp_path, band=stale)

    assert [cell["accuracy"]["convergence"]["verdict"] for cell in report["cells"]] == ["not checked"] * 2
    assert any("the band is stale" in sentence for sentence in report["not_measured"])
    assert "the band is stale" in files["report.html"]


def test_synthetic_data_are_not_checked(tmp_path: Path) -> None:
    """Bands are of real data; on a stand-in nothing is flagged and nothing is promised."""
    report, _ = reported(tmp_path, data="synthetic")

    assert {cell["accuracy"]["convergence"]["reason"] for cell in report["cells"]} == {"bands are of real data"}
    assert not any("held against" in sentence for sentence in report["not_measured"])
