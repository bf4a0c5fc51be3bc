"""The vocabulary as ``torch.nn`` modules, and where each canonical parameter lives in them.

PyTorch's layouts are the canonical ones, so every canonical parameter is a view of a module's tensor.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer


class PositionEmbedding(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.empty(layer.input_shape))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.table


class Recurrent(nn.Module):
    """One of PyTorch's recurrent modules, as all outputs or as the last state of each direction."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        o = layer.options
        module = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[layer.kind]
        self.inner = module(layer.input_shape[-1], o["units"], batch_first=True, bidirectional=o["bidirectional"])
        self._sequence = o["sequence"]
        for name, parameter in self.inner.named_parameters():
            if "bias_hh" in name:  # both biases would receive the gradient, so that their sum moved twice as fast
                nn.init.zeros_(parameter.requires_grad_(False))

    def forward(self, x: Tensor) -> Tensor:
        outputs, state = self.inner(x)
        if self._sequence:
            return outputs
        hidden = state[0] if isinstance(state, tuple) else state  # (directions, B, H)
        return torch.cat([*hidden], dim=-1) if len(hidden) > 1 else hidden[-1]


class SelfAttention(nn.Module):
    def __init__(self, layer: Layer) -> None:
        super().__init__()
        width = layer.input_shape[-1]
        self.attention = nn.MultiheadAttention(width, layer.options["heads"], batch_first=True)
        # The key bias stays zero: its gradient is rounding noise, which Adam would turn into full steps.
        bias = nn.init.zeros_(self.attention.in_proj_bias)
        bias.register_post_accumulate_grad_hook(_freeze_key_bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


def _freeze_key_bias(in_proj_bias: Tensor) -> None:
    in_proj_bias.grad.chunk(3)[1].zero_()


class MeanPool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


class GlobalAveragePool(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3))


