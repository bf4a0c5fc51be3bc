"""Is a small model fit to be compared at all?

In a small tensor one gradient that happens to be near zero is rounding noise, which Adam turns into a full step; in a
small image one maximum that nearly ties goes to another pixel. Two flawless implementations then differ by more than
the tolerance of full-size models. No tolerance is widened for that: weights are drawn from another seed until NumPy in
float32 stays well within it, and rounding the weights otherwise changes no gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..analysis import parity
from ..analysis.parity import worst
from ..data import PreparedDataset
from ..reference import Network, OptimizerState
from ..reference.blas import one_blas_thread
from ..run.judge import Expected, expected, host_batch
from ..spec.workload import Workload

_SHARE = 0.2  # of a tolerance: rounding uses up 0.1 and less, and 0.3 to 40 where something nearly ties
_SEEDS = 12
_ROUNDINGS = 16
_ROUNDING = 1e-6  # relative, of each weight: sums over a few hundred products in float32 are off by as much


def fit_answers(
    workload: Workload, dataset: PreparedDataset, *, steps: Sequence[int], batches: int, cache_dir: Path
) -> Expected:
    """The reference's answers from the first seed whose trajectory float32 can follow, else from the best one.

    Args:
        workload: a small model.
        dataset: its data.
        steps: after which parameters are compared.
        batches: distinct batches that are staged.
        cache_dir: where answers are kept.
    """
    tried: list[tuple[float, int, Expected]] = []
    while len(tried) < _SEEDS and not (tried and tried[-1][0] <= _SHARE):
        seed = len(tried)
        found = expected(workload, dataset, seed=seed, steps=steps, batches=batches, cache_dir=cache_dir)
        tried.append((used_share(workload, dataset, found), seed, found))
    return min(tried, key=lambda one: one[:2])[2]


def used_share(workload: Workload, dataset: PreparedDataset, answers: Expected) -> float:
    """The largest part of a tolerance that rounding uses up: along the trajectory in float32, and in gradients."""
    network, state = Network(workload.model, answers.weights, np.float32), OptimizerState(workload.optimizer)
    losses: list[float] = []
    checks: list[parity.Check] = []
    with one_blas_thread():
        for step in range(1, max(workload.parity.trajectory_steps, *answers.updates) + 1):
            batch = host_batch(workload, dataset, answers.order[step - 1])
            value, gradients, _ = network.loss_and_gradients(*batch, workload.loss)
            losses.append(value)
            state.update(network.weights, gradients)
            network.move_statistics()
            if step in answers.updates:
                checks += parity.compare_updates(
                    "parameters",
                    step,
                    network.weights,
                    answers.weights,
                    answers.updates[step],
                    workload.parity.parameters,
                )
    count = workload.parity.trajectory_steps
    checks += parity.compare_losses(losses[:count], answers.losses[:count], answers.loss_tolerances(workload))
    off = worst(checks + _gradients_when_rounded(workload, dataset, answers))
    return off.error / off.tolerance


def _gradients_when_rounded(workload: Workload, dataset: PreparedDataset, answers: Expected) -> list[parity.Check]:
    """Gradients of the first batch from weights that were rounded at random, against those that are expected."""
    batch = host_batch(workload, dataset, answers.order[0])
    generator = np.random.default_rng(0)
    checks = []
    for _ in range(_ROUNDINGS):
        rounded = {
            name: value * (1 + _ROUNDING * generator.uniform(-1, 1, value.shape))
            for name, value in answers.weights.items()
        }
        _, gradients, _ = Network(workload.model, rounded).loss_and_gradients(*batch, workload.loss)
        for name, expected_gradient in answers.gradients.items():
            error = parity.max_error(gradients[name], expected_gradient)
            checks.append(parity.Check("gradient", 1, name, error, workload.parity.gradient))
    return checks
