"""Recurrent layers: one or two directions of a cell over time, the last state or all of them as output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..spec.layers import Layer
from ..spec.sequence_kinds import DIRECTIONS
from .cells import CELLS
from .rule import Array, Gradients, Rule, Weights


@dataclass
class _Direction:
    """What the way back needs of one direction, in its own order of time."""

    prefix: str
    steps: Array  # (T, B, D)
    hidden: Array  # (T+1, B, H), hidden[0] = 0
    cache: Any


def _forward(layer: Layer, weights: Weights, x: Array) -> tuple[Array, list[_Direction]]:
    """Gates W·x_t + R·h_{t−1} + b from a zero state; kernel ``(G·H, D)``, recurrent ``(G·H, H)``, bias ``(G·H,)``.

    ``(B, T, D)`` → ``(B, H)``: the last state, or ``(B, T, H)`` with ``sequence``. A bidirectional layer reads the
    sequence backwards too and puts that direction's output behind the first one's: its own last state, which belongs to
    the first token; or, with ``sequence``, its states in the order of the input.
    """
    cell = CELLS[layer.kind]
    found, outputs = [], []
    for prefix in _prefixes(layer):
        kernel, recurrent, bias = (weights[layer.parameter(prefix + name)] for name in ("kernel", "recurrent", "bias"))
        steps = np.ascontiguousarray(_turned(prefix, x.transpose(1, 0, 2)))  # (T, B, D)
        gates = (steps.reshape(-1, steps.shape[-1]) @ kernel.T).reshape(*steps.shape[:2], -1)
        gates += bias
        hidden, cache = cell.forward(gates, recurrent)
        found.append(_Direction(prefix, steps, hidden, cache))
        outputs.append(_turned(prefix, hidden[1:]).transpose(1, 0, 2) if layer.options["sequence"] else hidden[-1])
    return np.concatenate(outputs, axis=-1) if len(outputs) > 1 else outputs[0], found


def _backward(layer: Layer, weights: Weights, found: list[_Direction], dy: Array) -> tuple[Array, Gradients]:
    """Back through time: gradients of every step's gates first, then each parameter's sum over steps as one product."""
    gradients: Gradients = {}
    dx = np.zeros_like(found[0].steps).transpose(1, 0, 2)
    for direction, part in zip(found, np.split(dy, len(found), axis=-1), strict=True):
        names = [layer.parameter(direction.prefix + name) for name in ("kernel", "recurrent", "bias")]
        kernel, recurrent = weights[names[0]], weights[names[1]]
        if layer.options["sequence"]:
            dhidden = _turned(direction.prefix, part.transpose(1, 0, 2))
        else:
            dhidden = np.zeros_like(direction.hidden[1:])
            dhidden[-1] = part
        dz, drecurrent = CELLS[layer.kind].backward(recurrent, direction.hidden, direction.cache, dhidden)
        rows = dz.reshape(-1, dz.shape[-1])  # (T·B, G·H)
        inputs = direction.steps.reshape(len(rows), -1)
        gradients |= dict(zip(names, (rows.T @ inputs, drecurrent, rows.sum(axis=0)), strict=True))
        dx += _turned(direction.prefix, (rows @ kernel).reshape(direction.steps.shape)).transpose(1, 0, 2)
    return dx, gradients


def _prefixes(layer: Layer) -> tuple[str, ...]:
    return DIRECTIONS if layer.options["bidirectional"] else DIRECTIONS[:1]


def _turned(prefix: str, x: Array) -> Array:
    """Time reversed for the direction that reads backwards; ``(T, …)``."""
    return x[::-1] if prefix else x


RECURRENT = Rule(_forward, _backward)
