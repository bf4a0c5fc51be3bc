"""Multi-head self-attention without mask and without dropout, and without a bias on the keys.

A bias on the keys adds the same number to every score of a query, which the softmax removes: its gradient is zero,
so in floating point it would be pure rounding noise (``tests/reference`` shows it).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..spec.layers import Layer
from .rule import Array, Gradients, Rule, Weights


@dataclass
class _Cache:
    """Everything the way back needs."""

    x: Array  # (B, T, E)
    query: Array  # (B, h, T, E/h)
    key: Array  # (B, h, T, E/h)
    value: Array  # (B, h, T, E/h)
    attention: Array  # (B, h, T, T): rows sum to 1
    mixed: Array  # (B, T, E): heads side by side, before the output projection


def _split(x: Array, heads: int) -> Array:
    """(B, T, E) → (B, h, T, E/h): head j holds features j·E/h … (j+1)·E/h − 1."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)


def _merge(x: Array) -> Array:
    """(B, h, T, E/h) → (B, T, E): the inverse of ``_split``."""
    return np.ascontiguousarray(x.transpose(0, 2, 1, 3)).reshape(x.shape[0], x.shape[2], -1)


def _project(x: Array, kernel: Array) -> Array:
    """x·Wᵀ on the last axis as one large product."""
    return (x.reshape(-1, x.shape[-1]) @ kernel.T).reshape(*x.shape[:-1], len(kernel))


def _attention_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, _Cache]:
    """y = concat_h(softmax(Q_h·K_hᵀ/√(E/h))·V_h)·W_oᵀ + b_o, with Q = x·W_qᵀ + b_q, K = x·W_kᵀ, V = x·W_vᵀ + b_v.

    All four kernels ``(E, E)``; ``(B, T, E)`` → ``(B, T, E)``.

    Source: Vaswani et al. 2017, section 3.2.
    """
    heads: int = layer.options["heads"]
    names = ("query", "key", "value", "output")
    query_kernel, key_kernel, value_kernel, output_kernel = (weights[layer.parameter(f"{n}_kernel")] for n in names)
    # The scale goes on the queries: T·E products instead of T·T for each head.
    query = _project(x, query_kernel) + weights[layer.parameter("query_bias")]
    query = _split(query, heads) / math.sqrt(x.shape[-1] // heads)
    key = _split(_project(x, key_kernel), heads)
    value = _split(_project(x, value_kernel) + weights[layer.parameter("value_bias")], heads)
    attention = query @ key.swapaxes(2, 3)  # (B, h, T, T)
    attention -= attention.max(axis=-1, keepdims=True)
    np.exp(attention, out=attention)
    attention /= attention.sum(axis=-1, keepdims=True)
    mixed = _merge(attention @ value)
    y = _project(mixed, output_kernel) + weights[layer.parameter("output_bias")]
    return y, _Cache(x, query, key, value, attention, mixed)


def _attention_backward(layer: Layer, weights: Weights, cache: _Cache, dy: Array) -> tuple[Array, Gradients]:
    """Chain rule through output projection, weighted mean, softmax (dS = A·(dA − Σ dA·A)) and projections."""
    width = dy.shape[-1]
    scale = 1 / math.sqrt(width // layer.options["heads"])
    dmixed = _split(dy @ weights[layer.parameter("output_kernel")], layer.options["heads"])
    dvalue = cache.attention.swapaxes(2, 3) @ dmixed
    dattention = dmixed @ cache.value.swapaxes(2, 3)
    total = np.sum(dattention * cache.attention, axis=-1, keepdims=True)
    dscores = cache.attention * (dattention - total)  # (B, h, T, T)
    parts = {
        "query": _merge(dscores @ cache.key) * scale,
        "key": _merge(dscores.swapaxes(2, 3) @ cache.query),  # cache.query carries the scale already
        "value": _merge(dvalue),
    }
    gradients: Gradients = {}
    dx = np.zeros_like(cache.x)
    for name, part in parts.items():
        rows = part.reshape(-1, width)
        gradients[layer.parameter(f"{name}_kernel")] = rows.T @ cache.x.reshape(-1, width)
        if name != "key":
            gradients[layer.parameter(f"{name}_bias")] = rows.sum(axis=0)
        dx += part @ weights[layer.parameter(f"{name}_kernel")]
    rows = dy.reshape(-1, width)
    gradients[layer.parameter("output_kernel")] = rows.T @ cache.mixed.reshape(-1, width)
    gradients[layer.parameter("output_bias")] = rows.sum(axis=0)
    return dx, gradients


ATTENTION = Rule(_attention_forward, _attention_backward)
