"""A model: its layers, its parameters, its initialisers and its cost.

The same object describes the model to the reference and, as JSON, to every worker, so there is one
description of what is compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..errors import SpecError
from .fields import Fields
from .layers import Layer, Parameter, Shape, build_layers, forward_flops, layer_to_json

INITIALIZERS = (
    "zeros",
    "ones",
    "uniform_fan_in",
    "glorot_uniform",
    "normal",
    "orthogonal_gates",
    "forget_gate_one",
)


@dataclass(frozen=True, slots=True)
class Initializer:
    """How one role of parameters starts.

    zeros, ones; uniform_fan_in: U(±1/√fan_in); glorot_uniform: U(±√(6/(fan_in+fan_out)));
    normal: N(0, std²); orthogonal_gates: each square gate block orthogonal (QR of a normal matrix);
    forget_gate_one: zeros, with ones in the second quarter (the forget gate).
    """

    kind: str
    std: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """Layers in order, fed with one sample of ``input_shape`` (tokens if ``input_kind`` is "tokens").

    The last layer gives the logits, one per class.
    """

    input_shape: Shape
    input_kind: str
    layers: tuple[Layer, ...]
    initializers: Mapping[str, Initializer]

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Every tensor that training moves, in the order of the layers; running statistics are not ``trained``."""
        return tuple(parameter for layer in self.layers for parameter in layer.parameters)

    @property
    def classes(self) -> int:
        """Number of logits per sample."""
        return self.layers[-1].output_shape[-1]

    @property
    def kinds(self) -> frozenset[str]:
        """The layer kinds that an adapter must know, residual branches included."""
        return frozenset(_kinds(self.layers))

    @property
    def dropout(self) -> bool:
        """Whether a layer draws masks: then no two trainings are alike."""
        return any(layer.options.get("rate", 0.0) > 0 for layer in _walk(self.layers))

    def without_dropout(self) -> Model:
        """The same model with every dropout rate at zero, which can be compared step by step."""
        return replace(self, layers=_without_dropout(self.layers)) if self.dropout else self

    def forward_flops(self) -> int:
        """Operations of one forward pass for one sample; a multiply-add counts as two."""
        return sum(forward_flops(layer) for layer in self.layers)

    def training_flops(self) -> int:
        """Operations of forward and backward for one sample: three times the forward pass.

        The backward pass forms gradients by input and by parameters, each as costly as the forward pass
        (Chowdhery et al. 2022, appendix B); the optimizer's few operations per parameter are left out.
        """
        return 3 * self.forward_flops()

    def to_json(self) -> dict[str, Any]:
        """Plain data that ``model_from_json`` reads back."""
        return {
            "input_shape": list(self.input_shape),
            "input_kind": self.input_kind,
            "layers": [layer_to_json(layer) for layer in self.layers],
            "initializers": {role: {"kind": i.kind, "std": i.std} for role, i in self.initializers.items()},
        }


def model_from_json(table: Mapping[str, Any]) -> Model:
    """Rebuild a model that ``Model.to_json`` wrote (in the worker)."""
    initializers = {role: Initializer(**value) for role, value in table["initializers"].items()}
    return build_model(tuple(table["input_shape"]), table["input_kind"], table["layers"], initializers, "model")


def build_model(
    input_shape: Shape, input_kind: str, tables: object, initializers: Mapping[str, Initializer], where: str
) -> Model:
    """Work out a model from its layer tables.

    Raises:
        SpecError: a layer is wrong, two share a name, an initialiser is missing, or the end is not a vector of logits.
    """
    layers = build_layers(tables, input_shape, f"{where}: layers")
    model = Model(input_shape, input_kind, layers, initializers)
    names = [layer.name for layer in _walk(layers)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(f"{where}: layers", "two layers share a name", expected="distinct names", received=twice[0])
    if len(layers[-1].output_shape) != 1:
        raise SpecError(
            f"{where}: layers",
            "the last layer must give one logit per class",
            received=layers[-1].output_shape,
        )
    for parameter in model.parameters:
        if parameter.trained and parameter.role not in initializers:
            raise SpecError(f"{where}: initializers: {parameter.role}", f"missing (needed by {parameter.name})")
    return model


def read_initializers(fields: Fields) -> dict[str, Initializer]:
    """Read the ``[initializers]`` table: role = "kind", or role = { kind = "normal", std = 0.02 }."""
    result: dict[str, Initializer] = {}
    for role, value in fields.items():
        inner = Fields(value if isinstance(value, Mapping) else {"kind": value}, f"{fields.where}: {role}")
        kind = inner.choice("kind", INITIALIZERS)
        result[role] = Initializer(kind, inner.required("std", float) if kind == "normal" else 0.0)
        inner.done()
    return result


def _without_dropout(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    return tuple(
        replace(
            layer,
            options={**layer.options, "rate": 0.0} if layer.kind == "dropout" else layer.options,
            layers=_without_dropout(layer.layers),
        )
        for layer in layers
    )


def _walk(layers: tuple[Layer, ...]) -> list[Layer]:
    return [found for layer in layers for found in (layer, *_walk(layer.layers))]


def _kinds(layers: tuple[Layer, ...]) -> set[str]:
    return {layer.kind for layer in _walk(layers)}
