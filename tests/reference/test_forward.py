"""Forward formulas against plain loops, the cost formulas against hand-counted cases, and wrong weights."""

from __future__ import annotations

import math

import numpy as np
import pytest

from frameworkbench.reference import Network, probe_weights
from frameworkbench.spec.layers import forward_flops

from .models import WORKLOADS, batch, shrunk, small


def test_convolution_equals_the_sum_in_its_formula() -> None:
    """A convolution is a cross-correlation with zero padding, kernel [out, in, height, width] on NCHW."""
    options = {"kind": "conv2d", "filters": 2, "size": 3, "stride": 2, "padding": 1}
    model = small(options, {"kind": "flatten"}, shape=(2, 5, 4))
    network = Network(model, probe_weights(model, 0))
    x, _ = batch(model, 1)
    kernel, bias = network.weights["l0.kernel"], network.weights["l0.bias"]
    expected = np.zeros((2, 3, 2))
    for f, i, j in np.ndindex(expected.shape):
        expected[f, i, j] = bias[f]
        for c, u, v in np.ndindex(2, 3, 3):
            row, column = 2 * i + u - 1, 2 * j + v - 1
            if 0 <= row < 5 and 0 <= column < 4:
                expected[f, i, j] += kernel[f, c, u, v] * x[0, c, row, column]
    np.testing.assert_allclose(network.logits(x)[0], expected.ravel(), rtol=1e-12)


def test_lstm_equals_scalar_arithmetic() -> None:
    """One unit over three steps: gates i, f, g, o in this order, one bias, last hidden state."""
    model = small({"kind": "lstm", "units": 1}, shape=(3, 1))
    network = Network(model, probe_weights(model, 5))
    w, r, b = (network.weights[f"l0.{name}"].ravel().tolist() for name in ("kernel", "recurrent", "bias"))
    x = np.array([[[0.3], [-1.2], [2.0]]])
    h = c = 0.0
    for value in x.ravel().tolist():
        i, f, g, o = (w[k] * value + r[k] * h + b[k] for k in range(4))
        c = c / (1 + math.exp(-f)) + math.tanh(g) / (1 + math.exp(-i))
        h = math.tanh(c) / (1 + math.exp(-o))
    assert network.logits(x)[0, 0] == pytest.approx(h, rel=1e-12)


def test_attention_equals_loops_over_heads_and_positions() -> None:
    """Each head attends with softmax(q·k/√(E/h)) on its own slice of the features."""
    model = small({"kind": "attention", "heads": 2}, {"kind": "mean_pool"}, shape=(3, 4))
    network = Network(model, probe_weights(model, 0))
    x, _ = batch(model, 1)
    p = {name.removeprefix("l0."): value for name, value in network.weights.items()}
    q, k = x[0] @ p["query_kernel"].T + p["query_bias"], x[0] @ p["key_kernel"].T
    v = x[0] @ p["value_kernel"].T + p["value_bias"]
    mixed = np.zeros((3, 4))
    for head in (slice(0, 2), slice(2, 4)):
        for t in range(3):
            weight = np.array([math.exp(q[t, head] @ k[s, head] / math.sqrt(2)) for s in range(3)])
            mixed[t, head] = (weight / weight.sum()) @ v[:, head]
    expected = (mixed @ p["output_kernel"].T + p["output_bias"]).mean(axis=0)
    np.testing.assert_allclose(network.logits(x)[0], expected, rtol=1e-12)


def test_layer_norm_divides_by_the_biased_standard_deviation() -> None:
    """Normalised features have mean 0 and biased variance v/(v + ε)."""
    model = small({"kind": "layer_norm", "epsilon": 0.5}, shape=(4,))
    weights = {"l0.scale": np.ones(4), "l0.shift": np.zeros(4)}
    y = Network(model, weights).logits(np.array([[1.0, 2.0, 3.0, 6.0]]))
    np.testing.assert_allclose(y[0], (np.array([1, 2, 3, 6]) - 3) / math.sqrt(3.5 + 0.5), rtol=1e-12)


