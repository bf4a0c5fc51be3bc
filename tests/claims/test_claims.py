"""Claims against planted runs: what each test says is known beforehand."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.analysis.summary import summarise
from frameworkbench.claims import CONTRADICTED, OPEN, SUPPORTED, Claim, claims_for, shipped_claims
from frameworkbench.claims.evidence import measured
from frameworkbench.phrase import from_json
from frameworkbench.store.records import load_run
from tests.report.planted_run import PlantedRun, example

CLAIMS = {claim.name: claim for claim in shipped_claims()}


def _report(planted: PlantedRun, **manifest: Any) -> dict[str, Any]:
    found: dict[str, Any] = summarise(load_run(planted.plan(**manifest))).to_json()
    return found


def _verdict(claim: Claim, *reports: dict[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Outcome, reason as written, and the row."""
    row = claims_for(None, *reports, claims=[claim])[0]
    return row["verdict"]["text"], str(from_json(row["reason"])), row


def _trained(folder: Path, finals: dict[str, tuple[float, ...]], **axes: Any) -> dict[str, Any]:
    """A run whose rows were trained in full, three epochs each."""
    planted = PlantedRun(folder)
    keys = {}
    for adapter, values in finals.items():
        keys[adapter] = planted.cell(adapter, **{"data": "real", **axes})
        planted.proof(keys[adapter])
        planted.full_training(keys[adapter], values)
    planted.timed(dict.fromkeys(keys.values(), 1000.0))
    return _report(planted)


@pytest.mark.parametrize(
    ("finals", "outcome"),
    [
        ({"alpha": (0.84, 0.83, 0.86), "beta": (0.85, 0.85, 0.84)}, SUPPORTED),
        ({"alpha": (0.54, 0.53, 0.56), "beta": (0.55, 0.55, 0.54)}, CONTRADICTED),
        ({"alpha": (0.84, 0.83, 0.86), "beta": (0.55, 0.55, 0.54)}, OPEN),
        ({"alpha": (0.80, 0.81, 0.83)}, OPEN),
    ],
)
def test_a_claimed_accuracy(tmp_path: Path, finals: dict[str, tuple[float, ...]], outcome: str) -> None:
    """Supported if each row reaches it within the tolerance, contradicted if no single training does, else open."""
    claim = CLAIMS["cifar-lenet-two-epochs"]
    claim = replace(claim, options={**claim.options, "epochs": 3, "workload": "small-net"})

    found, reason, row = _verdict(claim, _trained(tmp_path, finals))

    assert found == outcome
    assert "at least 82.0 % was needed" in reason
    assert len(row["cells"]) == len(finals)


def test_an_accuracy_on_other_terms_does_not_count(tmp_path: Path) -> None:
    """Stand-in data, another number of epochs or another workload leave the claim open and name the command."""
    claim = CLAIMS["cifar-lenet-two-epochs"]
    three = replace(claim, options={**claim.options, "epochs": 3, "workload": "small-net"})
    synthetic = _trained(tmp_path / "a", {"alpha": (0.9, 0.9, 0.9)}, data="synthetic")
    real = _trained(tmp_path / "b", {"alpha": (0.9, 0.9, 0.9)})

    assert _verdict(three, synthetic)[0] == OPEN
    assert _verdict(replace(three, options={**three.options, "epochs": 2}), real)[0] == OPEN
    assert _verdict(claim, real)[:2] == (
        OPEN,
        "this run has no full training on real data of cifar-lenet-batch4 "
        "(frameworkbench run --suite standard -w cifar-lenet-batch4)",
    )
    assert _verdict(three, real)[0] == SUPPORTED


@pytest.mark.parametrize(
    ("adam", "outcome"),
    [((0.70, 0.71, 0.72), SUPPORTED), ((0.50, 0.51, 0.52), CONTRADICTED), ((0.55, 0.62, 0.68), OPEN)],
)
def test_one_workload_above_its_variant(tmp_path: Path, adam: tuple[float, ...], outcome: str) -> None:
    """Paired seeds decide which of two workloads ends more accurate; an interval across zero decides nothing."""
    runs = [
        _trained(tmp_path / name, {"alpha": values}, workload=name)
        for name, values in (("cifar-cnn", (0.60, 0.61, 0.62)), ("cifar-cnn-adam", adam))
    ]

    found, reason, row = _verdict(CLAIMS["adam-first"], *runs)

    assert found == outcome
    assert "neither learning rate was searched for" in reason
    assert row["cells"]
    alone = _verdict(CLAIMS["adam-first"], runs[0])
    assert alone[0] == OPEN
    assert "no full training on real data of cifar-cnn-adam (" in alone[1]


