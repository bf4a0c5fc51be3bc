"""The reference's own trainings: the harness's batches and start, float32 throughout, and nothing trained twice."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.analysis.bands import load_band
from frameworkbench.content import content_dir
from frameworkbench.data import PreparedDataset, prepare
from frameworkbench.data.transform import epoch_order
from frameworkbench.reference import initial_weights, run_trajectory
from frameworkbench.run.judge import host_batch
from frameworkbench.spec.workload import Workload, load_workload
from tests.benchmarks.programs import program

bands = program("convergence_bands")
SEEDS = tuple(range(bands.FIRST_SEED, bands.FIRST_SEED + bands.LEAST_RUNS))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> PreparedDataset:
    """A small stand-in for images."""
    spec = replace(_workload().data, train_limit=640, test_limit=200)
    return prepare(
        spec, source="synthetic", data_dir=None, cache_dir=tmp_path_factory.mktemp("data"), progress=lambda _: None
    )


def _workload() -> Workload:
    return replace(load_workload(content_dir("workloads") / "mnist-mlp.toml"), epochs=2)


def test_a_training_takes_the_harness_order_and_start(dataset: PreparedDataset) -> None:
    """The first epoch's mean loss is that of a float64 trajectory over the batches of an accuracy training."""
    workload, seed = _workload(), 1001
    order = epoch_order(seed, 0, dataset.train_size, workload.batch_size)
    batches = [host_batch(workload, dataset, row) for row in order]
    weights = initial_weights(workload.model, seed)
    expected = np.mean(run_trajectory(workload.model, workload.loss, workload.optimizer, weights, batches).losses)

    epochs = list(bands.train(workload, dataset, seed))

    assert [epoch["epoch"] for epoch in epochs] == [1, 2]
    assert epochs[0]["loss"] == pytest.approx(expected, rel=1e-3)
    assert epochs[1]["loss"] < epochs[0]["loss"]
    assert {epoch["total"] for epoch in epochs} == {len(np.load(dataset.test_labels))}


def test_another_seed_is_another_training(dataset: PreparedDataset) -> None:
    """Runs of a band differ in start and order, so their losses differ."""
    one, other = (next(bands.train(_workload(), dataset, seed))["loss"] for seed in SEEDS[:2])

    assert one != other


def test_a_second_call_resumes(dataset: PreparedDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an interruption only the missing seeds are trained, and the file is one that the report can read."""
    trained: list[int] = []
    interrupt_at = [SEEDS[2]]

    def train(workload: Workload, _dataset: PreparedDataset, seed: int) -> list[dict[str, float]]:
        if seed in interrupt_at:
            raise KeyboardInterrupt
        trained.append(seed)
        return [{"epoch": n, "loss": 0.5, "correct": 90 + n, "total": 100} for n in range(1, workload.epochs + 1)]

    monkeypatch.setattr(bands, "train", train)
    monkeypatch.setattr(bands, "prepare", lambda *_args, **_options: dataset)
    monkeypatch.setattr(sys, "argv", ["convergence_bands", "--workload", "mnist-mlp", "--out", str(tmp_path)])
    with pytest.raises(KeyboardInterrupt):
        bands.main()
    kept = [run["seed"] for run in json.loads((tmp_path / "mnist-mlp.json").read_text("utf-8"))["runs"]]
    interrupt_at.clear()

    bands.main()

    assert kept == list(SEEDS[:2])
    assert trained == list(SEEDS)
    assert load_band(tmp_path / "mnist-mlp.json").seeds == SEEDS
