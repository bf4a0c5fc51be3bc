"""What a layer of a model is, once its shapes are worked out; and how one kind of layer is described.

``layers`` reads models, ``pixel_kinds`` and ``sequence_kinds`` hold the vocabulary; all of them meet here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import SpecError
from .fields import Fields

Shape = tuple[int, ...]
Options = Mapping[str, Any]
Entry = tuple[str, Shape, str, int, int]
"""Local name, shape, role, fan-in and fan-out of one parameter."""

STATE_ROLES = ("running_mean", "running_variance")
"""Tensors that training moves without a gradient."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One tensor of a layer in canonical layout.

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

    @property
    def trained(self) -> bool:
        """Whether the optimizer moves it; running statistics move by themselves."""
        return self.role not in STATE_ROLES


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of a model, with its shapes worked out.

    ``layers`` is filled for ``residual`` only: output = input + layers(input).
    """

    name: str
    kind: str
    options: Options
    input_shape: Shape
    output_shape: Shape
    parameters: tuple[Parameter, ...]
    layers: tuple[Layer, ...] = field(default=())

    def parameter(self, local: str) -> str:
        """Full name of one of this layer's parameters: ``dense_1.kernel``."""
        return f"{self.name}.{local}"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one layer kind reads its options, shapes its output, and what it costs.

    ``forward_flops`` counts a multiply-add as two operations, per sample.
    """

    options: Callable[[Fields], dict[str, Any]]
    output: Callable[[str, Shape, Options], Shape]
    parameters: Callable[[Shape, Options], list[Entry]]
    forward_flops: Callable[[Layer], int]


def no_options(_: Fields) -> dict[str, Any]:
    """A kind without options."""
    return {}


def same_shape(_where: str, shape: Shape, _options: Options) -> Shape:
    """A kind whose output is shaped like its input."""
    return shape


def no_parameters(_shape: Shape, _options: Options) -> list[Entry]:
    """A kind without parameters."""
    return []


def check_rank(where: str, shape: Shape, rank: int, axes: str) -> None:
    """Refuse an input with another number of axes."""
    if len(shape) != rank:
        raise SpecError(where, "wrong input shape", expected=f"{rank} axes {axes} per sample", received=shape)


def check_sequence(where: str, shape: Shape) -> None:
    """Refuse an input that is no sequence of feature vectors."""
    check_rank(where, shape, 2, "(time, features)")


def per_element(cost: int) -> Callable[[Layer], int]:
    """So many operations for each element of the output."""
    return lambda layer: cost * math.prod(layer.output_shape)


def share(fields: Fields, key: str) -> float:
    """A required number of at least 0 and below 1."""
    value = fields.required(key, float)
    if not 0 <= value < 1:
        raise SpecError(f"{fields.where}: {key}", "out of range", expected="at least 0 and below 1", received=value)
    return value
