"""Every hand-derived gradient against central finite differences in float64."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import scipy.special

from frameworkbench.reference import Network, loss_and_logit_gradient, probe_weights
from frameworkbench.reference.layers import RULES, backward_layers, forward_layers
from frameworkbench.reference.loss import log_softmax
from frameworkbench.reference.rule import Array
from frameworkbench.spec.layers import KINDS
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss

from .models import WORKLOADS, batch, shrunk, small

LOSS = Loss("softmax_cross_entropy")
STEP = 1e-5
TOLERANCE = 1e-7
"""Relative to the largest gradient of a tensor: truncation of order STEP², rounding of order 1e-16/STEP."""

TOKENS = {"kind": "embedding", "vocabulary": 7, "width": 6}
DENSE = {"kind": "dense", "units": 3}
POOL = {"kind": "mean_pool"}
CASES: dict[str, Model] = {
    "dense": small(DENSE, shape=(5,)),
    "dense without bias": small({"kind": "dense", "units": 3, "bias": False}, shape=(5,)),
    "dense on sequences": small({"kind": "dense", "units": 4}, POOL, shape=(3, 5)),
    "conv2d": small({"kind": "conv2d", "filters": 3, "size": 3}, {"kind": "flatten"}, DENSE, shape=(2, 6, 5)),
    "conv2d stride padding": small(
        {"kind": "conv2d", "filters": 3, "size": 3, "stride": 2, "padding": 2}, {"kind": "flatten"}, shape=(2, 6, 5)
    ),
    "max_pool2d": small({"kind": "max_pool2d", "size": 2, "stride": 2}, {"kind": "flatten"}, DENSE, shape=(2, 5, 6)),
    "max_pool2d overlapping": small(
        {"kind": "max_pool2d", "size": 3, "stride": 1}, {"kind": "flatten"}, shape=(2, 5, 5)
    ),
    "max_pool2d gaps": small({"kind": "max_pool2d", "size": 2, "stride": 3}, {"kind": "flatten"}, shape=(2, 8, 8)),
    "conv2d without bias": small(
        {"kind": "conv2d", "filters": 3, "size": 3, "bias": False}, {"kind": "flatten"}, shape=(2, 5, 4)
    ),
    "avg_pool2d": small({"kind": "avg_pool2d", "size": 2, "stride": 2}, {"kind": "flatten"}, DENSE, shape=(2, 5, 6)),
    "avg_pool2d overlapping": small(
        {"kind": "avg_pool2d", "size": 3, "stride": 1}, {"kind": "flatten"}, shape=(2, 5, 5)
    ),
    "global_avg_pool2d": small({"kind": "global_avg_pool2d"}, DENSE, shape=(3, 4, 5)),
    "flatten": small({"kind": "flatten"}, DENSE, shape=(2, 3, 4)),
    "relu": small({"kind": "dense", "units": 6}, {"kind": "relu"}, DENSE, shape=(4,)),
    "gelu": small({"kind": "dense", "units": 6}, {"kind": "gelu"}, DENSE, shape=(4,)),
    **{
        kind: small({"kind": "dense", "units": 6}, {"kind": kind}, DENSE, shape=(4,))
        for kind in ("gelu_tanh", "sigmoid", "tanh", "softmax")
    },
    "softmax on sequences": small({"kind": "softmax"}, POOL, shape=(3, 4)),
    "batch_norm": small({"kind": "batch_norm", "epsilon": 1e-2, "momentum": 0.9}, DENSE, shape=(5,)),
    "batch_norm on images": small(
        {"kind": "batch_norm", "epsilon": 1e-3, "momentum": 0.9}, {"kind": "flatten"}, DENSE, shape=(3, 4, 2)
    ),
    "batch_norm in a branch": small(
        {"kind": "residual", "layers": [{"name": "a", "kind": "batch_norm", "epsilon": 1e-2, "momentum": 0.5}]},
        DENSE,
        shape=(4,),
    ),
    "dropout": small({"kind": "dropout", "rate": 0.0}, DENSE, shape=(4,)),
    "pair_embedding": small(
        {"kind": "pair_embedding", "users": 5, "items": 4, "width": 3}, {"kind": "flatten"}, shape=(2,), kind="tokens"
    ),
    "dot_product": small({"kind": "dot_product"}, shape=(2, 5)),
    "embedding": small(TOKENS, POOL, DENSE, shape=(5,), kind="tokens"),
    "position_embedding": small(
        TOKENS, {"kind": "position_embedding"}, {"kind": "gelu"}, POOL, shape=(5,), kind="tokens"
    ),
    "lstm": small({"kind": "lstm", "units": 4}, shape=(5, 3)),
    "lstm on tokens": small(TOKENS, {"kind": "lstm", "units": 4}, DENSE, shape=(5,), kind="tokens"),
    **{
        f"{kind}{name}": small({"kind": kind, "units": 4, **options}, *tail, shape=(5, 3))
        for kind in ("lstm", "gru", "rnn")
        for name, options, tail in (
            ("", {}, ()),
            (" sequence", {"sequence": True}, (POOL,)),
            (" bidirectional", {"bidirectional": True}, (DENSE,)),
            (" stacked", {"bidirectional": True, "sequence": True}, ({"kind": kind, "units": 2}, DENSE)),
        )
    },
    "layer_norm": small({"kind": "layer_norm", "epsilon": 1e-2}, DENSE, shape=(6,)),
    "layer_norm on sequences": small({"kind": "layer_norm", "epsilon": 1e-5}, POOL, shape=(4, 6)),
    "attention": small({"kind": "attention", "heads": 2}, POOL, shape=(5, 6)),
    "attention one head": small({"kind": "attention", "heads": 1}, POOL, shape=(4, 3)),
    "mean_pool": small({"kind": "mean_pool"}, shape=(4, 3)),
    "residual": small(
        {"kind": "residual", "layers": [{"name": "a", "kind": "dense", "units": 4}, {"name": "b", "kind": "gelu"}]},
        DENSE,
        shape=(4,),
    ),
    "residual of a residual": small(
        {
            "kind": "residual",
            "layers": [
                {"name": "a", "kind": "residual", "layers": [{"name": "b", "kind": "dense", "units": 4}]},
                {"name": "c", "kind": "gelu"},
            ],
        },
        shape=(4,),
    ),
    **{f"workload {name}": shrunk(name) for name in WORKLOADS},
}


def numeric(function: Callable[[], float], array: Array) -> Array:
    """Central finite differences of a scalar function by one array, which is restored.

    The step shrinks with small arrays: a layer norm behind an embedding of size 0.02 bends within 1e-5.
    """
    step = STEP * min(1.0, 4 * float(np.abs(array).max()))
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        before = array[index]
        array[index] = before + step
        above = function()
        array[index] = before - step
        below = function()
        array[index] = before
        gradient[index] = (above - below) / (2 * step)
    return gradient


def assert_close(actual: Array, expected: Array, name: str) -> None:
    """Largest difference relative to the largest element of the expected array."""
    error = np.abs(actual - expected).max() / max(np.abs(expected).max(), 1e-3)
    assert error < TOLERANCE, f"{name}: off by {error:.1e}"


def test_every_layer_kind_has_a_rule_and_a_case() -> None:
    """A layer added to the vocabulary without a rule or a gradient check fails here."""
    used = {kind for model in CASES.values() for kind in model.kinds}
    assert set(RULES) == {*KINDS, "residual"} == used


@pytest.mark.parametrize("name", CASES)
def test_parameter_gradients_equal_finite_differences(name: str) -> None:
    """The gradient by each parameter is the slope of the loss along each of its elements."""
    model = CASES[name]
    network = Network(model, probe_weights(model, 3))
    inputs, labels = batch(model, 3, seed=1)
    _, gradients, _ = network.loss_and_gradients(inputs, labels, LOSS)
    assert list(gradients) == [parameter.name for parameter in model.parameters if parameter.trained]
    for parameter, values in ((name, network.weights[name]) for name in gradients):
        slope = numeric(lambda: network.loss_and_gradients(inputs, labels, LOSS)[0], values)
        assert_close(gradients[parameter], slope, parameter)


@pytest.mark.parametrize("name", [name for name, model in CASES.items() if model.input_kind == "floats"])
def test_input_gradients_equal_finite_differences(name: str) -> None:
    """The gradient that a layer hands to the one before it is the slope along each input element."""
    model = CASES[name]
    network = Network(model, probe_weights(model, 3))
    inputs, labels = batch(model, 2, seed=2)
    logits, caches = forward_layers(model.layers, network.weights, inputs)
    _, dlogits = loss_and_logit_gradient(LOSS, logits, labels)
    dx, _ = backward_layers(model.layers, network.weights, caches, dlogits)
    slope = numeric(lambda: network.training_loss(inputs, labels, LOSS), inputs)
    assert_close(dx, slope, name)


@pytest.mark.parametrize("scale", [1.0, 1e-6, 8.0])
def test_loss_gradient_equals_finite_differences(scale: float) -> None:
    """The loss is the mean over the batch times the scale, and its gradient carries the same scale."""
    generator = np.random.default_rng(0)
    logits, labels = generator.normal(size=(4, 3)), np.array([0, 2, 1, 2])
    value, gradient = loss_and_logit_gradient(Loss("softmax_cross_entropy", scale), logits, labels)
    by_hand = -np.mean([z[c] - np.log(np.exp(z).sum()) for z, c in zip(logits, labels, strict=True)])
    assert value == pytest.approx(scale * by_hand, rel=1e-12)
    slope = numeric(lambda: loss_and_logit_gradient(LOSS, logits, labels)[0], logits)
    assert_close(gradient / scale, slope, "logits")


def test_loss_survives_huge_logits() -> None:
    """Logits of a diverging model give a finite loss and a finite gradient."""
    value, gradient = loss_and_logit_gradient(LOSS, np.array([[1e4, -1e4]]), np.array([1]))
    assert value == pytest.approx(2e4)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_log_softmax_has_the_bits_of_scipys(kind: type) -> None:
    """The own log-softmax, there for start-up time alone, gives SciPy's bits, also for scores that are not finite."""
    scores = np.random.default_rng(0).normal(scale=30, size=(64, 10)).astype(kind)
    scores[0, 0], scores[1, 1], scores[2, 2], scores[3] = np.inf, -np.inf, np.nan, -np.inf

    with np.errstate(invalid="ignore"):
        own, others = log_softmax(scores), scipy.special.log_softmax(scores, axis=1)

    assert own.dtype == kind
    np.testing.assert_array_equal(own, others)


