"""The smallest model that shows one layer, for each layer of the vocabulary.

A wrong layer is then named by itself, and not as "the model is off". Probes stand in order of what they lean on: one
whose helpers failed is not looked at, because it could only repeat their failure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ..spec.model import build_model
from ..spec.training import Loss, Optimizer
from ..spec.workload import Workload, read_workload
from .samples import BINARY, CLASSES, FLAT, IMAGES, LENGTH, TOKENS, VOCABULARY, input_shape

Table = dict[str, Any]

BATCH = 16
STEPS = 6  # after which parameters are compared: enough for state to matter, too few for chaos

_PIXELS: Table = {"scale": 1 / 64, "mean": [1.9, 2.0, 2.1], "std": [1.0, 1.1, 1.2]}
_DATA: Mapping[str, Table] = {
    FLAT: {"dataset": "mnist", "flatten": True, **_PIXELS},
    BINARY: {"dataset": "mnist", "flatten": True, **_PIXELS},
    IMAGES: {"dataset": "cifar10", **_PIXELS},
    TOKENS: {"dataset": "imdb", "vocabulary": VOCABULARY, "length": LENGTH},
}
_INITIALIZERS = {
    "kernel": "glorot_uniform",
    "recurrent": "orthogonal_gates",
    "gate_bias": "forget_gate_one",
    "table": {"kind": "normal", "std": 0.5},
    "bias": "zeros",
    "scale": "ones",
}
# Those of the tests' tiny workloads, which five frameworks pass in every mode.
_PARITY = {
    "logits": 5e-6,
    "gradient": 5e-5,
    "optimizer": 1e-4,
    "trajectory": {"5": 1e-5, "10": 5e-5},
    "parameters": 1e-4,
    "parameters_steps": [4, 8],
    "parameters_steps_quick": [4, 8],
}

# Loss → samples and outputs of the model on which it is looked at. A new loss needs a line here.
LOSS_CASES: Mapping[str, tuple[Loss, str, int]] = {
    "softmax_cross_entropy": (Loss("softmax_cross_entropy"), FLAT, CLASSES),
}

# Rates at which ten steps change the loss and keep it finite; epsilon as in the shipped workloads.
OPTIMIZERS: Mapping[str, tuple[tuple[str, Optimizer], ...]] = {
    "sgd": (
        ("sgd", Optimizer("sgd", 0.05)),
        ("sgd with momentum", Optimizer("sgd", 0.05, momentum=0.9)),
    ),
    "adam": (("adam", Optimizer("adam", 0.001, beta1=0.9, beta2=0.999, epsilon=1e-8)),),
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One small model.

    Attributes:
        name: of the check.
        kinds: the layer kinds that it judges.
        source: of its samples.
        workload: the model with its training.
        hint: where to look when it is off.
    """

    name: str
    kinds: frozenset[str]
    source: str
    workload: Workload
    hint: str

    @property
    def needs(self) -> frozenset[str]:
        """Kinds that it leans on without judging them."""
        return self.workload.model.kinds - self.kinds


def _dense(units: int = CLASSES, name: str = "dense_2") -> Table:
    return {"name": name, "kind": "dense", "units": units}


def _conv(**options: int) -> Table:
    return {"name": "conv2d", "kind": "conv2d", "filters": 4, "size": 3, **options}


_EMBEDDING: Table = {"name": "embedding", "kind": "embedding", "vocabulary": VOCABULARY, "width": 6}
_POOL: Table = {"name": "mean_pool", "kind": "mean_pool"}
_FLATTEN: Table = {"name": "flatten", "kind": "flatten"}
_HIDDEN = _dense(6, "dense_1")


def _max_pool(size: int, stride: int) -> Table:
    return {"name": "max_pool2d", "kind": "max_pool2d", "size": size, "stride": stride}


def _named(kind: str, **options: Any) -> Table:
    return {"name": kind, "kind": kind, **options}


