"""Wrong in a way that is known: which convention explains the logits that came out?

The usual slips (another gate order, a framework's default epsilon, a dropped bias) are computed by the reference. Where
one of them gives exactly what the adapter gave, an author is told so, and need not search.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..analysis.parity import max_error
from ..reference.layers import predict_layers
from ..spec.layers import Layer
from ..spec.model import Model

Array = npt.NDArray[Any]
Weights = dict[str, Array]
# A layer computed in another way: (layer, weights, x) → y.
Variant = Callable[[Layer, Mapping[str, Array], Array], Array]

_MATCH = 4.0  # an explanation fits within this many tolerances
_EPSILONS = (1e-3, 1e-5, 1e-6, 1e-7, 1e-12, 0.0)
_GATES = {"lstm": "ifgo", "gru": "rzn"}


def explanation(model: Model, weights: Mapping[str, Array], inputs: Array, logits: Array, tolerance: float) -> str:
    """The first known slip that gives these logits, as a sentence; empty if none does.

    Args:
        model: what should have been computed.
        weights: with these weights.
        inputs: for these inputs ``(B, *input_shape)``.
        logits: what came out, ``(B, classes)``.
        tolerance: of the logits.
    """
    given = {name: np.asarray(value, np.float64) for name, value in weights.items()}
    for sentence, layer_name, variant in _suspects(model):
        found = _logits(model, given, inputs, layer_name, variant)
        if max_error(logits, found) <= _MATCH * tolerance:
            return sentence
    return ""


def _logits(model: Model, weights: Weights, inputs: Array, name: str, variant: Variant) -> Array:
    x = inputs if model.input_kind == "tokens" else inputs.astype(np.float64)
    for layer in model.layers:
        x = variant(layer, weights, x) if layer.name == name else _standard(layer, weights, x)
    return x


def _suspects(model: Model) -> Iterator[tuple[str, str, Variant]]:
    before: Layer | None = None
    for layer in model.layers:
        known = _SUSPECTS.get(layer.kind)
        for sentence, variant in known(layer) if known else ():
            yield f"{layer.name}: it is what comes out {sentence}", layer.name, variant
        if layer.kind == "dense" and before is not None and before.kind == "flatten":
            sentence = "if an image is flattened as (H, W, C) and the dense kernel is not permuted"
            yield f"{before.name}: it is what comes out {sentence}", before.name, _flat_nhwc
        before = layer


def _standard(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
    return np.asarray(predict_layers([layer], weights, x))


def _changed(local: str, change: Callable[[Array], Array]) -> Variant:
    """The layer with one of its parameters changed."""

    def compute(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
        name = layer.parameter(local)
        return _standard(layer, {**weights, name: change(weights[name])}, x)

    return compute


def _option(**options: Any) -> Variant:
    """The layer with other options."""

    def compute(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
        return _standard(replace(layer, options={**layer.options, **options}), weights, x)

    return compute


def _identity(_layer: Layer, _weights: Mapping[str, Array], x: Array) -> Array:
    return x


def _flat_nhwc(_layer: Layer, _weights: Mapping[str, Array], x: Array) -> Array:
    return x.transpose(0, 2, 3, 1).reshape(len(x), -1)


def _tanh_gelu(_layer: Layer, _weights: Mapping[str, Array], x: Array) -> Array:
    return np.asarray(0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))))


def _branch_only(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
    for inner in layer.layers:
        x = _standard(inner, weights, x)
    return x


def _has(layer: Layer, local: str) -> bool:
    return any(parameter.name == layer.parameter(local) for parameter in layer.parameters)


def _dense(layer: Layer) -> Iterator[tuple[str, Variant]]:
    if not _has(layer, "bias"):
        return
    yield "without the bias", _changed("bias", np.zeros_like)
    yield "with the bias added twice", _changed("bias", lambda bias: 2 * bias)


def _conv(layer: Layer) -> Iterator[tuple[str, Variant]]:
    yield from _dense(layer)
    yield "if height and width of the kernel are exchanged", _changed("kernel", lambda kernel: kernel.swapaxes(2, 3))
    yield "of a true convolution, with the kernel flipped", _changed("kernel", lambda kernel: kernel[:, :, ::-1, ::-1])


def _norm(layer: Layer) -> Iterator[tuple[str, Variant]]:
    for epsilon in _EPSILONS:
        if epsilon != layer.options["epsilon"]:
            yield f"with epsilon {epsilon:g}, not {layer.options['epsilon']:g}", _option(epsilon=epsilon)
    for factor in (10, 100, 0.1, 0.01):
        epsilon = layer.options["epsilon"] * factor
        yield f"with {factor:g} times the epsilon", _option(epsilon=epsilon)
    yield "without scale", _changed("scale", np.ones_like)
    yield "without shift", _changed("shift", np.zeros_like)


def _gelu(_layer: Layer) -> Iterator[tuple[str, Variant]]:
    yield "with the tanh approximation", _tanh_gelu


def _relu(_layer: Layer) -> Iterator[tuple[str, Variant]]:
    yield "without it", _identity


def _embedding(_layer: Layer) -> Iterator[tuple[str, Variant]]:
    yield "if row 0 (padding) is zero", _changed("table", _without_first_row)


def _position(_layer: Layer) -> Iterator[tuple[str, Variant]]:
    yield "without it", _identity


def _residual(_layer: Layer) -> Iterator[tuple[str, Variant]]:
    yield "without adding x", _branch_only


def _lstm(layer: Layer) -> Iterator[tuple[str, Variant]]:
    if layer.options["bidirectional"] or layer.options["sequence"]:
        return  # the plain form has shown the cell
    yield "without the bias", _changed("bias", np.zeros_like)
    yield "if 1 is added to the forget bias", _changed("bias", _forget_plus_one)
    yield from _orders(layer)


def _gru(layer: Layer) -> Iterator[tuple[str, Variant]]:
    if layer.options["bidirectional"] or layer.options["sequence"]:
        return  # the plain form has shown the cell
    yield "without the bias", _changed("bias", np.zeros_like)
    yield "if the reset gate is applied before the recurrent product", _reset_before
    yield from _orders(layer)


def _orders(layer: Layer) -> Iterator[tuple[str, Variant]]:
    gates = _GATES[layer.kind]
    for order in itertools.permutations(range(len(gates))):
        if list(order) != sorted(order):
            names = ",".join(gates[gate] for gate in order)
            yield f"with gates in the order {names}, not {','.join(gates)}", _gates(order)


def _reset_before(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
    """n = tanh(W_n·x + b_n + R_n·(r∘h)), as the first paper has it and some frameworks by default."""
    kernel, recurrent, bias = (weights[layer.parameter(local)] for local in ("kernel", "recurrent", "bias"))
    hidden = np.zeros((len(x), recurrent.shape[1]))
    last = 2 * recurrent.shape[1]
    for step in x.transpose(1, 0, 2):
        inputs = step @ kernel.T + bias
        both = 1 / (1 + np.exp(-(inputs[:, :last] + hidden @ recurrent[:last].T)))
        reset, update = np.split(both, 2, axis=1)
        new = np.tanh(inputs[:, last:] + (reset * hidden) @ recurrent[last:].T)
        hidden = (1 - update) * new + update * hidden
    return np.asarray(hidden)


def _erf_gelu(_layer: Layer) -> Iterator[tuple[str, Variant]]:
    def compute(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
        return _standard(replace(layer, kind="gelu"), weights, x)

    yield "with the erf form", compute


def _attention(layer: Layer) -> Iterator[tuple[str, Variant]]:
    width = layer.input_shape[-1]
    root = math.sqrt(width // layer.options["heads"])
    yield "if scores are not divided by √(E/heads)", _queries(root)
    yield "if scores are divided by √E, not by √(E/heads)", _queries(root / math.sqrt(width))
    for part in ("query", "value", "output"):
        yield f"without the {part} bias", _changed(f"{part}_bias", np.zeros_like)


def _without_first_row(table: Array) -> Array:
    found = table.copy()
    found[0] = 0
    return found


def _forget_plus_one(bias: Array) -> Array:
    found = bias.copy()
    quarter = len(bias) // 4
    found[quarter : 2 * quarter] += 1
    return found


def _gates(order: tuple[int, ...]) -> Variant:
    def compute(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
        changed = dict(weights)
        for local in ("kernel", "recurrent", "bias"):
            blocks = np.split(weights[layer.parameter(local)], len(order))
            changed[layer.parameter(local)] = np.concatenate([blocks[gate] for gate in order])
        return _standard(layer, changed, x)

    return compute


def _queries(factor: float) -> Variant:
    def compute(layer: Layer, weights: Mapping[str, Array], x: Array) -> Array:
        names = [layer.parameter(f"query_{part}") for part in ("kernel", "bias")]
        return _standard(layer, {**weights, **{name: weights[name] * factor for name in names}}, x)

    return compute


_SUSPECTS: Mapping[str, Callable[[Layer], Iterator[tuple[str, Variant]]]] = {
    "dense": _dense,
    "conv2d": _conv,
    "layer_norm": _norm,
    "gelu": _gelu,
    "relu": _relu,
    "embedding": _embedding,
    "position_embedding": _position,
    "residual": _residual,
    "batch_norm": _norm,
    "gelu_tanh": _erf_gelu,
    "gru": _gru,
    "lstm": _lstm,
    "attention": _attention,
}
