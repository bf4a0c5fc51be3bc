"""Apache MXNet 1.9 with Gluon blocks: imperative, or hybridized into one static cached graph.

Layouts are the canonical ones. Gluon has no attention, position or residual layer and no focal loss; those are small
blocks here. The rate of a schedule is set on the trainer before each step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
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
        self._bound: Bound = {}
        self._dtype = np.int32 if model.input_kind == "tokens" else np.float32
        self._net = _sequence(model.layers, self._bound)
        self._net.initialize(mx.init.Zero(), ctx=self._context)
        self._loss = _make_loss(loss)
        self._classes = np.float32 if loss.single_output else np.int32  # type of the labels
        self._scale = loss.scale
        if self.settings.mode == "hybrid":
            self._net.hybridize(static_alloc=True, static_shape=True)
            self._loss.hybridize()
        self._rule = optimizer
        self.load(weights)

    def load(self, weights: Weights) -> None:
        for name, parameter in self._bound.items():
            parameter.set_data(mx.nd.array(weights[name], ctx=self._context, dtype=np.float32))
        # The optimizer's state lives in the trainer, and nothing else does.
        parameters = self._net.collect_params()
        self._trainer = gluon.Trainer(parameters, _make_optimizer(self._rule))
        self._trained = [parameter for parameter in parameters.values() if parameter.grad_req != "null"]
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        context = self._context
        return [
            (mx.nd.array(x, ctx=context, dtype=self._dtype), mx.nd.array(y, ctx=context, dtype=self._classes))
            for x, y in batches
        ]

    def step(self, batch: Any) -> Any:
        inputs, labels = batch
        with autograd.record():
            loss = self._loss(self._net(inputs), labels)  # (B,)
            if self._scale != 1:
                loss = loss * self._scale
        loss.backward()  # sums over the batch; the trainer divides
        if self._rule.options:
            self._prepare_update(labels.shape[0])
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

    def _prepare_update(self, batch: int) -> None:
        """What comes before the update where it is asked for: clipping of the summed gradients, the step's rate."""
        self._steps += 1
        if self._rule.clip_norm:
            gradients = [parameter.grad() for parameter in self._trained]
            gluon.utils.clip_global_norm(gradients, self._rule.clip_norm * batch, check_isfinite=False)
        if self._rule.scheduled:
            self._trainer.set_learning_rate(self._rule.rate(self._steps))

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


class Recurrent(nn.HybridBlock):
    """One of Gluon's recurrent layers, as all outputs or as the last one of each direction."""

    def __init__(self, made: Callable[..., rnn.HybridRecurrentCell], options: Mapping[str, Any], width: int) -> None:
        super().__init__()
        self._options = options
        self.inner = made(options["units"], layout="NTC", input_size=width, bidirectional=options["bidirectional"])
        for side in "lr"[: 1 + options["bidirectional"]]:  # stays zero: two trained biases would move twice as fast
            getattr(self.inner, f"{side}0_h2h_bias").grad_req = "null"

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        outputs, units = self.inner(x), self._options["units"]
        if self._options["sequence"]:
            return outputs
        # SequenceLast over swapped axes crashes in 1.9.1.
        last = F.squeeze(F.slice_axis(outputs, axis=1, begin=-1, end=None), axis=1)
        if not self._options["bidirectional"]:
            return last
        first = F.squeeze(F.slice_axis(outputs, axis=1, begin=0, end=1), axis=1)
        halves = F.slice_axis(last, axis=1, begin=0, end=units), F.slice_axis(first, axis=1, begin=units, end=None)
        return F.concat(*halves, dim=1)


class PairEmbedding(nn.HybridBlock):
    """Two inputs, each with an embedding of its own."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.user, self.item = (nn.Embedding(options[side], options["width"]) for side in ("users", "items"))

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        user, item = F.split(x, num_outputs=2, axis=1, squeeze_axis=True)
        return F.stack(self.user(user), self.item(item), axis=1)


class DotProduct(nn.HybridBlock):
    """The product of the two vectors of a sample."""

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        return F.sum(F.prod(x, axis=1), axis=-1, keepdims=True)


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


class Focal(nn.HybridBlock):
    """Focal loss per sample on top of Gluon's binary cross-entropy."""

    def __init__(self, alpha: float, gamma: float) -> None:
        super().__init__()
        self._alpha, self._gamma = alpha, gamma
        self.entropy = gluon.loss.SigmoidBinaryCrossEntropyLoss()

    def hybrid_forward(self, F: Any, logits: Any, labels: Any) -> Any:
        p = F.sigmoid(F.reshape(logits, shape=(-1,)))
        missed = p * (1 - labels) + (1 - p) * labels
        weight = self._alpha * labels + (1 - self._alpha) * (1 - labels)
        return weight * missed**self._gamma * self.entropy(logits, labels)


def _make_loss(spec: Loss) -> nn.HybridBlock:
    """The loss of each sample."""
    if spec.kind == "softmax_cross_entropy":
        return CrossEntropy()
    if spec.kind == "binary_cross_entropy":
        return gluon.loss.SigmoidBinaryCrossEntropyLoss()
    if spec.kind == "focal":
        return Focal(spec.alpha, spec.gamma)
    if spec.kind == "mean_squared_error":
        return gluon.loss.L2Loss(weight=2.0)  # Gluon halves the square
    raise UnsupportedError("UNSUPPORTED_LOSS", f"mxnet: no mapping for loss {spec.kind!r}")


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


