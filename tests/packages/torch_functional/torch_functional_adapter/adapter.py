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
Options = Mapping[str, Any]


class TorchFunctionalAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.equalised:
            torch.set_num_threads(settings.threads)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        _check(model.layers)
        if loss.kind not in _LOSSES:
            raise UnsupportedError("UNSUPPORTED_LOSS", f"there is no loss {loss.kind!r} here")
        if optimizer.kind not in _RULES:
            raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"there is no optimizer {optimizer.kind!r} here")
        self._layers, self._loss, self._rule = model.layers, loss, optimizer
        self._trained = [parameter.name for parameter in model.parameters if parameter.trained]
        self._input_type = torch.int64 if model.input_kind == "tokens" else torch.float32
        self.load(weights)

    def load(self, weights: Weights) -> None:
        self._weights = {name: torch.tensor(value, dtype=torch.float32) for name, value in weights.items()}
        for name in self._trained:
            self._weights[name].requires_grad_()
        self._state = {name: _State(self._weights[name], self._rule) for name in self._trained}
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[tuple[Tensor, Tensor]]:
        return [(torch.tensor(x, dtype=self._input_type), torch.tensor(y)) for x, y in batches]

    def step(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        outputs = _forward(self._layers, self._weights, batch[0], training=True)
        loss = _LOSSES[self._loss.kind](self._loss, outputs, batch[1]) * self._loss.scale
        weights = [self._weights[name] for name in self._trained]
        gradients = torch.autograd.grad(loss, weights)
        self._steps += 1
        with torch.no_grad():
            clip = _clip(self._rule, gradients)
            for name, weight, gradient in zip(self._trained, weights, gradients, strict=True):
                slope = gradient * clip + self._rule.l2 * weight + self._rule.l1 * torch.sign(weight)
                _RULES[self._rule.kind](self._rule, self._rule.rate(self._steps), weight, slope, self._state[name])
        return loss.detach()

    def loss(self, handle: Tensor) -> float:
        return float(handle)

    def drain(self) -> None:
        return None  # operators on the CPU have finished when they return

    def infer(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        with torch.inference_mode():
            return _forward(self._layers, self._weights, batch[0], training=False)

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


def _forward(layers: Sequence[Layer], weights: Parameters, x: Tensor, training: bool) -> Tensor:
    for layer in layers:
        if layer.kind == "residual":
            x = x + _forward(layer.layers, weights, x, training)
        else:
            own = {one.name.rpartition(".")[2]: weights[one.name] for one in layer.parameters}
            x = _LAYERS[layer.kind]({**layer.options, "training": training}, own, x)
    return x


def _batch_norm(options: Options, own: Parameters, x: Tensor) -> Tensor:
    """The running variance is biased here: torch's own update of it is not, so that it is done by hand."""
    mean, variance = own["mean"], own["variance"]
    if options["training"]:
        axes = [axis for axis in range(x.ndim) if axis != 1]
        batch_variance, batch_mean = torch.var_mean(x.detach(), axes, correction=0)
        for running, batch in ((mean, batch_mean), (variance, batch_variance)):
            running.mul_(options["momentum"]).add_(batch, alpha=1 - options["momentum"])
        mean = variance = None
    return F.batch_norm(x, mean, variance, own["scale"], own["shift"], options["training"], eps=options["epsilon"])


def _lstm(gates: Tensor, states: tuple[Tensor, ...], recurrent: Tensor) -> tuple[Tensor, ...]:
    hidden, cell = states
    i, f, g, o = (gates + F.linear(hidden, recurrent)).chunk(4, dim=1)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def _gru(gates: Tensor, states: tuple[Tensor, ...], recurrent: Tensor) -> tuple[Tensor, ...]:
    (r, z, n), (from_r, from_z, from_n) = gates.chunk(3, dim=1), F.linear(states[0], recurrent).chunk(3, dim=1)
    new = torch.tanh(n + torch.sigmoid(r + from_r) * from_n)
    update = torch.sigmoid(z + from_z)
    return ((1 - update) * new + update * states[0],)


def _rnn(gates: Tensor, states: tuple[Tensor, ...], recurrent: Tensor) -> tuple[Tensor, ...]:
    return (torch.tanh(gates + F.linear(states[0], recurrent)),)


def _recurrent(cell: Callable[..., tuple[Tensor, ...]], states: int = 1) -> Callable[..., Tensor]:
    def both(options: Options, own: Parameters, x: Tensor) -> Tensor:
        sides = ["", "backward_"] if options["bidirectional"] else [""]
        return torch.cat([one(options, own, x, side) for side in sides], dim=-1)

    def one(options: Options, own: Parameters, x: Tensor, side: str) -> Tensor:
        gates = F.linear(x, own[f"{side}kernel"], own[f"{side}bias"]).unbind(1)
        state = tuple(x.new_zeros(len(x), options["units"]) for _ in range(states))
        outputs = []
        for step in reversed(gates) if side else gates:
            state = cell(step, state, own[f"{side}recurrent"])
            outputs.append(state[0])
        if not options["sequence"]:
            return outputs[-1]
        return torch.stack(outputs[::-1] if side else outputs, dim=1)

    return both


def _attention(options: Options, own: Parameters, x: Tensor) -> Tensor:
    batch, time, width = x.shape
    heads = options["heads"]

    def split(y: Tensor) -> Tensor:  # (B, T, E) → (B, h, T, E/h)
        return y.view(batch, time, heads, width // heads).transpose(1, 2)

    query = split(F.linear(x, own["query_kernel"], own["query_bias"]))
    key = split(F.linear(x, own["key_kernel"]))
    value = split(F.linear(x, own["value_kernel"], own["value_bias"]))
    mixed = torch.softmax(query @ key.transpose(2, 3) / math.sqrt(width // heads), dim=-1) @ value
    return F.linear(mixed.transpose(1, 2).reshape(batch, time, width), own["output_kernel"], own["output_bias"])


_LAYERS: dict[str, Callable[[Options, Parameters, Tensor], Tensor]] = {
    "dense": lambda _, own, x: F.linear(x, own["kernel"], own.get("bias")),
    "conv2d": lambda o, own, x: F.conv2d(x, own["kernel"], own.get("bias"), o["stride"], o["padding"]),
    "max_pool2d": lambda o, _, x: F.max_pool2d(x, o["size"], o["stride"]),
    "avg_pool2d": lambda o, _, x: F.avg_pool2d(x, o["size"], o["stride"]),
    "global_avg_pool2d": lambda _, __, x: x.mean(dim=(2, 3)),
    "flatten": lambda _, __, x: x.flatten(1),
    "relu": lambda _, __, x: torch.relu(x),
    "gelu": lambda _, __, x: F.gelu(x, approximate="none"),
    "gelu_tanh": lambda _, __, x: F.gelu(x, approximate="tanh"),
    "sigmoid": lambda _, __, x: torch.sigmoid(x),
    "tanh": lambda _, __, x: torch.tanh(x),
    "softmax": lambda _, __, x: torch.softmax(x, dim=-1),
    "layer_norm": lambda o, own, x: F.layer_norm(x, x.shape[-1:], own["scale"], own["shift"], o["epsilon"]),
    "batch_norm": _batch_norm,
    "dropout": lambda o, _, x: F.dropout(x, o["rate"], o["training"]),
    "embedding": lambda _, own, x: F.embedding(x, own["table"]),
    "position_embedding": lambda _, own, x: x + own["table"],
    "pair_embedding": lambda _, own, x: torch.stack(
        [F.embedding(x[:, 0], own["user_table"]), F.embedding(x[:, 1], own["item_table"])], dim=1
    ),
    "dot_product": lambda _, __, x: (x[:, 0] * x[:, 1]).sum(dim=-1, keepdim=True),
    "lstm": _recurrent(_lstm, states=2),
    "gru": _recurrent(_gru),
    "rnn": _recurrent(_rnn),
    "attention": _attention,
    "mean_pool": lambda _, __, x: x.mean(dim=1),
    "residual": lambda _, __, x: x,  # opened by _forward
}


def _focal(loss: Loss, z: Tensor, y: Tensor) -> Tensor:
    sign, alpha = 2.0 * y - 1, torch.where(y == 1, loss.alpha, 1 - loss.alpha)
    return (-alpha * torch.sigmoid(-sign * z[:, 0]) ** loss.gamma * F.logsigmoid(sign * z[:, 0])).mean()


_LOSSES: dict[str, Callable[[Loss, Tensor, Tensor], Tensor]] = {
    "softmax_cross_entropy": lambda _, z, y: F.cross_entropy(z, y),
    "binary_cross_entropy": lambda _, z, y: F.binary_cross_entropy_with_logits(z[:, 0], y.float()),
    "focal": _focal,
    "mean_squared_error": lambda _, z, y: F.mse_loss(z[:, 0], y.float()),
}


class _State:
    """Moving averages of one weight."""

    def __init__(self, weight: Tensor, rule: Optimizer) -> None:
        self.steps = 0
        self.first = torch.zeros_like(weight, requires_grad=False)
        self.second = torch.full_like(weight, rule.initial_accumulator, requires_grad=False)


def _clip(rule: Optimizer, gradients: Sequence[Tensor]) -> float:
    if not rule.clip_norm:
        return 1.0
    norm = float(torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(one) for one in gradients])))
    return min(1.0, rule.clip_norm / norm) if norm else 1.0


def _momentum(rule: Optimizer, rate: float, weight: Tensor, gradient: Tensor, state: _State) -> None:
    state.first.mul_(rule.momentum).add_(gradient)
    ahead = gradient + rule.momentum * state.first if rule.kind == "nesterov" else state.first
    weight.sub_(rate * ahead)


def _scaled(rule: Optimizer, rate: float, weight: Tensor, gradient: Tensor, state: _State) -> None:
    if rule.kind == "rmsprop":
        state.second.mul_(rule.decay).addcmul_(gradient, gradient, value=1 - rule.decay)
    else:
        state.second.addcmul_(gradient, gradient)
    inside = rule.epsilon_inside
    root = (state.second + rule.epsilon).sqrt_() if inside else state.second.sqrt().add_(rule.epsilon)
    weight.addcdiv_(gradient, root, value=-rate)


def _adam(rule: Optimizer, rate: float, weight: Tensor, gradient: Tensor, state: _State) -> None:
    state.steps += 1
    weight.mul_(1 - rate * rule.weight_decay)  # adamw's; zero elsewhere
    state.first.mul_(rule.beta1).add_(gradient, alpha=1 - rule.beta1)
    state.second.mul_(rule.beta2).addcmul_(gradient, gradient, value=1 - rule.beta2)
    denominator = (state.second / (1 - rule.beta2**state.steps)).sqrt_().add_(rule.epsilon)
    weight.addcdiv_(state.first, denominator, value=-rate / (1 - rule.beta1**state.steps))


_RULES = {
    "sgd": _momentum, "nesterov": _momentum, "rmsprop": _scaled, "adagrad": _scaled, "adam": _adam, "adamw": _adam,
}  # fmt: skip

ADAPTER = TorchFunctionalAdapter
