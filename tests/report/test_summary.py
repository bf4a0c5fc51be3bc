"""From planted records to facts: statuses, numbers, rankings and what was not measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from planted_run import PlantedRun, check, example

from frameworkbench.analysis.summary import Summary, summarise
from frameworkbench.store.records import load_run


def facts(folder: Path) -> dict[str, Any]:
    """The content of report.json for a run folder."""
    return summarise(load_run(folder)).to_json()


def only(planted: PlantedRun) -> dict[str, Any]:
    """The single cell of a planted run."""
    (cell,) = facts(planted.plan())["cells"]
    found: dict[str, Any] = cell
    return found


@pytest.fixture
def planted(tmp_path: Path) -> PlantedRun:
    """An empty planted run."""
    return PlantedRun(tmp_path)


def test_planted_numbers_come_back(planted: PlantedRun) -> None:
    """Throughput, first step, memory, version and blocks of a good cell are the planted ones."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0}, blocks=6, spread=0.0)
    cell = only(planted)
    assert cell["status"] == "ok"
    assert cell["throughput_samples_per_s"]["mean"] == pytest.approx(1000.0)
    assert cell["throughput_samples_per_s"]["processes"] == 6
    assert cell["time_to_first_step_s"] == pytest.approx(2.25)
    assert cell["time_to_first_step_warm_s"] == pytest.approx(1.5)
    assert cell["peak_memory_bytes"] == 300 * 2**20
    assert cell["framework_version"] == "1.2.4"
    assert cell["blocks"] == {"planned": 6, "counted": 6, "failed": 0, "torn": 0, "disturbed": 0}


def test_memory_comes_from_the_memory_pass(planted: PlantedRun) -> None:
    """A weighed cell shows the weighing's peak with its source; one that was only timed shows the timed processes'."""
    weighed, timed = planted.cell("alpha"), planted.cell("beta")
    for key in (weighed, timed):
        planted.proof(key)
    planted.timed({weighed: 1000.0, timed: 900.0})
    planted.weighing(weighed, peak=400 * 2**20)
    planted.capacity(weighed)
    first, second = facts(planted.plan())["cells"]
    assert first["peak_memory_bytes"] == first["memory"]["peak_bytes"] == 400 * 2**20
    assert "memory pass" in first["memory"]["source"]
    assert first["memory"]["phases"]["build"]["peak_bytes"] == 200 * 2**20
    assert first["memory"]["flags"] == []
    assert (first["capacity"]["batch"], first["capacity"]["bound"]) == (24_576, "memory")
    assert second["peak_memory_bytes"] == 300 * 2**20
    assert (second["memory"]["phases"], second["capacity"]) == (None, None)
    assert "timed process" in second["memory"]["source"]


def test_flags_are_derived_from_the_readings(planted: PlantedRun) -> None:
    """A leak shows in the report because the stored readings grow, whatever code the record carries."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0})
    planted.weighing(key, leak=100_000)
    cell = only(planted)
    assert [flag["code"] for flag in cell["memory"]["flags"]] == ["LEAK_MEM"]
    assert cell["memory"]["growth"]["slope"] == pytest.approx(100_000)
    assert cell["status"] == "ok"


def test_a_wrong_result_while_weighing_holds_for_the_cell(planted: PlantedRun) -> None:
    """A process that computed something else when it was weighed takes all numbers from its cell."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0})
    planted.weighing(key, status="not_comparable", code="WRONG_RESULT", reason="in the memory pass: off")
    cell = only(planted)
    assert (cell["status"], cell["code"]) == ("not_comparable", "WRONG_RESULT")
    assert (cell["memory"], cell["peak_memory_bytes"], cell["capacity"]) == (None, None, None)


def test_the_worst_parity_check_is_on_top(planted: PlantedRun) -> None:
    """The check nearest to its limit stands for the proof; a failed one or a NaN outranks all others."""
    good, bad = planted.cell("alpha"), planted.cell("beta")
    planted.proof(good)
    planted.proof(bad, passed=False)
    first, second = facts(planted.plan())["cells"]
    assert (first["parity"]["passed"], first["parity"]["tensor"]) == (True, "logits")
    assert (second["parity"]["passed"], second["parity"]["tensor"]) == (False, "conv_2.kernel")
    assert second["parity"]["error"] == pytest.approx(3e-2)


