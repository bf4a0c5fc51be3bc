"""MindSpore: ``nn``, ``value_and_grad`` and ``experimental.optim``, op by op (PyNative) or as one graph (``jit``).

All layouts are the canonical ones; layers are in ``layers.py``. Both of MindSpore's Adams add epsilon before the bias
correction, its ``experimental`` AdamW after it: Adam is AdamW without decay. Updates are compiled in either mode.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import nn, ops
from mindspore.experimental import optim
from mindspore.graph.api import _pynative_executor, ms_compile_cache

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .layers import Bound, replace, sequence


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
        self._inputs = np.int32 if model.input_kind == "tokens" else np.float32
        self._labels = np.float32 if loss.single_output else np.int32
        self._spec = optimizer
        trained = list(net.trainable_params())
        self._rule = rule = _optimizer(optimizer, trained)
        known = {id(parameter) for parameter in trained}
        self._fresh = [(p, p.asnumpy().copy()) for p in rule.get_parameters() if id(p) not in known]
        masks = {id(part.parameter): part.mask for part in self._bound.values() if part.mask is not None}
        objective, scale, amend = _loss(loss), loss.scale, _amended(optimizer, trained, masks)

        def forward(x: ms.Tensor, y: ms.Tensor) -> ms.Tensor:
            return objective(net(x), y) * scale

        slope = ms.value_and_grad(forward, None, rule.parameters)

        def update(x: ms.Tensor, y: ms.Tensor) -> ms.Tensor:
            value, gradients = slope(x, y)
            return ops.depend(value, rule(amend(gradients)))

        def answer(x: ms.Tensor) -> ms.Tensor:
            return net(x)

        # fullgraph: an error where the compiler cannot follow, instead of leaving that part to Python.
        made = partial(ms.jit, fullgraph=True) if self.settings.mode == "graph" else lambda function: function
        self._update, self._answer = made(update), made(answer)
        self.load(weights)

    def load(self, weights: Weights) -> None:
        for name, part in self._bound.items():
            part.put(np.asarray(weights[name], np.float32))
        for parameter, fresh in self._fresh:
            replace(parameter, fresh)
        self._steps, self._unsettled, self._samples = 0, 0, 0

    def stage(self, batches: Sequence[Batch]) -> list[tuple[ms.Tensor, ms.Tensor]]:
        return [(ms.Tensor(np.array(x, self._inputs)), ms.Tensor(np.array(y, self._labels))) for x, y in batches]

    def step(self, batch: tuple[ms.Tensor, ms.Tensor]) -> ms.Tensor:
        if not self._net.training:
            self._net.set_train(True)
        self._steps, self._unsettled, self._samples = self._steps + 1, self._unsettled + 1, batch[1].shape[0]
        if self._spec.scheduled:
            ops.assign(self._rule.lrs[0], ms.Tensor(self._spec.rate(self._steps), ms.float32))
        return self._update(*batch)

    def loss(self, handle: ms.Tensor) -> float:
        return float(handle.asnumpy())

    def drain(self) -> None:
        _pynative_executor.sync()  # the public runtime.synchronize does nothing on a CPU when it is first called

    def infer(self, batch: tuple[ms.Tensor, ms.Tensor]) -> ms.Tensor:
        if self._net.training:
            self._net.set_train(False)
            self._settle()
        return self._answer(batch[0])

    def fetch(self, handle: ms.Tensor) -> Array:
        return np.array(handle.asnumpy(), np.float32)

    def export(self) -> dict[str, Array]:
        self._settle()
        return {name: part.get() for name, part in self._bound.items()}

    def compilations(self) -> int | None:
        return len(ms_compile_cache)

    def effective(self) -> dict[str, Any]:
        types = {str(part.parameter.dtype).lower() for part in self._bound.values()}
        compiled = any(name in phase for phase in ms_compile_cache for name in (".update.", ".answer."))
        return {
            "version": ms.__version__,
            "mode": "graph" if compiled else "pynative",
            "device": ms.get_context("device_target").lower(),
            "precision": "+".join(sorted(types)),
            "threads": int(ctypes.CDLL("libgomp.so.1").omp_get_max_threads()),  # the OpenMP that MindSpore has loaded
        }

    def _settle(self) -> None:
        """Make running variances canonical."""
        for part in self._bound.values() if self._unsettled else ():
            part.settle(self._unsettled, self._samples)
        self._unsettled = 0


def _amended(spec: Optimizer, parameters: list[ms.Parameter], masks: dict[int, Array]) -> Callable[..., Any]:
    """Frozen parts cut out of the gradients, then clipping, then the penalties that the optimizer does not have."""
    found = [masks.get(id(parameter), np.float32(1)) for parameter in parameters]
    kept = tuple(ms.Tensor(mask) for mask in found) if masks else ()
    limit, l1, l2 = spec.clip_norm, spec.l1, spec.l2 if spec.kind in ("adam", "adamw") else 0.0
    count, trained = len(parameters), ms.ParameterTuple(parameters)

    def amended(gradients: tuple[ms.Tensor, ...]) -> tuple[ms.Tensor, ...]:
        if kept:
            gradients = tuple([gradients[i] * kept[i] for i in range(count)])
        if limit:
            gradients = ops.clip_by_global_norm(gradients, limit)
        if l1:
            gradients = tuple([gradients[i] + l1 * ops.sign(trained[i]) for i in range(count)])
        if l2:
            gradients = tuple([gradients[i] + l2 * trained[i] for i in range(count)])
        return gradients

    return amended


def _loss(spec: Loss) -> Callable[[ms.Tensor, ms.Tensor], ms.Tensor]:
    made = {"softmax_cross_entropy": partial(nn.SoftmaxCrossEntropyWithLogits, True), "mean_squared_error": nn.MSELoss}
    if spec.kind not in (*made, "binary_cross_entropy", "focal"):
        raise UnsupportedError("UNSUPPORTED_LOSS", f"the MindSpore adapter has no loss {spec.kind!r}")
    # "none" takes oneDNN's softmax; the mean of a sparse one, and CrossEntropyLoss, an exp that is off by up to 5e-6.
    each, one = made.get(spec.kind, nn.BCEWithLogitsLoss)(reduction="none"), spec.single_output
    focal, alpha, gamma = spec.kind == "focal", spec.alpha, spec.gamma  # nn.FocalLoss is one of a softmax

    def objective(z: ms.Tensor, y: ms.Tensor) -> ms.Tensor:
        loss = each(z[:, 0] if one else z, y)
        if focal:
            loss = (alpha * y + (1 - alpha) * (1 - y)) * (1 - ops.exp(-loss)) ** gamma * loss
        return loss.mean()

    return objective


def _optimizer(spec: Optimizer, parameters: list[ms.Parameter]) -> optim.Optimizer:
    rate = spec.rate(1)
    if spec.kind in ("rmsprop", "adagrad") and spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"MindSpore adds the epsilon of {spec.kind} outside the root")
    if spec.kind in ("sgd", "nesterov"):
        return optim.SGD(parameters, rate, spec.momentum, 0.0, spec.l2, spec.kind == "nesterov")
    if spec.kind == "rmsprop":
        return optim.RMSprop(parameters, rate, spec.decay, spec.epsilon, spec.l2)
    if spec.kind == "adagrad":
        return optim.Adagrad(parameters, rate, 0.0, spec.l2, spec.initial_accumulator, spec.epsilon)
    if spec.kind in ("adam", "adamw"):  # adam's weight_decay is zero
        return optim.AdamW(parameters, rate, (spec.beta1, spec.beta2), spec.epsilon, spec.weight_decay)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"the MindSpore adapter has no optimizer {spec.kind!r}")


ADAPTER = MindSporeAdapter
