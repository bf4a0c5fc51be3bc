"""Rules of the activations: element by element, and softmax on the last axis."""

from __future__ import annotations

import math

import numpy as np

from ..spec.layers import Layer
from .rule import Array, Gradients, Rule, Weights

_GELU_SLOPE = math.sqrt(2 / math.pi)
_GELU_CUBIC = 0.044715


def _relu_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = max(x, 0)."""
    y = np.maximum(x, 0)
    return y, y


def _relu_backward(_layer: Layer, _weights: Weights, y: Array, dy: Array) -> tuple[Array, Gradients]:
    """dx = dy where x > 0; the derivative at 0 is 0."""
    return np.where(y > 0, dy, 0).astype(dy.dtype, copy=False), {}


def _gelu_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, tuple[Array, Array]]:
    """y = x·Φ(x) with Φ(x) = (1 + erf(x/√2))/2.

    Source: Hendrycks and Gimpel 2016, the exact form (not the tanh approximation).
    """
    from scipy.special import erf  # slow to import, so only where it is needed

    phi = erf(x * math.sqrt(0.5))
    phi += 1
    phi *= 0.5
    return x * phi, (x, phi)


def _gelu_backward(_layer: Layer, _weights: Weights, cache: tuple[Array, Array], dy: Array) -> tuple[Array, Gradients]:
    """dx = dy·(Φ(x) + x·φ(x)) with φ(x) = exp(−x²/2)/√(2π)."""
    x, phi = cache
    return dy * (phi + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)), {}


def _gelu_tanh_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, tuple[Array, Array]]:
    """y = x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2.

    Source: Hendrycks and Gimpel 2016, the approximation.
    """
    t = np.tanh(_GELU_SLOPE * (x + _GELU_CUBIC * x * x * x))
    return 0.5 * x * (1 + t), (x, t)


def _gelu_tanh_backward(
    _layer: Layer, _weights: Weights, cache: tuple[Array, Array], dy: Array
) -> tuple[Array, Gradients]:
    """dx = dy·((1 + t)/2 + x·(1 − t²)·√(2/π)·(1 + 3·0.044715·x²)/2)."""
    x, t = cache
    slope = _GELU_SLOPE * (1 + 3 * _GELU_CUBIC * x * x)
    return dy * 0.5 * (1 + t + x * (1 - t * t) * slope), {}


def _sigmoid_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = 1/(1 + e^−x), computed as (1 + tanh(x/2))/2, which is the same and never overflows."""
    y = 0.5 * (1 + np.tanh(0.5 * x))
    return y, y


def _sigmoid_backward(_layer: Layer, _weights: Weights, y: Array, dy: Array) -> tuple[Array, Gradients]:
    """dx = dy·y·(1 − y)."""
    return dy * y * (1 - y), {}


def _tanh_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = tanh(x)."""
    y = np.tanh(x)
    return y, y


def _tanh_backward(_layer: Layer, _weights: Weights, y: Array, dy: Array) -> tuple[Array, Gradients]:
    """dx = dy·(1 − y²)."""
    return dy * (1 - y * y), {}


def _softmax_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = e^x/Σ e^x on the last axis, with the largest x taken off first."""
    y = np.exp(x - x.max(axis=-1, keepdims=True))
    y /= y.sum(axis=-1, keepdims=True)
    return y, y


def _softmax_backward(_layer: Layer, _weights: Weights, y: Array, dy: Array) -> tuple[Array, Gradients]:
    """dx = y·(dy − Σ dy·y)."""
    return y * (dy - np.sum(dy * y, axis=-1, keepdims=True)), {}


ACTIVATIONS: dict[str, Rule] = {
    "relu": Rule(_relu_forward, _relu_backward),
    "gelu": Rule(_gelu_forward, _gelu_backward),
    "gelu_tanh": Rule(_gelu_tanh_forward, _gelu_tanh_backward),
    "sigmoid": Rule(_sigmoid_forward, _sigmoid_backward),
    "tanh": Rule(_tanh_forward, _tanh_backward),
    "softmax": Rule(_softmax_forward, _softmax_backward),
}
