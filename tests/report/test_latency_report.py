"""What a report says about inference: a group of its own with latencies, beside that of training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from planted_run import PlantedRun

from frameworkbench.analysis.summary import summarise
from frameworkbench.report import write_report
from frameworkbench.report.latency_table import LATENCY_HEADINGS, latency_rows
from frameworkbench.store.records import load_run

INFERENCE = "inputs already on the device"


def latency(scale: float) -> dict[str, Any]:
    """A payload with 200 requests from 1 to 1.1 ms, and two slow ones of 3 ms, times a scale."""
    times = [round((1_000_000 + 500 * n) * scale) for n in range(200)] + [round(3_000_000 * scale)] * 2
    window = {"steps": 202, "start_ns": 0, "stop_ns": sum(times), "claimed_ns": sum(times), "latencies_ns": times}
    return {"latency": {"batch_size": 1, "first_s": 0.25, "windows": [window]}}


def planted(folder: Path, *, training: bool = True) -> PlantedRun:
    """Two frameworks that infer, the second with twice the latency, and optionally train."""
    run = PlantedRun(folder)
    tasks = ("train", "infer") if training else ("infer",)
    keys = {(task, name): run.cell(name, task=task) for task in tasks for name in ("alpha", "beta")}
    for key in keys.values():
        run.proof(key, accuracy=None)
    for block in range(1, 7):
        for (task, name), key in keys.items():
            # In training beta is the faster one, so that mixed-up groups would show.
            rate = 1000.0 * (1 + (name == "beta") if task == "train" else 2 - (name == "beta"))
            extra = latency((1 + (name == "beta")) * (1 + block / 100)) if task == "infer" else None
            run.speed(key, rate * (1 + block / 1000), block, extra=extra)
        run.complete(block, list(keys.values()))
    run.plan()
    return run


def texts(folder: Path, out: Path) -> tuple[dict[str, Any], str, str]:
    """report.json as data, and both rendered forms."""
    summary = summarise(load_run(folder))
    files = {path.suffix: path.read_text(encoding="utf-8") for path in write_report(folder, out, summary=summary)}
    return summary.to_json(), files[".md"], files[".html"]


def test_latency_is_shown_with_its_interval(tmp_path: Path) -> None:
    """Each row has its quantiles, jitter and counts, the lowest median first, in every form of the report."""
    planted(tmp_path / "run")

    report, markdown, page = texts(tmp_path / "run", tmp_path / "out")

    rows = latency_rows(report["cells"])
    assert [row.name for row in rows] == ["alpha:usual", "beta:usual"]
    first = dict(zip(LATENCY_HEADINGS, rows[0].cells, strict=True))
    assert first["p50"].startswith("1.08")
    assert first["p50"].count("ms (") == 1
    assert first["First request"] == "0.250 s"
    assert (first["Requests"], first["n"]) == ("1,212", "6")
    for text in (markdown, page):
        assert "Latency of single requests" in text
        assert all(heading in text for heading in LATENCY_HEADINGS)
        assert all(figure in text for row in rows for figure in row.figures)


def test_tasks_are_compared_apart(tmp_path: Path) -> None:
    """Training and inference are groups of their own with their own winner, and headings say which is which."""
    planted(tmp_path / "run")

    report, markdown, _ = texts(tmp_path / "run", tmp_path / "out")

    sentences = {found["task"]: found["sentence"] for found in report["comparisons"]}
    assert sentences["train"].startswith("beta:usual is the fastest")
    assert sentences["infer"].startswith("alpha:usual is the fastest")
    assert "## small-net, inference" in markdown
    assert "## small-net *" in markdown
    trained = [cell for cell in report["cells"] if cell["task"] == "train"]
    assert [cell["latency"] for cell in trained] == [None, None]


def test_what_inference_leaves_out_is_said(tmp_path: Path) -> None:
    """The first screen says which task is missing, and what a latency does not contain."""
    planted(tmp_path / "both")
    planted(tmp_path / "alone", training=False)

    both, *_ = texts(tmp_path / "both", tmp_path / "out-both")
    alone, *_ = texts(tmp_path / "alone", tmp_path / "out-alone")

    said = {name: " ".join(report["not_measured"]) for name, report in (("both", both), ("alone", alone))}
    assert INFERENCE in said["both"]
    assert INFERENCE in said["alone"]
    assert "only inference" in said["alone"]
    assert "only inference" not in said["both"]
    assert "only training" not in said["both"]


def test_a_cell_that_was_caught_has_no_latency(tmp_path: Path) -> None:
    """One wrong process takes all numbers of the cell away, latencies included."""
    run = PlantedRun(tmp_path / "run")
    key = run.cell("alpha", task="infer")
    run.proof(key, accuracy=None)
    for block in (1, 2):
        wrong = {"status": "not_comparable", "code": "WRONG_RESULT", "reason": "answers"} if block == 2 else {}
        run.speed(key, 1000.0, block, extra=latency(1.0), **wrong)
        run.complete(block, [key])
    run.plan()

    report, markdown, _ = texts(tmp_path / "run", tmp_path / "out")

    assert report["cells"][0]["latency"] is None
    assert "Latency of single requests" not in markdown
