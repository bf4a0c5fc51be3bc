"""TensorFlow with Keras 3 layers: eager, ``tf.function``, and ``tf.function`` compiled by XLA.

Keras keeps images channels-last, so batches are transposed once when they are staged, and the kernel of the
first dense layer after a flatten is permuted when weights go in and out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

Convert = Callable[[Array], Array]

_REFUSALS = (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError)


class TensorFlowAdapter(Adapter):
    """Keras layers trained with ``GradientTape``; the mode decides how one step is executed."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        if settings.mode not in ("eager", "function", "xla"):
            raise UnsupportedError("UNSUPPORTED_MODE", f"tensorflow has no mode {settings.mode!r}")
        if settings.equalised:
            tf.config.threading.set_intra_op_parallelism_threads(settings.threads)
            tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.config.experimental.enable_tensor_float_32_execution(False)
        if settings.device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        elif not tf.config.list_physical_devices("GPU"):
            raise UnsupportedError("UNSUPPORTED_DEVICE", "TensorFlow sees no GPU")
        self._device = "/GPU:0" if settings.device == "cuda" else "/CPU:0"
        keras.utils.set_random_seed(settings.seed)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        if loss.kind != "softmax_cross_entropy":
            raise UnsupportedError("UNSUPPORTED_LOSS", f"tensorflow: no mapping for loss {loss.kind!r}")
        keras.utils.clear_session()
        self._bound: dict[str, tuple[Any, Convert, Convert]] = {}
        self._grid: tuple[int, ...] | None = None  # (C, H, W) behind a flatten that no dense layer has consumed
        self._shapes = {parameter.name: parameter.shape for parameter in model.parameters}
        self._images = len(model.input_shape) == 3
        self._dtype = "int32" if model.input_kind == "tokens" else "float32"
        with tf.device(self._device):
            shape = self._to_layout(np.zeros((1, *model.input_shape))).shape[1:]
            inputs = keras.Input(shape, dtype=self._dtype)
            self._model = keras.Model(inputs, self._apply(model.layers, inputs))
            self._optimizer = _make_optimizer(optimizer)
            self._optimizer.build(self._model.trainable_variables)
        self._fresh = [(variable, np.array(variable)) for variable in self._optimizer.variables]
        self.load(weights)
        self._cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        self._scale = loss.scale
        if self.settings.mode == "eager":
            self._train, self._forward = self._update, self._logits
        else:
            xla = self.settings.mode == "xla"
            self._train = tf.function(self._update, jit_compile=xla)
            self._forward = tf.function(self._logits, jit_compile=xla)

    def load(self, weights: Weights) -> None:
        for name, (variable, load, _) in self._bound.items():
            variable.assign(load(weights[name]).reshape(variable.shape))
        for variable, value in self._fresh:
            variable.assign(value)

    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        with tf.device(self._device):
            return [(tf.constant(self._to_layout(x)), tf.constant(y, tf.int64)) for x, y in batches]

    def step(self, batch: Any) -> Any:
        try:
            return self._train(*batch)
        except _REFUSALS as problem:
            self._refuse(problem)
            raise

    def loss(self, handle: Any) -> float:
        return float(handle)

    def drain(self) -> None:
        tf.test.experimental.sync_devices()

    def infer(self, batch: Any) -> Any:
        try:
            return self._forward(batch[0])
        except _REFUSALS as problem:
            self._refuse(problem)
            raise

    def fetch(self, handle: Any) -> Array:
        return np.array(handle, np.float32)

    def export(self) -> dict[str, Array]:
        return {
            name: np.array(back(np.array(variable)).reshape(self._shapes[name]), np.float32, order="C")
            for name, (variable, _, back) in self._bound.items()
        }

    def effective(self) -> dict[str, Any]:
        traced = self._train if self.settings.mode != "eager" else None
        return {
            "version": tf.__version__,
            "keras": keras.__version__,
            "mode": self.settings.mode,
            "device": "cuda" if "GPU" in self._model.weights[0].value.device else "cpu",
            "precision": self._model.dtype_policy.variable_dtype,
            "tf32": tf.config.experimental.tensor_float_32_execution_enabled(),
            # 0: TensorFlow chooses, and does not tell what it chose.
            "threads": tf.config.threading.get_intra_op_parallelism_threads() or None,
            "inter_op_threads": tf.config.threading.get_inter_op_parallelism_threads(),
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
            "traces": traced.experimental_get_tracing_count() if traced else None,
        }

    def compilations(self) -> int | None:
        return None if self.settings.mode == "eager" else self._train.experimental_get_tracing_count()

    def _refuse(self, problem: Exception) -> None:
        if self.settings.mode == "xla":
            raise UnsupportedError("MODE_FALLBACK", f"XLA cannot compile the model: {problem}") from problem

    def _logits(self, inputs: Any) -> Any:
        return self._model(inputs, training=False)

    def _update(self, inputs: Any, labels: Any) -> Any:
        variables = self._model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self._cross_entropy(labels, self._model(inputs, training=True))
            if self._scale != 1:
                loss = loss * self._scale
        gradients = tape.gradient(loss, variables)
        # An embedding's gradient arrives as slices, and Keras squares them before repeated tokens are summed.
        self._optimizer.apply([tf.convert_to_tensor(gradient) for gradient in gradients], variables)
        return loss

    def _to_layout(self, inputs: Array) -> Array:
        return np.ascontiguousarray(inputs.transpose(0, 2, 3, 1) if self._images else inputs, self._dtype)

    def _apply(self, stack: Sequence[Layer], x: Any) -> Any:
        for layer in stack:
            if layer.kind == "residual":
                x = ops.add(x, self._apply(layer.layers, x))
            elif layer.kind in _LAYERS:
                x = self._call(layer, x)
            else:
                raise UnsupportedError("UNSUPPORTED_LAYER", f"tensorflow: no mapping for layer kind {layer.kind!r}")
        return x

    def _call(self, layer: Layer, x: Any) -> Any:
        if self._grid and layer.kind not in ("dense", "relu", "gelu", "flatten"):
            raise UnsupportedError("UNSUPPORTED_LAYER", f"tensorflow: {layer.kind} between flatten and dense")
        if layer.options.get("padding"):
            x = layers.ZeroPadding2D(layer.options["padding"])(x)
        made = _LAYERS[layer.kind](layer.options, layer.input_shape)
        x = made(x, x) if layer.kind == "attention" else made(x)
        variables = dict(_VARIABLES.get(layer.kind, {}))
        if layer.kind == "flatten" and len(layer.input_shape) == 3:
            self._grid = layer.input_shape
        elif layer.kind == "dense" and self._grid:
            variables["kernel"] = ("kernel", _after_flatten(self._grid))
            self._grid = None
        elif layer.kind == "attention":  # its gradient is rounding noise, which Adam would turn into steps
            made.key_dense.bias.assign(np.zeros(made.key_dense.bias.shape, np.float32))
            made.key_dense.bias.trainable = False
        for local, (path, (load, back)) in variables.items():
            self._bound[layer.parameter(local)] = (attrgetter(path)(made), load, back)
        return x


