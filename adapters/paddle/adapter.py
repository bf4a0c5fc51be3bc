"""PaddlePaddle with ``paddle.nn`` layers: dynamic graph, or ``paddle.jit.to_static`` on the whole network.

Layouts are the canonical ones except for dense kernels, which Paddle keeps transposed. The rate of a schedule is set
on the optimizer before each step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import paddle
from paddle import nn

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

_MOST_EPSILON = 1e-3  # of batch and layer norms; Paddle's kernels refuse more
Bound = dict[str, tuple[Any, bool]]  # canonical name: (parameter, stored transposed?)


class PaddleAdapter(Adapter):
    """``paddle.nn`` layers trained with backward, step and clear_grad."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.mode not in ("dygraph", "static"):
            raise UnsupportedError("UNSUPPORTED_MODE", f"paddle has no mode {settings.mode!r}")
        if settings.device == "cuda" and not paddle.is_compiled_with_cuda():
            raise UnsupportedError("UNSUPPORTED_DEVICE", "this build of PaddlePaddle has no CUDA")
        paddle.set_device("gpu:0" if settings.device == "cuda" else "cpu")
        if settings.device == "cuda" and settings.equalised:  # TF32 is on by default
            paddle.base.core.set_cublas_switch(False)
            paddle.base.core.set_cudnn_switch(False)
        paddle.seed(settings.seed)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        self._bound: Bound = {}
        self._dtype = "int32" if model.input_kind == "tokens" else "float32"
        self._net = _sequence(model.layers, self._bound)
        self._last = next(reversed(self._bound.values()))[0]
        self._loss = _make_loss(loss)
        self._classes = "float32" if loss.single_output else "int64"  # type of the labels
        self._scale = loss.scale
        self._rule = optimizer
        self.load(weights)
        if self.settings.mode == "static":
            # full_graph: an error where the tracer cannot follow, instead of running that part dynamically.
            self._net = paddle.jit.to_static(self._net, full_graph=True)

    def load(self, weights: Weights) -> None:
        for name, (parameter, transposed) in self._bound.items():
            value = weights[name].T if transposed else weights[name]
            parameter.set_value(np.array(value, np.float32, order="C"))
        self._optimizer = _make_optimizer(self._rule, self._net.parameters())  # it holds all of its state
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        return [(self._tensor(x, self._dtype), self._tensor(y, self._classes)) for x, y in batches]

    def step(self, batch: Any) -> Any:
        inputs, labels = batch
        if not self._net.training:
            self._net.train()
        if self._rule.scheduled:
            self._steps += 1
            self._optimizer.set_lr(self._rule.rate(self._steps))
        loss = self._loss(self._net(inputs), labels)
        if self._scale != 1:
            loss = loss * self._scale
        loss.backward()
        self._optimizer.step()
        self._optimizer.clear_grad()
        return loss.detach()

    def loss(self, handle: Any) -> float:
        return float(handle)

    def drain(self) -> None:
        if self.settings.device == "cuda":
            paddle.device.synchronize()
        else:
            self._last.numpy()  # no CPU synchronize exists; the read waits for the last update

    def infer(self, batch: Any) -> Any:
        if self._net.training:
            self._net.eval()
        with paddle.no_grad():
            return self._net(batch[0])

    def fetch(self, handle: Any) -> Array:
        return handle.numpy()

    def export(self) -> dict[str, Array]:
        return {
            name: np.array(parameter.numpy().T if transposed else parameter.numpy(), order="C")
            for name, (parameter, transposed) in self._bound.items()
        }

    def effective(self) -> dict[str, Any]:
        flags = paddle.get_flags(["FLAGS_use_onednn", "FLAGS_paddle_num_threads", "FLAGS_enable_pir_api"])
        return {
            "version": paddle.__version__,
            "mode": self._mode_that_ran(),
            "device": "cuda" if self._last.place.is_gpu_place() else "cpu",
            "precision": str(self._last.dtype).removeprefix("paddle."),
            "threads": _openmp_threads(),
            **{name.removeprefix("FLAGS_"): value for name, value in flags.items()},
        }

    def _tensor(self, value: Array, dtype: str) -> Any:
        return paddle.to_tensor(np.array(value, dtype))

    def _mode_that_ran(self) -> str:
        """``static`` only if the network's forward really holds a traced program."""
        cache = getattr(self._net.forward, "program_cache", None)
        return "static" if cache is not None and len(cache) else "dygraph"


class Residual(nn.Layer):
    """x + branch(x)."""

    def __init__(self, branch: nn.Sequential) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Any) -> Any:
        return x + self.branch(x)


