"""The vocabulary as ``tinygrad.nn`` layers, and where each canonical parameter lives in them; losses.

All layouts are the canonical ones. A loop over time is unrolled: tinygrad has an LSTM cell and no recurrent layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from tinygrad import Tensor, nn

from frameworkbench.adapter import Array
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.training import Loss

Module = Callable[[Tensor], Tensor]
Made = tuple[Module, dict[str, Tensor]]  # a layer, and its parameters under their local names


def tensor(array: Array) -> Tensor:
    """A buffer of its own on the device."""
    return Tensor(np.array(array)).contiguous().realize()


def put(place: Tensor, value: Array) -> None:
    """Into the buffer that is there: a captured step goes on with it."""
    place.assign(Tensor(np.array(value, np.float32)).reshape(place.shape)).realize()


class Network:
    """Layers in order, with their parameters under canonical names in ``bound``."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.bound: dict[str, Tensor] = {}
        self.norms: list[tuple[Layer, nn.BatchNorm]] = []
        self._modules = self._made(layers)

    def __call__(self, x: Tensor) -> Tensor:
        return _through(self._modules, x)

    def _made(self, layers: Sequence[Layer]) -> list[Module]:
        return [self._residual(layer) if layer.kind == "residual" else self._one(layer) for layer in layers]

    def _residual(self, layer: Layer) -> Module:
        inner = self._made(layer.layers)
        return lambda x: x + _through(inner, x)

    def _one(self, layer: Layer) -> Module:
        if layer.kind not in _LAYERS:
            raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: the tinygrad adapter has no {layer.kind!r}")
        module, parameters = _LAYERS[layer.kind](layer.options, layer.input_shape)
        self.bound |= {layer.parameter(local): place for local, place in parameters.items()}
        if isinstance(module, nn.BatchNorm):
            self.norms.append((layer, module))
        return module


class RunningVariances:
    """tinygrad's running variance is unbiased, the canonical one biased; ``settle`` turns the first into the second.

    After t steps it is mᵗ·v₀ plus a sum of variances of batches, each n/(n − 1) times the biased one (n values per
    channel, m the share that is kept). Between two settlings t, v₀ and n are known, so this is exact.
    """

    def __init__(self, norms: list[tuple[Layer, nn.BatchNorm]]) -> None:
        self._norms = norms

    def restart(self) -> None:
        """The variances are canonical now."""
        self._steps, self._batch = 0, 0
        self._start = [norm.running_var.numpy() for _, norm in self._norms]

    def count(self, batch: int) -> None:
        """A training step with so many samples begins."""
        self._steps, self._batch = self._steps + 1, batch

    def settle(self) -> None:
        """Make them canonical in place."""
        if not self._norms or not self._steps:
            return
        for (layer, norm), start in zip(self._norms, self._start, strict=True):
            values = self._batch * math.prod(layer.input_shape[1:])
            kept = start * layer.options["momentum"] ** self._steps
            put(norm.running_var, (norm.running_var.numpy() - kept) * ((values - 1) / values) + kept)
        self.restart()


def objective(spec: Loss) -> Callable[[Tensor, Tensor], Tensor]:
    """The mean over a batch, of outputs and labels."""
    if spec.kind == "softmax_cross_entropy":
        return lambda z, y: z.sparse_categorical_crossentropy(y)
    if spec.kind == "binary_cross_entropy":
        return lambda z, y: z[:, 0].binary_crossentropy_logits(y)
    if spec.kind == "mean_squared_error":
        return lambda z, y: (z[:, 0] - y).square().mean()
    if spec.kind == "focal":

        def focal(z: Tensor, y: Tensor) -> Tensor:
            """As torchvision.ops.sigmoid_focal_loss writes it: tinygrad itself has no focal loss."""
            each, p = z[:, 0].binary_crossentropy_logits(y, reduction="none"), z[:, 0].sigmoid()
            missed = p * (1 - y) + (1 - p) * y
            return ((spec.alpha * y + (1 - spec.alpha) * (1 - y)) * missed**spec.gamma * each).mean()

        return focal
    raise UnsupportedError("UNSUPPORTED_LOSS", f"the tinygrad adapter has no loss {spec.kind!r}")


