"""Each shipped adapter takes new weights without building, and answers as the reference does."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frameworkbench.environments import Interpreter
from frameworkbench.reference import probe_weights
from frameworkbench.registry import AdapterInfo, load_adapters
from frameworkbench.run.judge import input_options
from frameworkbench.run.worker_process import WorkerProcess
from frameworkbench.spec.workload import Workload, read_workload
from tests.run.conftest import workload_text

from .conftest import Measure, marks_of

ENTRANTS = {name: info for name, info in load_adapters().items() if info.role == "entrant"}
WORKLOADS = ("tiny-mlp", "tiny-cnn", "tiny-lstm", "tiny-attention")
ROWS = [pytest.param(name, marks=marks_of(name)) for name in ENTRANTS]
IN_FULL = [pytest.param(name, marks=marks_of(name, slow=name != "pytorch")) for name in ENTRANTS]  # half a minute each
STEPS = 3

Weights = dict[str, npt.NDArray[Any]]


class Worker:
    """One adapter in its environment, asked directly: no run, no records."""

    def __init__(self, process: WorkerProcess, info: AdapterInfo, workload: Workload, folder: Path) -> None:
        self._process, self._workload, self._folder = process, workload, folder
        settings = {"mode": info.main_mode, "device": "cpu", "threads": 1, "precision": info.precisions[0]}
        more = {"lane": "matched", "seed": 0, "compile_cache": str(folder)}
        process.ask("start", adapter_file=str(info.folder / "adapter.py"), settings=settings | more)
        inputs, labels = _samples(workload)
        files = {"inputs": self._save("inputs.npy", inputs), "labels": self._save("labels.npy", labels)}
        process.ask("data", **files, spec=input_options(workload))

    def build(self, weights: Weights) -> None:
        """Build the workload's model and stage its batches."""
        workload = self._workload
        specs = {"model": workload.model.to_json(), "loss": workload.loss.to_json()}
        file = self._weights(weights)
        self._process.ask("build", **specs, optimizer=workload.optimizer.to_json(), weights=file)
        order = np.arange(STEPS * workload.batch_size).reshape(STEPS, -1)
        self._process.ask("stage", indices=self._save("order.npy", order))

    def load(self, weights: Weights) -> None:
        """Replace the weights of what was built."""
        self._process.ask("load", weights=self._weights(weights))

    def train(self) -> tuple[list[float], Weights]:
        """A few steps on the staged batches, from the first one: losses and weights."""
        losses = self._process.ask("steps", count=STEPS)["losses"]
        self._process.ask("export", path=str(self._folder / "export.npz"))
        with np.load(self._folder / "export.npz") as archive:
            return losses, dict(archive)

    def answer(self) -> npt.NDArray[Any]:
        """Answers to the staged batches with the current weights."""
        path = self._folder / "answers.npy"
        self._process.timed("answer", count=STEPS, path=str(path))
        return np.asarray(np.load(path))

    def _weights(self, weights: Weights) -> str:
        file = self._folder / "weights.npz"
        np.savez(file, **weights)  # type: ignore[arg-type]
        return str(file)

    def _save(self, name: str, array: npt.NDArray[Any]) -> str:
        np.save(self._folder / name, array)
        return str(self._folder / name)


def _samples(workload: Workload) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Random inputs in the form in which datasets are stored, and labels."""
    generator = np.random.default_rng(0)
    count = STEPS * workload.batch_size
    labels = generator.integers(0, 2, count)
    if workload.model.input_kind == "tokens":
        return generator.integers(0, 64, (count, *workload.model.input_shape)).astype(np.int32), labels
    return generator.integers(0, 256, (count, 1, 28, 28)).astype(np.uint8), labels


@pytest.mark.parametrize("name", IN_FULL)
def test_main_mode_answers_as_the_reference(name: str, measure: Measure) -> None:
    """The main mode proves and times the task infer on every layer, in batches and one by one."""
    texts = {workload: workload_text(workload) for workload in WORKLOADS}

    run = measure([f"{name}:{ENTRANTS[name].main_mode}"], texts, tasks=("infer",))

    cells = [record for record in run.records if record["kind"] == "cell"]
    problems = [f"{r['cell']['workload']} {r['code']}: {r['reason']}\n{r['log_end'][-600:]}" for r in cells]
    assert {r["status"] for r in cells} == {"ok"}, "\n".join(problems)
    assert sorted(r["pass"] for r in cells) == ["proof"] * len(WORKLOADS) + ["speed"] * len(WORKLOADS)
    assert {r["cell"]["task"] for r in cells} == {"infer"}


@pytest.mark.parametrize("workload_name", ["tiny-cnn", "tiny-attention"])
@pytest.mark.parametrize("name", ROWS)
def test_load_starts_over(
    name: str, workload_name: str, interpreter_of: Callable[[str], Interpreter], tmp_path: Path
) -> None:
    """Steps after load repeat those after build bit by bit, with answers in between that leave no trace."""
    info = ENTRANTS[name]
    workload = read_workload(tomllib.loads(workload_text(workload_name)), workload_name, "")
    first, second = probe_weights(workload.model, 0), probe_weights(workload.model, 1)
    values = {"threads": "1", "compile_cache": str(tmp_path)}
    environment = {key: value.format(**values) for key, value in info.variables("matched", ()).items()}
    with WorkerProcess(
        interpreter_of(name).path,
        environment=environment,
        log=tmp_path / "log",
        folder=tmp_path,
        cores=(),
        deadline_s=300.0,
    ) as process:
        worker = Worker(process, info, workload, tmp_path)
        worker.build(first)
        losses, weights = worker.train()
        worker.load(second)
        other = worker.answer()
        worker.load(first)
        answers = worker.answer()
        worker.load(first)
        again, repeated = worker.train()

    assert again == losses
    for key, value in weights.items():
        np.testing.assert_array_equal(repeated[key], value)
    assert np.abs(other - answers).max() > 1e-3
