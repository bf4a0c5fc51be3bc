"""Each framework computes every layer, loss and optimizer of the vocabulary as the reference does, or says why not.

The models are built one after the other in one process per row; what they are is in ``vocabulary``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frameworkbench.analysis import parity
from frameworkbench.data.transform import to_inputs
from frameworkbench.environments import Interpreter
from frameworkbench.errors import WorkerError
from frameworkbench.reference import Network, probe_weights, run_trajectory
from frameworkbench.registry import load_adapters
from frameworkbench.run.judge import gradient_rate, loss_scale
from frameworkbench.run.link import load_export
from frameworkbench.run.passes.masks import prove_dropout
from frameworkbench.run.worker_process import WorkerProcess
from frameworkbench.spec.model import Model, build_model
from frameworkbench.spec.training import Loss, Optimizer
from frameworkbench.validity.findings import Finding

from .conftest import marks_of
from .vocabulary import CASES, CLASSES, LAYERS, LOSSES, PAIR, QUICK, REFUSED, TEXT, VECTOR, VOCABULARY, Case

ENTRANTS = {name: info for name, info in load_adapters().items() if info.role == "entrant"}
BATCH, STEPS = 16, 4
SCALE = 1 / 255

# At least three times the worst error that was measured over all frameworks' modes (docs/semantics.md).
LIMITS = {"loss": 1e-5, "trajectory": 2e-5, "gradient": 5e-5, "parameters": 1e-4, "optimizer": 1e-4, "logits": 1e-5}

Array = npt.NDArray[Any]
Weights = dict[str, Array]


class Bench:
    """One row's worker, asked to build model after model."""

    def __init__(self, process: WorkerProcess, folder: Path) -> None:
        self._process, self._folder, self._count = process, folder, 0

    def check(self, case: Case) -> list[parity.Check]:
        """What the proof compares, in short: loading, losses, parameters, logits, gradients, the optimizer alone."""
        raw, labels = samples(case)
        options = {"scale": SCALE, "flatten": case.inputs == VECTOR}
        self.open_data(raw, labels, options)
        batches = [(to_inputs(x, **options), y) for x, y in zip(_split(raw), _split(labels), strict=True)]
        model, weights = case.model, probe_weights(case.model, 1)
        reference = run_trajectory(model, case.loss, case.optimizer, weights, batches, snapshot_steps=[STEPS])
        gradients = reference.first_gradients

        self.build(weights, case.loss, case.optimizer, model)
        self.stage(np.arange(STEPS * BATCH).reshape(STEPS, BATCH))
        checks = parity.compare_weights(self.export(), weights)
        losses = self.steps(STEPS)
        ended = self.export()
        checks += parity.compare_losses(losses, reference.losses, dict.fromkeys(range(1, STEPS + 1), LIMITS["loss"]))
        checks += _updates("parameters", STEPS, ended, weights, reference.snapshots[STEPS])
        logits = Network(model, ended).logits(batches[0][0])
        error = parity.max_error(self.predict(0), logits)
        checks.append(parity.Check("logits", STEPS, "logits", error, LIMITS["logits"]))

        rate = gradient_rate(weights, gradients)
        self.build(weights, case.loss, Optimizer("sgd", rate), model)
        self.steps(1)
        checks += parity.compare_gradients(self.export(), weights, rate, gradients, LIMITS["gradient"])
        return checks + self._check_optimizer(case, weights, gradients, batches)

    def _check_optimizer(
        self, case: Case, weights: Weights, gradients: Weights, batches: list[tuple[Array, Array]]
    ) -> list[parity.Check]:
        scale = loss_scale(case.optimizer, gradients)
        if scale == 1.0:
            return []
        loss = replace(case.loss, scale=scale)
        probe = run_trajectory(case.model, loss, case.optimizer, weights, batches[:2], snapshot_steps=[1, 2])
        self.build(weights, loss, case.optimizer, case.model)
        checks = []
        for step in (1, 2):
            self.steps(1)
            checks += _updates("optimizer", step, self.export(), weights, probe.snapshots[step])
        return checks

    def prove_dropout(self, rate: float) -> tuple[list[Finding], list[dict[str, Any]]]:
        """What the proof pass finds in the masks of this row; the bench serves as its link."""
        model = build_model((4,), "floats", [{"name": "d", "kind": "dropout", "rate": rate}], {}, "test")
        return prove_dropout(self, model)  # type: ignore[arg-type]

    def open_data(self, inputs: Array, labels: Array, options: dict[str, Any]) -> None:
        """As ``Link.open_data``."""
        self._process.ask("data", inputs=self._save(inputs), labels=self._save(labels), spec=options)

    def build(self, weights: Weights, loss: Loss, optimizer: Optimizer, model: Model) -> None:
        """As ``Link.build``."""
        file = self._folder / "weights.npz"
        np.savez(file, **weights)  # type: ignore[arg-type]
        specs = {"model": model.to_json(), "loss": loss.to_json(), "optimizer": optimizer.to_json()}
        self._process.ask("build", **specs, weights=str(file))

    def stage(self, order: Array) -> None:
        """As ``Link.stage``."""
        self._process.ask("stage", indices=self._save(order))

    def steps(self, count: int) -> list[float]:
        """As ``Link.steps``."""
        return [float(loss) for loss in self._process.ask("steps", count=count)["losses"]]

    def export(self) -> Weights:
        """As ``Link.export``."""
        file = self._folder / "export.npz"
        self._process.ask("export", path=str(file))
        return load_export(file)

    def predict(self, batch: int) -> Array:
        """As ``Link.predict``."""
        file = self._folder / "logits.npy"
        self._process.ask("predict", batch=batch, path=str(file))
        return np.asarray(np.load(file))

    def _save(self, array: Array) -> str:
        self._count += 1
        np.save(self._folder / f"{self._count}.npy", array)
        return str(self._folder / f"{self._count}.npy")


