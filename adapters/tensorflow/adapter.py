"""TensorFlow with Keras 3 layers: eager, ``tf.function``, and ``tf.function`` compiled by XLA.

Keras keeps images channels-last, so batches are transposed once when they are staged, and the kernel of the
first dense layer after a flatten is permuted when weights go in and out. Layers are in ``layers.py``. The rate of a
schedule is assigned to the optimizer's variable before each step.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .layers import ELEMENTWISE, LAYERS, Bound, after_flatten, apply_layer

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
        keras.utils.clear_session()
        self._bound: Bound = {}
        masks: list[Any] = []
        self._classes = tf.float32 if loss.single_output else tf.int64  # type of the labels
        self._grid: tuple[int, ...] | None = None  # (C, H, W) behind a flatten that no dense layer has consumed
        self._shapes = {parameter.name: parameter.shape for parameter in model.parameters}
        self._images = len(model.input_shape) == 3
        self._dtype = "int32" if model.input_kind == "tokens" else "float32"
        with tf.device(self._device):
            shape = self._to_layout(np.zeros((1, *model.input_shape))).shape[1:]
            inputs = keras.Input(shape, dtype=self._dtype)
            self._model = keras.Model(inputs, self._apply(model.layers, inputs, masks))
            self._optimizer = _make_optimizer(optimizer)
            self._optimizer.build(self._model.trainable_variables)
        self._masks = {id(variable): mask for variable, mask in masks}
        self._rule = optimizer
        self._fresh = [(variable, np.array(variable)) for variable in self._optimizer.variables]
        self.load(weights)
        self._loss = _make_loss(loss)
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
        self._steps = 0

    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        with tf.device(self._device):
            return [(tf.constant(self._to_layout(x)), tf.constant(y, self._classes)) for x, y in batches]

    def step(self, batch: Any) -> Any:
        if self._rule.scheduled:
            self._steps += 1
            self._optimizer.learning_rate = self._rule.rate(self._steps)  # assigns to its variable
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
            loss = self._loss(labels, self._model(inputs, training=True))
            if self._scale != 1:
                loss = loss * self._scale
        # An embedding's gradient arrives as slices, and Keras squares them before repeated tokens are summed.
        gradients = [tf.convert_to_tensor(gradient) for gradient in tape.gradient(loss, variables)]
        if self._masks:
            gradients = [g * self._masks.get(id(v), 1.0) for g, v in zip(gradients, variables, strict=True)]
        if self._rule.clip_norm:
            gradients, _ = tf.clip_by_global_norm(gradients, self._rule.clip_norm)
        if self._rule.l2:
            gradients = [g + self._rule.l2 * v for g, v in zip(gradients, variables, strict=True)]
        if self._rule.l1:
            gradients = [g + self._rule.l1 * tf.sign(v) for g, v in zip(gradients, variables, strict=True)]
        self._optimizer.apply(gradients, variables)
        return loss

    def _to_layout(self, inputs: Array) -> Array:
        return np.ascontiguousarray(inputs.transpose(0, 2, 3, 1) if self._images else inputs, self._dtype)

    def _apply(self, stack: Sequence[Layer], x: Any, masks: list[Any]) -> Any:
        for layer in stack:
            if layer.kind == "residual":
                x = ops.add(x, self._apply(layer.layers, x, masks))
            elif layer.kind in LAYERS or layer.kind == "pair_embedding":
                x = self._call(layer, x, masks)
            else:
                raise UnsupportedError("UNSUPPORTED_LAYER", f"tensorflow: no mapping for layer kind {layer.kind!r}")
        return x

    def _call(self, layer: Layer, x: Any, masks: list[Any]) -> Any:
        if self._grid and layer.kind not in ("dense", "flatten", "dropout", *ELEMENTWISE):
            raise UnsupportedError("UNSUPPORTED_LAYER", f"tensorflow: {layer.kind} between flatten and dense")
        x = apply_layer(layer, x, self._bound, masks)
        if layer.kind == "flatten" and len(layer.input_shape) == 3:
            self._grid = layer.input_shape
        elif layer.kind == "dense" and self._grid:
            name = layer.parameter("kernel")
            self._bound[name] = (self._bound[name][0], *after_flatten(self._grid))
            self._grid = None
        return x


class CanonicalEpsilon:
    """Adam with epsilon after the bias correction: Keras adds it before, so it shrinks with the step."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        constant, step = self.epsilon, ops.cast(self.iterations + 1, variable.dtype)
        self.epsilon = constant * ops.sqrt(1 - ops.power(ops.cast(self.beta_2, variable.dtype), step))
        super().update_step(gradient, variable, learning_rate)
        self.epsilon = constant


class CanonicalAdam(CanonicalEpsilon, keras.optimizers.Adam):
    pass


class CanonicalAdamW(CanonicalEpsilon, keras.optimizers.AdamW):
    pass


def _make_loss(spec: Loss) -> Callable[[Any, Any], Any]:
    """The mean over a batch, of labels and outputs."""
    losses = keras.losses
    if spec.kind == "softmax_cross_entropy":
        return losses.SparseCategoricalCrossentropy(from_logits=True)
    single = {
        "binary_cross_entropy": lambda: losses.BinaryCrossentropy(from_logits=True),
        "focal": lambda: losses.BinaryFocalCrossentropy(True, spec.alpha, spec.gamma, from_logits=True),
        "mean_squared_error": losses.MeanSquaredError,
    }
    if spec.kind not in single:
        raise UnsupportedError("UNSUPPORTED_LOSS", f"tensorflow: no mapping for loss {spec.kind!r}")
    made = single[spec.kind]()
    return lambda labels, outputs: made(labels[:, None], outputs)


def _make_optimizer(spec: Optimizer) -> keras.optimizers.Optimizer:
    optimizers, rate, betas = keras.optimizers, spec.rate(1), {"beta_1": spec.beta1, "beta_2": spec.beta2}
    if spec.kind in ("rmsprop", "adagrad") and not spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"Keras adds the epsilon of {spec.kind} inside the root")
    if spec.momentum and spec.scheduled:
        reason = "Keras' velocity holds the learning rate: a schedule changes what momentum carries over"
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", reason)
    if spec.kind in ("sgd", "nesterov"):
        return optimizers.SGD(rate, momentum=spec.momentum, nesterov=spec.kind == "nesterov")
    if spec.kind == "rmsprop":
        return optimizers.RMSprop(rate, rho=spec.decay, epsilon=spec.epsilon)
    if spec.kind == "adagrad":
        return optimizers.Adagrad(rate, spec.initial_accumulator, spec.epsilon)
    if spec.kind == "adam":
        return CanonicalAdam(rate, epsilon=spec.epsilon, **betas)
    if spec.kind == "adamw":
        return CanonicalAdamW(rate, weight_decay=spec.weight_decay, epsilon=spec.epsilon, **betas)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"tensorflow: no mapping for optimizer {spec.kind!r}")


ADAPTER = TensorFlowAdapter
