"""The vocabulary as Keras layers, and the layout changes of each parameter on its way in and out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import numpy as np
from keras import layers, ops

from frameworkbench.adapter import Array
from frameworkbench.spec.layers import Layer

Convert = Callable[[Array], Array]
Bound = dict[str, tuple[Any, Convert, Convert]]
"""Per canonical parameter: the variable, and the layout change in and out."""

ELEMENTWISE = ("relu", "gelu", "gelu_tanh", "sigmoid", "tanh")


def apply_layer(layer: Layer, x: Any, bound: Bound, masks: list[Any]) -> Any:
    """Add a layer behind ``x``; its variables join ``bound``, those that stay partly frozen ``masks``."""
    if layer.options.get("padding"):
        x = layers.ZeroPadding2D(layer.options["padding"])(x)
    if layer.kind == "pair_embedding":
        return _pair(layer, x, bound)
    made = LAYERS[layer.kind](layer.options, layer.input_shape)
    y = made(x, x) if layer.kind == "attention" else made(x)
    if layer.kind == "attention":  # its gradient is rounding noise, which Adam would turn into steps
        made.key_dense.bias.assign(np.zeros(made.key_dense.bias.shape, np.float32))
        made.key_dense.bias.trainable = False
    for prefix, part in _directions(layer, made).items():
        for local, (path, (load, back)) in _VARIABLES.get(layer.kind, {}).items():
            if local != "bias" or layer.options.get("bias", True):
                bound[layer.parameter(prefix + local)] = (attrgetter(path)(part), load, back)
        if layer.kind == "gru":
            # Keras trains a second bias, for the state's product. The canonical GRU has one, so that row stays zero.
            masks.append((part.cell.bias, np.array([[1.0], [0.0]], np.float32)))
    return y


def _directions(layer: Layer, made: Any) -> dict[str, Any]:
    if layer.options.get("bidirectional"):
        return {"": made.forward_layer, "backward_": made.backward_layer}
    return {"": made}


def _pair(layer: Layer, x: Any, bound: Bound) -> Any:
    """Two inputs, each with an embedding of its own."""
    o, found = layer.options, []
    for column, side in enumerate(("user", "item")):
        made = layers.Embedding(o[f"{side}s"], o["width"])
        found.append(made(x[:, column]))
        bound[layer.parameter(f"{side}_table")] = (made.embeddings, *_SAME)
    return ops.stack(found, axis=1)


def _recurrent(made: Callable[..., layers.Layer]) -> Callable[[Mapping[str, Any], tuple[int, ...]], layers.Layer]:
    def build(o: Mapping[str, Any], _: tuple[int, ...]) -> layers.Layer:
        layer = made(o["units"], return_sequences=o["sequence"])
        return layers.Bidirectional(layer) if o["bidirectional"] else layer

    return build


class PositionEmbedding(layers.Layer):
    """Adds one trained vector per position; Keras itself has no such layer."""

    def build(self, shape: Any) -> None:
        self.table = self.add_weight(shape=shape[1:], initializer="zeros", name="table")

    def call(self, x: Any) -> Any:
        return x + self.table


class DotProduct(layers.Layer):
    """The product of the two vectors of a sample."""

    def call(self, x: Any) -> Any:
        return ops.sum(x[:, 0] * x[:, 1], axis=-1, keepdims=True)


def after_flatten(grid: tuple[int, ...]) -> tuple[Convert, Convert]:
    """Kernel rows from (C, H, W) order to the (H, W, C) order of a channels-last flatten, and back."""
    channels, height, width = grid
    return (
        lambda w: w.reshape(-1, channels, height, width).transpose(2, 3, 1, 0),
        lambda k: k.reshape(height, width, channels, -1).transpose(3, 2, 0, 1),
    )


def _swapped(gates: Array) -> Array:
    """The first two of three gates exchanged; its own inverse."""
    first, second, third = np.split(gates, 3)
    return np.concatenate([second, first, third])


LAYERS: dict[str, Callable[[Mapping[str, Any], tuple[int, ...]], layers.Layer]] = {
    "dense": lambda o, _: layers.Dense(o["units"], use_bias=o["bias"]),
    "conv2d": lambda o, _: layers.Conv2D(o["filters"], o["size"], strides=o["stride"], use_bias=o["bias"]),
    "max_pool2d": lambda o, _: layers.MaxPooling2D(o["size"], strides=o["stride"]),
    "avg_pool2d": lambda o, _: layers.AveragePooling2D(o["size"], strides=o["stride"]),
    "global_avg_pool2d": lambda _o, _: layers.GlobalAveragePooling2D(),
    "flatten": lambda _o, _: layers.Flatten(),
    "relu": lambda _o, _: layers.ReLU(),
    "gelu": lambda _o, _: layers.Activation(lambda x: ops.gelu(x, approximate=False)),
    "gelu_tanh": lambda _o, _: layers.Activation(lambda x: ops.gelu(x, approximate=True)),
    "sigmoid": lambda _o, _: layers.Activation("sigmoid"),
    "tanh": lambda _o, _: layers.Activation("tanh"),
    "softmax": lambda _o, _: layers.Softmax(),
    "dropout": lambda o, _: layers.Dropout(o["rate"]),
    "batch_norm": lambda o, _: layers.BatchNormalization(momentum=o["momentum"], epsilon=o["epsilon"]),
    "dot_product": lambda _o, _: DotProduct(),
    "embedding": lambda o, _: layers.Embedding(o["vocabulary"], o["width"]),
    "position_embedding": lambda _o, _: PositionEmbedding(),
    "lstm": _recurrent(layers.LSTM),
    "gru": _recurrent(layers.GRU),
    "rnn": _recurrent(layers.SimpleRNN),
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
# Keras stacks the GRU's gates as update, reset, new; and has two biases in the rows of one variable.
_GRU_KERNEL = (lambda w: _swapped(w).T, lambda k: _swapped(k.T))
_GRU_BIAS = (lambda b: np.stack([_swapped(b), np.zeros_like(b)]), lambda b: _swapped(b[0]))
_CELL = {"kernel": ("cell.kernel", _TRANSPOSED), "recurrent": ("cell.recurrent_kernel", _TRANSPOSED)}
_VARIABLES: dict[str, dict[str, tuple[str, tuple[Convert, Convert]]]] = {
    "dense": {"kernel": ("kernel", _TRANSPOSED), "bias": ("bias", _SAME)},
    "conv2d": {"kernel": ("kernel", _IMAGES), "bias": ("bias", _SAME)},
    "embedding": {"table": ("embeddings", _SAME)},
    "position_embedding": {"table": ("table", _SAME)},
    "lstm": {**_CELL, "bias": ("cell.bias", _SAME)},
    "rnn": {**_CELL, "bias": ("cell.bias", _SAME)},
    "gru": {
        "kernel": ("cell.kernel", _GRU_KERNEL),
        "recurrent": ("cell.recurrent_kernel", _GRU_KERNEL),
        "bias": ("cell.bias", _GRU_BIAS),
    },
    "batch_norm": {
        "scale": ("gamma", _SAME),
        "shift": ("beta", _SAME),
        "mean": ("moving_mean", _SAME),
        "variance": ("moving_variance", _SAME),
    },
    "layer_norm": {"scale": ("gamma", _SAME), "shift": ("beta", _SAME)},
    "attention": {
        **{f"{part}_kernel": (f"{part}_dense.kernel", _HEADS_OUT) for part in ("query", "key", "value")},
        "output_kernel": ("output_dense.kernel", _HEADS_IN),
        **{f"{part}_bias": (f"{part}_dense.bias", _SAME) for part in ("query", "value", "output")},
    },
}
