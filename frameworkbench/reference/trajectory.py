"""A short training in float64: what every framework's losses and parameters are compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ..spec.model import Model
from ..spec.training import Loss, Optimizer
from .blas import one_blas_thread
from .network import Network
from .optimizers import OptimizerState
from .rule import Array


@dataclass
class Trajectory:
    """What happened in a short training.

    Attributes:
        losses: loss of each step, before its update.
        logits0: logits of the first batch with the initial weights, ``(B, classes)``; None without a step.
        first_gradients: gradients of the first step by parameter name.
        snapshots: weights after step k (0 = before the first), for each k asked for that was reached.
    """

    losses: list[float]
    logits0: Array | None
    first_gradients: dict[str, Array]
    snapshots: dict[int, dict[str, Array]]


def run_trajectory(
    model: Model,
    loss: Loss,
    optimizer: Optimizer,
    weights: Mapping[str, Array],
    batches: Iterable[tuple[Array, Array]],
    *,
    snapshot_steps: Collection[int] = (),
) -> Trajectory:
    """Train for one step per batch in float64, on one thread, so that the sums do not depend on the machine's load.

    Args:
        model: layers with shapes.
        loss: what to minimise.
        optimizer: update rule with constants.
        weights: canonical weights to start from; left as they are.
        batches: pairs of inputs ``(B, *input_shape)`` and labels ``(B,)``.
        snapshot_steps: steps after which the weights are kept.

    Returns:
        Losses, first logits and gradients, snapshots; all arrays float64.
    """
    network, state = Network(model, weights), OptimizerState(optimizer)
    result = Trajectory([], None, {}, {})
    wanted = frozenset(snapshot_steps)
    if 0 in wanted:
        result.snapshots[0] = _copy(network)
    with one_blas_thread():
        for step, (inputs, labels) in enumerate(batches, start=1):
            value, gradients, logits = network.loss_and_gradients(inputs, labels, loss)
            result.losses.append(value)
            if step == 1:
                result.logits0, result.first_gradients = logits, gradients
            state.update(network.weights, gradients)
            network.move_statistics()
            if step in wanted:
                result.snapshots[step] = _copy(network)
    return result


def _copy(network: Network) -> dict[str, Array]:
    return {name: value.copy() for name, value in network.weights.items()}