class PositionEmbedding(layers.Layer):
    """Adds one trained vector per position; Keras itself has no such layer."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="zeros", name="table")

    def call(self, x: Any) -> Any:
        return x + self.table


class CanonicalAdam(keras.optimizers.Adam):
    """Adam with epsilon after the bias correction: Keras adds it before, so it shrinks with the step."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        constant, step = self.epsilon, ops.cast(self.iterations + 1, variable.dtype)
        self.epsilon = constant * ops.sqrt(1 - ops.power(ops.cast(self.beta_2, variable.dtype), step))
        super().update_step(gradient, variable, learning_rate)
        self.epsilon = constant


def _after_flatten(grid: tuple[int, ...]) -> tuple[Convert, Convert]:
    """Kernel rows from (C, H, W) order to the (H, W, C) order of a channels-last flatten, and back."""
    channels, height, width = grid
    return (
        lambda w: w.reshape(-1, channels, height, width).transpose(2, 3, 1, 0),
        lambda k: k.reshape(height, width, channels, -1).transpose(3, 2, 0, 1),
    )


def _make_optimizer(spec: Optimizer) -> keras.optimizers.Optimizer:
    if spec.kind == "sgd":
        return keras.optimizers.SGD(spec.learning_rate, momentum=spec.momentum)
    if spec.kind == "adam":
        return CanonicalAdam(spec.learning_rate, beta_1=spec.beta1, beta_2=spec.beta2, epsilon=spec.epsilon)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"tensorflow: no mapping for optimizer {spec.kind!r}")


