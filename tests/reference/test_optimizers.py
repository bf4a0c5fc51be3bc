"""Optimizers against step-by-step scalar arithmetic, and the short training that uses them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from frameworkbench.reference import Network, OptimizerState, probe_weights, run_trajectory
from frameworkbench.spec.training import Loss, Optimizer

from .models import WORKLOADS, batch, shrunk, small

SGD = Optimizer("sgd", 0.1, momentum=0.9)
ADAM = Optimizer("adam", 0.01, beta1=0.9, beta2=0.999, epsilon=1e-8)
ADAMW = Optimizer("adamw", 0.01, beta1=0.9, beta2=0.999, epsilon=1e-8, weight_decay=0.1)
NESTEROV = Optimizer("nesterov", 0.1, momentum=0.9)
RMSPROP = Optimizer("rmsprop", 0.01, decay=0.9, epsilon=1e-8)
ADAGRAD = Optimizer("adagrad", 0.01, epsilon=1e-8, initial_accumulator=0.1)
INSIDE = [replace(RMSPROP, epsilon_inside=True), replace(ADAGRAD, epsilon_inside=True)]
LOSS = Loss("softmax_cross_entropy")


def _name(spec: Optimizer) -> str:
    return spec.kind + (" inside" if spec.epsilon_inside else "")


def adam_by_hand(p: float, gradients: list[float], spec: Optimizer) -> float:
    """Kingma and Ba's algorithm 1 on one number."""
    m = v = 0.0
    for t, g in enumerate(gradients, start=1):
        m = spec.beta1 * m + (1 - spec.beta1) * g
        v = spec.beta2 * v + (1 - spec.beta2) * g * g
        m_hat, v_hat = m / (1 - spec.beta1**t), v / (1 - spec.beta2**t)
        p -= spec.learning_rate * m_hat / (math.sqrt(v_hat) + spec.epsilon)
    return p


def sgd_by_hand(p: float, gradients: list[float], spec: Optimizer) -> float:
    """Momentum on one number."""
    v = 0.0
    for g in gradients:
        v = spec.momentum * v + g
        p -= spec.learning_rate * v
    return p


def adamw_by_hand(p: float, gradients: list[float], spec: Optimizer) -> float:
    """Adam's steps, each after the weight has shrunk: what Adam would have done is taken from a run without decay."""
    for t in range(len(gradients)):
        moved = adam_by_hand(0.0, gradients[: t + 1], spec) - adam_by_hand(0.0, gradients[:t], spec)
        p = p * (1 - spec.learning_rate * spec.weight_decay) + moved
    return p


def nesterov_by_hand(p: float, gradients: list[float], spec: Optimizer) -> float:
    """Sutskever's form: the gradient is taken at a point ahead, and the point ahead is what is stored."""
    v = 0.0
    behind = p
    for g in gradients:
        v = spec.momentum * v - spec.learning_rate * g
        behind += v
    return behind + spec.momentum * v


def rmsprop_by_hand(p: float, gradients: list[float], spec: Optimizer) -> float:
    """Moving average of squares on one number."""
    v = 0.0
    for g in gradients:
        v = spec.decay * v + (1 - spec.decay) * g * g
        p -= spec.learning_rate * g / root_by_hand(v, spec)
    return p


def adagrad_by_hand(p: float, gradients: list[float], spec: Optimizer) -> float:
    """Sum of squares on one number."""
    v = spec.initial_accumulator
    for g in gradients:
        v += g * g
        p -= spec.learning_rate * g / root_by_hand(v, spec)
    return p


def root_by_hand(v: float, spec: Optimizer) -> float:
    """Epsilon inside or outside the root."""
    return math.sqrt(v + spec.epsilon) if spec.epsilon_inside else math.sqrt(v) + spec.epsilon


@pytest.mark.parametrize("size", [1.0, 1e-8, 1e-10, 0.0])
@pytest.mark.parametrize("spec", [SGD, NESTEROV, RMSPROP, ADAGRAD, ADAM, ADAMW, *INSIDE], ids=_name)
def test_steps_equal_scalar_arithmetic(spec: Optimizer, size: float) -> None:
    """Ten steps agree with arithmetic by hand, gradients comparable with epsilon and zero included."""
    gradients = size * np.random.default_rng(0).normal(size=(10, 2, 3))
    start = np.linspace(-1e-3, 1e-3, 6).reshape(2, 3)
    weights, state = {"p": start.copy()}, OptimizerState(spec)
    for gradient in gradients:
        state.update(weights, {"p": gradient})
    by_hand = globals()[f"{spec.kind}_by_hand"]
    for index in np.ndindex(start.shape):
        expected = by_hand(float(start[index]), [float(g[index]) for g in gradients], spec)
        assert weights["p"][index] == pytest.approx(expected, rel=1e-12, abs=1e-18)


def test_epsilon_comes_after_the_bias_correction() -> None:
    """With a gradient equal to epsilon the first Adam step is half the learning rate, not 1/1.03 or 1/32 of it."""
    weights = {"p": np.zeros(1)}
    OptimizerState(ADAM).update(weights, {"p": np.full(1, ADAM.epsilon)})
    assert weights["p"][0] == pytest.approx(-ADAM.learning_rate / 2, rel=1e-12)


