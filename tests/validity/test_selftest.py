"""The harness under test: every cheat is caught with its code, by its own detector too; honest code is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from frameworkbench.validity.findings import ALL

from .bench import Bench, make_bench, verdict

# mode of the fake device → pass that catches it, primary detector, code
CASES = {
    "no_sync": ("speed", "residual", "RESIDUAL_WORK"),
    "lazy": ("speed", "residual", "RESIDUAL_WORK"),
    "hidden_thread": ("speed", "late", "LATE_MUTATION"),
    "hidden_child": ("speed", "quiet", "FOREIGN_WORK"),
    "busy_waiter": ("turns", "parked", "FOREIGN_WORK"),
    "slow_clock": ("speed", "clock", "CLOCK_MISMATCH"),
    "early_stop": ("speed", "clock", "CLOCK_MISMATCH"),
    "early_stop_forged": ("speed", "clock", "CLOCK_MISMATCH"),
    "memoise": ("speed", "aftermath", "WRONG_RESULT"),
    "batch_and_skip": ("proof", "scaling", "NONLINEAR"),
    "one_batch": ("proof", "parity", "WRONG_RESULT"),
    "half_batch": ("proof", "parity", "SAMPLE_COUNT"),
    "fewer_batches": ("proof", "samples", "SAMPLE_COUNT"),
    "narrow": ("proof", "parity", "MODEL_MISMATCH"),
    "missing": ("proof", "weights", "MODEL_MISMATCH"),
    "frozen": ("proof", "parity", "GRAD_MISSING"),
    "own_init": ("proof", "weights", "INIT_MISMATCH"),
    "other_rate": ("proof", "parity", "HPARAM"),
    "other_beta": ("proof", "parity", "HPARAM"),
    "test_data": ("accuracy", "canary", "LEAK"),
    "forged_metric": ("proof", "parity", "METRIC_FORGED"),
    "tf32": ("proof", "precision", "PRECISION"),
    "bfloat16": ("proof", "precision", "PRECISION"),
    "fast_math": ("proof", "precision", "PRECISION"),
    "blank": ("proof", "parity", "DATA_MISMATCH"),
    "warm_cache": ("proof", "cold", "WARM_CACHE"),
    "recompile": ("speed", "recompile", "RECOMPILE"),
    "detector": ("speed", "rate", "DETECTION"),
    "skips_half": ("speed", "replay", "DETECTION"),
    "null_step": ("proof", "parity", "GRAD_MISSING"),
    "ghost": ("speed", "aftermath", "WRONG_RESULT"),
    "leaves_process": ("speed", "survivors", "CONTAMINATION"),
    "fake_version": ("proof", "identity", "IDENTITY"),
    "shadow": ("speed", "identity", "IDENTITY"),
    "diverged": ("accuracy", "finite", "DIVERGED"),
}
# Caught by a later pass, though the proof would see them too.
SEEN_IN_PROOF = {"no_sync", "lazy", "slow_clock", "early_stop", "early_stop_forged", "recompile", "shadow"}
SEEN_IN_PROOF |= {"test_data", "diverged"}
HIDDEN_FROM_PROOF = [mode for mode, (pass_, *_) in CASES.items() if pass_ != "proof" and mode not in SEEN_IN_PROOF]
# On a busy machine windows take longer than they need, which hides steps that do nothing.
TRIES = {"detector": 4}
HONEST_RUNS = 50


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Data and reference answers, once."""
    return make_bench(tmp_path_factory.mktemp("selftest"))


@pytest.mark.parametrize("mode", CASES)
def test_cheat_is_caught_with_its_code(mode: str, bench: Bench) -> None:
    """With all detectors a cheat gets its code; with only its primary one too; with none it passes."""
    pass_, primary, code = CASES[mode]

    outcome = bench.run(mode, pass_)
    for _ in range(TRIES.get(mode, 1) - 1):
        if verdict(outcome, frozenset({primary})) != code:
            outcome = bench.run(mode, pass_)

    told = [(finding.detector, finding.code, finding.reason) for finding in outcome.findings]
    assert verdict(outcome, ALL) == code, told
    assert outcome.code == code
    assert verdict(outcome, frozenset({primary})) == code, told
    assert verdict(outcome, frozenset()) == ""
    assert outcome.payload.get("findings"), "the record says what was found"


def test_honest_code_may_wait(bench: Bench) -> None:
    """Honest code that waits for its turns between windows is not accused."""
    outcome = bench.run("honest", "turns")

    assert outcome.status == "ok", outcome.reason
    assert len(outcome.payload["windows"]) == 3
    assert outcome.payload["parked"]["turns"] == 4
    assert outcome.payload["parked"]["wall_s"] > 4


@pytest.mark.parametrize("mode", HIDDEN_FROM_PROOF)
def test_cheat_is_not_caught_before_its_pass(mode: str, bench: Bench) -> None:
    """A cheat that a later pass catches gets through the proof, so that pass is needed."""
    outcome = bench.run(mode, "proof")

    assert outcome.status == "ok", outcome.reason


@pytest.mark.parametrize("runs", [5, pytest.param(HONEST_RUNS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("mode", ["honest", "slow_honest"])
def test_honest_adapters_pass(mode: str, runs: int, bench: Bench) -> None:
    """Honest code is never accused, fast or slow: 50 of 50 proofs and timed processes (5 in the default run)."""

    short = replace(bench.setting.protocol, window_s=0.05, window_steps=20)
    brief = replace(bench, setting=replace(bench.setting, protocol=short))

    def both(_: int) -> list[str]:
        outcomes = [brief.run(mode, "proof"), brief.run(mode, "speed")]
        return [f"{outcome.code}: {outcome.reason}" for outcome in outcomes if outcome.status != "ok"]

    with ThreadPoolExecutor(2) as pool:  # two at a time also makes the machine a noisy one
        accusations = [text for found in pool.map(both, range(runs)) for text in found]

    assert accusations == []


def test_honest_training_passes(bench: Bench) -> None:
    """A full training of honest code raises no objection."""
    outcome = bench.run("honest", "accuracy")

    assert outcome.status == "ok", outcome.reason
    assert outcome.findings == []