FOCAL = Loss("focal", alpha=0.25, gamma=2.0)
SINGLE = [Loss("binary_cross_entropy"), FOCAL, replace(FOCAL, gamma=0.5), Loss("mean_squared_error")]


def _by_hand(loss: Loss, z: float, y: int) -> float:
    p = 1 / (1 + math.exp(-z)) if y else 1 / (1 + math.exp(z))
    if loss.kind == "mean_squared_error":
        return (z - y) ** 2
    if loss.kind == "focal":
        return -(loss.alpha if y else 1 - loss.alpha) * (1 - p) ** loss.gamma * math.log(p)
    return -math.log(p)


@pytest.mark.parametrize("scale", [1.0, 1e-6])
@pytest.mark.parametrize("loss", SINGLE, ids=lambda loss: f"{loss.kind}-{loss.gamma}")
def test_losses_of_one_output_follow_their_formulas(loss: Loss, scale: float) -> None:
    """Binary cross-entropy, focal and squared error agree with scalar arithmetic, their gradients with its slope."""
    z, labels = np.array([[0.3], [-1.2], [2.5], [-0.1]]), np.array([0, 1, 1, 0])
    value, gradient = loss_and_logit_gradient(replace(loss, scale=scale), z, labels)
    by_hand = np.mean([_by_hand(loss, float(x), int(y)) for x, y in zip(z[:, 0], labels, strict=True)])
    assert value == pytest.approx(scale * by_hand, rel=1e-12)
    assert gradient.shape == z.shape
    slope = numeric(lambda: loss_and_logit_gradient(loss, z, labels)[0], z)
    assert_close(gradient / scale, slope, loss.kind)


