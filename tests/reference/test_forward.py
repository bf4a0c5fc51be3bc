"""Forward formulas against plain loops, the cost formulas against hand-counted cases, and wrong weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from frameworkbench.reference import Network, probe_weights, run_trajectory
from frameworkbench.reference.layers import RULES
from frameworkbench.spec.layers import forward_flops
from frameworkbench.spec.training import Loss, Optimizer

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


def test_gru_equals_scalar_arithmetic() -> None:
    """One unit over three steps: gates r, z, n in this order, the reset gate behind the recurrent product, one bias."""
    model = small({"kind": "gru", "units": 1}, shape=(3, 1))
    network = Network(model, probe_weights(model, 5))
    w, r, b = (network.weights[f"l0.{name}"].ravel().tolist() for name in ("kernel", "recurrent", "bias"))
    x = np.array([[[0.3], [-1.2], [2.0]]])
    h = 0.0
    for value in x.ravel().tolist():
        reset = 1 / (1 + math.exp(-(w[0] * value + r[0] * h + b[0])))
        update = 1 / (1 + math.exp(-(w[1] * value + r[1] * h + b[1])))
        new = math.tanh(w[2] * value + b[2] + reset * (r[2] * h))
        h = (1 - update) * new + update * h
    assert network.logits(x)[0, 0] == pytest.approx(h, rel=1e-12)


def test_rnn_equals_scalar_arithmetic() -> None:
    """One unit over three steps of h = tanh(W·x + R·h + b)."""
    model = small({"kind": "rnn", "units": 1}, shape=(3, 1))
    network = Network(model, probe_weights(model, 5))
    w, r, b = (float(network.weights[f"l0.{name}"].ravel()[0]) for name in ("kernel", "recurrent", "bias"))
    x = np.array([[[0.3], [-1.2], [2.0]]])
    h = 0.0
    for value in x.ravel().tolist():
        h = math.tanh(w * value + r * h + b)
    assert network.logits(x)[0, 0] == pytest.approx(h, rel=1e-12)


@pytest.mark.parametrize("kind", ["lstm", "gru", "rnn"])
def test_a_bidirectional_layer_is_two_layers(kind: str) -> None:
    """The second half is what the same layer gives on the reversed sequence; all states stand in the input's order."""
    both = small(
        {"kind": kind, "units": 2, "bidirectional": True, "sequence": True}, {"kind": "mean_pool"}, shape=(4, 3)
    )
    last = small({"kind": kind, "units": 2, "bidirectional": True}, shape=(4, 3))
    weights = probe_weights(both, 0)
    single = small({"kind": kind, "units": 2}, shape=(4, 3))
    x, _ = batch(single, 2)
    names = ("kernel", "recurrent", "bias")
    forward = Network(single, {f"l0.{name}": weights[f"l0.{name}"] for name in names}).logits(x)
    backward = Network(single, {f"l0.{name}": weights[f"l0.backward_{name}"] for name in names}).logits(x[:, ::-1])
    np.testing.assert_allclose(
        Network(last, weights).logits(x), np.concatenate([forward, backward], axis=1), rtol=1e-12
    )
    states, _ = RULES[kind].forward(both.layers[0], Network(both, weights).weights, x)
    np.testing.assert_allclose(states[:, -1, :2], forward, rtol=1e-12)
    np.testing.assert_allclose(states[:, 0, 2:], backward, rtol=1e-12)


def test_average_pools_equal_means_of_slices() -> None:
    """A window's average counts each element alike; the global one is the mean of the image."""
    x = np.arange(24.0).reshape(1, 1, 4, 6)
    pooled = Network(small({"kind": "avg_pool2d", "size": 2, "stride": 2}, {"kind": "flatten"}, shape=(1, 4, 6)), {})
    np.testing.assert_allclose(pooled.logits(x)[0], [3.5, 5.5, 7.5, 15.5, 17.5, 19.5])
    assert Network(small({"kind": "global_avg_pool2d"}, shape=(1, 4, 6)), {}).logits(x)[0, 0] == 11.5


NORM = {"kind": "batch_norm", "epsilon": 0.5, "momentum": 0.75}


def test_batch_norm_uses_the_batch_in_training_and_running_statistics_in_evaluation() -> None:
    """Training normalises with the batch and moves the running statistics by a quarter; evaluation uses those."""
    network = Network(small(NORM, shape=(1,)), {
        "l0.scale": np.array([2.0]), "l0.shift": np.array([1.0]),
        "l0.mean": np.array([10.0]), "l0.variance": np.array([3.5]),
    })  # fmt: skip
    x = np.array([[1.0], [2.0], [3.0], [6.0]])  # mean 3, biased variance 3.5
    assert network.logits(x)[0, 0] == pytest.approx(2 * (1 - 10) / math.sqrt(3.5 + 0.5) + 1)
    value, gradients, trained = network.loss_and_gradients(x, np.array([1, 2, 3, 6]), Loss("mean_squared_error"))
    np.testing.assert_allclose(trained[:, 0], 2 * (x[:, 0] - 3) / 2 + 1, rtol=1e-12)
    assert value == pytest.approx(np.mean((trained[:, 0] - x[:, 0]) ** 2))
    assert set(gradients) == {"l0.scale", "l0.shift"}
    network.move_statistics()
    assert network.weights["l0.mean"][0] == pytest.approx(0.75 * 10 + 0.25 * 3)
    assert network.weights["l0.variance"][0] == pytest.approx(3.5)


