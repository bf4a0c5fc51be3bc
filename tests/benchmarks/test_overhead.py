"""What the harness costs is measured by real windows, and judged by statistics that cover what they say."""

from __future__ import annotations

import json
import math
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frameworkbench.registry import load_adapters
from tests.benchmarks.programs import BENCHMARKS, program
from tests.run.conftest import workload_text

FILE = BENCHMARKS / "overhead.json"


ratios = program("ratios")


def _pairs(logs: Sequence[float]) -> list[tuple[float, float]]:
    return [(100.0 * math.exp(value), 100.0) for value in logs]


def _bursts(generator: np.random.Generator, count: int) -> np.ndarray[Any, Any]:
    """Small noise, and now and then a disturbance that hits one window of a pair: either with the same chance."""
    hit = generator.random(count) < 0.2
    side = generator.choice([-1.0, 1.0], count)
    return generator.normal(0, 0.01, count) + hit * side * generator.exponential(0.3, count)


NOISE = {
    "normal": lambda generator, count: generator.normal(0, 0.02, count),
    "heavy tails": lambda generator, count: 0.02 * generator.standard_t(1.5, count),
    "bursts": _bursts,
}


@pytest.mark.parametrize("noise", list(NOISE))
def test_the_interval_covers_what_it_says(noise: str) -> None:
    """The 95 % interval holds the true ratio in 93 to 97 % of trials, also where t would be thrown off by outliers."""
    generator = np.random.default_rng(7)
    truth, trials = math.log(1.005), 2000

    hits = 0
    for _ in range(trials):
        _, low, high = ratios.signed_rank_interval(truth + NOISE[noise](generator, 60))
        hits += low <= truth <= high

    assert 0.93 <= hits / trials <= 0.97


def test_outliers_do_not_widen_the_interval_as_they_widen_t() -> None:
    """A few disturbed windows cost the t-interval its resolution and the signed-rank interval little of it."""
    logs = np.random.default_rng(3).normal(0, 0.01, 60)
    logs[:4] += (0.8, -0.5, 0.6, -0.7)

    found = ratios.ratio_of(_pairs(logs))

    assert found["verdict"] == "ok"
    assert found["high"] - found["low"] < (found["t_high"] - found["t_low"]) / 5


def test_a_planted_cost_is_found() -> None:
    """A harness that costs 5 % is above 3 %, one that costs 2 % above 1 %, and one that costs nothing is ok."""
    logs = np.random.default_rng(5).normal(0, 0.01, 60)

    verdicts = [ratios.ratio_of(_pairs(logs + math.log(cost)))["verdict"] for cost in (1.05, 1.02, 1.0)]

    assert verdicts == ["above 3 %", "above 1 %", "ok"]


@pytest.mark.parametrize(
    ("ratio", "low", "high", "verdict"),
    [
        (1.0, None, None, "unresolved"),
        (1.0, 0.985, 1.015, "unresolved"),
        (1.0, 0.991, 1.009, "ok"),
        (1.10, 1.04, 1.16, "above 3 %"),
        (1.0101, 1.005, 1.015, "above 1 %"),
    ],
)
def test_verdicts(ratio: float, low: float | None, high: float | None, verdict: str) -> None:
    """A wide interval resolves nothing, unless even its lower bound is above 3 %."""
    assert ratios.verdict(ratio, low, high) == verdict


def test_few_pairs_have_no_interval() -> None:
    """Five pairs cannot give 95 % confidence; six can, and then it is the whole range."""
    assert ratios.signed_rank_interval([0.0, 1.0, 2.0, 3.0, 4.0])[1:] == (None, None)
    assert ratios.signed_rank_interval([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]) == (2.5, 0.0, 5.0)


def test_the_conclusion_needs_both_limits() -> None:
    """The median may be at most 1.01 and no lower bound above 1.03; without rows nothing is passed."""
    good = {"ratio": 1.001, "low": 0.999, "high": 1.003, "verdict": "ok"}
    slow = {**good, "ratio": 1.05, "low": 1.04, "verdict": "above 3 %"}

    assert ratios.conclude([good, good, good])["passed"]
    assert not ratios.conclude([good, good, slow])["passed"]
    assert not ratios.conclude([{**good, "ratio": 1.011}])["passed"]
    assert not ratios.conclude([])["passed"]


def test_every_entrant_has_a_plain_loop_with_its_source() -> None:
    """Each shipped adapter has a loop as its framework's documentation writes it, and names the page."""
    for info in load_adapters().values():
        text = (BENCHMARKS / "plain_loops" / f"{info.name}.py").read_text(encoding="utf-8")
        assert "def run(step" in text
        assert info.role == "oracle" or ("Source:" in text and "https://" in text)


