"""Initial weights: the harness draws them once and hands them to every framework.

Each parameter has a generator of its own, keyed by seed and name, so adding a layer moves no other parameter.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np

from ..spec.layers import Parameter
from ..spec.model import Initializer, Model
from .rule import Array

PERTURBED_ROLES = frozenset({"bias", "gate_bias", "scale", "running_mean"})
"""Roles that start at zero or one, where a permuted or dropped tensor would go unnoticed."""

PROBE_STD = 0.1
"""Large enough to show in float32 logits, small enough to leave the model in its working range."""

STATE_START = {"running_mean": "zeros", "running_variance": "ones"}
"""Where running statistics start; no workload chooses that."""


def initial_weights(model: Model, seed: int) -> dict[str, Array]:
    """Draw every parameter with the initialiser of its role.

    Args:
        model: names, shapes and initialisers.
        seed: the run's seed, 0 or more.

    Returns:
        Float32 arrays by parameter name, in the order of ``model.parameters``; drawn in float64, rounded once.
    """
    return {p.name: _draw(model, p, seed).astype(np.float32) for p in model.parameters}


def probe_weights(model: Model, seed: int) -> dict[str, Array]:
    """Initial weights with N(0, 0.1²) added to every bias and affine parameter and every running statistic.

    At its initial value a zero bias can be permuted, dropped or loaded into the wrong gate without changing a
    logit. After this perturbation it cannot.

    Args:
        model: names, shapes and initialisers.
        seed: the run's seed, 0 or more.

    Returns:
        Float32 arrays by parameter name.
    """
    weights = initial_weights(model, seed)
    for p in model.parameters:
        if p.role in PERTURBED_ROLES or p.role == "running_variance":
            noise = _generator(seed, p.name, 1).normal(0.0, PROBE_STD, p.shape)
            noise = np.abs(noise) if p.role == "running_variance" else noise
            weights[p.name] = (weights[p.name] + noise).astype(np.float32)
    return weights


def _generator(seed: int, name: str, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode()), stream]))


def _draw(model: Model, parameter: Parameter, seed: int) -> Array:
    state = STATE_START.get(parameter.role)
    initializer = Initializer(state) if state else model.initializers[parameter.role]
    return _KINDS[initializer.kind](_generator(seed, parameter.name, 0), parameter, initializer)


def _uniform_fan_in(generator: np.random.Generator, p: Parameter, _: Initializer) -> Array:
    """U(±1/√fan_in)."""
    limit = 1 / math.sqrt(p.fan_in)
    return generator.uniform(-limit, limit, p.shape)


def _glorot_uniform(generator: np.random.Generator, p: Parameter, _: Initializer) -> Array:
    """U(±√(6/(fan_in + fan_out))). Source: Glorot and Bengio 2010, equation 16."""
    limit = math.sqrt(6 / (p.fan_in + p.fan_out))
    return generator.uniform(-limit, limit, p.shape)


def _orthogonal_gates(generator: np.random.Generator, p: Parameter, _: Initializer) -> Array:
    """Each square block ``(H, H)`` is the Q of a normal matrix, with the signs that make it uniform.

    Source: Saxe et al. 2014; the sign rule is Mezzadri 2007, section 5.
    """
    units = p.shape[1]
    blocks = []
    for _block in range(p.shape[0] // units):
        q, r = np.linalg.qr(generator.normal(size=(units, units)))
        blocks.append(q * np.where(np.diag(r) < 0, -1.0, 1.0))
    return np.concatenate(blocks)


def _forget_gate_one(_generator: np.random.Generator, p: Parameter, _: Initializer) -> Array:
    """Zeros, with ones in the second quarter. Source: Jozefowicz et al. 2015, section 2.2."""
    bias = np.zeros(p.shape)
    quarter = p.shape[0] // 4
    bias[quarter : 2 * quarter] = 1
    return bias


_KINDS: dict[str, Callable[[np.random.Generator, Parameter, Initializer], Array]] = {
    "zeros": lambda _generator, p, _: np.zeros(p.shape),
    "ones": lambda _generator, p, _: np.ones(p.shape),
    "uniform_fan_in": _uniform_fan_in,
    "glorot_uniform": _glorot_uniform,
    "normal": lambda generator, p, initializer: generator.normal(0.0, initializer.std, p.shape),
    "orthogonal_gates": _orthogonal_gates,
    "forget_gate_one": _forget_gate_one,
}
