"""PyTorch as a library of array functions: torch.autograd and torch.nn.functional, no modules, no torch.optim.

PyTorch's layouts are the canonical ones, so weights are copied in and out as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

Parameters = Mapping[str, Tensor]  # of one layer, by local name


class TorchFunctionalAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.equalised:
            torch.set_num_threads(settings.threads)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        _check(model.layers)
        if loss.kind != "softmax_cross_entropy":
            raise UnsupportedError("UNSUPPORTED_LOSS", f"there is no loss {loss.kind!r} here")
        if optimizer.kind not in _OPTIMIZERS:
            raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"there is no optimizer {optimizer.kind!r} here")
        self._layers, self._scale, self._rule = model.layers, loss.scale, optimizer
        self._input_type = torch.int64 if model.input_kind == "tokens" else torch.float32
        self.load(weights)

    def load(self, weights: Weights) -> None:
        self._weights = {
            name: torch.tensor(value, dtype=torch.float32, requires_grad=True) for name, value in weights.items()
        }
        self._first = {name: torch.zeros_like(value) for name, value in self._weights.items()}
        self._second = {name: torch.zeros_like(value) for name, value in self._weights.items()}
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[tuple[Tensor, Tensor]]:
        return [(torch.tensor(x, dtype=self._input_type), torch.tensor(y)) for x, y in batches]

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        inputs, labels = batch
        loss = F.cross_entropy(_forward(self._layers, self._weights, inputs), labels) * self._scale
        gradients = torch.autograd.grad(loss, list(self._weights.values()))
        self._steps += 1
        update = _OPTIMIZERS[self._rule.kind]
        with torch.no_grad():
            for (name, weight), gradient in zip(self._weights.items(), gradients, strict=True):
                update(self._rule, self._steps, weight, gradient, self._first[name], self._second[name])
        return loss.detach()

    def loss(self, handle: Tensor) -> float:
        return float(handle)

    def drain(self) -> None:
        return None  # operators on the CPU have finished when they return

    def infer(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        with torch.inference_mode():
            return _forward(self._layers, self._weights, batch[0])

    def fetch(self, handle: Tensor) -> Array:
        return np.array(handle)

    def export(self) -> dict[str, Array]:
        return {name: np.array(value.detach()) for name, value in self._weights.items()}

    def effective(self) -> dict[str, Any]:
        weight = next(iter(self._weights.values()))
        return {
            "version": torch.__version__,
            "mode": "eager",
            "device": weight.device.type,
            "precision": str(weight.dtype).removeprefix("torch."),
            "threads": torch.get_num_threads(),
        }


def _check(layers: Sequence[Layer]) -> None:
    for layer in layers:
        if layer.kind not in _LAYERS:
            raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: there is no {layer.kind!r} here")
        _check(layer.layers)


def _forward(layers: Sequence[Layer], weights: Parameters, x: Tensor) -> Tensor:
    for layer in layers:
        if layer.kind == "residual":
            x = x + _forward(layer.layers, weights, x)
        else:
            own = {one.name.rpartition(".")[2]: weights[one.name] for one in layer.parameters}
            x = _LAYERS[layer.kind](layer.options, own, x)
    return x


def _conv2d(options: Mapping[str, Any], own: Parameters, x: Tensor) -> Tensor:
    return F.conv2d(x, own["kernel"], own["bias"], stride=options["stride"], padding=options["padding"])


def _lstm(options: Mapping[str, Any], own: Parameters, x: Tensor) -> Tensor:
    hidden = cell = x.new_zeros(x.shape[0], options["units"])
    from_inputs = F.linear(x, own["kernel"], own["bias"])  # (B, T, 4H)
    for time in range(x.shape[1]):
        i, f, g, o = (from_inputs[:, time] + F.linear(hidden, own["recurrent"])).chunk(4, dim=1)
        cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
        hidden = torch.sigmoid(o) * torch.tanh(cell)
    return hidden


def _attention(options: Mapping[str, Any], own: Parameters, x: Tensor) -> Tensor:
    batch, time, width = x.shape
    heads = options["heads"]

    def split(y: Tensor) -> Tensor:  # (B, T, E) → (B, h, T, E/h)
        return y.view(batch, time, heads, width // heads).transpose(1, 2)

    query = split(F.linear(x, own["query_kernel"], own["query_bias"]))
    key = split(F.linear(x, own["key_kernel"]))
    value = split(F.linear(x, own["value_kernel"], own["value_bias"]))
    mixed = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(width // heads), dim=-1) @ value
    return F.linear(mixed.transpose(1, 2).reshape(batch, time, width), own["output_kernel"], own["output_bias"])


_LAYERS: dict[str, Callable[[Mapping[str, Any], Parameters, Tensor], Tensor]] = {
    "dense": lambda _, own, x: F.linear(x, own["kernel"], own["bias"]),
    "conv2d": _conv2d,
    "max_pool2d": lambda options, _, x: F.max_pool2d(x, options["size"], options["stride"]),
    "flatten": lambda _, __, x: x.flatten(1),
    "relu": lambda _, __, x: torch.relu(x),
    "gelu": lambda _, __, x: F.gelu(x, approximate="none"),
    "embedding": lambda _, own, x: F.embedding(x, own["table"]),
    "position_embedding": lambda _, own, x: x + own["table"],
    "lstm": _lstm,
    "layer_norm": lambda options, own, x: F.layer_norm(x, x.shape[-1:], own["scale"], own["shift"], options["epsilon"]),
    "attention": _attention,
    "mean_pool": lambda _, __, x: x.mean(dim=1),
    "residual": lambda _, __, x: x,  # opened by _forward
}


def _sgd(rule: Optimizer, _steps: int, weight: Tensor, gradient: Tensor, velocity: Tensor, _unused: Tensor) -> None:
    velocity.mul_(rule.momentum).add_(gradient)
    weight.sub_(rule.learning_rate * velocity)


def _adam(rule: Optimizer, steps: int, weight: Tensor, gradient: Tensor, first: Tensor, second: Tensor) -> None:
    first.mul_(rule.beta1).add_(gradient, alpha=1 - rule.beta1)
    second.mul_(rule.beta2).addcmul_(gradient, gradient, value=1 - rule.beta2)
    denominator = (second / (1 - rule.beta2**steps)).sqrt_().add_(rule.epsilon)
    weight.addcdiv_(first, denominator, value=-rule.learning_rate / (1 - rule.beta1**steps))


_OPTIMIZERS = {"sgd": _sgd, "adam": _adam}

ADAPTER = TorchFunctionalAdapter