def test_a_nan_is_the_worst_error(planted: PlantedRun) -> None:
    """An error that is not a number, stored as text, counts as beyond every limit."""
    key = planted.cell("alpha")
    checks = [check("loss", "loss", 9e-5, 1e-4, 1, True), check("logits", "logits", "nan", 1e-4, 1, False)]
    planted.append(key, "proof", {"parity": {"passed": False, "checks": checks}}, status="not_comparable")
    assert only(planted)["parity"]["error"] == "nan"


def test_torn_blocks_are_counted_and_excluded(planted: PlantedRun) -> None:
    """Speed records without a block record change no statistic and are counted on the row and in words."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0}, blocks=3, spread=0.0)
    planted.speed(key, 5.0, block=4)
    report = facts(planted.plan())
    (cell,) = report["cells"]
    assert cell["throughput_samples_per_s"]["mean"] == pytest.approx(1000.0)
    assert cell["blocks"]["torn"] == report["torn_speed_records"] == 1
    assert any("unfinished blocks" in sentence for sentence in report["not_measured"])


@pytest.mark.parametrize(("kind", "says"), [("slowdown", "slower"), ("no steady state", "no steady"), ("flat", "")])
def test_rows_without_steady_state_are_named(planted: PlantedRun, kind: str, says: str) -> None:
    """A row whose pilot slowed down or never became steady is named on the first screen; a flat one is not."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.append(key, "pilot", {"warmup": {"kind": kind, "warmup_steps": 30}})
    planted.timed({key: 1000.0})

    report = facts(planted.plan())

    assert report["cells"][0]["warm_up"]["kind"] == kind
    named = [sentence for sentence in report["not_measured"] if "In the pilot" in sentence]
    assert len(named) == (1 if says else 0)
    assert all(says in sentence and "alpha:usual on small-net" in sentence for sentence in named)


def test_a_wrong_snapshot_makes_the_cell_not_comparable(planted: PlantedRun) -> None:
    """One timed process with wrong weights takes away every number of the cell, whatever others measured."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0}, blocks=3)
    planted.append(key, "speed", {"snapshot": check("weights", "k", 0.5, 1e-4, 3, False)}, block=4)
    cell = only(planted)
    assert (cell["status"], cell["code"]) == ("not_comparable", "WRONG_RESULT")
    numbers = ("throughput_samples_per_s", "time_to_first_step_s", "peak_memory_bytes", "accuracy")
    assert [cell[name] for name in numbers] == [None] * 4
    assert cell["parity"]["passed"] is False


@pytest.mark.parametrize("status", ["invalid", "not_comparable"])
def test_a_strict_verdict_on_one_process_holds_for_the_cell(planted: PlantedRun, status: str) -> None:
    """A timed process that was caught once makes the cell invalid or not comparable with its code."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.speed(key, 1000.0, 1, status=status, code="CLOCK_MISMATCH", reason="claimed less")
    planted.complete(1, [key])
    planted.speed(key, 1000.0, 2)
    planted.complete(2, [key])
    cell = only(planted)
    assert (cell["status"], cell["code"], cell["reason"]) == (status, "CLOCK_MISMATCH", "claimed less")


def test_a_missing_proof_is_said(planted: PlantedRun) -> None:
    """A planned cell without any record is failed with NOT_RUN, not absent."""
    planted.cell("alpha")
    cell = only(planted)
    assert (cell["status"], cell["code"]) == ("failed", "NOT_RUN")
    assert cell["parity"] is None


def test_proved_but_not_timed_is_not_ok(planted: PlantedRun) -> None:
    """A proof alone keeps accuracy and first step but the row is NOT_RUN, unless no timing was planned."""
    key = planted.cell("alpha")
    planted.proof(key)
    cell = only(planted)
    assert (cell["status"], cell["code"], cell["throughput_samples_per_s"]) == ("failed", "NOT_RUN", None)
    assert cell["accuracy"]["mean"] == pytest.approx(0.912)
    planted.blocks["main"] = 0
    assert only(planted)["status"] == "ok"


