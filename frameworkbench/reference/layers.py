"""Rules of the position-wise layers, the residual branch, and the table of all kinds.

Dense and flatten live here because they are a few lines each; activations, images, sequences, recurrent layers and
attention have modules of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..spec.layers import Layer
from .activations import ACTIVATIONS
from .attention import ATTENTION
from .image import AVG_POOL2D, CONV2D, GLOBAL_AVG_POOL2D, MAX_POOL2D
from .normalise import BATCH_NORM, DROPOUT
from .recurrent import RECURRENT
from .rule import Array, Gradients, Rule, Weights
from .sequence import DOT_PRODUCT, EMBEDDING, LAYER_NORM, MEAN_POOL, PAIR_EMBEDDING, POSITION_EMBEDDING


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
    """The output in evaluation; each cache is dropped at once, so that memory stays at about one layer."""
    for layer in layers:
        rule = RULES[layer.kind]
        x = rule.infer(layer, weights, x) if rule.infer else rule.forward(layer, weights, x)[0]
    return x


def next_statistics(layers: Sequence[Layer], weights: Weights, caches: Sequence[Any]) -> dict[str, Array]:
    """Where a training step moves what has no gradient: running statistics by full name."""
    found: dict[str, Array] = {}
    for layer, cache in zip(layers, caches, strict=True):
        rule = RULES[layer.kind]
        if layer.layers:
            found |= next_statistics(layer.layers, weights, cache)
        elif rule.statistics:
            found |= rule.statistics(layer, weights, cache)
    return found


def _dense_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = x·Wᵀ + b on the last axis; kernel ``(out, in)``, bias ``(out,)``."""
    kernel = weights[layer.parameter("kernel")]
    rows = x.reshape(-1, x.shape[-1])  # (B·…, in): one large product instead of a stack of small ones
    y = rows @ kernel.T
    if layer.options["bias"]:
        y += weights[layer.parameter("bias")]
    return y.reshape(*x.shape[:-1], len(kernel)), x


def _dense_backward(layer: Layer, weights: Weights, x: Array, dy: Array) -> tuple[Array, Gradients]:
    """dW = dyᵀ·x, db = Σ dy, dx = dy·W; sums run over batch and all axes but the last."""
    kernel = weights[layer.parameter("kernel")]
    rows, drows = x.reshape(-1, x.shape[-1]), dy.reshape(-1, dy.shape[-1])
    gradients = {layer.parameter("kernel"): drows.T @ rows}
    if layer.options["bias"]:
        gradients[layer.parameter("bias")] = drows.sum(axis=0)
    return (drows @ kernel).reshape(x.shape), gradients


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


def _residual_infer(layer: Layer, weights: Weights, x: Array) -> Array:
    return x + predict_layers(layer.layers, weights, x)


RULES: dict[str, Rule] = {
    "dense": Rule(_dense_forward, _dense_backward),
    "conv2d": CONV2D,
    "max_pool2d": MAX_POOL2D,
    "avg_pool2d": AVG_POOL2D,
    "global_avg_pool2d": GLOBAL_AVG_POOL2D,
    "flatten": Rule(_flatten_forward, _flatten_backward),
    **ACTIVATIONS,
    "embedding": EMBEDDING,
    "position_embedding": POSITION_EMBEDDING,
    "pair_embedding": PAIR_EMBEDDING,
    "dot_product": DOT_PRODUCT,
    "lstm": RECURRENT,
    "gru": RECURRENT,
    "rnn": RECURRENT,
    "layer_norm": LAYER_NORM,
    "attention": ATTENTION,
    "mean_pool": MEAN_POOL,
    "batch_norm": BATCH_NORM,
    "dropout": DROPOUT,
    "residual": Rule(_residual_forward, _residual_backward, infer=_residual_infer),
}