def _modes(folder: Path, rates: dict[tuple[str, str], float], **manifest: Any) -> dict[str, Any]:
    """A run of several modes; the first of each framework is its main one."""
    planted = PlantedRun(folder, blocks={"main": 6, "other": 6})
    speeds = {}
    seen: set[str] = set()
    for (adapter, mode_class), rate in rates.items():
        key = planted.cell(adapter, mode_class, mode_class=mode_class, main=adapter not in seen)
        seen.add(adapter)
        planted.proof(key)
        speeds[key] = rate
    planted.timed(speeds)
    return _report(planted, **manifest)


FAST_GRAPHS = {("alpha", "graph"): 2000.0, ("alpha", "eager"): 1000.0, ("beta", "compiled"): 900.0}


def test_graphs_against_eager(tmp_path: Path) -> None:
    """One established counterexample contradicts a claim about every case, and is named; equal rows count for none."""
    claim = CLAIMS["graph-compilation"]
    agreeing = _modes(tmp_path / "a", {**FAST_GRAPHS, ("beta", "eager"): 300.0})
    slower = _modes(tmp_path / "b", {**FAST_GRAPHS, ("beta", "eager"): 1500.0})
    equal = _modes(tmp_path / "c", {("alpha", "graph"): 1000.0, ("alpha", "eager"): 1000.0})

    assert _verdict(claim, agreeing)[:2] == (
        SUPPORTED,
        "faster in 2 of 2 pairs of one framework's modes, never slower",
    )
    found, reason, row = _verdict(claim, slower)
    assert found == CONTRADICTED
    assert "slower in 1: on small-net beta:eager has 1.6" in reason
    assert len(row["cells"]) == 4
    assert _verdict(claim, equal)[0] == OPEN
    assert _verdict(claim)[0] == OPEN


def test_nothing_is_decided_by_a_noisy_group(tmp_path: Path) -> None:
    """Where the report names no winner, claims have none either."""
    report = _modes(tmp_path, {**FAST_GRAPHS, ("beta", "eager"): 300.0})
    for comparison in report["comparisons"]:
        comparison["code"] = "NOISY"

    assert _verdict(CLAIMS["graph-compilation"], report)[0] == OPEN


def test_the_first_in_a_class(tmp_path: Path) -> None:
    """Nobody faster anywhere supports it, somebody faster everywhere contradicts it, and one of both leaves it open."""
    shipped = CLAIMS["dynamic-and-fast"]
    claim = replace(shipped, options={**shipped.options, "adapter": "alpha"})
    first = _modes(tmp_path / "a", {("alpha", "eager"): 2000.0, ("beta", "eager"): 1000.0})
    beaten = _modes(tmp_path / "b", {("alpha", "eager"): 1000.0, ("beta", "eager"): 2000.0})
    alone = _modes(tmp_path / "c", {("alpha", "eager"): 1000.0, ("beta", "graph"): 2000.0})

    assert _verdict(claim, first)[0] == SUPPORTED
    found, reason, _ = _verdict(claim, beaten)
    assert found == CONTRADICTED
    assert "another is faster on small-net (beta:eager, 2.0" in reason
    assert _verdict(claim, first, beaten)[0] == OPEN
    assert _verdict(claim, alone)[0] == OPEN


def test_the_same_procedure(tmp_path: Path) -> None:
    """Proved trajectories of two frameworks support it; a row that is another model contradicts it by name."""
    claim = CLAIMS["same-procedure"]
    planted = PlantedRun(tmp_path / "a")
    keys = [planted.cell(name) for name in ("alpha", "beta")]
    for key in keys:
        planted.proof(key)
    planted.timed(dict.fromkeys(keys, 1000.0))
    good = _report(planted)

    found, reason, row = _verdict(claim, good)
    assert (found, row["cells"]) == (SUPPORTED, keys)
    assert "2 rows of 2 frameworks" in reason
    assert "largest error 0.3 % of its tolerance" in reason

    bad = summarise(load_run(example(tmp_path / "b"))).to_json()
    assert _verdict(claim, bad)[:2] == (CONTRADICTED, "not the same model: delta:usual")
    assert _verdict(claim, {**good, "cells": good["cells"][:1]})[0] == OPEN


@pytest.mark.parametrize(("p99", "outcome"), [((5.0, 5.0), SUPPORTED), ((1.2, 1.3), CONTRADICTED), ((5.0, 1.1), None)])
def test_jitter(tmp_path: Path, p99: tuple[float, float], outcome: str | None) -> None:
    """The slowest requests against the median, row by row; two rows of three below the limit decide nothing."""
    planted = PlantedRun(tmp_path)
    keys = [planted.cell(name) for name in ("alpha", "beta", "gamma")]
    for key in keys:
        planted.proof(key)
    planted.timed(dict.fromkeys(keys, 1000.0))
    report = _report(planted)
    for cell, ratio in zip(report["cells"], (*p99, p99[1]), strict=True):
        cell |= {"task": "infer", "latency": {"p50_s": {"mean": 1e-3}, "p99_s": {"mean": ratio * 1e-3}}}

    found, reason, row = _verdict(CLAIMS["jitter-by-hand"], report)

    assert found == (outcome or OPEN)
    assert f"most: {max(p99):.2f} times" in reason
    assert row["cells"] == keys


