"""Tiny models that together use every layer kind, loss, optimizer and optimizer option, and what is refused.

``test_vocabulary`` builds them one after the other in one process of a framework, so that importing it is paid once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from frameworkbench.spec.model import Initializer, Model, build_model
from frameworkbench.spec.training import Loss, Optimizer

INITIALIZERS = {
    "kernel": Initializer("glorot_uniform"),
    "recurrent": Initializer("orthogonal_gates"),
    "bias": Initializer("zeros"),
    "gate_bias": Initializer("forget_gate_one"),
    "scale": Initializer("ones"),
    "table": Initializer("normal", 0.5),
}
SOFTMAX = Loss("softmax_cross_entropy")
SGD = Optimizer("sgd", 0.1, momentum=0.9)
CLASSES = 3
VOCABULARY = 16

_DENSE = {"kind": "dense", "units": CLASSES}
_FLATTEN = {"kind": "flatten"}
_POOL = {"kind": "mean_pool"}
_TOKENS = {"kind": "embedding", "vocabulary": VOCABULARY, "width": 6}
_NORM = {"kind": "batch_norm", "epsilon": 1e-3, "momentum": 0.9}
IMAGE, VECTOR, TEXT, PAIR = (3, 8, 8), (192,), (7,), (2,)


@dataclass(frozen=True)
class Case:
    """One model with its training; ``inputs`` is the shape of a sample."""

    inputs: tuple[int, ...]
    layers: tuple[dict[str, Any], ...]
    loss: Loss = SOFTMAX
    optimizer: Optimizer = field(default=SGD)

    @property
    def model(self) -> Model:
        """The layers under the names l0, l1, …"""
        tables = [{"name": f"l{index}", **layer} for index, layer in enumerate(self.layers)]
        kind = "tokens" if self.inputs in (TEXT, PAIR) else "floats"
        return build_model(self.inputs, kind, tables, INITIALIZERS, "test")


def _activations(*kinds: str) -> Case:
    layers = [layer for kind in kinds for layer in ({"kind": "dense", "units": 6}, {"kind": kind})]
    return Case(VECTOR, (*layers, _DENSE))


def _recurrent(kind: str) -> dict[str, Case]:
    """One direction; and two layers, the lower one with both directions and all its outputs."""
    one = {"kind": kind, "units": 5}
    lower = {"kind": kind, "units": 4, "bidirectional": True, "sequence": True}
    upper = {"kind": kind, "units": 3, "bidirectional": True}
    return {
        kind: Case(TEXT, (_TOKENS, one, _DENSE)),
        f"{kind} stacked": Case(TEXT, (_TOKENS, lower, upper, _DENSE)),
    }


def _hidden(*tail: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    return ({"kind": "dense", "units": 6}, {"kind": "sigmoid"}, *tail)


def _trained(optimizer: Optimizer) -> Case:
    return Case(VECTOR, _hidden(_DENSE), optimizer=optimizer)


def _inside(kind: str, **constants: float) -> dict[str, Case]:
    return {
        f"{kind} {place}": _trained(Optimizer(kind, 0.01, epsilon=1e-8, epsilon_inside=place == "inside", **constants))
        for place in ("outside", "inside")
    }


_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
_COSINE = {"schedule": "cosine", "schedule_steps": 6, "schedule_factor": 0.1, "warmup_steps": 2}

LAYERS: dict[str, Case] = {
    "activations": _activations("sigmoid", "tanh", "softmax"),
    "gelu_tanh": _activations("gelu_tanh"),
    "softmax on sequences": Case(TEXT, (_TOKENS, {"kind": "softmax"}, _POOL, _DENSE)),
    "strided convolution": Case(
        IMAGE,
        (
            {"kind": "conv2d", "filters": 4, "size": 3, "stride": 2, "padding": 1, "bias": False},
            {"kind": "sigmoid"},
            {"kind": "avg_pool2d", "size": 2, "stride": 1},
            _FLATTEN,
            {"kind": "tanh"},
            {"kind": "dropout", "rate": 0.0},
            _DENSE,
        ),
    ),
    "global average": Case(IMAGE, ({"kind": "conv2d", "filters": 4, "size": 3}, {"kind": "global_avg_pool2d"}, _DENSE)),
    "batch_norm on images": Case(
        IMAGE,
        (
            {"kind": "conv2d", "filters": 4, "size": 3, "bias": False},
            {"kind": "residual", "layers": [{"name": "inner", **_NORM}, {"name": "bent", "kind": "sigmoid"}]},
            _NORM,
            _FLATTEN,
            _DENSE,
        ),
    ),
    "batch_norm on vectors": Case(
        VECTOR, ({"kind": "dense", "units": 6, "bias": False}, _NORM, {"kind": "sigmoid"}, _DENSE)
    ),
    "large epsilon": Case(TEXT, (_TOKENS, {"kind": "layer_norm", "epsilon": 0.01}, _POOL, _DENSE)),
    **_recurrent("lstm"),
    **_recurrent("gru"),
    **_recurrent("rnn"),
    "two inputs": Case(
        PAIR,
        ({"kind": "pair_embedding", "users": 16, "items": 9, "width": 4}, {"kind": "dot_product"}),
        Loss("mean_squared_error"),
    ),
}

LOSSES: dict[str, Case] = {
    loss.kind: Case(VECTOR, _hidden({"kind": "dense", "units": 1}), loss)
    for loss in (Loss("binary_cross_entropy"), Loss("focal", 1.0, 0.25, 2.0), Loss("mean_squared_error"))
}

OPTIMIZERS: dict[str, Case] = {
    "nesterov": _trained(Optimizer("nesterov", 0.1, momentum=0.9)),
    **_inside("rmsprop", decay=0.9),
    **_inside("adagrad", initial_accumulator=0.0),
    "adagrad with a start": _trained(
        Optimizer("adagrad", 0.01, epsilon=1e-8, initial_accumulator=0.1, epsilon_inside=True)
    ),
    "adamw": _trained(Optimizer("adamw", 0.01, weight_decay=0.1, **_ADAM)),
    "l2": _trained(Optimizer("adam", 0.01, l2=0.1, **_ADAM)),
    "l2 with momentum": _trained(Optimizer("nesterov", 0.1, momentum=0.9, l2=0.1)),
    "l1": _trained(Optimizer("sgd", 0.1, l1=0.01)),
    "clip_norm": _trained(Optimizer("sgd", 0.1, momentum=0.9, clip_norm=0.1)),
    "clip_norm of a frozen bias": Case(
        TEXT, (_TOKENS, {"kind": "gru", "units": 5}, _DENSE), optimizer=Optimizer("sgd", 0.5, clip_norm=0.01, l2=0.1)
    ),
    "schedule": _trained(Optimizer("adam", 0.01, **_ADAM, **_COSINE)),
    "schedule with momentum": _trained(
        Optimizer("sgd", 0.1, momentum=0.9, schedule="step", schedule_steps=2, schedule_factor=0.1)
    ),
}

CASES = LAYERS | LOSSES | OPTIMIZERS
QUICK = ("batch_norm on images", "gru stacked", "two inputs", "schedule")
"""Those that are not left to the slow tests: what is easiest to get wrong in silence."""

_OUTSIDE = {"rmsprop outside": "inside the root", "adagrad outside": "inside the root"}
_VELOCITY = {"schedule with momentum": "velocity holds the learning rate"}
REFUSED: dict[str, dict[str, str]] = {
    "pytorch": {
        "rmsprop inside": "outside the root",
        "adagrad inside": "outside the root",
        "adagrad with a start": "outside the root",
    },
    "tensorflow": _OUTSIDE | _VELOCITY,
    "jax": {"adagrad outside": "inside the root"},
    "paddle": {
        "large epsilon": "at most 0.001",
        "rmsprop outside": "inside the root",
        "adagrad inside": "outside the root",
        "adagrad with a start": "outside the root",
    },
    "mxnet": {
        **_OUTSIDE,
        **_VELOCITY,
        "gelu_tanh": "no mapping for layer",
        "adamw": "no mapping for optimizer",
        "l1": "weight decay",
        "l2 with momentum": "does not look ahead with the weight decay",
        "adagrad with a start": "starts at zero",
    },
    "keras": {
        **_OUTSIDE,
        **_VELOCITY,
        **dict.fromkeys(("gru", "gru stacked"), "no mapping for layer"),
        **dict.fromkeys(("l1", "l2", "l2 with momentum"), "penalties are a part of the loss"),
        "clip_norm of a frozen bias": "no mapping for layer",
    },
    "tinygrad": dict.fromkeys(
        (
            *("gru", "gru stacked", "rnn", "rnn stacked", "clip_norm of a frozen bias"),
            *("rmsprop outside", "rmsprop inside", "adagrad outside", "adagrad inside", "adagrad with a start"),
        ),
        "the tinygrad adapter has no",
    ),
    "mindspore": {
        **dict.fromkeys(("activations", "strided convolution"), "has no 'tanh'"),
        **dict.fromkeys(("rmsprop inside", "adagrad inside", "adagrad with a start"), "outside the root"),
    },
}
"""Which cases a framework refuses, and a part of the reason that it gives."""