class PairEmbedding(nn.Module):
    """Two inputs, each with an embedding of its own."""

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.user, self.item = (
            nn.Embedding(layer.options[side], layer.options["width"]) for side in ("users", "items")
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack((self.user(x[:, 0]), self.item(x[:, 1])), dim=1)


class DotProduct(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x[:, 0] * x[:, 1]).sum(dim=-1, keepdim=True)


class Residual(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


def _batch_norm(layer: Layer) -> nn.Module:
    module = nn.BatchNorm2d if len(layer.input_shape) == 3 else nn.BatchNorm1d
    return module(layer.input_shape[0], layer.options["epsilon"], 1 - layer.options["momentum"])  # moved, not kept


_MODULES: dict[str, Callable[[Layer], nn.Module]] = {
    "dense": lambda layer: nn.Linear(layer.input_shape[-1], layer.options["units"], layer.options["bias"]),
    "conv2d": lambda layer: nn.Conv2d(
        layer.input_shape[0],
        *(layer.options[key] for key in ("filters", "size", "stride", "padding")),
        bias=layer.options["bias"],
    ),
    "max_pool2d": lambda layer: nn.MaxPool2d(layer.options["size"], layer.options["stride"]),
    "avg_pool2d": lambda layer: nn.AvgPool2d(layer.options["size"], layer.options["stride"]),
    "global_avg_pool2d": lambda _: GlobalAveragePool(),
    "flatten": lambda _: nn.Flatten(),
    "relu": lambda _: nn.ReLU(),
    "gelu": lambda _: nn.GELU(approximate="none"),
    "gelu_tanh": lambda _: nn.GELU(approximate="tanh"),
    "sigmoid": lambda _: nn.Sigmoid(),
    "tanh": lambda _: nn.Tanh(),
    "softmax": lambda _: nn.Softmax(dim=-1),
    "dropout": lambda layer: nn.Dropout(layer.options["rate"]),
    "batch_norm": _batch_norm,
    "layer_norm": lambda layer: nn.LayerNorm(layer.input_shape[-1], eps=layer.options["epsilon"]),
    "embedding": lambda layer: nn.Embedding(layer.options["vocabulary"], layer.options["width"]),
    "position_embedding": PositionEmbedding,
    "pair_embedding": PairEmbedding,
    "dot_product": lambda _: DotProduct(),
    "lstm": Recurrent,
    "gru": Recurrent,
    "rnn": Recurrent,
    "attention": SelfAttention,
    "mean_pool": lambda _: MeanPool(),
    "residual": lambda layer: Residual(*modules(layer.layers)),
}


def modules(layers: Sequence[Layer]) -> list[nn.Module]:
    """One module for each layer, in order."""
    for layer in layers:
        if layer.kind not in _MODULES:
            raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: the PyTorch adapter has no {layer.kind!r}")
    return [_MODULES[layer.kind](layer) for layer in layers]


def canonical(layers: Sequence[Layer], network: nn.Sequential) -> dict[str, Tensor]:
    """Views that share memory with parameters and buffers, under canonical names."""
    found: dict[str, Tensor] = {}
    for layer, module in zip(layers, network, strict=True):
        if layer.kind == "residual":
            found |= canonical(layer.layers, module)
        else:
            found |= {layer.parameter(local): tensor.detach() for local, tensor in _views(layer.kind, module).items()}
    return found


def _views(kind: str, module: Any) -> dict[str, Tensor]:
    if kind in ("lstm", "gru", "rnn"):
        found = dict(module.inner.named_parameters())
        names = {"kernel": "weight_ih_l0", "recurrent": "weight_hh_l0", "bias": "bias_ih_l0"}
        views = {local: found[name] for local, name in names.items()}
        return views | {f"backward_{x}": found[f"{n}_reverse"] for x, n in names.items() if f"{n}_reverse" in found}
    if kind == "attention":
        inner = module.attention
        views = dict(zip(("query_kernel", "key_kernel", "value_kernel"), inner.in_proj_weight.chunk(3), strict=True))
        views["query_bias"], _, views["value_bias"] = inner.in_proj_bias.chunk(3)
        return {**views, "output_kernel": inner.out_proj.weight, "output_bias": inner.out_proj.bias}
    if kind == "batch_norm":
        names = {"scale": "weight", "shift": "bias", "mean": "running_mean", "variance": "running_var"}
        return {local: getattr(module, name) for local, name in names.items()}
    tables = {"embedding": ("table",), "position_embedding": ("table",), "layer_norm": ("scale", "shift")}
    names = {**tables, "pair_embedding": ("user_table", "item_table")}.get(kind, ("kernel", "bias"))
    return dict(zip(names, module.parameters(), strict=False))  # weight, then bias; none for activations


class RunningVariances:
    """PyTorch's running variance is unbiased, the canonical one biased; ``settle`` turns the first into the second.

    After t steps a running variance is mᵗ·v₀ plus a sum of variances of batches, each n/(n − 1) times the biased one
    (n values per channel, m the share that is kept). Between two settlings t, v₀ and n are known, so this is exact.
    """

    def __init__(self, layers: Sequence[Layer], network: nn.Sequential) -> None:
        self._norms = list(_norms(layers, network))
        self.restart()

    def restart(self) -> None:
        """The variances are canonical now."""
        self._steps, self._batch = 0, 0
        self._start = [module.running_var.clone() for _, module in self._norms]

    def count(self, batch: int) -> None:
        """A training step with so many samples begins."""
        self._steps, self._batch = self._steps + 1, batch

    def settle(self) -> None:
        """Make them canonical in place."""
        if not self._steps:
            return
        with torch.no_grad():
            for (layer, module), start in zip(self._norms, self._start, strict=True):
                values = self._batch * math.prod(layer.input_shape[1:])
                kept = start * layer.options["momentum"] ** self._steps
                module.running_var.sub_(kept).mul_((values - 1) / values).add_(kept)
        self.restart()


def _norms(layers: Sequence[Layer], network: nn.Sequential) -> list[tuple[Layer, Any]]:
    found: list[tuple[Layer, Any]] = []
    for layer, module in zip(layers, network, strict=True):
        if layer.kind == "residual":
            found += _norms(layer.layers, module)
        elif layer.kind == "batch_norm":
            found.append((layer, module))
    return found