def _refusal(spec: Optimizer) -> str | None:
    """Why MXNet's optimizer of this kind cannot do what is asked for; None if it can."""
    if spec.l1:
        return "MXNet's optimizers know weight decay (L2) only"
    if spec.momentum and spec.scheduled:
        return "MXNet's velocity holds the learning rate: a schedule changes what momentum carries over"
    if spec.kind == "nesterov" and spec.l2:
        return "MXNet's NAG does not look ahead with the weight decay"
    if spec.kind in ("rmsprop", "adagrad") and not spec.epsilon_inside:
        return f"MXNet adds the epsilon of {spec.kind} inside the root"
    if spec.kind == "adagrad" and (spec.l2 or spec.initial_accumulator):
        return "MXNet's AdaGrad starts at zero and decays weights apart from the gradient"
    return None


def _make_optimizer(spec: Optimizer) -> mx.optimizer.Optimizer:
    common = {"learning_rate": spec.rate(1), "wd": spec.l2}
    if refusal := _refusal(spec):
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", refusal)
    if spec.kind == "sgd":
        return mx.optimizer.SGD(momentum=spec.momentum, **common)
    if spec.kind == "nesterov":
        return mx.optimizer.NAG(momentum=spec.momentum, **common)
    if spec.kind == "rmsprop":
        return mx.optimizer.RMSProp(gamma1=spec.decay, epsilon=spec.epsilon, **common)
    if spec.kind == "adagrad":
        return mx.optimizer.AdaGrad(eps=spec.epsilon, **common)
    if spec.kind == "adam":
        return CanonicalAdam(spec.epsilon, beta1=spec.beta1, beta2=spec.beta2, **common)
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
    for parameter in layer.parameters:
        local = parameter.name.removeprefix(f"{layer.name}.")
        path = _PARAMETERS[layer.kind][local.removeprefix("backward_")]
        path = path.replace(".l0", ".r0") if local.startswith("backward_") else path
        bound[parameter.name] = attrgetter(path)(block)
    return block


def _conv(o: Mapping[str, Any], shape: tuple[int, ...]) -> nn.HybridBlock:
    return nn.Conv2D(o["filters"], o["size"], o["stride"], o["padding"], use_bias=o["bias"], in_channels=shape[0])


def _global_pool(_o: Mapping[str, Any], _: tuple[int, ...]) -> nn.HybridBlock:
    pool = nn.HybridSequential()
    pool.add(nn.GlobalAvgPool2D(), nn.Flatten())
    return pool


_BLOCKS: dict[str, Callable[[Mapping[str, Any], tuple[int, ...]], nn.HybridBlock]] = {
    "dense": lambda o, shape: nn.Dense(o["units"], use_bias=o["bias"], flatten=False, in_units=shape[-1]),
    "conv2d": _conv,
    "max_pool2d": lambda o, _: nn.MaxPool2D(o["size"], o["stride"]),
    "avg_pool2d": lambda o, _: nn.AvgPool2D(o["size"], o["stride"]),
    "global_avg_pool2d": _global_pool,
    "flatten": lambda _o, _: nn.Flatten(),
    "relu": lambda _o, _: nn.Activation("relu"),
    "gelu": lambda _o, _: nn.GELU(),
    "sigmoid": lambda _o, _: nn.Activation("sigmoid"),
    "tanh": lambda _o, _: nn.Activation("tanh"),
    "softmax": lambda _o, _: nn.HybridLambda(lambda F, x: F.softmax(x, axis=-1)),
    "dropout": lambda o, _: nn.Dropout(o["rate"]),
    "batch_norm": lambda o, shape: nn.BatchNorm(1, o["momentum"], o["epsilon"], in_channels=shape[0]),
    "pair_embedding": lambda o, _: PairEmbedding(o),
    "dot_product": lambda _o, _: DotProduct(),
    "embedding": lambda o, _: nn.Embedding(o["vocabulary"], o["width"]),
    "position_embedding": lambda _, shape: PositionEmbedding(shape),
    "lstm": lambda o, shape: Recurrent(rnn.LSTM, o, shape[-1]),
    "gru": lambda o, shape: Recurrent(rnn.GRU, o, shape[-1]),
    "rnn": lambda o, shape: Recurrent(partial(rnn.RNN, activation="tanh"), o, shape[-1]),
    "layer_norm": lambda o, shape: nn.LayerNorm(epsilon=o["epsilon"], in_channels=shape[-1]),
    "attention": lambda o, shape: Attention(shape[-1], o["heads"]),
    "mean_pool": lambda _o, _: MeanPool(),
}

_CELL = {"kernel": "inner.l0_i2h_weight", "recurrent": "inner.l0_h2h_weight", "bias": "inner.l0_i2h_bias"}
# Where Gluon keeps each canonical parameter.
_PARAMETERS: dict[str, dict[str, str]] = {
    "dense": {"kernel": "weight", "bias": "bias"},
    "conv2d": {"kernel": "weight", "bias": "bias"},
    "embedding": {"table": "weight"},
    "position_embedding": {"table": "table"},
    "pair_embedding": {"user_table": "user.weight", "item_table": "item.weight"},
    "batch_norm": {"scale": "gamma", "shift": "beta", "mean": "running_mean", "variance": "running_var"},
    "lstm": _CELL,
    "gru": _CELL,
    "rnn": _CELL,
    "layer_norm": {"scale": "gamma", "shift": "beta"},
    "attention": {
        **{f"{part}_kernel": f"{part}.weight" for part in ("query", "key", "value", "output")},
        **{f"{part}_bias": f"{part}.bias" for part in ("query", "value", "output")},
    },
}

ADAPTER = MXNetAdapter
