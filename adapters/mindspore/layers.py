"""The vocabulary as MindSpore cells, and where each canonical parameter is kept in them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn, ops

from frameworkbench.adapter import Array
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer

Options = Mapping[str, Any]
Shape = tuple[int, ...]


def replace(parameter: ms.Parameter, value: Array) -> None:
    """Write into a parameter's own memory; ``set_data`` would exchange it, and compiled graphs keep what they have."""
    ops.assign(parameter, ms.Tensor(value))


@dataclass(slots=True)
class Part:
    """Where a canonical parameter lies: a whole MindSpore parameter, or some of its first axis.

    ``mask`` is zero where the whole holds what the canonical model does not have. ``norm`` (values per sample and
    channel; share that is kept, m) is set for a running variance: MindSpore's is unbiased, the canonical one biased.
    After t steps it is mᵗ·start plus a sum of variances of batches, each n/(n − 1) times the biased one.
    """

    parameter: ms.Parameter
    rows: Any = ...
    mask: Array | None = None
    norm: tuple[int, float] | None = None
    start: Array | None = None

    def get(self) -> Array:
        return np.array(self.parameter.asnumpy()[self.rows], np.float32)

    def put(self, value: Array) -> None:
        whole = self.parameter.asnumpy().copy()
        whole[self.rows] = value
        replace(self.parameter, whole)
        self.start = np.array(value) if self.norm else None

    def settle(self, steps: int, samples: int) -> None:
        """Make a running variance canonical, so many steps after it was."""
        if self.norm is not None:
            values, kept = samples * self.norm[0], self.start * self.norm[1] ** steps
            self.put(kept + (self.get() - kept) * np.float32((values - 1) / values))


Bound = dict[str, Part]


class Mean(nn.Cell):
    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = axes

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return x.mean(self.axes)


class Dot(nn.Cell):
    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return (x[:, 0] * x[:, 1]).sum(-1, keepdims=True)


class Residual(nn.SequentialCell):
    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return x + super().construct(x)


class Position(nn.Cell):
    def __init__(self, _: Options, shape: Shape) -> None:
        super().__init__()
        self.embedding_table = ms.Parameter(ms.Tensor(np.zeros(shape, np.float32)), name="embedding_table")

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return x + self.embedding_table


class Pair(nn.Cell):
    def __init__(self, o: Options, _: Shape) -> None:
        super().__init__()
        self.users = nn.Embedding(o["users"], o["width"])
        self.items = nn.Embedding(o["items"], o["width"])

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return ops.stack((self.users(x[:, 0]), self.items(x[:, 1])), 1)


class Attention(nn.Cell):
    def __init__(self, o: Options, shape: Shape) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(shape[-1], o["heads"], batch_first=True)

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        return self.inner(x, x, x, need_weights=False)[0]


class Recurrent(nn.Cell):
    """One of MindSpore's recurrent layers, as all outputs or as the last state of each direction."""

    def __init__(self, made: type[nn.Cell], o: Options, shape: Shape) -> None:
        super().__init__()
        self.inner = made(shape[-1], o["units"], batch_first=True, bidirectional=o["bidirectional"])
        self.sequence, self.both, self.lstm = o["sequence"], o["bidirectional"], made is nn.LSTM
        for bias in self.inner.b_hh_list:  # the second bias stays zero
            replace(bias, np.zeros(bias.shape, np.float32))
            bias.requires_grad = False

    def construct(self, x: ms.Tensor) -> ms.Tensor:
        outputs, state = self.inner(x)
        if self.sequence:
            return outputs
        last = state[0] if self.lstm else state
        return ops.cat((last[0], last[1]), -1) if self.both else last[0]


def sequence(layers: Sequence[Layer], bound: Bound, made: type[nn.Cell] = nn.SequentialCell) -> nn.Cell:
    """The layers in order; their parameters go to ``bound`` by canonical name."""
    return made([_cell(layer, bound) for layer in layers])