def test_gelu_is_the_exact_one() -> None:
    """GELU uses erf; the tanh approximation would differ in the fourth digit."""
    y = Network(small({"kind": "gelu"}, shape=(1,)), {}).logits(np.array([[1.0]]))
    assert y[0, 0] == pytest.approx(0.5 * (1 + math.erf(1 / math.sqrt(2))), rel=1e-14)


@pytest.mark.parametrize("name", WORKLOADS)
def test_float32_logits_agree_with_float64_and_stay_float32(name: str) -> None:
    """Evaluation in float32 differs from the proof's float64 by rounding only and never widens silently."""
    model = shrunk(name)
    weights, (x, _) = probe_weights(model, 1), batch(model, 8)
    fast = Network(model, weights, np.float32).logits(x)
    assert fast.dtype == np.float32
    np.testing.assert_allclose(fast, Network(model, weights).logits(x), atol=3e-6)


@pytest.mark.parametrize(
    ("layer", "shape", "flops"),
    [
        ({"kind": "dense", "units": 3}, (5,), 3 * (5 + 5 + 1)),
        ({"kind": "conv2d", "filters": 2, "size": 3}, (1, 4, 4), 2 * 2 * 2 * (9 + 9 + 1)),
        ({"kind": "max_pool2d", "size": 2, "stride": 2}, (3, 4, 4), 3 * 2 * 2 * 4),
        ({"kind": "relu"}, (7,), 7),
        ({"kind": "flatten"}, (2, 3, 4), 0),
        ({"kind": "mean_pool"}, (4, 3), 12),
        # 2 steps × (4 gates × 3 units × (2·2 input + 2·3 recurrent + 2 additions) + 9 per unit)
        ({"kind": "lstm", "units": 3}, (2, 2), 2 * (12 * (4 + 6 + 2) + 9 * 3)),
        # 4 projections of 3 rows: 3·4·(2·4+1); scores and mixing 2·(2·3·3·4); softmax and scale 5 per score
        ({"kind": "attention", "heads": 2}, (3, 4), 4 * 3 * 4 * 9 + 2 * (2 * 3 * 3 * 4) + 5 * 2 * 3 * 3),
    ],
)
def test_cost_formulas_match_hand_counts(layer: dict[str, object], shape: tuple[int, ...], flops: int) -> None:
    """Forward operations per sample equal a count by hand, a multiply-add being two."""
    tail = [] if len(shape) == 1 or layer["kind"] in ("flatten", "mean_pool", "lstm") else [{"kind": "flatten"}]
    assert forward_flops(small(layer, *tail, shape=shape).layers[0]) == flops


def test_residual_costs_its_branch_and_one_addition() -> None:
    """A residual adds one operation per output element, and training costs three forward passes."""
    model = small({"kind": "residual", "layers": [{"name": "a", "kind": "dense", "units": 4}]}, shape=(4,))
    assert model.forward_flops() == 4 * 9 + 4
    assert model.training_flops() == 3 * 40


def test_weights_that_do_not_fit_are_named() -> None:
    """A missing, unknown or misshapen parameter is an error that says which."""
    model = small({"kind": "dense", "units": 2}, shape=(3,))
    kernel = np.zeros((2, 3))
    with pytest.raises(ValueError, match=r"l0\.bias"):
        Network(model, {"l0.kernel": kernel})
    with pytest.raises(ValueError, match=r"l0\.other"):
        Network(model, {"l0.kernel": kernel, "l0.bias": np.zeros(2), "l0.other": np.zeros(2)})
    with pytest.raises(ValueError, match=r"l0\.kernel: expected shape \(2, 3\)"):
        Network(model, {"l0.kernel": kernel.T, "l0.bias": np.zeros(2)})