def samples(case: Case) -> tuple[Array, Array]:
    """Random inputs in the form in which datasets are stored, and labels."""
    generator = np.random.default_rng(5)
    count = STEPS * BATCH
    labels = generator.integers(0, 2 if case.loss.single_output else CLASSES, count)
    if case.inputs == TEXT:
        return generator.integers(0, VOCABULARY, (count, *TEXT)).astype(np.int32), labels
    if case.inputs == PAIR:
        return np.stack([generator.integers(0, 16, count), generator.integers(0, 9, count)], 1).astype(np.int32), labels
    return generator.integers(0, 256, (count, 3, 8, 8)).astype(np.uint8), labels


def _split(array: Array) -> list[Array]:
    return np.split(array, STEPS)


def _updates(check: str, step: int, exported: Weights, before: Weights, after: Weights) -> list[parity.Check]:
    reference = {name: value - before[name] for name, value in after.items()}
    return parity.compare_updates(check, step, exported, before, reference, LIMITS[check])


@pytest.fixture(scope="module")
def bench_of(
    interpreter_of: Callable[[str], Interpreter], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Bench]]:
    """Gives the bench of an ``adapter:mode``: one process for each in a session, or a fresh one."""
    known: dict[str, Bench] = {}
    open_: list[WorkerProcess] = []

    def give(row: str, fresh: bool = False) -> Bench:
        if row not in known or fresh:
            for worker in open_:  # one framework at a time
                worker.__exit__(None, None, None)
            open_.clear()
            known.clear()
            name, _, mode = row.partition(":")
            info, folder = ENTRANTS[name], tmp_path_factory.mktemp(name)
            values = {"threads": "1", "compile_cache": str(folder)}
            worker = WorkerProcess(
                interpreter_of(name).path,
                environment={key: value.format(**values) for key, value in info.variables("matched", ()).items()},
                log=folder / "log",
                folder=folder,
                cores=(),
                deadline_s=1200.0,
            ).__enter__()
            open_.append(worker)
            settings = {"mode": mode or info.main_mode, "device": "cpu", "threads": 1, "precision": "float32"}
            more = {"lane": "matched", "seed": 0, "compile_cache": str(folder)}
            worker.ask("start", adapter_file=str(info.folder / "adapter.py"), settings=settings | more)
            known[row] = Bench(worker, folder)
        return known[row]

    yield give
    for worker in open_:
        worker.__exit__(None, None, None)


def _rows(modes: Callable[[str], list[str]]) -> list[Any]:
    return [
        pytest.param(
            f"{name}:{mode}",
            case,
            marks=marks_of(name, slow=case not in QUICK),
        )
        for name in ENTRANTS
        for mode in modes(name)
        for case in CASES
    ]


def _prove(bench: Bench, row: str, name: str) -> None:
    adapter = row.partition(":")[0]
    refused = REFUSED.get(adapter, {}).get(name)
    if refused:
        with pytest.raises(WorkerError, match=refused) as caught:
            bench.check(CASES[name])
        assert caught.value.code.startswith("UNSUPPORTED_")
        return
    checks = bench.check(CASES[name])
    wrong = [check.sentence for check in checks if not check.passed]
    assert wrong == []
    assert {check.check for check in checks} >= {"weights", "loss", "trajectory", "parameters", "logits", "gradient"}


def _main(name: str) -> list[str]:
    return [ENTRANTS[name].main_mode]


@pytest.mark.parametrize(("row", "name"), _rows(_main))
def test_main_mode_knows_the_vocabulary(row: str, name: str, bench_of: Callable[..., Bench]) -> None:
    """The main mode agrees with the reference in losses, parameters, logits, gradients and updates; or says why not."""
    _prove(bench_of(row), row, name)


OTHERS = [
    pytest.param(f"{name}:{mode}", case, marks=[pytest.mark.framework(name), pytest.mark.slow])
    for name, info in ENTRANTS.items()
    for mode in info.modes
    if mode != info.main_mode
    for case in (CASES if info.modes[mode].mode_class != "compiled" else LAYERS | LOSSES)
]


@pytest.mark.parametrize(("row", "name"), OTHERS)
def test_other_modes_know_the_vocabulary(row: str, name: str, bench_of: Callable[..., Bench]) -> None:
    """So does every other mode; a compiler may refuse recurrent layers, with a code and a reason."""
    try:
        _prove(bench_of(row), row, name)
    except WorkerError as refusal:
        bench_of(row, fresh=True)  # a refusal may leave its traces in a process
        assert name.split()[0] in ("lstm", "gru", "rnn")
        assert (refusal.code, bool(str(refusal))) == ("MODE_FALLBACK", True)


ROWS = [
    pytest.param(f"{name}:{mode}", marks=marks_of(name, slow=mode != info.main_mode))
    for name, info in ENTRANTS.items()
    for mode in info.modes
]


@pytest.mark.parametrize("row", ROWS)
def test_dropout_is_proved_by_its_distribution(row: str, bench_of: Callable[..., Bench]) -> None:
    """Ones come out as zero or 1/(1 − rate), about the stated share of them, anew in each step, never in evaluation."""
    findings, figures = bench_of(row).prove_dropout(0.2)

    assert [finding.reason for finding in findings] == []
    assert 0.77 < figures[0]["kept"][0] / figures[0]["drawn"] < 0.83
