"""tinygrad: ``tinygrad.nn`` layers and optimizers, the step captured once by ``TinyJit``.

Layers and losses are in ``layers.py``, optimizers below. The rate of a schedule is written into the optimizer's ``lr``
before each step.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from tinygrad import Context, Device, Tensor, TinyJit, nn
from tinygrad.codegen import to_program_cache
from tinygrad.helpers import JIT, NUM_CPU_THREADS

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .layers import Network, RunningVariances, objective, put, tensor


class TinygradAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.mode != "jit":
            raise UnsupportedError("UNSUPPORTED_MODE", f"tinygrad has no mode {settings.mode!r}")
        Tensor.manual_seed(settings.seed)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        self._tokens, self._single = model.input_kind == "tokens", loss.single_output
        network, value_of = Network(model.layers), objective(loss)
        self._bound = network.bound
        for name, place in self._bound.items():
            place.replace(tensor(weights[name]))  # drawing them would compile kernels that nobody needs
        counts = [norm.num_batches_tracked for _, norm in network.norms]
        self._spec, self._rule = optimizer, _optimizer(optimizer, [*self._bound.values(), *counts])
        own = {id(place) for place in (*self._rule.params, *self._rule.buffers)}
        states = [place for place in nn.state.get_parameters(self._rule) if id(place) not in own]
        self._fresh = [(place.replace(tensor(place.numpy())), place.numpy()) for place in states]
        self._variances = RunningVariances(network.norms)

        def update(x: Tensor, y: Tensor) -> Tensor:
            self._rule.zero_grad()
            value = value_of(network(x), y) * loss.scale
            value.backward()
            _prepare(optimizer, self._rule.params)
            return value.realize(*self._rule.schedule_step())

        self._update, self._answer = _Call(update), _Call(lambda x: network(x).realize())
        self.load(weights)

    def load(self, weights: Weights) -> None:
        for name, place in self._bound.items():
            put(place, weights[name])
        for place, start in self._fresh:
            put(place, start)
        self._variances.restart()
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[tuple[Tensor, Tensor]]:
        inputs, labels = "int32" if self._tokens else "float32", "float32" if self._single else "int32"
        return [(tensor(x.astype(inputs)), tensor(y.astype(labels))) for x, y in batches]

    def step(self, batch: tuple[Tensor, Tensor]) -> _Handle:
        self._steps += 1
        self._variances.count(batch[0].shape[0])
        if self._spec.scheduled:
            put(self._rule.lr, np.array([self._spec.rate(self._steps)]))
        with Context(TRAINING=1):
            return self._update(*batch)

    def loss(self, handle: _Handle) -> float:
        return float(handle.value())

    def drain(self) -> None:
        Device[Device.DEFAULT].synchronize()  # the CPU's kernels have finished when they return

    def infer(self, batch: tuple[Tensor, Tensor]) -> _Handle:
        self._variances.settle()
        with Context(TRAINING=0):
            return self._answer(batch[0])

    def fetch(self, handle: _Handle) -> Array:
        return handle.value()

    def export(self) -> dict[str, Array]:
        self._variances.settle()
        return {name: place.numpy() for name, place in self._bound.items()}

    def effective(self) -> dict[str, Any]:
        stored = {str(place.dtype).removeprefix("dtypes.") for place in self._bound.values()}
        return {
            "version": version("tinygrad"),
            "mode": "jit" if JIT else "eager",
            "device": Device.DEFAULT.lower(),
            "precision": "float32" if stored == {"float"} else "+".join(sorted(stored)),
            "threads": None,
            "threads_note": f"kernels in {NUM_CPU_THREADS.value} parts, which the calling thread runs one by one",
            "compile": f"kernels by {type(Device[Device.DEFAULT].renderer).__name__}",
        }

    def compilations(self) -> int | None:
        return len(to_program_cache)


class _Handle:
    """What a call came to, on the host once it is asked for."""

    def __init__(self, result: Tensor) -> None:
        self._tensor: Tensor | None = result

    def value(self) -> Array:
        if self._tensor is not None:
            self._value, self._tensor = self._tensor.numpy(), None
        return self._value


class _Call:
    """A function of tensors; under ``TinyJit`` one capture for each shape of its inputs.

    A capture writes each result into the same buffer, so one that is still kept is read before the next call.
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self._function = function
        self._captured: dict[tuple[int, ...], Callable[..., Tensor]] = {}
        self._last: Callable[[], _Handle | None] = lambda: None

    def __call__(self, *inputs: Tensor) -> _Handle:
        shape = inputs[0].shape
        if (kept := self._last()) is not None:
            kept.value()
        if shape not in self._captured:
            self._captured[shape] = TinyJit(self._function)
        handle = _Handle(self._captured[shape](*inputs))
        self._last = weakref.ref(handle)
        return handle


def _optimizer(spec: Optimizer, parameters: list[Tensor]) -> nn.optim.Optimizer:
    optim, betas = nn.optim, (spec.beta1, spec.beta2)
    if spec.kind in ("sgd", "nesterov"):
        return optim.SGD(parameters, spec.learning_rate, spec.momentum, spec.l2, nesterov=spec.kind == "nesterov")
    if spec.kind == "adam":
        return optim.Adam(parameters, spec.learning_rate, *betas, spec.epsilon)
    if spec.kind == "adamw":
        return optim.AdamW(parameters, spec.learning_rate, *betas, spec.epsilon, spec.weight_decay)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"the tinygrad adapter has no optimizer {spec.kind!r}")


def _prepare(spec: Optimizer, parameters: list[Tensor]) -> None:
    """Gradients before the update: clipped, then with penalties. tinygrad has neither, but for L2 in SGD."""
    if spec.clip_norm:
        norm = Tensor.stack(*(place.grad.square().sum() for place in parameters)).sum().sqrt()
        factor = (spec.clip_norm / norm).minimum(1.0)
        for place in parameters:
            place.grad = place.grad * factor
    for place in parameters:
        if spec.l2 and spec.kind in ("adam", "adamw"):
            place.grad = place.grad + spec.l2 * place.detach()
        if spec.l1:
            place.grad = place.grad + spec.l1 * place.detach().sign()


ADAPTER = TinygradAdapter
