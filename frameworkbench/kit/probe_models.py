"""The layers of each probe, and the cases of losses and optimizers: data. Whatever is added to the vocabulary needs a
line here; tests ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..spec.training import Loss, Optimizer
from .samples import BINARY, CLASSES, FLAT, IMAGES, ITEMS, PAIRS, TOKENS, USERS, VOCABULARY

Table = dict[str, Any]


_EPSILON = 5e-4  # of normalisations: nobody's default, and not more than every framework takes


def dense(units: int = CLASSES, name: str = "dense_2", **options: Any) -> Table:
    """A dense layer; the last one of a model by default."""
    return {"name": name, "kind": "dense", "units": units, **options}


def _named(kind: str, **options: Any) -> Table:
    return {"name": kind, "kind": kind, **options}


def _conv(**options: Any) -> Table:
    return _named("conv2d", filters=4, size=3, **options)


HIDDEN = dense(6, "dense_1")
FLATTEN = _named("flatten")
EMBEDDING = _named("embedding", vocabulary=VOCABULARY, width=6)
POOL = _named("mean_pool")
_NORM = _named("batch_norm", epsilon=_EPSILON, momentum=0.8)

_GATES = {
    "lstm": "gates in the order input, forget, cell, output; one bias (a second one stays a frozen zero); last state",
    "gru": "gates in the order of docs/semantics.md, the reset gate as there; one bias; last state",
    "rnn": "tanh of both products and one bias; last state",
}


def _activation(kind: str, hint: str) -> tuple[str, tuple[str, ...], str, Sequence[Table], str]:
    return kind, (kind,), FLAT, [HIDDEN, _named(kind), dense()], hint


def _pools(kind: str, hint: str) -> list[tuple[str, tuple[str, ...], str, Sequence[Table], str]]:
    def layers(size: int, stride: int) -> Sequence[Table]:
        return [_conv(), _named(kind, size=size, stride=stride), FLATTEN, dense()]

    return [
        (kind, (kind,), IMAGES, layers(2, 2), hint),
        (f"{kind}, overlapping", (kind,), IMAGES, layers(3, 2), "stride is an option of its own, never a default"),
    ]


def _recurrent(kind: str) -> list[tuple[str, tuple[str, ...], str, Sequence[Table], str]]:
    both = {"name": "lower", "kind": kind, "units": 4, "bidirectional": True, "sequence": True}
    stacked = [EMBEDDING, both, {"name": "upper", "kind": kind, "units": 3, "bidirectional": True}, dense()]
    hint = "backward reads from the last token; outputs are (forward, backward); the last state is each direction's own"
    return [
        (kind, (kind,), TOKENS, [EMBEDDING, _named(kind, units=5), dense()], _GATES[kind]),
        (f"{kind}, stacked and bidirectional", (kind,), TOKENS, stacked, hint),
    ]


# name, kinds judged, source, layers, hint
PROBES: tuple[tuple[str, tuple[str, ...], str, Sequence[Table], str], ...] = (
    ("dense", ("dense",), FLAT, [HIDDEN, dense()], "kernels are (out, in): y = x·Wᵀ + b on the last axis"),
    ("dense without bias", ("dense",), FLAT, [dense(6, "dense_1", bias=False), dense()], "there is no bias parameter"),
    _activation("relu", "max(x, 0)"),
    _activation("gelu", "the erf form; some frameworks default to tanh"),
    _activation("gelu_tanh", "the tanh approximation; some frameworks default to erf"),
    _activation("sigmoid", "1/(1 + exp(−x))"),
    _activation("tanh", "tanh(x)"),
    _activation("softmax", "over the last axis"),
    (
        "dropout at rate 0",
        ("dropout",),
        FLAT,
        [HIDDEN, _named("dropout", rate=0.0), dense()],
        "nothing is dropped or scaled; masks of other rates are proved in whole models",
    ),
    (
        "residual",
        ("residual",),
        FLAT,
        [HIDDEN, _named("residual", layers=[dense(6, "dense_inner")]), dense()],
        "x + layers(x), with the layers' own names for parameters",
    ),
    ("flatten", ("flatten",), IMAGES, [FLATTEN, dense()], "row-major (C, H, W); with NHWC data permute the kernel"),
    ("conv2d", ("conv2d",), IMAGES, [_conv(), FLATTEN, dense()], "kernels are (out, in, height, width) on NCHW"),
    (
        "conv2d, stride 2, padding 1",
        ("conv2d",),
        IMAGES,
        [_conv(stride=2, padding=1), FLATTEN, dense()],
        "zero padding of 1 on every side; SAME pads one side only where a stride leaves a remainder",
    ),
    ("conv2d without bias", ("conv2d",), IMAGES, [_conv(bias=False), FLATTEN, dense()], "there is no bias parameter"),
    *_pools("max_pool2d", "no padding; the surplus edge is dropped"),
    *_pools("avg_pool2d", "no padding; the surplus edge is dropped; divided by the whole window"),
    (
        "global_avg_pool2d",
        ("global_avg_pool2d",),
        IMAGES,
        [_conv(), _named("global_avg_pool2d"), dense()],
        "the mean over height and width",
    ),
    (
        "batch_norm on images",
        ("batch_norm",),
        IMAGES,
        [_conv(bias=False), _NORM, FLATTEN, dense()],  # a bias before it would have no gradient
        "for each channel; momentum is the share that is kept; the running variance is biased (docs/semantics.md)",
    ),
    (
        "batch_norm on vectors",
        ("batch_norm",),
        FLAT,
        [dense(6, "dense_1", bias=False), _NORM, dense()],
        "for each feature; momentum is the share that is kept; the running variance is biased (docs/semantics.md)",
    ),
    (
        "embedding and mean_pool",
        ("embedding", "mean_pool"),
        TOKENS,
        [EMBEDDING, POOL, dense()],
        "token 0 is an ordinary row; gradients of repeated tokens are summed; the mean is over time, padding included",
    ),
    (
        "position_embedding",
        ("position_embedding",),
        TOKENS,
        [EMBEDDING, _named("position_embedding"), POOL, dense()],
        "y = x + table",
    ),
    (
        "layer_norm",
        ("layer_norm",),
        TOKENS,
        [EMBEDDING, _named("layer_norm", epsilon=_EPSILON), POOL, dense()],
        "the last axis, biased variance, epsilon inside the root and from the spec",
    ),
    *_recurrent("lstm"),
    *_recurrent("gru"),
    *_recurrent("rnn"),
    (
        "attention",
        ("attention",),
        TOKENS,
        [EMBEDDING, _named("attention", heads=2), POOL, dense()],
        "scores / √(E/heads), head j uses features j·E/h…, no bias on the keys, no mask",
    ),
    (
        "pair_embedding and dot_product",
        ("pair_embedding", "dot_product"),
        PAIRS,
        [_named("pair_embedding", users=USERS, items=ITEMS, width=4), _named("dot_product")],
        "a table for each side; the output is one number for each pair",
    ),
)

# The loss of a probe's samples; of all others it is softmax cross-entropy.
SOURCE_LOSS: Mapping[str, Loss] = {PAIRS: Loss("mean_squared_error")}

# Loss → samples and outputs of the model on which it is looked at.
LOSS_CASES: Mapping[str, tuple[Loss, str, int]] = {
    "softmax_cross_entropy": (Loss("softmax_cross_entropy"), FLAT, CLASSES),
    "binary_cross_entropy": (Loss("binary_cross_entropy"), BINARY, 1),
    "focal": (Loss("focal", alpha=0.25, gamma=2.0), BINARY, 1),
    "mean_squared_error": (Loss("mean_squared_error"), FLAT, 1),
}


def _both_places(kind: str, **constants: Any) -> tuple[tuple[str, Optimizer], ...]:
    return tuple(
        (f"{kind}, epsilon {place} the root", Optimizer(kind, 0.01, epsilon=1e-8, epsilon_inside=inside, **constants))
        for place, inside in (("outside", False), ("inside", True))
    )


_ADAM: dict[str, Any] = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}

# Rates at which ten steps change the loss and keep it finite; epsilon as in the shipped workloads. Of several forms of
# one kind a framework may refuse some.
OPTIMIZERS: dict[str, tuple[tuple[str, Optimizer], ...]] = {
    "sgd": (
        ("sgd", Optimizer("sgd", 0.05)),
        ("sgd with momentum", Optimizer("sgd", 0.05, momentum=0.9)),
    ),
    "nesterov": (("nesterov", Optimizer("nesterov", 0.05, momentum=0.9)),),
    "rmsprop": _both_places("rmsprop", decay=0.9),
    "adagrad": (
        *_both_places("adagrad"),
        (
            "adagrad with a start",
            Optimizer("adagrad", 0.01, epsilon=1e-8, initial_accumulator=0.1, epsilon_inside=True),
        ),
    ),
    "adam": (("adam", Optimizer("adam", 0.001, **_ADAM)),),
    "adamw": (("adamw", Optimizer("adamw", 0.001, weight_decay=0.1, **_ADAM)),),
}

# Options on top of a rule; of several forms a framework may refuse some.
OPTIONS: dict[str, tuple[tuple[str, Optimizer], ...]] = {
    "l1": (("l1 with sgd", Optimizer("sgd", 0.05, l1=0.01)),),
    "l2": (
        ("l2 with sgd", Optimizer("sgd", 0.05, l2=0.1)),
        ("l2 with adam", Optimizer("adam", 0.001, l2=0.1, **_ADAM)),
    ),
    "clip_norm": (("clip_norm with sgd", Optimizer("sgd", 0.05, clip_norm=0.1)),),
    "schedule": (
        ("schedule with sgd", Optimizer("sgd", 0.05, schedule="step", schedule_steps=1, schedule_factor=0.1)),
        (
            "schedule with adam",
            Optimizer("adam", 0.01, schedule="cosine", schedule_steps=6, schedule_factor=0.1, warmup_steps=2, **_ADAM),
        ),
    ),
}