def test_failed_processes_are_listed_beside_the_number(planted: PlantedRun) -> None:
    """A crash in one block leaves the row its number and stays visible; crashes in all make it failed."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.speed(key, 1000.0, 1)
    planted.complete(1, [key])
    planted.append(key, "speed", {}, block=2, status="failed", code="TIMEOUT", reason="too slow", log_end="…")
    planted.complete(2, [key])
    cell = only(planted)
    assert (cell["status"], cell["blocks"]["failed"]) == ("ok", 1)
    assert [found["code"] for found in cell["failures"]] == ["TIMEOUT"]


def test_an_environment_failure_is_the_reason(planted: PlantedRun) -> None:
    """A cell whose environment could not be made carries that record's status, code and reason."""
    key = planted.cell("alpha")
    planted.append(key, "environment", {}, status="failed", code="NO_ENVIRONMENT", reason="no wheel")
    cell = only(planted)
    assert (cell["code"], cell["reason"]) == ("NO_ENVIRONMENT", "no wheel")


def test_accuracy_of_full_training(planted: PlantedRun) -> None:
    """Seeds, mean, curve and time to target are read off the accuracy records."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0})
    planted.full_training(key, (0.96, 0.94, 0.97))
    cell = only(planted)
    assert cell["accuracy"]["mean"] == pytest.approx(2.87 / 3)
    assert cell["accuracy"]["kind"] == "full training"
    assert cell["accuracy"]["seeds"] == [1, 2, 3]
    assert cell["time_to_target_s"] == pytest.approx(4.0)


def test_a_seed_that_misses_the_target_gives_no_time(planted: PlantedRun) -> None:
    """One seed below the target leaves no time to target, and the note says how many reached it."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.full_training(key, (0.95, 0.85))
    cell = only(planted)
    assert cell["time_to_target_s"] is None
    assert cell["accuracy_note"] == "1 of 2 seeds reached the target of 0.9"


def test_example_ranking(tmp_path: Path) -> None:
    """Only proved main modes of entrants are ranked: no oracle, no other mode, no cell without a number."""
    summary: Summary = summarise(load_run(example(tmp_path)))
    small = {cell["label"]: cell for cell in summary.to_json()["cells"] if cell["workload"] == "small-net"}
    assert {name: cell["rank"] for name, cell in small.items() if cell["rank"]} == {
        "alpha:usual": 1,
        "beta:usual": 1,
        "gamma:usual": 2,
    }
    comparison = summary.to_json()["comparisons"][0]
    named = {name for pair in comparison["pairs"] for name in (pair["first"], pair["second"])}
    assert named == {"alpha:usual", "beta:usual", "gamma:usual"}
    assert small["oracle:usual"]["throughput_samples_per_s"]["mean"] == pytest.approx(900.0, rel=0.01)
    assert small["delta:usual"]["throughput_samples_per_s"] is None


def test_conditions_are_never_mixed(planted: PlantedRun) -> None:
    """Rows that differ in batch size, threads, lane, device or data end up in separate comparisons."""
    variants: list[dict[str, Any]] = [
        {},
        {"batch_size": 64},
        {"threads": 1},
        {"lane": "default"},
        {"device": "cuda"},
        {"data": "real"},
    ]
    keys = [planted.cell(f"f{number}", **change) for number, change in enumerate(variants)]
    for key in keys:
        planted.proof(key)
    planted.timed({key: 1000.0 * number for number, key in enumerate(keys, 1)})
    report = facts(planted.plan())
    assert len(report["comparisons"]) == len(variants)
    assert all(found["pairs"] == [] and found["ranks"] == {} for found in report["comparisons"])


def test_without_delta_no_winner(planted: PlantedRun) -> None:
    """A protocol that fixes no smallest relevant difference names no winner."""
    keys = [planted.cell("alpha"), planted.cell("beta")]
    for key in keys:
        planted.proof(key)
    planted.timed(dict(zip(keys, (1000.0, 10.0), strict=True)))
    report = facts(planted.plan(protocol={}))
    assert report["comparisons"][0]["ranks"] == {}
    assert "no smallest difference" in report["comparisons"][0]["sentence"]


