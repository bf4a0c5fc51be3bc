"""Batch normalisation and dropout: the layers that compute one thing in training and another in evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..spec.layers import Layer
from .rule import Array, Gradients, Rule, Weights

_MASKS = np.random.default_rng()
"""Dropout's masks follow no seed: nothing that is compared depends on them."""


@dataclass
class _Cache:
    """What the way back needs, and the batch's own statistics."""

    normal: Array  # x̂, shaped like x
    inverse: Array  # 1/√(variance + ε) by channel, shaped to be multiplied with x
    mean: Array  # (C,)
    variance: Array  # (C,)


def _norm_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, _Cache]:
    """y = scale·x̂ + shift, x̂ = (x − mean)/√(variance + ε); statistics of the batch by channel, variance biased.

    Scale and shift ``(C,)``; ``(B, C, H, W)`` or ``(B, C)``, over all axes but the channel's.

    Source: Ioffe and Szegedy 2015, algorithm 1.
    """
    axes = _axes(x)
    mean = x.mean(axis=axes)
    normal = x - _spread(mean, x)
    variance = np.mean(normal * normal, axis=axes)
    inverse = _spread(1 / np.sqrt(variance + layer.options["epsilon"]), x)
    normal *= inverse
    y = normal * _spread(weights[layer.parameter("scale")], x)
    y += _spread(weights[layer.parameter("shift")], x)
    return y, _Cache(normal, inverse, mean, variance)


def _norm_backward(layer: Layer, weights: Weights, cache: _Cache, dy: Array) -> tuple[Array, Gradients]:
    """dx = (dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂))/√(variance + ε), dx̂ = dy·scale; d scale = Σ dy·x̂, d shift = Σ dy."""
    axes = _axes(dy)
    dnormal = dy * _spread(weights[layer.parameter("scale")], dy)
    along = np.mean(dnormal * cache.normal, axis=axes)
    dx = cache.inverse * (dnormal - _spread(dnormal.mean(axis=axes), dy) - cache.normal * _spread(along, dy))
    gradients = {
        layer.parameter("scale"): (dy * cache.normal).sum(axis=axes),
        layer.parameter("shift"): dy.sum(axis=axes),
    }
    return dx, gradients


def _norm_infer(layer: Layer, weights: Weights, x: Array) -> Array:
    """The same with the running statistics in place of the batch's."""
    mean, variance, scale, shift = (weights[layer.parameter(n)] for n in ("mean", "variance", "scale", "shift"))
    factor = scale / np.sqrt(variance + np.asarray(layer.options["epsilon"], x.dtype))
    return x * _spread(factor, x) + _spread(shift - mean * factor, x)


def _norm_statistics(layer: Layer, weights: Weights, cache: _Cache) -> dict[str, Array]:
    """running ← momentum·running + (1 − momentum)·batch, for mean and (biased) variance."""
    keep: float = layer.options["momentum"]
    pairs = {"mean": cache.mean, "variance": cache.variance}
    names = {layer.parameter(local): batch for local, batch in pairs.items()}
    return {name: keep * weights[name] + (1 - keep) * batch for name, batch in names.items()}


def _axes(x: Array) -> tuple[int, ...]:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _spread(values: Array, x: Array) -> Array:
    """(C,) shaped to be combined with ``(B, C, …)``."""
    return values.reshape(-1, *(1 for _ in x.shape[2:]))


def _dropout_forward(layer: Layer, _weights: Weights, x: Array) -> tuple[Array, Array | None]:
    """y = x·m/(1 − rate), with m one with probability 1 − rate and zero otherwise, drawn anew for every element.

    Source: Srivastava et al. 2014, section 10, with the scale in training.
    """
    rate: float = layer.options["rate"]
    if rate == 0:
        return x, None
    mask = (_MASKS.random(x.shape) >= rate).astype(x.dtype)
    mask /= 1 - rate
    return x * mask, mask


def _dropout_backward(_layer: Layer, _weights: Weights, mask: Array | None, dy: Array) -> tuple[Array, Gradients]:
    """dx = dy·m/(1 − rate)."""
    return (dy if mask is None else dy * mask), {}


def _dropout_infer(_layer: Layer, _weights: Weights, x: Array) -> Array:
    return x


BATCH_NORM = Rule(_norm_forward, _norm_backward, infer=_norm_infer, statistics=_norm_statistics)
DROPOUT = Rule(_dropout_forward, _dropout_backward, infer=_dropout_infer)