def _through(modules: list[Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x


def _plain(function: Module) -> Callable[[Mapping[str, Any], tuple[int, ...]], Made]:
    return lambda _o, _: (function, {})


def _weights(made: Any) -> Made:
    return made, {"kernel": made.weight} | ({} if made.bias is None else {"bias": made.bias})


def _layer_norm(o: Mapping[str, Any], shape: tuple[int, ...]) -> Made:
    made = nn.LayerNorm(shape[-1], o["epsilon"])
    return made, {"scale": made.weight, "shift": made.bias}


def _batch_norm(o: Mapping[str, Any], shape: tuple[int, ...]) -> Made:
    made = nn.BatchNorm(shape[0], o["epsilon"], momentum=1 - o["momentum"])  # moved, not kept
    made.num_batches_tracked.replace(tensor(np.zeros((), np.int64)))
    return made, {"scale": made.weight, "shift": made.bias, "mean": made.running_mean, "variance": made.running_var}


def _embedding(o: Mapping[str, Any], _: tuple[int, ...]) -> Made:
    return (made := nn.Embedding(o["vocabulary"], o["width"])), {"table": made.weight}


def _position(_: Mapping[str, Any], shape: tuple[int, ...]) -> Made:
    table = Tensor.zeros(*shape)
    return lambda x: x + table, {"table": table}


def _pair_embedding(o: Mapping[str, Any], _: tuple[int, ...]) -> Made:
    user, item = (nn.Embedding(o[side], o["width"]) for side in ("users", "items"))
    tables = {"user_table": user.weight, "item_table": item.weight}
    return lambda x: user(x[:, 0]).stack(item(x[:, 1]), dim=1), tables


def _lstm(o: Mapping[str, Any], shape: tuple[int, ...]) -> Made:
    """tinygrad's cell in a loop, once in each direction. States are stored: fused, each kernel held all before."""
    ways = {"": 1, "backward_": -1} if o["bidirectional"] else {"": 1}
    cells = {prefix: nn.LSTMCell(shape[-1], o["units"]) for prefix in ways}
    parameters: dict[str, Tensor] = {}
    for prefix, cell in cells.items():
        cell.bias_hh = None  # both biases would receive the gradient, so that their sum moved twice as fast
        names = {"kernel": cell.weight_ih, "recurrent": cell.weight_hh, "bias": cell.bias_ih}
        parameters |= {f"{prefix}{name}": place for name, place in names.items()}

    def run(x: Tensor) -> Tensor:
        found = []
        for prefix, way in ways.items():
            carry, outputs = None, []
            for t in range(x.shape[1])[::way]:
                carry = tuple(each.contiguous().contiguous_backward() for each in cells[prefix](x[:, t], carry))
                outputs.append(carry[0])
            found.append(Tensor.stack(*outputs[::way], dim=1) if o["sequence"] else outputs[-1])
        return Tensor.cat(*found, dim=-1)

    return run, parameters


def _attention(o: Mapping[str, Any], shape: tuple[int, ...]) -> Made:
    """Four dense layers around tinygrad's scaled dot product: it has no layer for them."""
    width, heads = shape[-1], o["heads"]
    parts = {name: nn.Linear(width, width, bias=name != "key") for name in ("query", "key", "value", "output")}
    parameters = {
        f"{name}_{local}": place for name, part in parts.items() for local, place in _weights(part)[1].items()
    }

    def attend(x: Tensor) -> Tensor:
        split = (*x.shape[:2], heads, width // heads)
        q, k, v = (parts[name](x).reshape(split).transpose(1, 2) for name in ("query", "key", "value"))
        return parts["output"](q.scaled_dot_product_attention(k, v).transpose(1, 2).reshape(*x.shape))

    return attend, parameters


_LAYERS: dict[str, Callable[[Mapping[str, Any], tuple[int, ...]], Made]] = {
    "dense": lambda o, shape: _weights(nn.Linear(shape[-1], o["units"], o["bias"])),
    "conv2d": lambda o, shape: _weights(
        nn.Conv2d(shape[0], *(o[key] for key in ("filters", "size", "stride", "padding")), bias=o["bias"])
    ),
    "max_pool2d": lambda o, _: (lambda x: x.max_pool2d((o["size"],) * 2, o["stride"]), {}),
    "avg_pool2d": lambda o, _: (lambda x: x.avg_pool2d((o["size"],) * 2, o["stride"]), {}),
    "global_avg_pool2d": _plain(lambda x: x.mean(axis=(2, 3))),
    "flatten": _plain(lambda x: x.flatten(1)),
    "relu": _plain(Tensor.relu),
    "gelu": _plain(lambda x: x.gelu(approximate="none")),
    "gelu_tanh": _plain(lambda x: x.gelu(approximate="tanh")),
    "sigmoid": _plain(Tensor.sigmoid),
    "tanh": _plain(Tensor.tanh),
    "softmax": _plain(lambda x: x.softmax(-1)),
    "dropout": lambda o, _: (lambda x: x.dropout(o["rate"]), {}),
    "layer_norm": _layer_norm,
    "batch_norm": _batch_norm,
    "embedding": _embedding,
    "position_embedding": _position,
    "pair_embedding": _pair_embedding,
    "dot_product": _plain(lambda x: (x[:, 0] * x[:, 1]).sum(-1, keepdim=True)),
    "lstm": _lstm,
    "attention": _attention,
    "mean_pool": _plain(lambda x: x.mean(axis=1)),
}
