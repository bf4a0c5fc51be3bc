"""Rules of the simple sequence layers: embeddings, dot product, layer normalisation and the mean over time."""

from __future__ import annotations

import numpy as np

from ..spec.layers import Layer
from .rule import Array, Gradients, Rule, Weights


def _embedding_forward(layer: Layer, weights: Weights, tokens: Array) -> tuple[Array, Array]:
    """y[b,t] = table[tokens[b,t]]; table ``(V, E)``, ``(B, T)`` → ``(B, T, E)``. Token 0 is an ordinary row."""
    return weights[layer.parameter("table")][tokens], tokens


def _embedding_backward(layer: Layer, _weights: Weights, tokens: Array, dy: Array) -> tuple[Array, Gradients]:
    """d table[v] = Σ of dy over every place where token v stands: a dense gradient, repeats summed first."""
    gradient = _summed(tokens.reshape(-1), dy.reshape(-1, dy.shape[-1]), layer.options["vocabulary"])
    return np.zeros(tokens.shape, dy.dtype), {layer.parameter("table"): gradient}


def _summed(tokens: Array, rows: Array, vocabulary: int) -> Array:
    """One-hotᵀ·rows ``(V, E)`` with a sparse one-hot matrix, which is fast and sums in the order of the batch."""
    from scipy.sparse import csr_array  # slow to import, so only where it is needed

    count = len(rows)
    one_hot = csr_array((np.ones(count, rows.dtype), tokens, np.arange(count + 1)), (count, vocabulary))
    return np.asarray(one_hot.T @ rows)


def _pair_forward(layer: Layer, weights: Weights, tokens: Array) -> tuple[Array, Array]:
    """y[b] = (user_table[tokens[b,0]], item_table[tokens[b,1]]); ``(B, 2)`` → ``(B, 2, E)``."""
    tables = (weights[layer.parameter("user_table")], weights[layer.parameter("item_table")])
    return np.stack([table[tokens[:, side]] for side, table in enumerate(tables)], axis=1), tokens


def _pair_backward(layer: Layer, _weights: Weights, tokens: Array, dy: Array) -> tuple[Array, Gradients]:
    """As for an embedding, each table from its own column."""
    gradients = {
        layer.parameter(f"{name}_table"): _summed(tokens[:, side], dy[:, side], layer.options[f"{name}s"])
        for side, name in enumerate(("user", "item"))
    }
    return np.zeros(tokens.shape, dy.dtype), gradients


def _dot_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, Array]:
    """y = x[b,0]·x[b,1]; ``(B, 2, E)`` → ``(B, 1)``."""
    return np.sum(x[:, 0] * x[:, 1], axis=-1, keepdims=True), x


def _dot_backward(_layer: Layer, _weights: Weights, x: Array, dy: Array) -> tuple[Array, Gradients]:
    """dx = dy times the other vector."""
    return dy[:, :, None] * x[:, ::-1], {}


def _position_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, None]:
    """y[b,t] = x[b,t] + table[t]; table ``(T, E)``."""
    return x + weights[layer.parameter("table")], None


def _position_backward(layer: Layer, _weights: Weights, _cache: None, dy: Array) -> tuple[Array, Gradients]:
    """d table = Σ_b dy."""
    return dy, {layer.parameter("table"): dy.sum(axis=0)}


def _norm_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, tuple[Array, Array]]:
    """y = scale·x̂ + shift, x̂ = (x − mean)/√(variance + ε) over the last axis, variance biased (divided by E).

    Source: Ba, Kiros and Hinton 2016, equation 4.
    """
    normal = x - x.mean(axis=-1, keepdims=True)
    variance = np.mean(normal * normal, axis=-1, keepdims=True)
    inverse = 1 / np.sqrt(variance + layer.options["epsilon"])  # (B, …, 1)
    normal *= inverse
    y = normal * weights[layer.parameter("scale")]
    y += weights[layer.parameter("shift")]
    return y, (normal, inverse)


def _norm_backward(layer: Layer, weights: Weights, cache: tuple[Array, Array], dy: Array) -> tuple[Array, Gradients]:
    """dx = (dx̂ − mean(dx̂) − x̂·mean(dx̂·x̂))/√(variance + ε) with dx̂ = dy·scale; d scale = Σ dy·x̂, d shift = Σ dy."""
    normal, inverse = cache
    dnormal = dy * weights[layer.parameter("scale")]
    along = np.mean(dnormal * normal, axis=-1, keepdims=True)
    dx = inverse * (dnormal - dnormal.mean(axis=-1, keepdims=True) - normal * along)
    axes = tuple(range(dy.ndim - 1))
    gradients = {
        layer.parameter("scale"): (dy * normal).sum(axis=axes),
        layer.parameter("shift"): dy.sum(axis=axes),
    }
    return dx, gradients


def _mean_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, int]:
    """y = mean of x over time; ``(B, T, E)`` → ``(B, E)``. Padding counts like any other token."""
    return x.mean(axis=1), x.shape[1]


def _mean_backward(_layer: Layer, _weights: Weights, time: int, dy: Array) -> tuple[Array, Gradients]:
    """dx[b,t] = dy[b]/T."""
    return np.repeat(dy[:, None, :] / time, time, axis=1), {}


EMBEDDING = Rule(_embedding_forward, _embedding_backward)
POSITION_EMBEDDING = Rule(_position_forward, _position_backward)
LAYER_NORM = Rule(_norm_forward, _norm_backward)
PAIR_EMBEDDING = Rule(_pair_forward, _pair_backward)
DOT_PRODUCT = Rule(_dot_forward, _dot_backward)
MEAN_POOL = Rule(_mean_forward, _mean_backward)