@pytest.mark.parametrize("kind", ["binary_cross_entropy", "focal"])
def test_losses_of_one_output_survive_huge_logits(kind: str) -> None:
    """A certain and wrong answer has a finite loss and gradient, a certain and right one none."""
    wrong, slope = loss_and_logit_gradient(Loss(kind, 1.0, 0.25, 2.0), np.array([[1e4]]), np.array([0]))
    right, none = loss_and_logit_gradient(Loss(kind, 1.0, 0.25, 2.0), np.array([[1e4]]), np.array([1]))
    assert np.isfinite(wrong)
    assert wrong > 1e3
    assert np.isfinite(slope).all()
    assert (right, float(none[0, 0])) == (0.0, 0.0)


def test_a_bias_on_the_keys_would_have_no_gradient() -> None:
    """A feature that is always one turns a kernel column into a bias: the keys' column gets no gradient."""
    model = CASES["attention"]
    network = Network(model, probe_weights(model, 0))
    inputs, labels = batch(model, 4)
    inputs[..., -1] = 1
    _, gradients, _ = network.loss_and_gradients(inputs, labels, LOSS)
    largest = np.abs(gradients["l0.key_kernel"]).max()
    assert np.abs(gradients["l0.key_kernel"][:, -1]).max() < 1e-14 < 1e-4 < largest
    assert np.abs(gradients["l0.query_kernel"][:, -1]).max() > 1e-4
    np.testing.assert_allclose(gradients["l0.query_kernel"][:, -1], gradients["l0.query_bias"], rtol=1e-9)
    assert "l0.key_bias" not in gradients


