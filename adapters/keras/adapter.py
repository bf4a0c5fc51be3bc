"""Keras 3 as its users drive it, ``compile`` and then ``train_on_batch`` or ``fit``, on each of its backends.

The mode is the backend. Keras reads its name when it is imported, so everything that needs Keras is imported once the
mode is known.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .backends import BACKENDS

_FIT = "_fit"


class KerasAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        backend = settings.mode.removesuffix(_FIT)
        if backend not in BACKENDS:
            raise UnsupportedError("UNSUPPORTED_MODE", f"keras has no mode {settings.mode!r}")
        os.environ["KERAS_BACKEND"] = backend
        self._backend = BACKENDS[backend](settings)
        self._keras = importlib.import_module("keras")
        self._vocabulary = importlib.import_module(".layers", __package__ or __name__)
        self._keras.utils.set_random_seed(settings.seed)

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        keras = self._keras
        keras.utils.clear_session()
        self._bound: dict[str, tuple[Any, Any, Any]] = {}
        self._grid: tuple[int, ...] | None = None  # (C, H, W) behind a flatten that no dense layer has consumed
        self._shapes = {parameter.name: parameter.shape for parameter in model.parameters}
        self._images = len(model.input_shape) == 3
        self._dtype = "int32" if model.input_kind == "tokens" else "float32"
        self._labels = "float32" if loss.single_output else "int32"
        inputs = keras.Input(self._to_layout(np.zeros((1, *model.input_shape))).shape[1:], dtype=self._dtype)
        self._model = keras.Model(inputs, self._apply(model.layers, inputs))
        self._optimizer = _make_optimizer(keras, optimizer)
        self._model.compile(self._optimizer, _make_loss(keras, loss), jit_compile="auto")
        self._optimizer.build(self._model.trainable_variables)
        self._fresh = [(variable, np.array(self._host(variable))) for variable in self._optimizer.variables]
        self.load(weights)

    def load(self, weights: Weights) -> None:
        for name, (variable, load, _) in self._bound.items():
            variable.assign(load(weights[name]).reshape(variable.shape))
        for variable, value in self._fresh:
            variable.assign(value)

    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        tensor = self._keras.ops.convert_to_tensor
        return [(tensor(self._to_layout(x), dtype=self._dtype), tensor(y, dtype=self._labels)) for x, y in batches]

    def step(self, batch: Any) -> Any:
        return self._model.train_on_batch(*batch)

    def run(self, batches: Sequence[Any]) -> None:
        if not self.settings.mode.endswith(_FIT):
            return super().run(batches)
        self._model.fit((batch for batch in batches), steps_per_epoch=len(batches), epochs=1, verbose=0)
        return None

    def loss(self, handle: Any) -> float:
        return float(handle)

    def drain(self) -> None:
        self._backend.drain()

    def infer(self, batch: Any) -> Any:
        return self._model.predict_on_batch(batch[0])

    def fetch(self, handle: Any) -> Array:
        return np.array(handle, np.float32)

    def export(self) -> dict[str, Array]:
        return {
            name: np.array(back(self._host(variable)).reshape(self._shapes[name]), np.float32, order="C")
            for name, (variable, _, back) in self._bound.items()
        }

    def effective(self) -> dict[str, Any]:
        stored, products = self._model.dtype_policy.variable_dtype, self._backend.products()
        exact = products == "ieee" or not self.settings.equalised
        return {
            "version": self._keras.__version__,
            "backend": f"{self._keras.backend.backend()} {self._backend.framework.__version__}",
            "mode": self.settings.mode,
            "window": "one call of fit" if self.settings.mode.endswith(_FIT) else "train_on_batch for each batch",
            "device": self._backend.device(self._model.variables[0].value),
            "precision": stored if exact else f"{stored} with products {products}",
            "products": products,
            "threads": self._backend.threads(),
            "jit_compile": f'"auto" became {self._model.jit_compile}',
            "run_eagerly": self._model.run_eagerly,
        }

    def _host(self, variable: Any) -> Array:
        return np.asarray(self._keras.ops.convert_to_numpy(variable))

    def _to_layout(self, inputs: Array) -> Array:
        return np.ascontiguousarray(inputs.transpose(0, 2, 3, 1) if self._images else inputs, self._dtype)

    def _apply(self, stack: Sequence[Layer], x: Any) -> Any:
        for layer in stack:
            if layer.kind == "residual":
                x = self._keras.ops.add(x, self._apply(layer.layers, x))
            elif layer.kind == "gru":  # its second bias is trained, and train_on_batch lets nobody hold it at zero
                raise UnsupportedError("UNSUPPORTED_LAYER", "keras: no mapping for layer kind 'gru' with one bias")
            elif layer.kind in self._vocabulary.LAYERS or layer.kind == "pair_embedding":
                x = self._call(layer, x)
            else:
                raise UnsupportedError("UNSUPPORTED_LAYER", f"keras: no mapping for layer kind {layer.kind!r}")
        return x

    def _call(self, layer: Layer, x: Any) -> Any:
        if self._grid and layer.kind not in ("dense", "flatten", "dropout", *self._vocabulary.ELEMENTWISE):
            raise UnsupportedError("UNSUPPORTED_LAYER", f"keras: {layer.kind} between flatten and dense")
        x = self._vocabulary.apply_layer(layer, x, self._bound, [])
        if layer.kind == "flatten" and len(layer.input_shape) == 3:
            self._grid = layer.input_shape
        elif layer.kind == "dense" and self._grid:
            name = layer.parameter("kernel")
            self._bound[name] = (self._bound[name][0], *self._vocabulary.after_flatten(self._grid))
            self._grid = None
        return x


def _make_loss(keras: Any, spec: Loss) -> Callable[[Any, Any], Any]:
    losses = keras.losses
    known = {
        "softmax_cross_entropy": lambda: losses.SparseCategoricalCrossentropy(from_logits=True),
        "binary_cross_entropy": lambda: losses.BinaryCrossentropy(from_logits=True),
        "focal": lambda: losses.BinaryFocalCrossentropy(True, spec.alpha, spec.gamma, from_logits=True),
        "mean_squared_error": losses.MeanSquaredError,
    }
    if spec.kind not in known:
        raise UnsupportedError("UNSUPPORTED_LOSS", f"keras: no mapping for loss {spec.kind!r}")
    made = known[spec.kind]()
    if spec.scale != 1:
        return lambda labels, outputs: spec.scale * made.call(labels, outputs)
    return made


def _make_optimizer(keras: Any, spec: Optimizer) -> Any:
    optimizers, betas = keras.optimizers, {"beta_1": spec.beta1, "beta_2": spec.beta2}
    if spec.options & {"l1", "l2"}:
        reason = "keras: penalties are a part of the loss that train_on_batch returns and of the gradients it clips"
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", reason)
    if spec.kind in ("rmsprop", "adagrad") and not spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"keras adds the epsilon of {spec.kind} inside the root")
    if spec.momentum and spec.scheduled:
        reason = "keras: the velocity holds the learning rate, so a schedule changes what momentum carries over"
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", reason)
    known: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
        "sgd": (optimizers.SGD, {"momentum": spec.momentum}),
        "nesterov": (optimizers.SGD, {"momentum": spec.momentum, "nesterov": True}),
        "rmsprop": (optimizers.RMSprop, {"rho": spec.decay, "epsilon": spec.epsilon}),
        "adagrad": (
            optimizers.Adagrad,
            {"initial_accumulator_value": spec.initial_accumulator, "epsilon": spec.epsilon},
        ),
        "adam": (optimizers.Adam, {"epsilon": spec.epsilon, **betas}),
        "adamw": (optimizers.AdamW, {"epsilon": spec.epsilon, "weight_decay": spec.weight_decay, **betas}),
    }
    if spec.kind not in known:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"keras: no mapping for optimizer {spec.kind!r}")
    shipped, constants = known[spec.kind]
    clipping = {"global_clipnorm": spec.clip_norm} if spec.clip_norm else {}
    made = _canonical(keras.ops, type(shipped()), bias_corrected=spec.kind in ("adam", "adamw"))
    return made(_schedule(keras, spec) if spec.scheduled else spec.learning_rate, **constants, **clipping)


def _canonical(ops: Any, shipped: type, bias_corrected: bool) -> type:
    """Adam with epsilon after the bias correction, where Keras adds it before; and whole gradients for every optimizer.

    ``shipped`` is the class that an optimizer really has: on torch it is one that updates all tensors at once.
    """

    class Canonical(shipped):  # type: ignore[misc]
        def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
            return super().apply([_dense(gradient) for gradient in grads], trainable_variables)

        def _backend_update_step(self, gradients: Any, variables: Any, learning_rate: Any) -> None:
            if not bias_corrected:
                return super()._backend_update_step(gradients, variables, learning_rate)
            constant, step = self.epsilon, ops.cast(self.iterations + 1, "float32")
            self.epsilon = constant * ops.sqrt(1 - ops.power(ops.cast(self.beta_2, "float32"), step))
            super()._backend_update_step(gradients, variables, learning_rate)
            self.epsilon = constant
            return None

    return Canonical


def _schedule(keras: Any, spec: Optimizer) -> Any:
    """The rates of ``Optimizer.rate``; warm-up multiplies them, where Keras' own cosine begins after it."""
    ops = keras.ops

    class Rates(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
        def __call__(self, step: Any) -> Any:
            before, rate = ops.cast(step, "float32"), ops.cast(spec.learning_rate, "float32")
            if spec.schedule == "step":
                rate *= ops.power(ops.cast(spec.schedule_factor, "float32"), ops.floor(before / spec.schedule_steps))
            elif spec.schedule == "cosine":
                part = (1 + ops.cos(np.pi * ops.minimum(1.0, before / spec.schedule_steps))) / 2
                rate *= spec.schedule_factor + (1 - spec.schedule_factor) * part
            return rate * ops.minimum(1.0, (before + 1) / spec.warmup_steps) if spec.warmup_steps else rate

    return Rates()


def _dense(gradient: Any) -> Any:
    """An embedding's gradient arrives as slices from TensorFlow, squared and clipped before repeated tokens are summed.

    Keras takes them for tensors and converts nothing.
    """
    if not hasattr(gradient, "dense_shape"):
        return gradient
    import tensorflow as tf  # it is loaded already: nothing else makes slices

    return tf.convert_to_tensor(gradient)


ADAPTER = KerasAdapter
