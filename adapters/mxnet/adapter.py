"""Apache MXNet 1.9 with Gluon blocks: imperative, or hybridized into one static cached graph.

Layouts are the canonical ones. Gluon has no attention, position or residual layer; those are small blocks here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon
from mxnet.gluon import nn, rnn

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

Bound = dict[str, gluon.Parameter]


class MXNetAdapter(Adapter):
    """Gluon blocks trained with ``autograd.record`` and ``gluon.Trainer``."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.mode not in ("imperative", "hybrid"):
            raise UnsupportedError("UNSUPPORTED_MODE", f"mxnet has no mode {settings.mode!r}")
        if settings.device == "cuda" and not mx.context.num_gpus():
            raise UnsupportedError("UNSUPPORTED_DEVICE", "MXNet sees no GPU")
        self._context = mx.gpu(0) if settings.device == "cuda" else mx.cpu()
        mx.random.seed(settings.seed)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        if loss.kind != "softmax_cross_entropy":
            raise UnsupportedError("UNSUPPORTED_LOSS", f"mxnet: no mapping for loss {loss.kind!r}")
        self._bound: Bound = {}
        self._dtype = np.int32 if model.input_kind == "tokens" else np.float32
        self._net = _sequence(model.layers, self._bound)
        self._net.initialize(mx.init.Zero(), ctx=self._context)
        self._cross_entropy = CrossEntropy()
        self._scale = loss.scale
        if self.settings.mode == "hybrid":
            self._net.hybridize(static_alloc=True, static_shape=True)
            self._cross_entropy.hybridize()
        self._rule = optimizer
        self.load(weights)

    def load(self, weights: Weights) -> None:
        for name, parameter in self._bound.items():
            parameter.set_data(mx.nd.array(weights[name], ctx=self._context, dtype=np.float32))
        # The optimizer's state lives in the trainer, and nothing else does.
        self._trainer = gluon.Trainer(self._net.collect_params(), _make_optimizer(self._rule))

    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        context = self._context
        return [
            (mx.nd.array(x, ctx=context, dtype=self._dtype), mx.nd.array(y, ctx=context, dtype=np.int32))
            for x, y in batches
        ]

    def step(self, batch: Any) -> Any:
        inputs, labels = batch
        with autograd.record():
            loss = self._cross_entropy(self._net(inputs), labels)  # (B,)
            if self._scale != 1:
                loss = loss * self._scale
        loss.backward()  # sums over the batch; the trainer divides
        self._trainer.step(labels.shape[0])
        return loss

    def loss(self, handle: Any) -> float:
        return float(handle.asnumpy().mean(dtype=np.float64))

    def drain(self) -> None:
        mx.nd.waitall()

    def infer(self, batch: Any) -> Any:
        return self._net(batch[0])

    def fetch(self, handle: Any) -> Array:
        return handle.asnumpy()

    def export(self) -> dict[str, Array]:
        return {name: parameter.data().asnumpy() for name, parameter in self._bound.items()}

    def effective(self) -> dict[str, Any]:
        parameter = next(iter(self._bound.values())).data()
        features = mx.runtime.Features()
        return {
            "version": mx.__version__,
            "mode": self._mode_that_ran(),
            "device": "cuda" if parameter.context.device_type == "gpu" else "cpu",
            "precision": np.dtype(parameter.dtype).name,
            "threads": int(mx.base._LIB.omp_get_max_threads()),  # libgomp, reached through libmxnet
            "engine_workers": os.environ.get("MXNET_CPU_WORKER_NTHREADS"),
            "engine": os.environ.get("MXNET_ENGINE_TYPE", "ThreadedEnginePerDevice"),
            "onednn": features.is_enabled("MKLDNN"),
        }

    def _mode_that_ran(self) -> str:
        """``hybrid`` only if Gluon really holds a cached graph of the whole network."""
        return "hybrid" if self._net._cached_op is not None else "imperative"


class Residual(nn.HybridBlock):
    """x + branch(x)."""

    def __init__(self, branch: nn.HybridSequential) -> None:
        super().__init__()
        self.branch = branch

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return x + self.branch(x)


class PositionEmbedding(nn.HybridBlock):
    """Adds one trained vector per position."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        with self.name_scope():
            self.table = self.params.get("table", shape=shape)

    def hybrid_forward(self, F: Any, x: Any, table: Any) -> Any:
        return F.broadcast_add(x, F.expand_dims(table, axis=0))


class LastOutput(nn.HybridBlock):
    """An LSTM that gives the output of its last time step."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.lstm = rnn.LSTM(units, layout="NTC", input_size=width)
        self.lstm.l0_h2h_bias.grad_req = "null"  # stays zero: two trained biases would move twice as fast as one

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        # SequenceLast over swapped axes crashes in 1.9.1.
        return F.squeeze(F.slice_axis(self.lstm(x), axis=1, begin=-1, end=None), axis=1)