def test_ties_in_a_pooling_window_go_to_the_first_maximum() -> None:
    """The gradient of a tied window goes to one element: the first in row-major order."""
    model = small({"kind": "max_pool2d", "size": 2, "stride": 2}, {"kind": "flatten"}, shape=(1, 2, 4))
    x = np.array([[[[1.0, 5.0, 2.0, 2.0], [5.0, 5.0, 2.0, 2.0]]]])
    _, caches = forward_layers(model.layers, {}, x)
    dx, _ = backward_layers(model.layers, {}, caches, np.array([[3.0, 7.0]]))
    np.testing.assert_array_equal(dx, [[[[0, 3, 7, 0], [0, 0, 0, 0]]]])


def test_relu_passes_no_gradient_at_zero() -> None:
    """The derivative of ReLU at 0 is 0."""
    model = small({"kind": "relu"}, shape=(3,))
    _, caches = forward_layers(model.layers, {}, np.array([[-1.0, 0.0, 2.0]]))
    dx, _ = backward_layers(model.layers, {}, caches, np.array([[1.0, 1.0, 1.0]]))
    np.testing.assert_array_equal(dx, [[0, 0, 1]])


def test_repeated_tokens_add_up_before_the_optimizer_sees_them() -> None:
    """The embedding gradient is dense: a token that occurs three times gets the sum of three rows."""
    model = small(TOKENS, POOL, shape=(4,), kind="tokens")
    network = Network(model, probe_weights(model, 0))
    _, caches = forward_layers(model.layers, network.weights, np.array([[2, 2, 5, 2]], np.int32))
    _, gradients = backward_layers(model.layers, network.weights, caches, np.ones((1, 6)))
    expected = np.zeros((7, 6))
    expected[2], expected[5] = 0.75, 0.25
    np.testing.assert_allclose(gradients["l0.table"], expected)