def test_a_noop_step_costs_less_than_ten_microseconds() -> None:
    """The harness adds at most 10 µs to each timed step."""
    assert 0 < program("harness").step_cost_us() <= 10


class _Clockwork:
    """A worker whose harness windows take 30 µs and whose plain loops take 20 µs per step."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def window(self, steps: int) -> dict[str, int]:
        self.calls.append("harness")
        return {"start_ns": 5, "stop_ns": 5 + 30_000 * steps}

    def ask(self, op: str, *, steps: int, loop: str) -> dict[str, int]:
        self.calls.append(f"{op} {loop}")
        return {"plain_ns": 20_000 * steps}


@pytest.mark.parametrize("harness_first", [True, False])
def test_a_pair_is_one_window_of_each_in_the_drawn_order(harness_first: bool) -> None:
    """Whichever comes first, the harness's time by the parent's stamps stands before the plain loop's."""
    worker = _Clockwork()

    pair = program("overhead")._pair(worker, 7, "loop.py", harness_first=harness_first)

    assert pair == (30.0, 20.0)
    assert worker.calls == (["harness", "plain loop.py"] if harness_first else ["plain loop.py", "harness"])


@pytest.fixture
def asked(tmp_path: Path) -> Namespace:
    """The command line of a small measurement with the reference adapter."""
    workload = tmp_path / "tiny-mlp.toml"
    workload.write_text(workload_text("tiny-mlp"), encoding="utf-8")
    options = ["--adapter", "reference", "--workload", str(workload), "--pairs", "7", "--window", "0.01"]
    places = ["--cache-dir", str(tmp_path / "cache"), "--out", str(tmp_path / "overhead.json")]
    return Namespace(arguments=[*options, *places], out=tmp_path / "overhead.json")


def test_real_windows_and_plain_loops_alternate_in_one_process(
    asked: Namespace, capsys: pytest.CaptureFixture[str]
) -> None:
    """A measurement writes one row with its samples, from which its ratio and interval follow again."""
    program("overhead").main([*asked.arguments, "--note", "nothing else ran"])

    found = json.loads(asked.out.read_text(encoding="utf-8"))
    (row,) = found["rows"]
    assert (row["adapter"], row["workload"], row["mode"], row["pairs"]) == ("reference", "tiny-mlp", "numpy", 7)
    assert row["low"] <= row["ratio"] <= row["high"]
    assert len(row["samples"]) == 7
    assert row.items() >= ratios.ratio_of([tuple(pair) for pair in row["samples"]]).items()
    assert found["notes"] == ["nothing else ran"]
    assert found["failures"] == []
    assert found["summary"]["rows"] == 1
    assert "reference:numpy" in capsys.readouterr().out


def test_rows_of_an_earlier_measurement_stay(asked: Namespace) -> None:
    """On the same machine a new measurement replaces rows of its own name only; --again drops the others."""
    overhead = program("overhead")
    overhead.main(asked.arguments)
    found = json.loads(asked.out.read_text(encoding="utf-8"))
    other = {**found["rows"][0], "adapter": "another"}
    asked.out.write_text(program("row_file").as_text({**found, "rows": [*found["rows"], other]}), encoding="utf-8")

    overhead.main(asked.arguments)
    kept = json.loads(asked.out.read_text(encoding="utf-8"))["rows"]
    overhead.main([*asked.arguments, "--again"])
    fresh = json.loads(asked.out.read_text(encoding="utf-8"))["rows"]

    assert [row["adapter"] for row in kept] == ["another", "reference"]
    assert [row["adapter"] for row in fresh] == ["reference"]


def test_a_budget_ends_the_measurement(asked: Namespace) -> None:
    """With its time spent a row ends with fewer pairs, and says how many."""
    program("overhead").main([*asked.arguments, "--budget", "1s", "--pairs", "100000"])

    (row,) = json.loads(asked.out.read_text(encoding="utf-8"))["rows"]
    assert 2 <= row["pairs"] < 100_000
    assert row["pairs"] == len(row["samples"])


def test_a_budget_that_leaves_time_gives_more_pairs(asked: Namespace) -> None:
    """Time that the pairs asked for do not need goes into further pairs."""
    program("overhead").main([*asked.arguments, "--budget", "4s"])

    (row,) = json.loads(asked.out.read_text(encoding="utf-8"))["rows"]
    assert row["pairs"] > 7


def test_the_committed_file_follows_from_its_samples() -> None:
    """Each committed row is what its samples give, and the summary is what the rows give."""
    if not FILE.is_file():
        pytest.skip("no measurement is committed yet")
    found = json.loads(FILE.read_text(encoding="utf-8"))

    assert found["rows"]
    for row in found["rows"]:
        assert row.items() >= ratios.ratio_of([tuple(pair) for pair in row["samples"]]).items()
    assert found["summary"] == ratios.conclude(found["rows"])
