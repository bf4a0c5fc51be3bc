"""The layer vocabulary: reading the layers of a model, working out their shapes, and what they cost.

Each kind's options, parameters, shapes and cost are defined once, in ``pixel_kinds`` and ``sequence_kinds``. Adapters
map these layers to a framework, the reference computes them in float64, and ``docs/semantics.md`` prints the same
formulas. Shapes leave out the batch axis.
"""

from __future__ import annotations

import math
from typing import Any

from ..errors import SpecError
from .fields import Fields
from .layer import Kind, Layer, Parameter, Shape
from .pixel_kinds import PIXEL_KINDS
from .sequence_kinds import SEQUENCE_KINDS

__all__ = ["KINDS", "Layer", "Parameter", "Shape", "build_layer", "build_layers", "forward_flops", "layer_to_json"]

KINDS: dict[str, Kind] = {**PIXEL_KINDS, **SEQUENCE_KINDS}


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
