"""One direction of each recurrent kind: all hidden states from the first step to the last, and the way back.

A cell gets the input's share of its gates for all steps at once, ``(T, B, G·H)`` with the bias added, and the recurrent
kernel ``(G·H, H)``. States start at zero. ``hidden`` is ``(T+1, B, H)`` with the start in front.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .rule import Array


@dataclass(frozen=True)
class Cell:
    """One recurrent kind.

    ``forward(gates, recurrent)`` may overwrite ``gates``; it returns the hidden states and a cache.
    ``backward(recurrent, hidden, cache, dhidden)`` takes the gradient by each step's output ``(T, B, H)`` and returns
    the gradients by the input's share ``(T, B, G·H)`` and by the recurrent kernel.
    """

    gates: int
    forward: Callable[[Array, Array], tuple[Array, Any]]
    backward: Callable[[Array, Array, Any, Array], tuple[Array, Array]]


def _states(gates: Array, recurrent: Array) -> Array:
    """Room for the hidden states, zero at the start."""
    time, batch, _ = gates.shape
    return np.zeros((time + 1, batch, recurrent.shape[1]), gates.dtype)


def _lstm_forward(gates: Array, recurrent: Array) -> tuple[Array, tuple[Array, Array]]:
    """i, f, o = σ(…), g = tanh(…); c_t = f·c_{t−1} + i·g; h_t = o·tanh(c_t).

    Source: Hochreiter and Schmidhuber 1997 with the forget gate of Gers et al. 2000; no peepholes.
    """
    units = recurrent.shape[1]
    hidden, cells = _states(gates, recurrent), _states(gates, recurrent)
    for t, z in enumerate(gates):
        z += hidden[t] @ recurrent.T
        for part in (z[:, : 2 * units], z[:, 3 * units :]):
            _sigmoid(part)
        np.tanh(z[:, 2 * units : 3 * units], out=z[:, 2 * units : 3 * units])
        i, f, g, o = np.split(z, 4, axis=1)
        np.multiply(f, cells[t], out=cells[t + 1])
        cells[t + 1] += i * g
        np.multiply(o, np.tanh(cells[t + 1]), out=hidden[t + 1])
    return hidden, (gates, cells)


def _lstm_backward(recurrent: Array, hidden: Array, cache: tuple[Array, Array], dhidden: Array) -> tuple[Array, Array]:
    gates, cells = cache
    dz = np.empty_like(gates)  # (T, B, 4H)
    dh, dc = np.zeros_like(hidden[0]), np.zeros_like(hidden[0])
    for t in reversed(range(len(gates))):
        i, f, g, o = np.split(gates[t], 4, axis=1)
        dh = dh + dhidden[t]
        squashed = np.tanh(cells[t + 1])
        dc = dc + dh * o * (1 - squashed * squashed)
        dz[t] = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * cells[t] * f * (1 - f),
                dc * i * (1 - g * g),
                dh * squashed * o * (1 - o),
            ],
            axis=1,
        )
        dh, dc = dz[t] @ recurrent, dc * f
    return dz, _rows(dz).T @ _rows(hidden[:-1])


def _gru_forward(gates: Array, recurrent: Array) -> tuple[Array, tuple[Array, Array]]:
    """r, z = σ(…); n = tanh(W_n·x + b_n + r·(R_n·h_{t−1})); h_t = (1 − z)·n + z·h_{t−1}.

    The reset gate acts after the product with the recurrent kernel.

    Source: Cho et al. 2014 in the form of Chung et al. 2014 that cuDNN computes; one bias.
    """
    units = recurrent.shape[1]
    hidden = _states(gates, recurrent)
    products = np.empty((*gates.shape[:2], units), gates.dtype)  # R_n·h_{t−1}
    for t, z in enumerate(gates):
        product = hidden[t] @ recurrent.T
        products[t] = product[:, 2 * units :]
        z[:, : 2 * units] += product[:, : 2 * units]
        _sigmoid(z[:, : 2 * units])
        z[:, 2 * units :] += z[:, :units] * products[t]
        np.tanh(z[:, 2 * units :], out=z[:, 2 * units :])
        _, update, new = np.split(z, 3, axis=1)
        np.multiply(update, hidden[t] - new, out=hidden[t + 1])
        hidden[t + 1] += new
    return hidden, (gates, products)


def _gru_backward(recurrent: Array, hidden: Array, cache: tuple[Array, Array], dhidden: Array) -> tuple[Array, Array]:
    gates, products = cache
    dz, drecurrent = np.empty_like(gates), np.zeros_like(recurrent)
    dh = np.zeros_like(hidden[0])
    for t in reversed(range(len(gates))):
        r, z, n = np.split(gates[t], 3, axis=1)
        dh = dh + dhidden[t]
        dn = dh * (1 - z) * (1 - n * n)
        dr = dn * products[t] * r * (1 - r)
        du = dh * (hidden[t] - n) * z * (1 - z)
        dz[t] = np.concatenate([dr, du, dn], axis=1)
        dproduct = np.concatenate([dr, du, dn * r], axis=1)
        drecurrent += dproduct.T @ hidden[t]
        dh = dh * z + dproduct @ recurrent
    return dz, drecurrent


def _rnn_forward(gates: Array, recurrent: Array) -> tuple[Array, None]:
    """h_t = tanh(W·x_t + R·h_{t−1} + b). Source: Elman 1990."""
    hidden = _states(gates, recurrent)
    for t, z in enumerate(gates):
        np.tanh(z + hidden[t] @ recurrent.T, out=hidden[t + 1])
    return hidden, None


def _rnn_backward(recurrent: Array, hidden: Array, _cache: None, dhidden: Array) -> tuple[Array, Array]:
    dz = np.empty_like(dhidden)
    dh = np.zeros_like(hidden[0])
    for t in reversed(range(len(dhidden))):
        dz[t] = (dh + dhidden[t]) * (1 - hidden[t + 1] * hidden[t + 1])
        dh = dz[t] @ recurrent
    return dz, _rows(dz).T @ _rows(hidden[:-1])


def _rows(x: Array) -> Array:
    """(T, B, H) → (T·B, H)."""
    return x.reshape(-1, x.shape[-1])


def _sigmoid(x: Array) -> None:
    """σ(x) = (1 + tanh(x/2))/2 in place: an exact identity, ten times as fast as SciPy's expit in float32."""
    x *= 0.5
    np.tanh(x, out=x)
    x += 1
    x *= 0.5


CELLS: dict[str, Cell] = {
    "lstm": Cell(4, _lstm_forward, _lstm_backward),
    "gru": Cell(3, _gru_forward, _gru_backward),
    "rnn": Cell(1, _rnn_forward, _rnn_backward),
}
