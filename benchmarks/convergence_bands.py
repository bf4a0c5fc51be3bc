"""What the reference itself reaches: full trainings in float32 NumPy, kept as ``workloads/bands/NAME.json``.

A row's accuracy says little without knowing what honest mathematics reaches from other seeds. Each run takes the start
weights, the order of batches and the evaluation that an accuracy training of the harness takes; only the framework is
missing. Finished runs are kept at once, so the same command resumes. `frameworkbench/analysis/convergence.py` says what
is made of them.

usage: nice python benchmarks/convergence_bands.py --data-dir DIR [--workload NAME]... [--runs N] [--out DIR]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from frameworkbench.analysis.bands import SCHEMA
from frameworkbench.analysis.convergence import LEAST_RUNS
from frameworkbench.content import content_dir
from frameworkbench.data import PreparedDataset, prepare
from frameworkbench.data.transform import epoch_order, to_inputs
from frameworkbench.reference import Network, OptimizerState, evaluate, initial_weights
from frameworkbench.reference.blas import one_blas_thread
from frameworkbench.run.judge import input_options
from frameworkbench.spec.workload import Workload, load_workloads, select_workloads

FIRST_SEED = 1001
"""Far from the seeds of a run, which count up from its ``--seed`` (0 unless asked otherwise)."""


def main() -> None:
    """Train what is missing, workload by workload, and say how long it took."""
    arguments = _arguments()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for workload in select_workloads(load_workloads(content_dir("workloads")), arguments.workload):
        dataset = prepare(
            workload.data,
            source="real",
            data_dir=arguments.data_dir,
            cache_dir=arguments.cache_dir,
            progress=lambda line: print(line, flush=True),
        )
        file = arguments.out / f"{workload.name}.json"
        content = _kept(file, workload, dataset)
        for seed in range(FIRST_SEED, FIRST_SEED + arguments.runs):
            if all(run["seed"] != seed for run in content["runs"]):
                content["runs"].append({"seed": seed, "epochs": list(train(workload, dataset, seed))})
                _write(file, content)
        print(f"{workload.name}: {len(content['runs'])} runs in {file}", flush=True)


def train(workload: Workload, dataset: PreparedDataset, seed: int) -> Iterator[dict[str, Any]]:
    """One training of the workload's epochs; after each the mean loss and the right answers on the whole test set."""
    network = Network(workload.model, initial_weights(workload.model, seed), np.float32)
    state = OptimizerState(workload.optimizer)
    options = input_options(workload)
    inputs, labels, test_inputs, test_labels = (
        np.load(path, mmap_mode="r", allow_pickle=False)
        for path in (dataset.train_inputs, dataset.train_labels, dataset.test_inputs, dataset.test_labels)
    )
    for epoch in range(workload.epochs):
        started = time.monotonic()
        losses = []
        with one_blas_thread():
            for row in epoch_order(seed, epoch, dataset.train_size, workload.batch_size):
                value, gradients, _ = network.loss_and_gradients(to_inputs(inputs[row], **options), labels[row],
                                                                 workload.loss)  # fmt: skip
                state.update(network.weights, gradients)
                network.move_statistics()
                losses.append(value)
        trained = time.monotonic()
        result = evaluate(workload.model, network.weights, test_inputs, test_labels, loss=workload.loss.kind,
                          to_inputs=lambda raw: to_inputs(raw, **options))  # fmt: skip
        print(
            f"{workload.name} seed {seed} epoch {epoch + 1} of {workload.epochs}: loss {np.mean(losses):.4f}, "
            f"{result.accuracy:.2%} of {result.total}; {trained - started:.0f} s training, "
            f"{time.monotonic() - trained:.0f} s evaluation",
            flush=True,
        )
        yield {"epoch": epoch + 1, "loss": float(np.mean(losses)), "correct": result.correct, "total": result.total}


def _kept(file: Path, workload: Workload, dataset: PreparedDataset) -> dict[str, Any]:
    """What an earlier call left, if it was made from the same workload and data; else an empty start."""
    head = {
        "schema": SCHEMA,
        "workload": workload.name,
        "workload_sha256": workload.sha256,
        "dataset_fingerprint": dataset.fingerprint,
        "precision": "float32",
        "numpy": np.__version__,
    }
    content = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    identity = ("schema", "workload_sha256", "dataset_fingerprint")
    runs = content["runs"] if all(content.get(key) == head[key] for key in identity) else []
    return {**head, "runs": runs}


def _write(file: Path, content: dict[str, Any]) -> None:
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    temporary.replace(file)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", action="append", default=[])
    parser.add_argument("--runs", type=int, default=LEAST_RUNS, help="seeds; more of them make a band narrower")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--out", type=Path, default=content_dir("workloads") / "bands")
    return parser.parse_args()


if __name__ == "__main__":
    main()