def test_the_harness_share(tmp_path: Path) -> None:
    """What environments, imports, builds and steps leave of the wall time is the harness's share."""
    found = facts(example(tmp_path))["harness"]
    assert found["share"] == pytest.approx(0.2)
    assert found["sessions"] == 1


def test_damaged_files_are_named(planted: PlantedRun) -> None:
    """A damaged record is left out, listed, and mentioned on the first screen."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0}, blocks=2, spread=0.0)
    planted.speed(key, 1.0, 3).write_text("{")
    report = facts(planted.plan())
    assert [found["file"] for found in report["damaged"]] == ["records/w1/000006.json"]
    assert any("records/w1/000006.json" in sentence for sentence in report["not_measured"])


def test_strange_payloads_do_not_stop_the_report(planted: PlantedRun) -> None:
    """Well-formed records with odd payloads give a failed row, never an exception."""
    key = planted.cell("alpha")
    planted.proof(key)
    odd = {"windows": 3, "snapshot": [], "memory": "much", "phases": {"import_s": "long"}}
    planted.append(key, "speed", odd, block=1)
    planted.append(key, "speed", {"windows": [{"steps": 1, "start_ns": 5, "stop_ns": 5}]}, block=1, attempt=2)
    planted.complete(1, [key])
    strange = {"peak_bytes": 5, "phases": {"steady": 3}, "series": {"resident_bytes": ["a"] * 300}, "device": {"x": 1}}
    planted.append(key, "memory", {"memory": strange}, block=1)
    planted.append(key, "memory", {"memory": []}, block=2)
    planted.append(key, "capacity", {"capacity": 3})
    planted.append(key, "accuracy", {"epochs": None, "final": {"accuracy": "nan"}}, seed=1)
    planted.append(key, "accuracy", {"epochs": [{}, 3], "final": {"accuracy": 0.5}}, seed=2)
    assert only(planted)["status"] == "failed"


def test_an_empty_plan_is_a_report(planted: PlantedRun) -> None:
    """A run that stopped before its plan still gives a summary that says so."""
    report = facts(planted.plan())
    assert report["cells"] == []
    assert report["not_measured"][0].startswith("Nothing was planned")


def test_missing_seeds_are_said(planted: PlantedRun) -> None:
    """A row trained from fewer seeds than planned is counted among what was not measured, a full one is not."""
    keys = {seeds: planted.cell(f"with{seeds}") for seeds in (2, 3)}
    for seeds, key in keys.items():
        planted.proof(key, accuracy=None)
        planted.full_training(key, [0.95] * seeds)
    planted.timed(dict.fromkeys(keys.values(), 1000.0))

    said = facts(planted.plan(protocol={"delta": 0.03, "accuracy_seeds": 3}))["not_measured"]

    assert "Accuracy is from fewer than the 3 planned seeds in 1 of 2 main-mode rows." in said


def with_twin(planted: PlantedRun, twin_rate: float) -> dict[str, Any]:
    """A run of two frameworks in which the faster one entered twice, the second time at some rate."""
    fast, slow = planted.cell("alpha"), planted.cell("beta")
    twin = planted.cell("alpha", role="twin")
    for key in (fast, slow, twin):
        planted.proof(key)
    planted.timed({fast: 1000.0, slow: 500.0, twin: twin_rate})
    return facts(planted.plan())


def test_a_passed_control_stands_beside_the_verdict(planted: PlantedRun) -> None:
    """The twin is compared with its original only, is never ranked, and the winner is named."""
    report = with_twin(planted, 1000.0)
    (comparison,) = report["comparisons"]
    assert (comparison["control"]["verdict"], comparison["control"]["blocks"]) == ("passed", 6)
    assert comparison["control"]["noise_floor"] < 0.03
    assert (comparison["code"], len(comparison["pairs"]), comparison["modes"]) == ("", 1, [])
    assert [cell["rank"] for cell in report["cells"]] == [1, 2, None]
    assert not any("A/A control" in sentence for sentence in report["not_measured"])


def test_a_false_win_leaves_no_winner_in_the_report(planted: PlantedRun) -> None:
    """A twin that beats its original takes away all ranks; every pair is invalid and the sentence says why."""
    report = with_twin(planted, 1100.0)
    (comparison,) = report["comparisons"]
    assert (comparison["code"], comparison["ranks"], comparison["control"]["verdict"]) == ("FALSE_WIN", {}, "failed")
    assert [pair["verdict"] for pair in comparison["pairs"]] == ["invalid"]
    assert [cell["rank"] for cell in report["cells"]] == [None] * 3
    assert "wins against itself" in comparison["sentence"]


def test_a_run_without_a_twin_says_so(planted: PlantedRun) -> None:
    """A run of an older version keeps its verdicts, and the first screen says that no A/A control was run."""
    keys = [planted.cell("alpha"), planted.cell("beta")]
    for key in keys:
        planted.proof(key)
    planted.timed(dict(zip(keys, (1000.0, 500.0), strict=True)))
    report = facts(planted.plan())
    assert report["comparisons"][0]["ranks"] == {keys[0]: 1, keys[1]: 2}
    assert report["comparisons"][0]["control"]["verdict"] == "not run"
    assert "No A/A control was run for small-net" in report["not_measured"][0]


@pytest.mark.parametrize("later", [False, True])
def test_the_last_session_says_whether_the_run_is_noisy(planted: PlantedRun, later: bool) -> None:
    """A noisy ending takes the winner away, unless a later session ended quietly."""
    keys = [planted.cell("alpha"), planted.cell("beta")]
    for key in keys:
        planted.proof(key)
    planted.timed(dict(zip(keys, (1000.0, 500.0), strict=True)))
    planted.append(None, None, {"wall_s": 9.0, "noisy": True, "noisy_reason": "neighbours"}, kind="run")
    if later:
        planted.session()
    report = facts(planted.plan())
    (comparison,) = report["comparisons"]
    assert report["noise"]["noisy"] is not later
    assert comparison["code"] == ("" if later else "NOISY")
    assert bool(comparison["ranks"]) is later
    assert comparison["pairs"][0]["low"] > 1
    if not later:
        assert "ended noisy (neighbours)" in comparison["sentence"]


def test_flagged_blocks_are_listed_with_their_reasons(planted: PlantedRun) -> None:
    """The noise section names each disturbed block and why it was flagged; unflagged ones are absent."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0}, blocks=2)
    planted.speed(key, 700.0, 3)
    noise = {"flagged": True, "reasons": ["sentinel 12 % slow"], "sentinel": {}, "foreign_cpu_share": None}
    payload = {"block": 3, "attempt": 1, "cells": [key], "complete": True, "noise": noise}
    planted.append(None, None, payload, kind="block", block=3)
    found = facts(planted.plan())["noise"]
    assert found["flagged_blocks"] == [{"block": 3, "attempt": 1, "reasons": ["sentinel 12 % slow"]}]
    assert found["noisy"] is False


