"""The proof of a framework's dropout: honest masks pass, each kind of wrong one is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frameworkbench.reference import Network
from frameworkbench.spec.training import Loss
from frameworkbench.validity import dropout
from frameworkbench.validity.dropout import Seen

Array = npt.NDArray[Any]
RATE = 0.2


def _factors(generator: np.random.Generator, rate: float = RATE, scale: float = 1 / (1 - RATE)) -> Array:
    return np.where(generator.random((dropout.SAMPLES, 4096)) >= rate, scale, 0.0)


def _look(masks: list[Array], evaluated: float = 1.0) -> Seen:
    """What two SGD steps of the probe leave where dropout multiplies inputs with the given factors."""
    images, labels = dropout.probe_data()
    x = images.reshape(dropout.SAMPLES, -1).astype(np.float32)
    kernels, bias = [np.zeros((2, 4096), np.float32)], np.zeros(2, np.float32)
    for factors in masks:
        dropped = x * factors.astype(np.float32)
        z = dropped @ kernels[-1].T + bias
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        dz = (p - np.eye(2)[labels]) / dropout.SAMPLES
        kernels.append((kernels[-1] - dropout.PROBE.learning_rate * dz.T @ dropped).astype(np.float32))
        bias = (bias - dropout.PROBE.learning_rate * dz.sum(axis=0)).astype(np.float32)
    answer = evaluated * x @ kernels[-1].T + bias
    return Seen(kernels, bias, [answer, answer])


def _verdict(*looks: Seen) -> str:
    findings, _ = dropout.judge(RATE, looks)
    assert all(f.detector == "dropout" and f.code == "WRONG_RESULT" for f in findings)
    return findings[0].reason if findings else ""


@pytest.mark.parametrize("seed", range(5))
def test_honest_dropout_passes(seed: int) -> None:
    """Kept with the stated chance, scaled, anew in each step and for each sample, identity in evaluation."""
    generator = np.random.default_rng(seed)
    assert _verdict(_look([_factors(generator), _factors(generator)])) == ""


def test_each_wrong_dropout_is_named() -> None:
    """Another scale, no scale, a frozen mask, one mask for all samples, and masks in evaluation are told apart."""
    generator = np.random.default_rng(0)
    good, other = _factors(generator), _factors(generator)
    one_for_all = np.tile(np.resize(good[:1, :512], (1, 512)), (dropout.SAMPLES, 8))
    unscaled = [_factors(generator, scale=1.0), _factors(generator, scale=1.0)]
    assert "multiplied with 1" in _verdict(_look(unscaled))
    assert "two steps have the same mask" in _verdict(_look([good, good]))
    assert "two samples of a batch have the same mask" in _verdict(_look([one_for_all, other]))
    assert "in evaluation" in _verdict(_look([good, other], evaluated=0.8))
    assert "no number" in _verdict(_look([good * np.nan, other]))


def test_a_wrong_share_is_named_after_a_second_look() -> None:
    """A layer that drops a quarter in place of a fifth is outside the interval in both looks."""
    generator = np.random.default_rng(0)
    looks = [_look([_factors(generator, 0.25), _factors(generator, 0.25)]) for _ in range(2)]
    assert dropout.needs_another(RATE, looks[0])
    assert "inputs were kept" in _verdict(*looks)
    honest = _look([_factors(generator), _factors(generator)])
    assert _verdict(looks[0], honest) == ""


def test_the_interval_holds_999_of_1000_honest_counts() -> None:
    """Honest counts lie outside about once in a thousand times."""
    counts = np.random.default_rng(0).binomial(8192, 1 - RATE, 20_000)
    outside = sum(dropout.outside(int(count), 8192, RATE) for count in counts)
    assert 2 <= outside <= 45


def test_the_probe_is_read_as_the_reference_trains_it() -> None:
    """Without masks every input keeps the factor one: the constant that masks are divided by is right."""
    model = dropout.probe_model(0.0)
    images, labels = dropout.probe_data()
    inputs = images.reshape(dropout.SAMPLES, -1).astype(np.float64)
    network = Network(model, dropout.probe_weights())
    _, gradients, _ = network.loss_and_gradients(inputs, labels, Loss("softmax_cross_entropy"))
    np.testing.assert_allclose(gradients["dense_1.kernel"][0], -1 / (2 * dropout.SAMPLES), rtol=1e-12)