class PositionEmbedding(nn.Layer):
    """Adds one trained vector per position."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.table = self.create_parameter(list(shape))

    def forward(self, x: Any) -> Any:
        return x + self.table


class Recurrent(nn.Layer):
    """One of Paddle's recurrent layers, as all outputs or as the last one of each direction."""

    def __init__(self, made: Callable[..., nn.Layer], options: Mapping[str, Any], width: int) -> None:
        super().__init__()
        # The second bias stays zero: False crashes and stop_gradient raises in 3.3.1, a zero rate works.
        zero = nn.initializer.Constant(0.0)
        frozen = paddle.ParamAttr(initializer=zero, learning_rate=0.0, need_clip=False)
        direction = "bidirect" if options["bidirectional"] else "forward"
        self.inner = made(width, options["units"], direction=direction, bias_hh_attr=frozen)
        self._options = options

    def forward(self, x: Any) -> Any:
        outputs, units = self.inner(x)[0], self._options["units"]
        if self._options["sequence"]:
            return outputs
        if self._options["bidirectional"]:
            return paddle.concat([outputs[:, -1, :units], outputs[:, 0, units:]], axis=-1)
        return outputs[:, -1]


class PairEmbedding(nn.Layer):
    """Two inputs, each with an embedding of its own."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        super().__init__()
        self.user, self.item = (nn.Embedding(options[side], options["width"]) for side in ("users", "items"))

    def forward(self, x: Any) -> Any:
        return paddle.stack([self.user(x[:, 0]), self.item(x[:, 1])], axis=1)


class Function(nn.Layer):
    """A layer without parameters of its own."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__()
        self._function = function

    def forward(self, x: Any) -> Any:
        return self._function(x)


def _make_loss(spec: Loss) -> Callable[[Any, Any], Any]:
    """The mean over a batch, of outputs and labels."""
    if spec.kind == "softmax_cross_entropy":
        return nn.CrossEntropyLoss()
    if spec.kind == "focal":
        options = {"alpha": spec.alpha, "gamma": spec.gamma, "reduction": "mean"}
        return lambda z, y: nn.functional.sigmoid_focal_loss(z, y.unsqueeze(1), **options)
    made = {"binary_cross_entropy": nn.BCEWithLogitsLoss, "mean_squared_error": nn.MSELoss}
    if spec.kind not in made:
        raise UnsupportedError("UNSUPPORTED_LOSS", f"paddle: no mapping for loss {spec.kind!r}")
    each = made[spec.kind]()
    return lambda z, y: each(z, y.unsqueeze(1))


def _penalty(spec: Optimizer) -> Any:
    """Paddle's regulariser, which its optimizers add to the clipped gradient; they take one."""
    if (bool(spec.l1) + bool(spec.l2) + bool(spec.weight_decay)) > 1:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", "Paddle's optimizers take one weight decay or regulariser")
    if spec.l1:
        return paddle.regularizer.L1Decay(spec.l1)
    return paddle.regularizer.L2Decay(spec.l2) if spec.l2 else None


def _make_optimizer(spec: Optimizer, parameters: list[Any]) -> paddle.optimizer.Optimizer:
    optimizers, rate = paddle.optimizer, spec.rate(1)
    more: dict[str, Any] = {"parameters": parameters, "weight_decay": _penalty(spec)}
    more["grad_clip"] = nn.ClipGradByGlobalNorm(spec.clip_norm) if spec.clip_norm else None
    if spec.kind == "sgd" and not spec.momentum:
        return optimizers.SGD(rate, **more)
    if spec.kind in ("sgd", "nesterov"):
        return optimizers.Momentum(rate, spec.momentum, use_nesterov=spec.kind == "nesterov", **more)
    if spec.kind == "rmsprop" and not spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", "Paddle adds the epsilon of rmsprop inside the root")
    if spec.kind == "rmsprop":
        return optimizers.RMSProp(rate, spec.decay, spec.epsilon, **more)
    if spec.kind == "adagrad" and spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", "Paddle adds the epsilon of adagrad outside the root")
    if spec.kind == "adagrad":
        return optimizers.Adagrad(rate, spec.epsilon, initial_accumulator_value=spec.initial_accumulator, **more)
    if spec.kind == "adam":
        return optimizers.Adam(rate, spec.beta1, spec.beta2, spec.epsilon, **more)
    if spec.kind == "adamw":
        more["weight_decay"] = spec.weight_decay
        return optimizers.AdamW(rate, spec.beta1, spec.beta2, spec.epsilon, **more)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"paddle: no mapping for optimizer {spec.kind!r}")


def _sequence(layers: Sequence[Layer], bound: Bound) -> nn.Sequential:
    return nn.Sequential(
        *(
            Residual(_sequence(layer.layers, bound)) if layer.kind == "residual" else _layer(layer, bound)
            for layer in layers
        )
    )


def _layer(layer: Layer, bound: Bound) -> nn.Layer:
    if layer.kind not in _LAYERS:
        raise UnsupportedError("UNSUPPORTED_LAYER", f"paddle: no mapping for layer kind {layer.kind!r}")
    made = _LAYERS[layer.kind](layer.options, layer.input_shape)
    for parameter in layer.parameters:
        local = parameter.name.removeprefix(f"{layer.name}.")
        path, transposed = _PARAMETERS[layer.kind][local.removeprefix("backward_")]
        path += "_reverse" if local.startswith("backward_") else ""
        bound[parameter.name] = (attrgetter(path)(made), transposed)
    return made


