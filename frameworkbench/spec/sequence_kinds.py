"""The vocabulary's layers on sequences: embeddings, recurrent layers, attention and the mean over time.

Gates are stacked in one kernel: LSTM input, forget, cell, output; GRU reset, update, new. Recurrent layers have one
bias: a second one would only be added to the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..errors import SpecError
from .fields import Fields
from .layer import (
    Entry,
    Kind,
    Layer,
    Options,
    Shape,
    check_rank,
    check_sequence,
    no_options,
    no_parameters,
    per_element,
)

DIRECTIONS = ("", "backward_")
"""Prefixes of the parameters of a recurrent layer; the second exists where it is bidirectional."""

_SIDES = ("user", "item")
_ATTENTION_PARTS = ("query", "key", "value", "output")


def _embedding_output(where: str, shape: Shape, options: Options) -> Shape:
    check_rank(where, shape, 1, "(tokens)")
    return (shape[0], options["width"])


def _sequence_output(where: str, shape: Shape, _options: Options) -> Shape:
    check_sequence(where, shape)
    return shape


def _mean_output(where: str, shape: Shape, _options: Options) -> Shape:
    check_sequence(where, shape)
    return shape[1:]


def _pair_output(where: str, shape: Shape, options: Options) -> Shape:
    if shape != (2,):
        raise SpecError(
            where, "wrong input shape", expected="two tokens per sample: a user and an item", received=shape
        )
    return (2, options["width"])


def _pair_parameters(_shape: Shape, options: Options) -> list[Entry]:
    width = options["width"]
    return [(f"{side}_table", (options[f"{side}s"], width), "table", options[f"{side}s"], width) for side in _SIDES]


def _dot_output(where: str, shape: Shape, _options: Options) -> Shape:
    if len(shape) != 2 or shape[0] != 2:
        raise SpecError(where, "wrong input shape", expected="two vectors per sample", received=shape)
    return (1,)


def _recurrent_options(fields: Fields) -> dict[str, Any]:
    return {
        "units": fields.positive("units"),
        "sequence": fields.optional("sequence", bool, False),
        "bidirectional": fields.optional("bidirectional", bool, False),
    }


def _recurrent_output(where: str, shape: Shape, options: Options) -> Shape:
    check_sequence(where, shape)
    width = options["units"] * (2 if options["bidirectional"] else 1)
    return (shape[0], width) if options["sequence"] else (width,)


def _recurrent_parameters(gates: int, bias_role: str) -> Callable[[Shape, Options], list[Entry]]:
    def parameters(shape: Shape, options: Options) -> list[Entry]:
        units, width = options["units"], shape[-1]
        rows = gates * units
        return [
            entry
            for prefix in DIRECTIONS[: 2 if options["bidirectional"] else 1]
            for entry in (
                (f"{prefix}kernel", (rows, width), "kernel", width, rows),
                (f"{prefix}recurrent", (rows, units), "recurrent", units, rows),
                (f"{prefix}bias", (rows,), bias_role, units, rows),
            )
        ]

    return parameters


def _recurrent_flops(gates: int, per_unit: int) -> Callable[[Layer], int]:
    def flops(layer: Layer) -> int:
        time, width = layer.input_shape
        units: int = layer.options["units"]
        directions = 2 if layer.options["bidirectional"] else 1
        return directions * time * (gates * units * (2 * width + 2 * units + 2) + per_unit * units)

    return flops


def _recurrent(gates: int, per_unit: int, bias_role: str) -> Kind:
    """A recurrent kind; ``per_unit`` counts the operations of a step beside the products."""
    parameters = _recurrent_parameters(gates, bias_role)
    return Kind(_recurrent_options, _recurrent_output, parameters, _recurrent_flops(gates, per_unit))


def _attention_output(where: str, shape: Shape, options: Options) -> Shape:
    check_sequence(where, shape)
    if shape[-1] % options["heads"]:
        raise SpecError(
            where,
            "width not divisible by heads",
            expected=f"a divisor of {shape[-1]}",
            received=options["heads"],
        )
    return shape


def _attention_parameters(shape: Shape, _: Options) -> list[Entry]:
    width = shape[-1]
    kernels = [(f"{part}_kernel", (width, width), "kernel", width, width) for part in _ATTENTION_PARTS]
    # No key bias: softmax is shift-invariant, so its gradient is rounding noise that Adam would amplify.
    biases = [(f"{part}_bias", (width,), "bias", width, width) for part in ("query", "value", "output")]
    return [*kernels, *biases]


def _attention_flops(layer: Layer) -> int:
    time, width = layer.input_shape
    projections = 4 * time * width * (2 * width + 1)
    heads: int = layer.options["heads"]
    scores = heads * time * time * 5 + 4 * time * time * width
    return projections + scores


SEQUENCE_KINDS: dict[str, Kind] = {
    "embedding": Kind(
        lambda f: {"vocabulary": f.positive("vocabulary"), "width": f.positive("width")},
        _embedding_output,
        lambda _s, o: [("table", (o["vocabulary"], o["width"]), "table", o["vocabulary"], o["width"])],
        lambda _: 0,
    ),
    "position_embedding": Kind(
        no_options,
        _sequence_output,
        lambda s, _o: [("table", s, "table", s[0], s[1])],
        per_element(1),
    ),
    "pair_embedding": Kind(
        lambda f: {"users": f.positive("users"), "items": f.positive("items"), "width": f.positive("width")},
        _pair_output,
        _pair_parameters,
        lambda _: 0,
    ),
    "dot_product": Kind(no_options, _dot_output, no_parameters, lambda layer: 2 * layer.input_shape[1]),
    "lstm": _recurrent(4, 9, "gate_bias"),
    "gru": _recurrent(3, 8, "bias"),
    "rnn": _recurrent(1, 1, "bias"),
    "attention": Kind(
        lambda f: {"heads": f.positive("heads")}, _attention_output, _attention_parameters, _attention_flops
    ),
    "mean_pool": Kind(
        no_options,
        _mean_output,
        no_parameters,
        lambda layer: math.prod(layer.input_shape),
    ),
}
