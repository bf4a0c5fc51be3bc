"""The task infer: answers are proved and timed, and wrong or stale ones are caught."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from frameworkbench.run.options import RunOptions
from frameworkbench.run.passes.infer import single_requests
from frameworkbench.run.passes.requests import changed
from frameworkbench.spec.protocol import SUITES
from frameworkbench.store.run import Run

from .conftest import do, only_failure

Request = Callable[..., RunOptions]


def infer_request(request_for: Request, *adapters: str, tasks: tuple[str, ...] = ("infer",), **changes: Any) -> Any:
    """A small run of the task infer."""
    options = request_for(*adapters, **changes)
    return replace(options, protocol=replace(options.protocol, tasks=tasks))


def records(run_: Run, pass_: str) -> list[Any]:
    """Records of one pass, of cells."""
    return [record for record in run_.records if record["kind"] == "cell" and record["pass"] == pass_]


@pytest.mark.parametrize("workload", ["tiny-mlp", "tiny-cnn", "tiny-lstm", "tiny-attention"])
def test_the_reference_answers_as_the_reference(workload: str, request_for: Request) -> None:
    """The oracle proves every layer in the task infer, and its process holds windows and single requests."""
    _, run_ = do(infer_request(request_for, "reference", workload=workload))

    proof, speed = records(run_, "proof"), records(run_, "speed")
    assert [record["status"] for record in proof + speed] == ["ok", "ok"]
    checks = {check["check"] for check in proof[0]["payload"]["parity"]["checks"]}
    assert checks == {"weights", "logits", "follows", "single"}
    assert speed[0]["payload"]["snapshot"]["passed"]
    assert sum(window["steps"] for window in speed[0]["payload"]["windows"]) >= 2
    latency = speed[0]["payload"]["latency"]
    assert latency["batch_size"] == 1
    assert sum(len(window["latencies_ns"]) for window in latency["windows"]) >= 200
    assert len(latency["windows"]) >= 2


def test_slow_and_lazy_answers_are_honest(request_for: Request) -> None:
    """Slow answers pass with their time; answers that are computed when fetched cost the same as others."""
    _, run_ = do(infer_request(request_for, "answering:honest", "answering:slow", "answering:lazy"))

    speed = {record["cell"]["mode"]: record for record in records(run_, "speed")}
    assert {mode: record["status"] for mode, record in speed.items()} == dict.fromkeys(("honest", "slow", "lazy"), "ok")
    slow = [ns for window in speed["slow"]["payload"]["latency"]["windows"] for ns in window["latencies_ns"]]
    assert min(slow) > 2e6
    for name in ("windows", "latency"):
        found = speed["lazy"]["payload"][name]
        windows = found if name == "windows" else found["windows"]
        assert all(window["stop_ns"] > window["start_ns"] for window in windows)


@pytest.mark.parametrize(
    ("mode", "pass_", "code", "says"),
    [
        ("memoises", "proof", "WRONG_RESULT", "answers did not follow when the weights were changed"),
        ("keeps_a_bias", "proof", "WRONG_RESULT", "answers did not follow when the weights were changed"),
        ("constant", "proof", "WRONG_RESULT", "logits of logits"),
        ("ignores_load", "proof", "INIT_MISMATCH", "weights of"),
        ("single_wrong", "proof", "WRONG_RESULT", "single of logits"),
        ("skips_later", "speed", "WRONG_RESULT", "in the timed process: answers"),
    ],
)
def test_wrong_answers_are_not_comparable(mode: str, pass_: str, code: str, says: str, request_for: Request) -> None:
    """Answers from memory, from old weights, of another input, or left out are caught with a code and a sentence."""
    _, run_ = do(infer_request(request_for, f"answering:{mode}"))

    record = only_failure(run_)
    assert (record["pass"], record["status"], record["code"]) == (pass_, "not_comparable", code)
    assert says in record["reason"]


def test_a_clock_that_runs_slow_is_seen(request_for: Request) -> None:
    """A worker that claims less time for its requests than the parent saw is invalid."""
    _, run_ = do(infer_request(request_for, "answering:backdates"))

    record = only_failure(run_)
    assert (record["pass"], record["status"], record["code"]) == ("speed", "invalid", "CLOCK_MISMATCH")


def test_an_adapter_that_only_trains(request_for: Request) -> None:
    """Inference of an adapter that does not declare it is unsupported, and training goes on."""
    _, run_ = do(infer_request(request_for, "faulty:honest", tasks=("train", "infer")))

    record = only_failure(run_)
    assert (record["status"], record["code"]) == ("unsupported", "UNSUPPORTED_TASK")
    assert record["cell"]["task"] == "infer"
    assert [r["cell"]["task"] for r in records(run_, "speed")] == ["train"]


def test_blocks_hold_both_tasks_and_other_modes_only_train(request_for: Request) -> None:
    """Each block times each cell of both tasks once; modes beside the main one infer only if asked for by name."""
    options = infer_request(request_for, "answering", tasks=("train", "infer"), blocks=2)
    options = replace(options, protocol=replace(options.protocol, modes="second"))
    _, run_ = do(options)

    cells = {(cell.axes["task"], cell.axes["mode"]) for cell in run_.plan.cells}
    assert cells == {("train", "honest"), ("train", "slow"), ("infer", "honest")}
    keys = {cell.key for cell in run_.plan.cells if cell.main}
    assert [keys <= block.cells for block in run_.complete_blocks()] == [True, True]


def test_suites_that_infer() -> None:
    """The suites for decisions measure both tasks; the quick ones train only."""
    assert {name: protocol.tasks for name, protocol in SUITES.items()} == {
        "smoke": ("train",),
        "quick": ("train",),
        "standard": ("train", "infer"),
        "rigorous": ("train", "infer"),
    }


def test_every_tensor_is_changed_and_never_the_same_way() -> None:
    """A change of weights moves every tensor noticeably, zeros included, and no two changes are alike."""
    weights = {"kernel": np.full((4, 4), 2.0, np.float32), "bias": np.zeros(4, np.float32)}

    found = [changed(weights, random.SystemRandom()) for _ in range(3)]

    for first, second in pairwise([weights, *found]):
        for name, value in first.items():
            moved = np.sqrt(np.mean((second[name] - value) ** 2))
            assert 1e-4 < moved < 1.0
            assert second[name].dtype == np.float32


@pytest.mark.parametrize(
    ("typical_s", "expected"), [(1e-5, 2048), (0.005, 400), (0.05, 200), (0.2, 100), (30.0, 2)]
)  # fmt: skip
def test_number_of_single_requests(typical_s: float, expected: int) -> None:
    """A window full of requests, within 200 and 2,048, and fewer only where time runs out."""
    assert single_requests(2.0, 20.0, typical_s) == expected
