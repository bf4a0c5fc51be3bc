"""What gradients by finite differences cost and how exact they are, on the NumPy reference.

usage: OPENBLAS_NUM_THREADS=1 python benchmarks/finite_differences.py [--sample 200] [--out FILE]

One training batch of a workload (generated data). Cost: two evaluations of the loss for each parameter, one timed and
multiplied, against the reference's one pass that also gives all gradients, both in float64. Error: central differences
at several steps on a sample of parameters against the exact gradient, max|a−b| / max|exact| for each tensor as in the
parity proof; the worst tensor.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from frameworkbench.content import content_dir
from frameworkbench.data import prepare
from frameworkbench.reference import Network, initial_weights
from frameworkbench.run.judge import batch_order, host_batch
from frameworkbench.spec.workload import Workload, load_workload
from frameworkbench.store.atomic import write_json_atomic

HERE = Path(__file__).resolve().parent
SCHEMA = 1
STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7)
_REPEATS = 100

Array = npt.NDArray[Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workload", default="mnist-mlp")
    parser.add_argument("--sample", type=int, default=200, help="parameters of each tensor that are differentiated")
    parser.add_argument("--out", type=Path, default=HERE.parent / "claims" / "measured" / "finite-differences.json")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as cache:
        found = measure(load_workload(content_dir("workloads") / f"{asked.workload}.toml"), asked.sample, Path(cache))
    write_json_atomic(asked.out, found)
    print(f"{found['workload']}: {found['finite_s']:.1f} s against {found['gradient_s']:.5f} s")
    for entry in found["errors"]:
        print(f"  {entry['precision']}, step {entry['step']:g}: {entry['error']:.1e}")
    return 0


def measure(workload: Workload, sample: int, cache_dir: Path) -> dict[str, Any]:
    """Cost and errors on the first training batch of seed 0.

    Args:
        workload: whose model, loss and batch size are taken.
        sample: how many parameters of each tensor, drawn by a fixed seed.
        cache_dir: where the generated data are put.
    """
    dataset = prepare(workload.data, source="synthetic", data_dir=None, cache_dir=cache_dir, progress=lambda text: None)
    inputs, labels = host_batch(workload, dataset, batch_order(workload, dataset, 0, 1)[0])
    weights = {name: np.asarray(value, np.float64) for name, value in initial_weights(workload.model, 0).items()}
    drawn = draw(weights, sample)

    def loss(values: Mapping[str, Array], dtype: npt.DTypeLike = np.float64) -> float:
        """The loss by a forward pass alone."""
        logits = Network(workload.model, values, dtype).logits(inputs)
        shifted = logits - logits.max(axis=1, keepdims=True)
        picked = shifted[np.arange(len(labels)), labels]
        return float((np.log(np.exp(shifted).sum(axis=1)) - picked).mean(dtype=dtype))

    _, exact, _ = Network(workload.model, weights).loss_and_gradients(inputs, labels, workload.loss)
    gradient_s = _fastest_s(lambda: Network(workload.model, weights).loss_and_gradients(inputs, labels, workload.loss))
    loss_s = _fastest_s(lambda: loss(weights))
    parameters = sum(value.size for value in weights.values())
    errors = [
        {"precision": name, "step": step, "error": worst_error(weights, exact, drawn, step, name, loss)}
        for name in ("float64", "float32")
        for step in STEPS
    ]
    return {
        "schema": SCHEMA,
        "workload": workload.name,
        "workload_sha256": workload.sha256,
        "parameters": parameters,
        "sampled": sum(len(places) for places in drawn.values()),
        "gradient_s": gradient_s,
        "loss_s": loss_s,
        "finite_s": 2 * parameters * loss_s,
        "errors": errors,
        "numpy": np.__version__,
    }


def draw(weights: Mapping[str, Array], sample: int) -> dict[str, list[int]]:
    """Places in each flattened tensor, without repetition."""
    generator = np.random.default_rng(0)
    return {
        name: sorted(generator.choice(value.size, min(sample, value.size), replace=False).tolist())
        for name, value in weights.items()
    }


def worst_error(
    weights: Mapping[str, Array],
    exact: Mapping[str, Array],
    drawn: Mapping[str, Sequence[int]],
    step: float,
    dtype: npt.DTypeLike,
    loss: Callable[[Mapping[str, Array], npt.DTypeLike], float],
) -> float:
    """Central differences at one step against the exact gradient: the worst tensor's error."""
    worst = 0.0
    for name, places in drawn.items():
        scale = float(np.abs(exact[name]).max())
        for place in places:
            sides = []
            for sign in (1, -1):
                moved = weights[name].copy()
                moved.flat[place] += sign * step
                sides.append(loss({**weights, name: moved}, dtype))
            slope = (sides[0] - sides[1]) / (2 * step)
            worst = max(worst, abs(slope - float(exact[name].flat[place])) / scale)
    return worst


def _fastest_s(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes: the fastest of a hundred, as other work on the machine can only slow it."""
    work()
    taken = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return min(taken)


if __name__ == "__main__":
    raise SystemExit(main())
