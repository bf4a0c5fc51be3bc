"""Runs single passes of the fake device: the self-test looks at findings, not at whole runs."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from frameworkbench import environments
from frameworkbench.data import prepare
from frameworkbench.registry import load_adapters
from frameworkbench.run import passes
from frameworkbench.run.fingerprints import available_cores
from frameworkbench.run.judge import Expected, expected
from frameworkbench.run.link import Setting
from frameworkbench.run.passes import Outcome
from frameworkbench.run.passes.outcome import Turns
from frameworkbench.run.turns import in_turns
from frameworkbench.spec.cell import Cell
from frameworkbench.spec.protocol import SUITES
from frameworkbench.spec.workload import load_workload
from frameworkbench.validity.findings import active

FAKES = Path(__file__).parent.parent / "fakes"

_OTHERS_TURN_S = 1.4

_WORKLOAD = """
schema = 1
name = "selftest"
title = "Self-test"
layers = [
  { name = "dense_1", kind = "dense", units = 128 },
  { name = "relu_1", kind = "relu" },
  { name = "dense_2", kind = "dense", units = 10 },
]
[data]
dataset = "mnist"
flatten = true
scale = 0.004
[training]
batch_size = 64
epochs = 1
accuracy_target = 0.5
loss = "softmax_cross_entropy"
optimizer = { kind = "adam", learning_rate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }
[initializers]
kernel = "glorot_uniform"
bias = "zeros"
[parity]
logits = 5e-6
gradient = 5e-5
optimizer = 1e-4
trajectory = { "5" = 1e-5, "10" = 5e-5 }
parameters = 1e-4
parameters_steps = [6, 8]
parameters_steps_quick = [6, 8]
"""


@dataclass(frozen=True)
class Bench:
    """The self-test's workload with its reference answers; runs passes of any mode of the fake device."""

    setting: Setting
    reference: Expected
    folder: Path

    def run(self, mode: str, pass_: str, *, threads: int | None = None) -> Outcome:
        """One pass of one mode in a fresh process."""
        cell = replace(self.setting.cell, mode=mode, threads=threads or self.setting.cell.threads)
        cores = self.setting.cores[: cell.threads]
        number = random.SystemRandom().getrandbits(64)
        cache_dir = self.folder / f"cache-{number}"
        setting = replace(self.setting, cell=cell, cores=cores, compile_cache=cache_dir)
        log, chooser = self.folder / f"{mode}-{number}.log", random.SystemRandom()
        if pass_ == "accuracy":
            return passes.accuracy(setting, log, seed=0, progress=lambda _: None)
        if pass_ == "proof":
            return passes.proof(setting, self.reference, log, chooser=chooser)
        timed = replace(setting, windows=3 if pass_ == "turns" else 1)
        timing = passes.speed(timed, self.reference, log, chooser=chooser)
        others = [_others()] if pass_ == "turns" else []
        return in_turns([timing, *others], random.Random(number), lambda: None)[0]


def _others() -> Turns:
    """Other processes that have their turns meanwhile: nothing but time."""
    for _ in range(4):
        time.sleep(_OTHERS_TURN_S)
        yield
    return Outcome()


def make_bench(folder: Path) -> Bench:
    """Prepare data and reference once."""
    path = folder / "selftest.toml"
    path.write_text(_WORKLOAD, encoding="utf-8")
    workload = load_workload(path)
    workload = replace(workload, data=replace(workload.data, train_limit=2560, test_limit=400))
    data = prepare(workload.data, source="synthetic", data_dir=None, cache_dir=folder, progress=lambda _: None)
    protocol = replace(
        SUITES["smoke"], suite="selftest", window_s=0.3, window_steps=400, window_limit_s=60.0, staged_batches=64
    )
    cores = tuple(available_cores())
    setting = Setting(
        cell=Cell(
            task="train", workload=workload.name, data=data.kind, adapter="fakedevice", role="entrant", mode="honest",
            mode_class="eager", lane="matched", device="cpu", precision="float64", threads=len(cores),
            batch_size=workload.batch_size,
        ),
        adapter=_adapter(),
        interpreter=environments.core("fakedevice"),
        workload=workload,
        dataset=data,
        protocol=protocol,
        seed=0,
        cores=cores,
        compile_cache=folder / "compile",
        timeout_s=120.0,
        memory_limit=None,
        warmup_steps=protocol.warmup_steps,
    )  # fmt: skip
    draw = passes.draw_snapshot_steps(workload, protocol, random.Random(0))
    reference = expected(workload, data, seed=0, steps=draw, batches=protocol.staged_batches, cache_dir=folder)
    return Bench(setting, reference, folder)


def verdict(outcome: Outcome, detectors: frozenset[str]) -> str:
    """The code that these detectors alone would have given; empty when they pass it."""
    found = active(outcome.findings, detectors)
    return found[0].code if found else ""


@cache
def _adapter():
    return load_adapters((FAKES,))["fakedevice"]
