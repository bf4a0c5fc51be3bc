"""Disturbed blocks: kept, but in no statistic unless the run ended noisy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from frameworkbench.store.records import load_run
from frameworkbench.store.run import Run
from tests.report.planted_run import PlantedRun


def _run(folder: Path, attempts: list[tuple[int, int, bool]], noisy: bool | None = None) -> tuple[Run, str]:
    """A run with one cell and these (block, attempt, flagged) in order."""
    planted = PlantedRun(folder)
    key = planted.cell("alpha")
    planted.proof(key)
    for block, attempt, flagged in attempts:
        planted.speed(key, 100.0, block, attempt)
        payload: dict[str, Any] = {"block": block, "attempt": attempt, "cells": [key], "complete": True}
        payload["noise"] = {"flagged": flagged, "reasons": [], "sentinel": {}, "foreign_cpu_share": None}
        planted.append(None, None, payload, kind="block", block=block, attempt=attempt)
    if noisy is not None:
        planted.append(None, None, {"noisy": noisy, "noisy_reason": "a neighbour"}, kind="run")
    return load_run(planted.plan()), key


def _counted(run: Run, key: str) -> list[tuple[int, int]]:
    return [(record["block"], record["attempt"]) for record in run.counted_speed_records(key)]


def test_a_flagged_attempt_does_not_count(tmp_path: Path) -> None:
    """Only the undisturbed attempt is in the statistics; the other is neither lost nor called torn."""
    run, key = _run(tmp_path, [(1, 1, True), (1, 2, False), (2, 1, False)])

    assert _counted(run, key) == [(1, 2), (2, 1)]
    assert [record["attempt"] for record in run.disturbed_speed_records()] == [1]
    assert run.torn_speed_records() == []
    assert not run.noisy


def test_a_noisy_run_counts_each_block_once(tmp_path: Path) -> None:
    """In a noisy run the newest attempt of a disturbed block counts, unless an undisturbed one is there."""
    run, key = _run(tmp_path, [(1, 1, True), (2, 1, True), (1, 2, False), (2, 2, True), (3, 1, True)], noisy=True)

    assert _counted(run, key) == [(1, 2), (2, 2), (3, 1)]
    assert (run.noisy, run.noisy_reason) == (True, "a neighbour")


def test_the_last_session_decides(tmp_path: Path) -> None:
    """A run that a later session brought to a quiet end is not noisy any more."""
    run, key = _run(tmp_path, [(1, 1, True)], noisy=False)

    assert not run.noisy
    assert run.noisy_reason == ""
    assert _counted(run, key) == []


def test_records_of_older_versions_count(tmp_path: Path) -> None:
    """A block without any word about noise counts, as it always did."""
    planted = PlantedRun(tmp_path)
    key = planted.cell("alpha")
    planted.proof(key)
    planted.speed(key, 100.0, 1)
    planted.complete(1, [key])
    run = load_run(planted.plan())

    assert _counted(run, key) == [(1, 1)]
    assert not run.noisy
