"""Rules of the position-wise layers, the residual branch, and the table of all kinds.

Dense, ReLU, GELU and flatten live here because they are a few lines each; images, sequences, LSTM and attention
have modules of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import erf

from ..spec.layers import Layer
from .attention import ATTENTION
from .image import CONV2D, MAX_POOL2D
from .recurrent import LSTM
from .rule import Array, Gradients, Rule, Weights
from .sequence import EMBEDDING, LAYER_NORM, MEAN_POOL, POSITION_EMBEDDING


def forward_layers(layers: Sequence[Layer], weights: Weights, x: Array) -> tuple[Array, list[Any]]:
    """Run layers in order and keep what the backward pass needs.

    Args:
        layers: layers of a model or of a residual branch.
        weights: all parameters by full name.
        x: ``(B, *layers[0].input_shape)``.

    Returns:
        The output ``(B, *layers[-1].output_shape)`` and one cache for each layer.
    """
    caches: list[Any] = []
    for layer in layers:
        x, cache = RULES[layer.kind].forward(layer, weights, x)
        caches.append(cache)
    return x, caches


def backward_layers(
    layers: Sequence[Layer], weights: Weights, caches: Sequence[Any], dy: Array
) -> tuple[Array, Gradients]:
    """Run the chain rule from the last layer to the first.

    Returns:
        The gradient by the input, ``(B, *layers[0].input_shape)``, and by every parameter.
    """
    gradients: Gradients = {}
    for layer, cache in zip(reversed(layers), reversed(caches), strict=True):
        dy, own = RULES[layer.kind].backward(layer, weights, cache, dy)
        gradients.update(own)
    return dy, gradients


def predict_layers(layers: Sequence[Layer], weights: Weights, x: Array) -> Array:
    """The output alone; each cache is dropped at once, so that memory stays at about one layer."""
    for layer in layers:
        x = RULES[layer.kind].forward(layer, weights, x)[0]
    return x


def _dense_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = x·Wᵀ + b on the last axis; kernel ``(out, in)``, bias ``(out,)``."""
    kernel = weights[layer.parameter("kernel")]
    rows = x.reshape(-1, x.shape[-1])  # (B·…, in): one large product instead of a stack of small ones
    y = rows @ kernel.T
    y += weights[layer.parameter("bias")]
    return y.reshape(*x.shape[:-1], len(kernel)), x


def _dense_backward(layer: Layer, weights: Weights, x: Array, dy: Array) -> tuple[Array, Gradients]:
    """dW = dyᵀ·x, db = Σ dy, dx = dy·W; sums run over batch and all axes but the last."""
    kernel = weights[layer.parameter("kernel")]
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    gradients = {layer.parameter("kernel"): drows.T @ rows, layer.parameter("bias"): drows.sum(axis=0)}
    return (drows @ kernel).reshape(x.shape), gradients


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
    phi = erf(x * math.sqrt(0.5))
    phi += 1
    phi *= 0.5
    return x * phi, (x, phi)


def _gelu_backward(_layer: Layer, _weights: Weights, cache: tuple[Array, Array], dy: Array) -> tuple[Array, Gradients]:
    """dx = dy·(Φ(x) + x·φ(x)) with φ(x) = exp(−x²/2)/√(2π)."""
    x, phi = cache
    return dy * (phi + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)), {}


def _flatten_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, tuple[int, ...]]:
    """(B, C, H, W) → (B, C·H·W) in row-major order of the canonical layout."""
    return x.reshape(len(x), -1), x.shape


def _flatten_backward(_layer: Layer, _weights: Weights, shape: tuple[int, ...], dy: Array) -> tuple[Array, Gradients]:
    return dy.reshape(shape), {}


def _residual_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, list[Any]]:
    """y = x + layers(x)."""
    y, caches = forward_layers(layer.layers, weights, x)
    return x + y, caches


def _residual_backward(layer: Layer, weights: Weights, caches: list[Any], dy: Array) -> tuple[Array, Gradients]:
    """dx = dy + the gradient through the branch."""
    dx, gradients = backward_layers(layer.layers, weights, caches, dy)
    return dy + dx, gradients


RULES: dict[str, Rule] = {
    "dense": Rule(_dense_forward, _dense_backward),
    "conv2d": CONV2D,
    "max_pool2d": MAX_POOL2D,
    "flatten": Rule(_flatten_forward, _flatten_backward),
    "relu": Rule(_relu_forward, _relu_backward),
    "gelu": Rule(_gelu_forward, _gelu_backward),
    "embedding": EMBEDDING,
    "position_embedding": POSITION_EMBEDDING,
    "lstm": LSTM,
    "layer_norm": LAYER_NORM,
    "attention": ATTENTION,
    "mean_pool": MEAN_POOL,
    "residual": Rule(_residual_forward, _residual_backward),
}