def _conv(o: Mapping[str, Any], shape: tuple[int, ...]) -> nn.Layer:
    bias = None if o["bias"] else False
    return nn.Conv2D(shape[0], o["filters"], o["size"], o["stride"], o["padding"], bias_attr=bias)


def _batch_norm(o: Mapping[str, Any], shape: tuple[int, ...]) -> nn.Layer:
    made = nn.BatchNorm2D if len(shape) == 3 else nn.BatchNorm1D
    return made(shape[0], o["momentum"], _epsilon(o))


def _epsilon(o: Mapping[str, Any]) -> float:
    if o["epsilon"] > _MOST_EPSILON:
        reason = f"Paddle's norms take an epsilon of at most {_MOST_EPSILON}; received {o['epsilon']}"
        raise UnsupportedError("UNSUPPORTED_LAYER", reason)
    return o["epsilon"]


def _attention(width: int, heads: int) -> nn.MultiHeadAttention:
    made = nn.MultiHeadAttention(width, heads)
    bias = made.k_proj.bias  # its gradient is rounding noise, which Adam would turn into steps
    bias.set_value(np.zeros(bias.shape, np.float32))
    bias.stop_gradient = True
    return made


def _openmp_threads() -> int | None:
    """Threads of the OpenMP library that Paddle loaded, asked of that library."""
    maps = Path("/proc/self/maps")
    for line in maps.read_text(encoding="utf-8").splitlines() if maps.exists() else []:
        if "libiomp5" in line:
            return int(ctypes.CDLL(line.split(maxsplit=5)[-1]).omp_get_max_threads())
    return None


_LAYERS: dict[str, Callable[[Mapping[str, Any], tuple[int, ...]], nn.Layer]] = {
    "dense": lambda o, shape: nn.Linear(shape[-1], o["units"], bias_attr=None if o["bias"] else False),
    "conv2d": _conv,
    "max_pool2d": lambda o, _: nn.MaxPool2D(o["size"], o["stride"]),
    "avg_pool2d": lambda o, _: nn.AvgPool2D(o["size"], o["stride"]),
    "global_avg_pool2d": lambda _o, _: Function(lambda x: x.mean(axis=[2, 3])),
    "flatten": lambda _o, _: nn.Flatten(),
    "relu": lambda _o, _: nn.ReLU(),
    "gelu": lambda _o, _: nn.GELU(approximate=False),
    "gelu_tanh": lambda _o, _: nn.GELU(approximate=True),
    "sigmoid": lambda _o, _: nn.Sigmoid(),
    "tanh": lambda _o, _: nn.Tanh(),
    "softmax": lambda _o, _: nn.Softmax(),
    "dropout": lambda o, _: nn.Dropout(o["rate"]),
    "batch_norm": _batch_norm,
    "pair_embedding": lambda o, _: PairEmbedding(o),
    "dot_product": lambda _o, _: Function(lambda x: (x[:, 0] * x[:, 1]).sum(axis=-1, keepdim=True)),
    "embedding": lambda o, _: nn.Embedding(o["vocabulary"], o["width"]),
    "position_embedding": lambda _, shape: PositionEmbedding(shape),
    "lstm": lambda o, shape: Recurrent(nn.LSTM, o, shape[-1]),
    "gru": lambda o, shape: Recurrent(nn.GRU, o, shape[-1]),
    "rnn": lambda o, shape: Recurrent(nn.SimpleRNN, o, shape[-1]),
    "layer_norm": lambda o, shape: nn.LayerNorm(shape[-1], epsilon=_epsilon(o)),
    "attention": lambda o, shape: _attention(shape[-1], o["heads"]),
    "mean_pool": lambda _o, _: Function(lambda x: x.mean(axis=1)),
}

_CELL = {
    "kernel": ("inner.weight_ih_l0", False),
    "recurrent": ("inner.weight_hh_l0", False),
    "bias": ("inner.bias_ih_l0", False),
}
# Per canonical parameter: where Paddle keeps it, and whether transposed.
_PARAMETERS: dict[str, dict[str, tuple[str, bool]]] = {
    "dense": {"kernel": ("weight", True), "bias": ("bias", False)},
    "conv2d": {"kernel": ("weight", False), "bias": ("bias", False)},
    "embedding": {"table": ("weight", False)},
    "position_embedding": {"table": ("table", False)},
    "pair_embedding": {"user_table": ("user.weight", False), "item_table": ("item.weight", False)},
    "batch_norm": {
        "scale": ("weight", False),
        "shift": ("bias", False),
        "mean": ("_mean", False),
        "variance": ("_variance", False),
    },
    "lstm": _CELL,
    "gru": _CELL,
    "rnn": _CELL,
    "layer_norm": {"scale": ("weight", False), "shift": ("bias", False)},
    "attention": {
        "query_kernel": ("q_proj.weight", True),
        "query_bias": ("q_proj.bias", False),
        "key_kernel": ("k_proj.weight", True),
        "value_kernel": ("v_proj.weight", True),
        "value_bias": ("v_proj.bias", False),
        "output_kernel": ("out_proj.weight", True),
        "output_bias": ("out_proj.bias", False),
    },
}

ADAPTER = PaddleAdapter
