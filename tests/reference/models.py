"""Small models for the tests of the reference: one per layer kind, and shrunk copies of the shipped workloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from frameworkbench.content import content_dir
from frameworkbench.reference.rule import Array
from frameworkbench.spec.layers import layer_to_json
from frameworkbench.spec.model import Initializer, Model, build_model
from frameworkbench.spec.workload import Workload, load_workload

INITIALIZERS = {
    "kernel": Initializer("uniform_fan_in"),
    "recurrent": Initializer("orthogonal_gates"),
    "bias": Initializer("zeros"),
    "gate_bias": Initializer("forget_gate_one"),
    "scale": Initializer("ones"),
    "table": Initializer("normal", 0.5),
}
WORKLOADS = ("mnist-mlp", "cifar-cnn", "imdb-lstm", "attention-block")
_SMALLER = {"units": 5, "filters": 3, "vocabulary": 11}


def small(*layers: dict[str, Any], shape: tuple[int, ...], kind: str = "floats") -> Model:
    """A model of the given layers; names are l0, l1, …"""
    tables = [{"name": f"l{index}", **layer} for index, layer in enumerate(layers)]
    return build_model(shape, kind, tables, INITIALIZERS, "test")


def workload(name: str) -> Workload:
    """A shipped workload at full size."""
    return load_workload(Path(content_dir("workloads")) / f"{name}.toml")


def shrunk(name: str) -> Model:
    """A shipped workload's model with the same layers and initialisers but far fewer numbers."""
    full = workload(name).model
    shape = {"mnist-mlp": (12,), "cifar-cnn": (2, 16, 16), "imdb-lstm": (6,), "attention-block": (5,)}[name]
    tables = [_shrink(layer_to_json(layer)) for layer in full.layers]
    return build_model(shape, full.input_kind, tables, full.initializers, name)


def batch(model: Model, size: int, seed: int = 0) -> tuple[Array, Array]:
    """Random inputs and labels that fit the model; tokens repeat."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, model.classes, size)
    if model.input_kind == "tokens":
        options = model.layers[0].options
        vocabulary = options["vocabulary"] if "vocabulary" in options else min(options["users"], options["items"])
        return generator.integers(0, vocabulary, (size, *model.input_shape)).astype(np.int32), labels
    return generator.normal(size=(size, *model.input_shape)), labels


def _shrink(table: dict[str, Any]) -> dict[str, Any]:
    result = {key: _SMALLER.get(key, value) for key, value in table.items()}
    if table["kind"] == "embedding":
        result["width"] = 8
    if table["name"] == "mlp_2":
        result["units"] = 8  # the residual branch returns to the width of the embedding
    if "layers" in table:
        result["layers"] = [_shrink(inner) for inner in table["layers"]]
    return result