def test_finite_differences(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Costly and less exact supports the claim, neither contradicts it; without frameworks' gradients it is open."""
    claim = CLAIMS["automatic-differentiation"]
    planted = PlantedRun(tmp_path)
    key = planted.cell("alpha")
    planted.proof(key)
    planted.timed({key: 1000.0})
    report = _report(planted)

    def shipped(finite_s: float, error: float) -> Callable[[str], dict[str, Any]]:
        entry = {"precision": "float32", "step": 1e-3, "error": error}
        facts = {"workload": "small-net", "parameters": 100, "sampled": 10, "gradient_s": 1.0, "finite_s": finite_s}
        return lambda name: {**facts, "errors": [entry, {**entry, "precision": "float64", "error": 0.0}]}

    outcomes = []
    for finite_s, error in ((50.0, 1e-3), (5.0, 1e-9), (50.0, 1e-9)):
        monkeypatch.setattr("frameworkbench.claims.rules.measured", shipped(finite_s, error))
        outcomes.append(_verdict(claim, report)[0])

    assert outcomes == [SUPPORTED, CONTRADICTED, OPEN]
    assert _verdict(claim)[0] == OPEN


def test_facts_decide_without_a_run() -> None:
    """MXNet wraps nothing and is retired: both by facts whose sources are in the row."""
    rows = {row["name"]: row for row in claims_for(None)}

    wraps, prefer = rows["mxnet-wraps-pytorch"], rows["prefer-in-projects"]
    assert wraps["verdict"]["text"] == prefer["verdict"]["text"] == CONTRADICTED
    assert [fact["value"] for fact in prefer["facts"]] == ["retired"]
    assert {row["source"][:8] for row in (*wraps["statements"], *wraps["facts"], *prefer["facts"])} == {"https://"}


def test_a_fact_that_changed_decides_nothing() -> None:
    """When a fact is no longer what the claim's file relied on, the claim is open and says which."""
    claim = CLAIMS["prefer-in-projects"]
    changed = replace(claim, stated=(replace(claim.stated[0], value="active"),))

    assert _verdict(changed)[:2] == (OPEN, "no longer stated so: mxnet: maintenance")


def test_every_shipped_claim_has_a_verdict(tmp_path: Path) -> None:
    """All twelve are there in order, each with one of three verdicts and a reason, on any run and without one."""
    report = summarise(load_run(example(tmp_path / "run"))).to_json()

    for rows in (report["claims"], claims_for(None)):
        assert [row["number"] for row in rows] == list(range(1, 13))
        assert {row["verdict"]["text"] for row in rows} <= {SUPPORTED, CONTRADICTED, OPEN}
        assert all(str(from_json(row["reason"])) and str(from_json(row["how"])) for row in rows)
    assert report["claims"] == claims_for(report)
    assert json.loads(json.dumps(report["claims"])) == report["claims"]


def test_the_order_of_cells_changes_nothing(tmp_path: Path) -> None:
    """Verdicts and reasons are the same when a report lists its cells and pairs the other way round."""
    report = _modes(tmp_path, {**FAST_GRAPHS, ("beta", "eager"): 1500.0})
    turned = {**report, "cells": report["cells"][::-1], "comparisons": report["comparisons"][::-1]}

    def said(found: dict[str, Any]) -> list[Any]:
        return [(row["verdict"], row["reason"], sorted(row["cells"])) for row in claims_for(found)]

    assert said(report) == said(turned)


def test_what_is_shipped_was_measured() -> None:
    """The measurement that a claim cites is there and fits the workload of today."""
    found = measured("finite-differences")

    assert found["parameters"] == 203_530
    assert 0 < found["gradient_s"] < found["finite_s"]
    assert {entry["precision"] for entry in found["errors"]} == {"float32", "float64"}


def test_unproved_rows_do_not_count(tmp_path: Path) -> None:
    """A row whose proof failed supports nothing, whatever its accuracy would have been."""
    planted = PlantedRun(tmp_path)
    key = planted.cell("alpha", data="real")
    planted.proof(key, passed=False)
    planted.full_training(key, (0.9, 0.9, 0.9))
    claim = CLAIMS["cifar-lenet-two-epochs"]
    claim = replace(claim, options={**claim.options, "epochs": 3, "workload": "small-net"})

    assert _verdict(claim, _report(planted))[0] == OPEN