def _cell(layer: Layer, bound: Bound) -> nn.Cell:
    if layer.kind == "residual":
        return sequence(layer.layers, bound, Residual)
    if layer.kind not in _CELLS:
        raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: the MindSpore adapter has no {layer.kind!r}")
    cell = _CELLS[layer.kind](layer.options, layer.input_shape)
    for parameter in layer.parameters:
        bound[parameter.name] = _part(layer, parameter.name.rpartition(".")[2], cell)
    return cell


def _part(layer: Layer, name: str, cell: nn.Cell) -> Part:
    """Where one canonical parameter of a layer lies."""
    if layer.kind in ("lstm", "gru", "rnn"):
        local = name.removeprefix("backward_")
        return Part(getattr(cell.inner, _LISTS[local])[int(local != name)])
    if layer.kind == "attention" and not name.startswith("output"):
        which, width = ("query", "key", "value").index(name.partition("_")[0]), layer.input_shape[-1]
        rows = slice(which * width, (which + 1) * width)
        if name.endswith("kernel"):
            return Part(cell.inner.in_proj_weight, rows)
        # A key bias changes nothing; its gradient is noise, which Adam would turn into steps.
        return Part(cell.inner.in_proj_bias, rows, np.repeat(np.array([1, 0, 1], np.float32), width))
    norm = (math.prod(layer.input_shape[1:]), layer.options["momentum"]) if name == "variance" else None
    return Part(attrgetter(_NAMES[name])(cell), norm=norm)


_CELLS: dict[str, Callable[[Options, Shape], nn.Cell]] = {
    "dense": lambda o, s: nn.Dense(s[-1], o["units"], has_bias=o["bias"]),
    "conv2d": lambda o, s: nn.Conv2d(s[0], o["filters"], o["size"], o["stride"], "pad", o["padding"], 1, 1, o["bias"]),
    "max_pool2d": lambda o, _: nn.MaxPool2d(o["size"], o["stride"]),
    "avg_pool2d": lambda o, _: nn.AvgPool2d(o["size"], o["stride"]),
    "global_avg_pool2d": lambda _o, _: Mean((2, 3)),
    "flatten": lambda _o, _: nn.Flatten(),
    "relu": lambda _o, _: nn.ReLU(),
    "gelu": lambda _o, _: nn.GELU(approximate=False),
    "gelu_tanh": lambda _o, _: nn.GELU(approximate=True),
    "sigmoid": lambda _o, _: nn.Sigmoid(),
    "softmax": lambda _o, _: nn.Softmax(-1),
    "batch_norm": lambda o, s: _NORMS[len(s)](s[0], o["epsilon"], o["momentum"]),
    "layer_norm": lambda o, s: nn.LayerNorm((s[-1],), epsilon=o["epsilon"]),
    "dropout": lambda o, _: nn.Dropout(p=o["rate"]),
    "embedding": lambda o, _: nn.Embedding(o["vocabulary"], o["width"]),
    "position_embedding": Position,
    "pair_embedding": Pair,
    "dot_product": lambda _o, _: Dot(),
    "lstm": lambda o, s: Recurrent(nn.LSTM, o, s),
    "gru": lambda o, s: Recurrent(nn.GRU, o, s),
    "rnn": lambda o, s: Recurrent(nn.RNN, o, s),
    "attention": Attention,
    "mean_pool": lambda _o, _: Mean((1,)),
}

_NORMS = {1: nn.BatchNorm1d, 3: nn.BatchNorm2d}
_LISTS = {"kernel": "w_ih_list", "recurrent": "w_hh_list", "bias": "b_ih_list"}
_NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "output_kernel": "inner.out_proj.weight",
    "output_bias": "inner.out_proj.bias",
    "scale": "gamma",
    "shift": "beta",
    "mean": "moving_mean",
    "variance": "moving_variance",
    "table": "embedding_table",
    "user_table": "users.embedding_table",
    "item_table": "items.embedding_table",
}
