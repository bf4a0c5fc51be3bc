"""MindSpore: ``nn`` cells and ``value_and_grad``, step by step (PyNative) or as one graph (``jit``).

Adam is MindSpore's AdamW without decay: its Adam adds epsilon before the bias correction. All layouts are the canonical
ones; layers are in ``layers.py``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.experimental import optim

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .layers import Bound, sequence


class MindSporeAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.mode not in ("pynative", "graph"):
            raise UnsupportedError("UNSUPPORTED_MODE", f"MindSpore has no mode {settings.mode!r}")
        ms.set_device("CPU")
        ms.set_context(mode=ms.PYNATIVE_MODE)
        if settings.equalised:
            ms.device_context.cpu.op_tuning.threads_num(settings.threads)
        ms.set_seed(settings.seed)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        self._bound: Bound = {}
        self._net = net = sequence(model.layers, self._bound)
        self._labels = np.float32 if loss.single_output else np.int32
        self._tokens = model.input_kind == "tokens"
        objective, scale = _loss(loss), loss.scale
        trained = list(net.trainable_params())
        self._rule = rule = _optimizer(optimizer, trained)
        masks = tuple(self._masks(trained))
        state = [parameter for parameter in rule.get_parameters() if parameter not in trained]
        self._fresh = [(parameter, parameter.asnumpy().copy()) for parameter in state]

        def forward(x: ms.Tensor, y: ms.Tensor) -> ms.Tensor:
            return objective(net(x), y) * scale

        slope = ms.value_and_grad(forward, None, rule.parameters)

        def update(x: ms.Tensor, y: ms.Tensor) -> ms.Tensor:
            value, gradients = slope(x, y)
            if masks:
                gradients = tuple(
                    gradient if mask is None else gradient * mask
                    for gradient, mask in zip(gradients, masks, strict=True)
                )
            return ops.depend(value, rule(gradients))

        def answer(x: ms.Tensor) -> ms.Tensor:
            return net(x)

        graph = self.settings.mode == "graph"
        self._update, self._answer = (ms.jit(update), ms.jit(answer)) if graph else (update, answer)
        self.load(weights)
        self._train(True)

    def load(self, weights: Weights) -> None:
        for name, part in self._bound.items():
            part.put(np.asarray(weights[name], np.float32))
        for parameter, fresh in self._fresh:
            parameter.set_data(ms.Tensor(fresh))

    def stage(self, batches: Sequence[Batch]) -> list[tuple[ms.Tensor, ms.Tensor]]:
        kind = np.int32 if self._tokens else np.float32
        return [(ms.Tensor(np.array(x, kind)), ms.Tensor(np.array(y, self._labels))) for x, y in batches]

    def step(self, batch: tuple[ms.Tensor, ms.Tensor]) -> ms.Tensor:
        self._train(True)
        return self._update(*batch)

    def loss(self, handle: ms.Tensor) -> float:
        return float(handle.asnumpy())

    def drain(self) -> None:
        ms.runtime.synchronize()

    def infer(self, batch: tuple[ms.Tensor, ms.Tensor]) -> ms.Tensor:
        self._train(False)
        return self._answer(batch[0])

    def fetch(self, handle: ms.Tensor) -> Array:
        return np.array(handle.asnumpy(), np.float32)

    def export(self) -> dict[str, Array]:
        return {name: part.get() for name, part in self._bound.items()}

    def effective(self) -> dict[str, Any]:
        types = {str(part.parameter.dtype).lower() for part in self._bound.values()}
        return {
            "version": ms.__version__,
            "mode": self.settings.mode,
            "device": ms.get_context("device_target").lower(),
            "precision": "+".join(sorted(types)),
            "threads": int(ms.get_context("runtime_num_threads")) if self.settings.equalised else None,
            "compile": "ms.jit on the step" if self.settings.mode == "graph" else "op by op",
            "openmp": os.environ.get("OMP_NUM_THREADS", ""),
        }

    def _train(self, wanted: bool) -> None:
        if self._net.training is not wanted:
            self._net.set_train(wanted)

    def _masks(self, trained: Sequence[ms.Parameter]) -> list[ms.Tensor | None]:
        """Zeros for the part of a packed parameter that the canonical model does not have; empty if there is none."""
        masks = {id(part.parameter): part.mask for part in self._bound.values() if part.mask is not None}
        found = [masks.get(id(parameter)) for parameter in trained]
        return [None if mask is None else ms.Tensor(mask) for mask in found] if masks else []


def _loss(spec: Loss) -> Callable[[ms.Tensor, ms.Tensor], ms.Tensor]:
    if spec.kind == "softmax_cross_entropy":
        return nn.CrossEntropyLoss()
    if spec.kind == "mean_squared_error":
        mean = nn.MSELoss()
        return lambda z, y: mean(z[:, 0], y)
    if spec.kind == "binary_cross_entropy":
        entropy = nn.BCEWithLogitsLoss()
        return lambda z, y: entropy(z[:, 0], y)
    raise UnsupportedError("UNSUPPORTED_LOSS", f"the MindSpore adapter has no loss {spec.kind!r}")


def _optimizer(spec: Optimizer, parameters: list[ms.Parameter]) -> nn.Cell:
    if spec.l1 or spec.l2 or spec.clip_norm or spec.scheduled:
        reason = "the MindSpore adapter maps no penalties, clipping or schedules"
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", reason)
    rate = spec.learning_rate
    if spec.kind in ("sgd", "nesterov"):
        return optim.SGD(parameters, rate, spec.momentum, nesterov=spec.kind == "nesterov")
    if spec.kind in ("adam", "adamw"):
        decay = spec.weight_decay if spec.kind == "adamw" else 0.0
        return optim.AdamW(parameters, rate, (spec.beta1, spec.beta2), spec.epsilon, decay)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"the MindSpore adapter has no optimizer {spec.kind!r}")


ADAPTER = MindSporeAdapter
