"""The layer vocabulary: each layer's options, parameters, shapes and cost, defined once.

Adapters map these layers to a framework, the reference computes them in float64, and
``docs/semantics.md`` prints the same formulas. Shapes leave out the batch axis.

Canonical layouts: dense kernels are ``[out, in]``, convolution kernels ``[out, in, height, width]``
on ``NCHW`` data, LSTM gates are stacked in the order input, forget, cell, output.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import SpecError
from .fields import Fields

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One trainable tensor in canonical layout.

    ``role`` picks the initialiser ("kernel", "bias", …); ``fan_in`` and ``fan_out`` feed its formula.
    """

    name: str
    shape: Shape
    role: str
    fan_in: int
    fan_out: int

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a model, with its shapes worked out.

    ``layers`` is filled for ``residual`` only: output = input + layers(input).
    """

    name: str
    kind: str
    options: Mapping[str, Any]
    input_shape: Shape
    output_shape: Shape
    parameters: tuple[Parameter, ...]
    layers: tuple[Layer, ...] = field(default=())

    def parameter(self, local: str) -> str:
        """Full name of one of this layer's parameters: ``dense_1.kernel``."""
        return f"{self.name}.{local}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one layer kind reads its options, shapes its output, and what it costs.

    ``forward_flops`` counts a multiply-add as two operations, per sample.
    """

    options: Callable[[Fields], dict[str, Any]]
    output: Callable[[str, Shape, Mapping[str, Any]], Shape]
    parameters: Callable[[Shape, Mapping[str, Any]], list[tuple[str, Shape, str, int, int]]]
    forward_flops: Callable[[Layer], int]


def build_layer(table: object, input_shape: Shape, where: str) -> Layer:
    """Read one ``[[layers]]`` table and work out its shapes.

    Args:
        table: the parsed table with at least ``name`` and ``kind``.
        input_shape: shape of one sample that enters the layer.
        where: file and position, for messages.

    Raises:
        SpecError: unknown kind or option, or a shape that the layer cannot take.
    """
    fields = Fields(table, where)
    name = fields.required("name", str)
    if not name or not all(part.isidentifier() for part in name.split(".")):
        raise SpecError(f"{where}: name", "not usable as a name", expected="letters, digits, _", received=name)
    where = f"{where} ({name})"
    kind_name = fields.choice("kind", (*KINDS, "residual"))
    if kind_name == "residual":
        return _build_residual(fields, name, input_shape, where)
    kind = KINDS[kind_name]
    options = kind.options(fields)
    fields.done()
    output = kind.output(where, input_shape, options)
    parameters = tuple(
        Parameter(f"{name}.{local}", shape, role, fan_in, fan_out)
        for local, shape, role, fan_in, fan_out in kind.parameters(input_shape, options)
    )
    return Layer(name, kind_name, options, input_shape, output, parameters)


def build_layers(tables: object, input_shape: Shape, where: str) -> tuple[Layer, ...]:
    """Read a list of layer tables, each fed with the output of the one before."""
    if not isinstance(tables, list) or not tables:
        raise SpecError(where, "no layers", expected="a list of at least one layer", received=tables)
    layers: list[Layer] = []
    for index, table in enumerate(tables):
        layer = build_layer(table, input_shape, f"{where}[{index}]")
        input_shape = layer.output_shape
        layers.append(layer)
    return tuple(layers)


def forward_flops(layer: Layer) -> int:
    """Floating-point operations of one forward pass for one sample, a multiply-add counted as two."""
    if layer.kind == "residual":
        return sum(forward_flops(inner) for inner in layer.layers) + math.prod(layer.output_shape)
    return KINDS[layer.kind].forward_flops(layer)


def layer_to_json(layer: Layer) -> dict[str, Any]:
    """The table that ``build_layer`` reads back."""
    table: dict[str, Any] = {"name": layer.name, "kind": layer.kind, **layer.options}
    if layer.layers:
        table["layers"] = [layer_to_json(inner) for inner in layer.layers]
    return table


def _build_residual(fields: Fields, name: str, input_shape: Shape, where: str) -> Layer:
    inner = build_layers(fields.raw("layers"), input_shape, f"{where}: layers")
    fields.done()
    if inner[-1].output_shape != input_shape:
        raise SpecError(
            where,
            "a residual branch must keep its shape",
            expected=str(input_shape),
            received=inner[-1].output_shape,
        )
    parameters = tuple(parameter for layer in inner for parameter in layer.parameters)
    return Layer(name, "residual", {}, input_shape, input_shape, parameters, inner)


def _no_options(_: Fields) -> dict[str, Any]:
    return {}


def _same_shape(_where: str, shape: Shape, _options: Mapping[str, Any]) -> Shape:
    return shape


def _no_parameters(_shape: Shape, _options: Mapping[str, Any]) -> list[tuple[str, Shape, str, int, int]]:
    return []


def _rank(where: str, shape: Shape, rank: int, axes: str) -> None:
    if len(shape) != rank:
        raise SpecError(where, "wrong input shape", expected=f"{rank} axes {axes} per sample", received=shape)


def _elementwise(cost: int) -> Callable[[Layer], int]:
    return lambda layer: cost * math.prod(layer.output_shape)


def _dense_output(where: str, shape: Shape, options: Mapping[str, Any]) -> Shape:
    if not shape:
        raise SpecError(where, "wrong input shape", expected="at least one axis per sample", received=shape)
    return (*shape[:-1], options["units"])


def _dense_flops(layer: Layer) -> int:
    rows = math.prod(layer.output_shape[:-1])
    return rows * layer.output_shape[-1] * (2 * layer.input_shape[-1] + 1)


def _conv_output(where: str, shape: Shape, options: Mapping[str, Any]) -> Shape:
    _rank(where, shape, 3, "(channels, height, width)")
    size, stride, padding = options["size"], options["stride"], options["padding"]
    sides = tuple((side + 2 * padding - size) // stride + 1 for side in shape[1:])
    if min(sides) < 1:
        raise SpecError(where, "kernel larger than its input", expected=f"size <= {shape[1:]}", received=size)
    return (options["filters"], *sides)


def _conv_parameters(shape: Shape, options: Mapping[str, Any]) -> list[tuple[str, Shape, str, int, int]]:
    filters, size = options["filters"], options["size"]
    fan_in, fan_out = shape[0] * size * size, filters * size * size
    return [
        ("kernel", (filters, shape[0], size, size), "kernel", fan_in, fan_out),
        ("bias", (filters,), "bias", fan_in, fan_out),
    ]


def _conv_flops(layer: Layer) -> int:
    size: int = layer.options["size"]
    return math.prod(layer.output_shape) * (2 * layer.input_shape[0] * size * size + 1)


def _pool_output(where: str, shape: Shape, options: Mapping[str, Any]) -> Shape:
    _rank(where, shape, 3, "(channels, height, width)")
    size, stride = options["size"], options["stride"]
    if min(shape[1:]) < size:
        raise SpecError(where, "pool larger than its input", expected=f"size <= {shape[1:]}", received=size)
    return (shape[0], *((side - size) // stride + 1 for side in shape[1:]))


def _embedding_output(where: str, shape: Shape, options: Mapping[str, Any]) -> Shape:
    _rank(where, shape, 1, "(tokens)")
    return (shape[0], options["width"])


def _sequence(where: str, shape: Shape) -> None:
    _rank(where, shape, 2, "(time, features)")


def _position_output(where: str, shape: Shape, _options: Mapping[str, Any]) -> Shape:
    _sequence(where, shape)
    return shape


def _mean_output(where: str, shape: Shape, _options: Mapping[str, Any]) -> Shape:
    _sequence(where, shape)
    return shape[1:]


def _lstm_output(where: str, shape: Shape, options: Mapping[str, Any]) -> Shape:
    _sequence(where, shape)
    return (options["units"],)


def _lstm_parameters(shape: Shape, options: Mapping[str, Any]) -> list[tuple[str, Shape, str, int, int]]:
    units, width = options["units"], shape[-1]
    return [
        ("kernel", (4 * units, width), "kernel", width, 4 * units),
        ("recurrent", (4 * units, units), "recurrent", units, 4 * units),
        ("bias", (4 * units,), "gate_bias", units, 4 * units),
    ]


def _lstm_flops(layer: Layer) -> int:
    time, width = layer.input_shape
    units: int = layer.options["units"]
    return time * (4 * units * (2 * width + 2 * units + 2) + 9 * units)


def _attention_output(where: str, shape: Shape, options: Mapping[str, Any]) -> Shape:
    _sequence(where, shape)
    if shape[-1] % options["heads"]:
        raise SpecError(
            where,
            "width not divisible by heads",
            expected=f"a divisor of {shape[-1]}",
            received=options["heads"],
        )
    return shape


def _attention_parameters(shape: Shape, _: Mapping[str, Any]) -> list[tuple[str, Shape, str, int, int]]:
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


_ATTENTION_PARTS = ("query", "key", "value", "output")

KINDS: dict[str, _Kind] = {
    "dense": _Kind(
        lambda f: {"units": f.positive("units")},
        _dense_output,
        lambda s, o: [
            ("kernel", (o["units"], s[-1]), "kernel", s[-1], o["units"]),
            ("bias", (o["units"],), "bias", s[-1], o["units"]),
        ],
        _dense_flops,
    ),
    "conv2d": _Kind(
        lambda f: {
            "filters": f.positive("filters"),
            "size": f.positive("size"),
            "stride": f.positive("stride", 1),
            "padding": f.not_negative("padding", 0),
        },
        _conv_output,
        _conv_parameters,
        _conv_flops,
    ),
    "max_pool2d": _Kind(
        lambda f: {"size": f.positive("size"), "stride": f.positive("stride")},
        _pool_output,
        _no_parameters,
        lambda layer: math.prod(layer.output_shape) * layer.options["size"] ** 2,
    ),
    "flatten": _Kind(_no_options, lambda _w, s, _o: (math.prod(s),), _no_parameters, lambda _: 0),
    "relu": _Kind(_no_options, _same_shape, _no_parameters, _elementwise(1)),
    "gelu": _Kind(_no_options, _same_shape, _no_parameters, _elementwise(8)),
    "embedding": _Kind(
        lambda f: {"vocabulary": f.positive("vocabulary"), "width": f.positive("width")},
        _embedding_output,
        lambda _s, o: [("table", (o["vocabulary"], o["width"]), "table", o["vocabulary"], o["width"])],
        lambda _: 0,
    ),
    "position_embedding": _Kind(
        _no_options,
        _position_output,
        lambda s, _o: [("table", s, "table", s[0], s[1])],
        _elementwise(1),
    ),
    "lstm": _Kind(lambda f: {"units": f.positive("units")}, _lstm_output, _lstm_parameters, _lstm_flops),
    "layer_norm": _Kind(
        lambda f: {"epsilon": f.required("epsilon", float)},
        _same_shape,
        lambda s, _o: [("scale", (s[-1],), "scale", s[-1], s[-1]), ("shift", (s[-1],), "bias", s[-1], s[-1])],
        _elementwise(8),
    ),
    "attention": _Kind(
        lambda f: {"heads": f.positive("heads")}, _attention_output, _attention_parameters, _attention_flops
    ),
    "mean_pool": _Kind(
        _no_options,
        _mean_output,
        _no_parameters,
        lambda layer: math.prod(layer.input_shape),
    ),
}