class Attention(nn.HybridBlock):
    """Multi-head self-attention from Dense, batch_dot and softmax."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self._heads, self._scale = heads, 1 / math.sqrt(width // heads)
        for part in ("query", "key", "value", "output"):
            setattr(self, part, nn.Dense(width, flatten=False, in_units=width, use_bias=part != "key"))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        query, key, value = (self._split(part(x)) for part in (self.query, self.key, self.value))
        weights = F.softmax(F.batch_dot(query * self._scale, key, transpose_b=True))  # (B·heads, T, T)
        mixed = F.batch_dot(weights, value).reshape((-4, -1, self._heads, 0, 0))
        return self.output(mixed.transpose((0, 2, 1, 3)).reshape((0, 0, -1)))

    def _split(self, x: Any) -> Any:
        """(B, T, d) to (B·heads, T, d/heads)."""
        return x.reshape((0, 0, self._heads, -1)).transpose((0, 2, 1, 3)).reshape((-3, 0, 0))


class MeanPool(nn.HybridBlock):
    """Mean over time."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.mean(x, axis=1)


class CrossEntropy(nn.HybridBlock):
    """Softmax cross-entropy per sample: ``gluon.loss.SoftmaxCrossEntropyLoss`` with an exact log_softmax.

    oneDNN's log_softmax in 1.9.1 is off by a steady 2e-6, which shows where gradients of a batch cancel. A stated
    temperature, even 1, selects MXNet's own kernel (5e-8).
    """

    def hybrid_forward(self, F: Any, logits: Any, labels: Any) -> Any:
        return -F.pick(F.log_softmax(logits, axis=-1, temperature=1.0), labels, axis=-1)


@mx.optimizer.Optimizer.register
class CanonicalAdam(mx.optimizer.Adam):
    """Adam with epsilon after the bias correction: MXNet adds it before, so it shrinks with the step."""

    def __init__(self, epsilon: float, **options: Any) -> None:
        super().__init__(epsilon=epsilon, **options)
        self._canonical_epsilon = epsilon

    def update(self, index: Any, weight: Any, grad: Any, state: Any) -> None:
        step = self._index_update_count.get(index, self.begin_num_update) + 1
        self.epsilon = self._canonical_epsilon * math.sqrt(1 - self.beta2**step)
        super().update(index, weight, grad, state)


def _make_optimizer(spec: Optimizer) -> mx.optimizer.Optimizer:
    if spec.kind == "sgd":
        return mx.optimizer.SGD(learning_rate=spec.learning_rate, momentum=spec.momentum)
    if spec.kind == "adam":
        return CanonicalAdam(spec.epsilon, learning_rate=spec.learning_rate, beta1=spec.beta1, beta2=spec.beta2)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"mxnet: no mapping for optimizer {spec.kind!r}")


def _sequence(layers: Sequence[Layer], bound: Bound) -> nn.HybridSequential:
    net = nn.HybridSequential()
    for layer in layers:
        net.add(Residual(_sequence(layer.layers, bound)) if layer.kind == "residual" else _block(layer, bound))
    return net


def _block(layer: Layer, bound: Bound) -> nn.HybridBlock:
    if layer.kind not in _BLOCKS:
        raise UnsupportedError("UNSUPPORTED_LAYER", f"mxnet: no mapping for layer kind {layer.kind!r}")
    block = _BLOCKS[layer.kind](layer.options, layer.input_shape)
    for local, path in _PARAMETERS.get(layer.kind, {}).items():
        bound[layer.parameter(local)] = attrgetter(path)(block)
    return block


_BLOCKS: dict[str, Callable[[Mapping[str, Any], tuple[int, ...]], nn.HybridBlock]] = {
    "dense": lambda o, shape: nn.Dense(o["units"], flatten=False, in_units=shape[-1]),
    "conv2d": lambda o, shape: nn.Conv2D(o["filters"], o["size"], o["stride"], o["padding"], in_channels=shape[0]),
    "max_pool2d": lambda o, _: nn.MaxPool2D(o["size"], o["stride"]),
    "flatten": lambda _o, _: nn.Flatten(),
    "relu": lambda _o, _: nn.Activation("relu"),
    "gelu": lambda _o, _: nn.GELU(),
    "embedding": lambda o, _: nn.Embedding(o["vocabulary"], o["width"]),
    "position_embedding": lambda _, shape: PositionEmbedding(shape),
    "lstm": lambda o, shape: LastOutput(o["units"], shape[-1]),
    "layer_norm": lambda o, shape: nn.LayerNorm(epsilon=o["epsilon"], in_channels=shape[-1]),
    "attention": lambda o, shape: Attention(shape[-1], o["heads"]),
    "mean_pool": lambda _o, _: MeanPool(),
}

# Where Gluon keeps each canonical parameter.
_PARAMETERS: dict[str, dict[str, str]] = {
    "dense": {"kernel": "weight", "bias": "bias"},
    "conv2d": {"kernel": "weight", "bias": "bias"},
    "embedding": {"table": "weight"},
    "position_embedding": {"table": "table"},
    "lstm": {"kernel": "lstm.l0_i2h_weight", "recurrent": "lstm.l0_h2h_weight", "bias": "lstm.l0_i2h_bias"},
    "layer_norm": {"scale": "gamma", "shift": "beta"},
    "attention": {
        **{f"{part}_kernel": f"{part}.weight" for part in ("query", "key", "value", "output")},
        **{f"{part}_bias": f"{part}.bias" for part in ("query", "value", "output")},
    },
}

ADAPTER = MXNetAdapter