def test_torn_processes_are_excluded_with_their_reason(planted: PlantedRun) -> None:
    """A process of a block that was not completed is counted as left out, and why; the spread is of the others."""
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0}, blocks=5, spread=0.0)
    planted.speed(key, 5.0, block=6)
    cell = only(planted)
    assert cell["excluded"]["processes"] == 1
    assert "not completed" in cell["excluded"]["reasons"][0]["reason"]
    found = cell["throughput_samples_per_s"]
    assert (found["median"], found["p5"], found["p95"]) == pytest.approx((1000.0, 1000.0, 1000.0))
    assert (found["steps"], found["processes"]) == (500, 5)


def test_break_even_comes_from_the_cells(planted: PlantedRun) -> None:
    """A pair whose faster row starts later has the step at which it overtakes; here 32 steps of one second each."""
    late, early = planted.cell("alpha"), planted.cell("beta")
    slow_start = {"import_s": 1.5, "build_s": 0.25, "first_step_s": 15.7}
    planted.append(late, "proof", {"phases": slow_start, "parity": {"passed": True, "checks": []}})
    planted.proof(early)
    planted.timed({late: 64.0, early: 32.0}, spread=0.0)
    (pair,) = facts(planted.plan())["comparisons"][0]["pairs"]
    assert pair["break_even"] == {"overtaker": "alpha:usual", "cold_steps": 32, "warm_steps": None}