def test_penalties_are_added_to_the_clipped_gradient() -> None:
    """All tensors are clipped together by their norm; then come l2·p and l1·sign(p), which are not clipped."""
    spec = Optimizer("sgd", 1.0, clip_norm=1.0, l2=0.5, l1=0.25)
    weights = {"a": np.array([2.0, -4.0]), "b": np.array([0.0])}
    OptimizerState(spec).update(weights, {"a": np.array([3.0, 0.0]), "b": np.array([4.0])})
    np.testing.assert_allclose(weights["a"], [2 - (0.6 + 1.0 + 0.25), -4 - (0.0 - 2.0 - 0.25)], rtol=1e-12)
    np.testing.assert_allclose(weights["b"], [-0.8], rtol=1e-12)


def test_a_short_gradient_is_not_clipped() -> None:
    """Clipping never makes a gradient longer."""
    weights = {"a": np.array([1.0])}
    OptimizerState(Optimizer("sgd", 1.0, clip_norm=1.0)).update(weights, {"a": np.array([0.5])})
    assert weights["a"][0] == 0.5


SCHEDULES = {
    "constant": (Optimizer("sgd", 0.5), [0.5, 0.5, 0.5, 0.5, 0.5]),
    "warm-up": (Optimizer("sgd", 0.5, warmup_steps=4), [0.125, 0.25, 0.375, 0.5, 0.5]),
    "step": (
        Optimizer("sgd", 0.8, schedule="step", schedule_steps=2, schedule_factor=0.5), [0.8, 0.8, 0.4, 0.4, 0.2],
    ),
    "cosine": (
        Optimizer("sgd", 1.0, schedule="cosine", schedule_steps=2, schedule_factor=0.1), [1.0, 0.55, 0.1, 0.1, 0.1],
    ),
    "cosine after warm-up": (
        Optimizer("sgd", 1.0, schedule="cosine", schedule_steps=2, schedule_factor=0.1, warmup_steps=2),
        [0.5, 0.55, 0.1, 0.1, 0.1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_give_the_rate_of_each_step(name: str) -> None:
    """The rate of a step follows its formula, and a step of plain SGD is the rate times the gradient."""
    spec, rates = SCHEDULES[name]
    assert [spec.rate(step) for step in range(1, 6)] == pytest.approx(rates, rel=1e-12)
    assert spec.scheduled == (name != "constant")
    weights, state = {"p": np.zeros(1)}, OptimizerState(spec)
    for _ in rates:
        state.update(weights, {"p": np.ones(1)})
    assert weights["p"][0] == pytest.approx(-sum(rates), rel=1e-12)


def test_repeated_tokens_take_one_step_of_their_summed_gradient() -> None:
    """Adam squares the sum of a repeated token's gradients, not each occurrence."""
    layers = {"kind": "embedding", "vocabulary": 4, "width": 1}, {"kind": "mean_pool"}, {"kind": "dense", "units": 2}
    model = small(*layers, shape=(3,), kind="tokens")
    weights = probe_weights(model, 0)
    tokens, labels, loss = np.array([[1, 1, 2]], np.int32), np.array([0]), Loss("softmax_cross_entropy", 1e-7)
    result = run_trajectory(model, loss, ADAM, weights, [(tokens, labels)], snapshot_steps=[1])
    gradient = result.first_gradients["l0.table"][:, 0]
    assert gradient[1] == pytest.approx(2 * gradient[2], rel=1e-12)
    for row in range(4):
        expected = adam_by_hand(float(weights["l0.table"][row, 0]), [float(gradient[row])], ADAM)
        assert result.snapshots[1]["l0.table"][row, 0] == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_trajectory_is_the_loop_written_out(name: str) -> None:
    """Losses are those before each update, snapshots those after, and the given weights stay as they are."""
    model, weights = shrunk(name), probe_weights(shrunk(name), 0)
    kept = {key: value.copy() for key, value in weights.items()}
    batches = [batch(model, 4, seed) for seed in range(3)]
    result = run_trajectory(model, LOSS, ADAM, weights, batches, snapshot_steps=[0, 2, 9])
    network, state = Network(model, weights), OptimizerState(ADAM)
    for step, (inputs, labels) in enumerate(batches):
        value, gradients, logits = network.loss_and_gradients(inputs, labels, LOSS)
        assert result.losses[step] == value
        if step == 0:
            np.testing.assert_array_equal(result.logits0, logits)
            np.testing.assert_equal(result.first_gradients, gradients)
        state.update(network.weights, gradients)
        if step == 1:
            np.testing.assert_equal(result.snapshots[2], network.weights)
    assert sorted(result.snapshots) == [0, 2]
    np.testing.assert_equal(result.snapshots[0], {key: value.astype(np.float64) for key, value in kept.items()})
    np.testing.assert_equal(weights, kept)


@pytest.mark.parametrize("name", WORKLOADS)
def test_training_lowers_the_loss(name: str) -> None:
    """Thirty Adam steps on one batch fit it better than the start."""
    model = shrunk(name)
    fixed = [batch(model, 8)] * 30
    losses = run_trajectory(model, LOSS, ADAM, probe_weights(model, 0), fixed).losses
    assert losses[-1] < 0.8 * losses[0]