_LAYERS: dict[str, Callable[[Mapping[str, Any], tuple[int, ...]], layers.Layer]] = {
    "dense": lambda o, _: layers.Dense(o["units"]),
    "conv2d": lambda o, _: layers.Conv2D(o["filters"], o["size"], strides=o["stride"]),
    "max_pool2d": lambda o, _: layers.MaxPooling2D(o["size"], strides=o["stride"]),
    "flatten": lambda _o, _: layers.Flatten(),
    "relu": lambda _o, _: layers.ReLU(),
    "gelu": lambda _o, _: layers.Activation(lambda x: ops.gelu(x, approximate=False)),
    "embedding": lambda o, _: layers.Embedding(o["vocabulary"], o["width"]),
    "position_embedding": lambda _o, _: PositionEmbedding(),
    "lstm": lambda o, _: layers.LSTM(o["units"]),
    "layer_norm": lambda o, _: layers.LayerNormalization(epsilon=o["epsilon"]),
    "attention": lambda o, shape: layers.MultiHeadAttention(o["heads"], key_dim=shape[-1] // o["heads"]),
    "mean_pool": lambda _o, _: layers.GlobalAveragePooling1D(),
}

# Per canonical parameter: where Keras keeps it, and the layout change in and out.
_SAME = (np.asarray, np.asarray)
_TRANSPOSED = (np.transpose, np.transpose)
_IMAGES = (lambda w: w.transpose(2, 3, 1, 0), lambda k: k.transpose(3, 2, 0, 1))
_HEADS_OUT = (np.transpose, lambda k: k.reshape(len(k), -1).T)  # (d, heads, d/heads)
_HEADS_IN = (np.transpose, lambda k: k.reshape(-1, k.shape[-1]).T)  # (heads, d/heads, d)
_VARIABLES: dict[str, dict[str, tuple[str, tuple[Convert, Convert]]]] = {
    "dense": {"kernel": ("kernel", _TRANSPOSED), "bias": ("bias", _SAME)},
    "conv2d": {"kernel": ("kernel", _IMAGES), "bias": ("bias", _SAME)},
    "embedding": {"table": ("embeddings", _SAME)},
    "position_embedding": {"table": ("table", _SAME)},
    "lstm": {
        "kernel": ("cell.kernel", _TRANSPOSED),
        "recurrent": ("cell.recurrent_kernel", _TRANSPOSED),
        "bias": ("cell.bias", _SAME),
    },
    "layer_norm": {"scale": ("gamma", _SAME), "shift": ("beta", _SAME)},
    "attention": {
        **{f"{part}_kernel": (f"{part}_dense.kernel", _HEADS_OUT) for part in ("query", "key", "value")},
        "output_kernel": ("output_dense.kernel", _HEADS_IN),
        **{f"{part}_bias": (f"{part}_dense.bias", _SAME) for part in ("query", "value", "output")},
    },
}

ADAPTER = TensorFlowAdapter