# name, kinds judged, source, layers, hint. A new kind needs a line here (a test asks for it).
_PROBES: tuple[tuple[str, tuple[str, ...], str, Sequence[Table], str], ...] = (
    ("dense", ("dense",), FLAT, [_HIDDEN, _dense()], "kernels are (out, in): y = x·Wᵀ + b on the last axis"),
    ("relu", ("relu",), FLAT, [_HIDDEN, _named("relu"), _dense()], "max(x, 0)"),
    ("gelu", ("gelu",), FLAT, [_HIDDEN, _named("gelu"), _dense()], "the erf form; some frameworks default to tanh"),
    (
        "residual",
        ("residual",),
        FLAT,
        [_HIDDEN, _named("residual", layers=[_dense(6, "dense_inner")]), _dense()],
        "x + layers(x), with the layers' own names for parameters",
    ),
    ("flatten", ("flatten",), IMAGES, [_FLATTEN, _dense()], "row-major (C, H, W); with NHWC data permute the kernel"),
    ("conv2d", ("conv2d",), IMAGES, [_conv(), _FLATTEN, _dense()], "kernels are (out, in, height, width) on NCHW"),
    (
        "conv2d, stride 2, padding 1",
        ("conv2d",),
        IMAGES,
        [_conv(stride=2, padding=1), _FLATTEN, _dense()],
        "zero padding of 1 on every side; SAME pads one side only where a stride leaves a remainder",
    ),
    (
        "max_pool2d",
        ("max_pool2d",),
        IMAGES,
        [_conv(), _max_pool(2, 2), _FLATTEN, _dense()],
        "no padding; the surplus edge is dropped",
    ),
    (
        "max_pool2d, overlapping",
        ("max_pool2d",),
        IMAGES,
        [_conv(), _max_pool(3, 2), _FLATTEN, _dense()],
        "stride is an option of its own; some frameworks default to 1, some to the size",
    ),
    (
        "embedding and mean_pool",
        ("embedding", "mean_pool"),
        TOKENS,
        [_EMBEDDING, _POOL, _dense()],
        "token 0 is an ordinary row; gradients of repeated tokens are summed; the mean is over time, padding included",
    ),
    (
        "position_embedding",
        ("position_embedding",),
        TOKENS,
        [_EMBEDDING, _named("position_embedding"), _POOL, _dense()],
        "y = x + table",
    ),
    (
        "layer_norm",
        ("layer_norm",),
        TOKENS,
        [_EMBEDDING, _named("layer_norm", epsilon=0.01), _POOL, _dense()],
        "the last axis, biased variance, epsilon inside the root and from the spec",
    ),
    (
        "lstm",
        ("lstm",),
        TOKENS,
        [_EMBEDDING, _named("lstm", units=5), _dense()],
        "gates in the order input, forget, cell, output; one bias (a second one stays a frozen zero); last state",
    ),
    (
        "attention",
        ("attention",),
        TOKENS,
        [_EMBEDDING, _named("attention", heads=2), _POOL, _dense()],
        "scores / √(E/heads), head j uses features j·E/h…, no bias on the keys, no mask",
    ),
)


@cache
def all_probes() -> tuple[Probe, ...]:
    """Every probe, in the order in which they are looked at."""
    return tuple(
        Probe(name, frozenset(kinds), source, _workload(name, source, layers), hint)
        for name, kinds, source, layers, hint in _PROBES
    )


def probes_for(declared: Iterable[str]) -> list[Probe]:
    """The probes whose own kinds are all declared."""
    known = set(declared)
    return [probe for probe in all_probes() if probe.kinds <= known]


def training_probes(kinds: Iterable[str]) -> list[Probe]:
    """Models on which losses and optimizers are looked at: one smooth one, and one with repeated tokens."""
    able = [probe for probe in all_probes() if probe.workload.model.kinds <= set(kinds)]
    smooth = [probe for probe in able if probe.source != TOKENS][:1]
    return smooth + [probe for probe in able if probe.source == TOKENS][:1]


def loss_probe(kind: str) -> Probe:
    """A smooth model for one loss."""
    loss, source, outputs = LOSS_CASES[kind]
    probe = Probe(kind, frozenset({"dense"}), source, _workload(kind, source, [_HIDDEN, _dense(outputs)]), "")
    return replace(probe, workload=with_training(probe.workload, loss=loss))


def with_training(workload: Workload, **changes: Any) -> Workload:
    """The same model with another loss or optimizer."""
    changed = replace(workload, **changes)
    return replace(changed, sha256=_hash(changed))


def _workload(name: str, source: str, layers: Sequence[Table]) -> Workload:
    identifier = "probe-" + "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
    base = _base(source)
    # Dataset names stand for fixed shapes; the probes' own samples are smaller and not square.
    model = build_model(input_shape(source), base.model.input_kind, list(layers), base.model.initializers, identifier)
    return with_training(base, name=identifier, title=f"Probe of {name}", model=model)


def _base(source: str) -> Workload:
    """A workload on the samples of a source, whose model is exchanged."""
    first = [_EMBEDDING, _POOL] if source == TOKENS else [] if _DATA[source].get("flatten") else [_FLATTEN]
    table = {
        "schema": 1,
        "name": "probe",
        "title": "Probe",
        "data": dict(_DATA[source]),
        "training": {
            "batch_size": BATCH,
            "epochs": 1,
            "accuracy_target": 0.0,
            "loss": "softmax_cross_entropy",
            "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.0},
        },
        "initializers": dict(_INITIALIZERS),
        "layers": [*first, _dense(10)],
        "parity": dict(_PARITY),
    }
    return read_workload(table, "probe", "")


def _hash(workload: Workload) -> str:
    facts = [workload.model.to_json(), workload.loss.to_json(), workload.optimizer.to_json(), workload.batch_size]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
