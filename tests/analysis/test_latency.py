"""Latency: quantiles within a process, intervals over processes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from frameworkbench.analysis.latency import latency_facts, process_latency

MILLISECOND = 1_000_000


def record(latencies_ns: list[Any], *, block: int = 1, first_s: float = 0.5) -> dict[str, Any]:
    """A speed record with these latencies in two windows."""
    middle = len(latencies_ns) // 2
    windows = [{"latencies_ns": latencies_ns[:middle]}, {"latencies_ns": latencies_ns[middle:]}]
    latency = {"batch_size": 1, "first_s": first_s, "windows": windows}
    return {"block": block, "attempt": 1, "payload": {"latency": latency}}


def test_quantiles_are_of_all_requests_of_a_process() -> None:
    """Windows of one process are one sample; quantiles interpolate linearly between ordered requests."""
    found = process_latency(record([n * MILLISECOND for n in range(201, 0, -1)]))

    assert found is not None
    assert found["requests"] == 201
    assert found["p50_s"] == pytest.approx(0.101)
    assert found["p95_s"] == pytest.approx(0.191)
    assert found["p99_s"] == pytest.approx(0.199)
    assert found["jitter_s"] == pytest.approx(0.098)
    assert found["spread"] == pytest.approx(0.100 / 0.101)


@pytest.mark.parametrize(("requests", "known"), [(19, {"p50_s"}), (99, {"p50_s", "p95_s"}), (100, None)])
def test_a_quantile_needs_a_request_beyond_it(requests: int, known: set[str] | None) -> None:
    """With too few requests p95 and p99 are unknown, and so is the jitter that is made of p99."""
    found = process_latency(record([MILLISECOND + n for n in range(requests)]))

    assert found is not None
    names = {name for name in ("p50_s", "p95_s", "p99_s", "jitter_s") if found[name] is not None}
    assert names == (known or {"p50_s", "p95_s", "p99_s", "jitter_s"})


def test_processes_are_the_unit() -> None:
    """The mean is over processes, however many requests each had, and its interval comes from their spread."""
    records = [record([MILLISECOND] * 2000), record([4 * MILLISECOND] * 200, block=2, first_s=1.5)]
    facts = latency_facts(records)

    assert facts is not None
    assert facts["p50_s"]["mean"] == pytest.approx(0.002)
    half = 12.706 * math.log(4) / 2  # t(0.975, 1 degree of freedom), standard error of two logarithms
    assert facts["p50_s"]["high"] == pytest.approx(0.002 * math.exp(half), rel=1e-3)
    assert (facts["processes"], facts["requests"], facts["first_s"]) == (2, 2200, 1.0)
    assert facts["jitter_s"] is None  # no process varied: a logarithm of zero is no figure
    assert facts["spread"] == 0.0


def test_one_process_with_too_few_requests_hides_the_quantile() -> None:
    """p99 is shown only if every process supports it: else slow processes, which ask less, would drop out of it."""
    facts = latency_facts([record([MILLISECOND + n for n in range(200)]), record([50 * MILLISECOND] * 30, block=2)])

    assert facts is not None
    assert facts["p99_s"] is None
    assert facts["p95_s"]["mean"] > 0.005


@pytest.mark.parametrize("broken", [[], [1], [5, None], [5, "6"], [5, -6], [5, float("nan")]])
def test_damaged_samples_give_no_number(broken: list[Any]) -> None:
    """A latency that is not a positive number makes the process's sample worthless, not smaller."""
    assert process_latency(record(broken)) is None
    assert latency_facts([record(broken)]) is None
    assert latency_facts([{"block": 1, "attempt": 1, "payload": {}}]) is None


def test_coverage_of_the_interval() -> None:
    """Over simulated processes the 95 % interval of p50 covers the true median about 95 times in 100."""
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        scales = np.exp(generator.normal(0.0, 0.05, 10)) * 1e6
        runs = [list(map(float, scale * np.exp(generator.normal(0, 0.1, 201)))) for scale in scales]
        facts = latency_facts([record(run, block=number) for number, run in enumerate(runs)])
        assert facts is not None
        covered += facts["p50_s"]["low"] <= 1e-3 <= facts["p50_s"]["high"]
    assert 0.92 <= covered / 400 <= 0.98
