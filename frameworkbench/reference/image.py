"""Rules of the image layers on ``NCHW`` data: convolution and pooling.

Both loop over the few offsets inside a kernel or window and treat all positions at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..spec.layers import Layer
from .rule import Array, Gradients, Rule, Weights


def _offsets(size: int, stride: int, output: tuple[int, ...]) -> Iterator[tuple[int, int, tuple[slice, slice]]]:
    """Row and column offset inside the window, row-major, and where the input holds it for every output position."""
    for row in range(size):
        for column in range(size):
            rows = slice(row, row + stride * (output[-2] - 1) + 1, stride)
            yield row, column, (rows, slice(column, column + stride * (output[-1] - 1) + 1, stride))


def _conv_forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, tuple[Array, tuple[int, ...]]]:
    """y[b,f,i,j] = bias[f] + Σ_{c,u,v} kernel[f,c,u,v]·x[b,c,i·s+u−p,j·s+v−p]: a cross-correlation, zero-padded by p.

    Kernel ``(F, C, k, k)``, bias ``(F,)``; ``(B, C, H, W)`` → ``(B, F, H', W')`` with H' = ⌊(H+2p−k)/s⌋+1.
    """
    kernel, padding, size = weights[layer.parameter("kernel")], layer.options["padding"], layer.options["size"]
    if padding:
        x = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    batch, channels = x.shape[:2]
    filters, height, width = layer.output_shape
    patches: Array = np.empty((batch, channels, size, size, height, width), x.dtype)
    for row, column, (rows, columns) in _offsets(size, layer.options["stride"], layer.output_shape):
        patches[:, :, row, column] = x[:, :, rows, columns]
    patches = patches.reshape(batch, -1, height * width)  # (B, C·k·k, H'·W')
    y = kernel.reshape(filters, -1) @ patches  # (B, F, H'·W')
    if layer.options["bias"]:
        y += weights[layer.parameter("bias")][:, None]
    return y.reshape(batch, filters, height, width), (patches, x.shape)


def _conv_backward(
    layer: Layer, weights: Weights, cache: tuple[Array, tuple[int, ...]], dy: Array
) -> tuple[Array, Gradients]:
    """dK = Σ_b dy·patchesᵀ, db = Σ dy, dx = Kᵀ·dy scattered back to the places the patches came from."""
    patches, padded_shape = cache
    kernel, padding, size = weights[layer.parameter("kernel")], layer.options["padding"], layer.options["size"]
    batch, filters, height, width = dy.shape
    flat = dy.reshape(batch, filters, -1)  # (B, F, H'·W')
    dkernel = (flat @ patches.transpose(0, 2, 1)).sum(axis=0)  # (F, C·k·k)
    dpatches = kernel.reshape(filters, -1).T @ flat  # (B, C·k·k, H'·W')
    dpatches = dpatches.reshape(batch, -1, size, size, height, width)
    dx = np.zeros(padded_shape, dy.dtype)
    for row, column, (rows, columns) in _offsets(size, layer.options["stride"], layer.output_shape):
        dx[:, :, rows, columns] += dpatches[:, :, row, column]
    if padding:
        dx = dx[:, :, padding:-padding, padding:-padding]
    gradients = {layer.parameter("kernel"): dkernel.reshape(kernel.shape)}
    if layer.options["bias"]:
        gradients[layer.parameter("bias")] = flat.sum(axis=(0, 2))
    return dx, gradients


def _pool_forward(layer: Layer, _weights: Weights, x: Array) -> tuple[Array, tuple[Array, Array]]:
    """y[b,c,i,j] = max over the size × size window at (i·stride, j·stride); no padding, surplus edges are dropped."""
    windows = _offsets(layer.options["size"], layer.options["stride"], layer.output_shape)
    _, _, (rows, columns) = next(windows)
    y = x[:, :, rows, columns].copy()
    for _, _, (rows, columns) in windows:
        np.maximum(y, x[:, :, rows, columns], out=y)
    return y, (x, y)


def _pool_backward(layer: Layer, _weights: Weights, cache: tuple[Array, Array], dy: Array) -> tuple[Array, Gradients]:
    """dy goes to the first maximum of each window in row-major order; overlapping windows add up."""
    x, y = cache
    dx = np.zeros(x.shape, dy.dtype)
    waiting = np.ones(y.shape, bool)  # windows whose maximum has not been met yet
    for _, _, (rows, columns) in _offsets(layer.options["size"], layer.options["stride"], layer.output_shape):
        first = waiting & (x[:, :, rows, columns] == y)
        dx[:, :, rows, columns] += np.where(first, dy, 0)
        waiting &= ~first
    return dx, {}


def _mean_forward(layer: Layer, _weights: Weights, x: Array) -> tuple[Array, tuple[int, ...]]:
    """y[b,c,i,j] = mean of the size × size window at (i·stride, j·stride); no padding, surplus edges are dropped."""
    size: int = layer.options["size"]
    y = np.zeros((len(x), *layer.output_shape), x.dtype)
    for _, _, (rows, columns) in _offsets(size, layer.options["stride"], layer.output_shape):
        y += x[:, :, rows, columns]
    y /= size * size
    return y, x.shape


def _mean_backward(layer: Layer, _weights: Weights, shape: tuple[int, ...], dy: Array) -> tuple[Array, Gradients]:
    """dy/size² goes to every element of a window; overlapping windows add up."""
    size: int = layer.options["size"]
    dx, part = np.zeros(shape, dy.dtype), dy / (size * size)
    for _, _, (rows, columns) in _offsets(size, layer.options["stride"], layer.output_shape):
        dx[:, :, rows, columns] += part
    return dx, {}


def _global_forward(_layer: Layer, _weights: Weights, x: Array) -> tuple[Array, tuple[int, ...]]:
    """y[b,c] = mean of x over height and width; ``(B, C, H, W)`` → ``(B, C)``."""
    return x.mean(axis=(2, 3)), x.shape


def _global_backward(_layer: Layer, _weights: Weights, shape: tuple[int, ...], dy: Array) -> tuple[Array, Gradients]:
    """dx[b,c,i,j] = dy[b,c]/(H·W)."""
    return np.broadcast_to((dy / (shape[2] * shape[3]))[:, :, None, None], shape).copy(), {}


CONV2D = Rule(_conv_forward, _conv_backward)
MAX_POOL2D = Rule(_pool_forward, _pool_backward)
AVG_POOL2D = Rule(_mean_forward, _mean_backward)
GLOBAL_AVG_POOL2D = Rule(_global_forward, _global_backward)
