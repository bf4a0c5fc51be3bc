"""Initial weights: distributions, independence and the perturbation of the proof."""

from __future__ import annotations

import math

import numpy as np
import pytest

from frameworkbench.reference import initial_weights, probe_weights
from frameworkbench.reference.initialise import PERTURBED_ROLES
from frameworkbench.spec.model import Initializer, build_model

from .models import WORKLOADS, small, workload


def dense(kind: str, std: float = 0.0) -> np.ndarray:
    """A 400 × 600 kernel (fan_in 600, fan_out 400) drawn with one initialiser."""
    initializers = {"kernel": Initializer(kind, std), "bias": Initializer("zeros")}
    model = build_model((600,), "floats", [{"name": "d", "kind": "dense", "units": 400}], initializers, "test")
    return initial_weights(model, 0)["d.kernel"].astype(np.float64)


@pytest.mark.parametrize(
    ("kind", "limit"), [("uniform_fan_in", 1 / math.sqrt(600)), ("glorot_uniform", math.sqrt(6 / 1000))]
)
def test_uniform_initialisers_fill_their_interval(kind: str, limit: float) -> None:
    """Mean 0, standard deviation limit/√3, and nothing outside the limit."""
    values = dense(kind)
    assert abs(values.mean()) < 5 * limit / math.sqrt(3 * values.size)
    assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.01)
    assert 0.999 * limit < np.abs(values).max() <= limit * (1 + 1e-6)


def test_normal_initialiser_has_its_standard_deviation() -> None:
    """Mean 0, the stated standard deviation, and tails that a uniform would lack."""
    values = dense("normal", 0.02)
    assert abs(values.mean()) < 5 * 0.02 / math.sqrt(values.size)
    assert values.std() == pytest.approx(0.02, rel=0.01)
    assert np.mean(np.abs(values) > 0.04) == pytest.approx(0.0455, abs=0.003)


def test_recurrent_gates_are_orthogonal_and_differ() -> None:
    """Each H × H block times its transpose is the identity, and no two gates are alike."""
    model = small({"kind": "lstm", "units": 16}, shape=(2, 3))
    blocks = initial_weights(model, 0)["l0.recurrent"].astype(np.float64).reshape(4, 16, 16)
    for block in blocks:
        np.testing.assert_allclose(block @ block.T, np.eye(16), atol=1e-6)
    assert len({float(block[0, 0]) for block in blocks}) == 4


def test_forget_gate_starts_at_one() -> None:
    """The second quarter of the gate bias is one and the rest is zero."""
    model = small({"kind": "lstm", "units": 2}, shape=(2, 3))
    np.testing.assert_array_equal(initial_weights(model, 0)["l0.bias"], [0, 0, 1, 1, 0, 0, 0, 0])


def test_adding_a_layer_moves_no_other_parameter() -> None:
    """A parameter depends on seed and name only, so models can be compared layer by layer."""
    first, last = {"name": "a", "kind": "dense", "units": 4}, {"name": "z", "kind": "dense", "units": 2}
    initializers = {"kernel": Initializer("uniform_fan_in"), "bias": Initializer("zeros")}
    middle = {"name": "m", "kind": "dense", "units": 4}
    short = initial_weights(build_model((3,), "floats", [first, last], initializers, "test"), 7)
    long = initial_weights(build_model((3,), "floats", [first, middle, last], initializers, "test"), 7)
    for name, values in short.items():
        np.testing.assert_array_equal(values, long[name])
    assert not np.array_equal(long["a.kernel"].ravel()[:4], long["m.kernel"].ravel()[:4])


def test_the_seed_decides_and_repeats() -> None:
    """The same seed gives the same bits, another seed other weights."""
    model = small({"kind": "dense", "units": 4}, shape=(3,))
    np.testing.assert_equal(initial_weights(model, 1), initial_weights(model, 1))
    assert not np.array_equal(initial_weights(model, 1)["l0.kernel"], initial_weights(model, 2)["l0.kernel"])


@pytest.mark.parametrize("name", WORKLOADS)
def test_probe_weights_perturb_biases_and_affines_only(name: str) -> None:
    """Every bias and affine parameter becomes distinct numbers near its start; kernels and tables stay."""
    model = workload(name).model
    start, probe = initial_weights(model, 0), probe_weights(model, 0)
    assert list(probe) == [parameter.name for parameter in model.parameters]
    for parameter in model.parameters:
        values = probe[parameter.name]
        assert values.dtype == np.float32
        assert values.shape == parameter.shape
        if parameter.role in PERTURBED_ROLES:
            assert len(np.unique(values)) > 0.99 * values.size
            assert np.abs(values - start[parameter.name]).max() < 0.6
        else:
            np.testing.assert_array_equal(values, start[parameter.name])