def test_running_statistics_of_a_training_are_in_its_snapshots() -> None:
    """A trajectory moves the statistics of batch norms inside branches too, and an optimizer never does."""
    branch = {"kind": "residual", "layers": [{"name": "a", **NORM}]}
    model = small(branch, {"kind": "dense", "units": 2}, shape=(3,))
    weights = probe_weights(model, 0)
    x, labels = batch(model, 4)
    spec = Optimizer("sgd", 0.1, l2=0.5)
    snapshots = run_trajectory(model, Loss("softmax_cross_entropy"), spec, weights, [(x, labels)], snapshot_steps=[1])
    moved = snapshots.snapshots[1]
    np.testing.assert_allclose(moved["a.mean"], 0.75 * weights["a.mean"] + 0.25 * x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(moved["a.variance"], 0.75 * weights["a.variance"] + 0.25 * x.var(axis=0), rtol=1e-5)
    assert set(snapshots.first_gradients) == {"a.scale", "a.shift", "l1.kernel", "l1.bias"}


def test_dropout_zeroes_and_scales_anew_each_time_and_only_in_training() -> None:
    """Ones become 0 or 1/(1 − rate), kept with the stated chance, never twice alike; evaluation changes nothing."""
    model = small({"kind": "dropout", "rate": 0.2}, shape=(5000,))
    rule, layer, ones = RULES["dropout"], model.layers[0], np.ones((2, 5000))
    first, mask = rule.forward(layer, {}, ones)
    second, _ = rule.forward(layer, {}, ones)
    assert set(np.unique(first)) == {0.0, 1.25}
    assert stats.binom.cdf(np.count_nonzero(first), first.size, 0.8) == pytest.approx(0.5, abs=0.4999)
    assert not np.array_equal(first, second)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_array_equal(rule.backward(layer, {}, mask, ones)[0], first)
    np.testing.assert_array_equal(Network(model, {}).logits(ones), ones)
    assert model.dropout
    assert not model.without_dropout().dropout


def test_the_dot_product_of_two_tables() -> None:
    """A user's vector times an item's: each column of the tokens has its own table."""
    pair = {"kind": "pair_embedding", "users": 3, "items": 2, "width": 2}
    model = small(pair, {"kind": "dot_product"}, shape=(2,), kind="tokens")
    tables = {"l0.user_table": np.array([[1.0, 2], [3, 4], [5, 6]]), "l0.item_table": np.array([[1.0, -1], [2, 0.5]])}
    np.testing.assert_allclose(Network(model, tables).logits(np.array([[2, 1], [0, 0]], np.int32)), [[13], [-1]])


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


def test_the_tanh_form_of_gelu_is_the_approximation() -> None:
    """It differs from the exact form in the fourth digit and agrees with its own formula."""
    y = Network(small({"kind": "gelu_tanh"}, shape=(1,)), {}).logits(np.array([[1.0]]))
    assert y[0, 0] == pytest.approx(0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * 1.044715)), rel=1e-14)
    assert abs(y[0, 0] - 0.5 * (1 + math.erf(1 / math.sqrt(2)))) > 1e-4


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
        ({"kind": "lstm", "units": 3, "bidirectional": True}, (2, 2), 2 * 2 * (12 * (4 + 6 + 2) + 9 * 3)),
        ({"kind": "gru", "units": 3}, (2, 2), 2 * (9 * (4 + 6 + 2) + 8 * 3)),
        ({"kind": "rnn", "units": 3}, (2, 2), 2 * (3 * (4 + 6 + 2) + 3)),
        ({"kind": "conv2d", "filters": 2, "size": 3, "bias": False}, (1, 4, 4), 2 * 2 * 2 * (9 + 9)),
        ({"kind": "avg_pool2d", "size": 2, "stride": 2}, (3, 4, 4), 3 * 2 * 2 * 4),
        ({"kind": "global_avg_pool2d"}, (3, 4, 4), 3 * 4 * 4),
        ({"kind": "softmax"}, (7,), 4 * 7),
        ({"kind": "batch_norm", "epsilon": 0.1, "momentum": 0.9}, (7,), 8 * 7),
        ({"kind": "dropout", "rate": 0.5}, (7,), 2 * 7),
        ({"kind": "dot_product"}, (2, 3), 6),
        # 4 projections of 3 rows: 3·4·(2·4+1); scores and mixing 2·(2·3·3·4); softmax and scale 5 per score
        ({"kind": "attention", "heads": 2}, (3, 4), 4 * 3 * 4 * 9 + 2 * (2 * 3 * 3 * 4) + 5 * 2 * 3 * 3),
    ],
)
def test_cost_formulas_match_hand_counts(layer: dict[str, object], shape: tuple[int, ...], flops: int) -> None:
    """Forward operations per sample equal a count by hand, a multiply-add being two."""
    tail = (
        []
        if len(shape) == 1 or layer["kind"] not in ("conv2d", "max_pool2d", "avg_pool2d", "attention")
        else [{"kind": "flatten"}]
    )
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
