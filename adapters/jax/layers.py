"""The vocabulary as Flax linen modules, and the way of each parameter into Flax's trees and back.

Images are NHWC, Flax's layout, so the first dense kernel after a flatten is permuted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from frameworkbench.adapter import Array, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer

_CELLS = {"lstm": nn.OptimizedLSTMCell, "gru": nn.GRUCell, "rnn": nn.SimpleCell}
# Flax's dense layers inside a cell, gate by gate in canonical order: i… for the input, h… for the state.
_GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": ("",)}
_BIAS = {"lstm": "h", "gru": "i", "rnn": "i"}  # the side on which Flax has a bias for every gate
_LOCALS = ("kernel", "recurrent", "bias")
STATISTICS = {"mean": "mean", "variance": "var"}
_FLAX_NAMES = {"table": "embedding", "shift": "bias"}
_ELEMENTWISE: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": nn.relu,
    "gelu": lambda x: nn.gelu(x, approximate=False),
    "gelu_tanh": lambda x: nn.gelu(x, approximate=True),
    "sigmoid": nn.sigmoid,
    "tanh": nn.tanh,
}


class Network(nn.Module):
    """The layers in order; ``free_flattens`` need no transpose: the dense kernel that follows is permuted instead.

    ``dtype`` is Flax's own for mixed precision: what layers compute in, None for that of their parameters. ``training``
    makes batch norms use the batch's statistics and dropout draw masks.
    """

    layers: tuple[Layer, ...]
    free_flattens: frozenset[str]
    dtype: Any = None
    training: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return self._apply(self.layers, x)

    def _apply(self, layers: Sequence[Layer], x: jax.Array) -> jax.Array:
        for layer in layers:
            if layer.kind == "residual":
                x = x + self._apply(layer.layers, x)
            elif layer.kind == "flatten":
                transpose = x.ndim == 4 and layer.name not in self.free_flattens
                x = (jnp.moveaxis(x, -1, 1) if transpose else x).reshape(len(x), -1)
            elif layer.kind in ("dense", "layer_norm") and x.ndim == 4:  # works on the last axis of NCHW
                x = jnp.moveaxis(_APPLY[layer.kind](layer, jnp.moveaxis(x, -1, 1), self.dtype), 1, -1)
            elif layer.kind in _ELEMENTWISE:
                x = _ELEMENTWISE[layer.kind](x)
            elif layer.kind == "batch_norm":
                keep, epsilon = layer.options["momentum"], layer.options["epsilon"]
                x = nn.BatchNorm(not self.training, -1, keep, epsilon, dtype=self.dtype, name=layer.name)(x)
            elif layer.kind == "dropout":
                x = nn.Dropout(layer.options["rate"], deterministic=not self.training)(x)
            else:
                x = _APPLY[layer.kind](layer, x, self.dtype)
        return x


class _PositionEmbedding(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.param("embedding", nn.initializers.zeros, x.shape[1:])


class _PairEmbedding(nn.Module):
    """Two inputs, each with an embedding of its own."""

    options: Mapping[str, Any]

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        names = {"user_table": "users", "item_table": "items"}
        tables = [nn.Embed(self.options[count], self.options["width"], name=name) for name, count in names.items()]
        return jnp.stack([table(x[:, side]) for side, table in enumerate(tables)], axis=1)


class _Recurrent(nn.Module):
    """One or two of Flax's recurrent layers, as all outputs or as the last state of each."""

    layer: Layer
    dtype: Any

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        o, made = self.layer.options, _CELLS[self.layer.kind]
        found = []
        for name in ("forward", "backward")[: 1 + o["bidirectional"]]:
            cell = made(o["units"], dtype=self.dtype, parent=None)
            layer = nn.RNN(cell, return_carry=True, reverse=name == "backward", keep_order=True, name=name)
            carry, outputs = layer(x)
            found.append(outputs if o["sequence"] else carry[-1] if isinstance(carry, tuple) else carry)
        return jnp.concatenate(found, axis=-1) if len(found) > 1 else found[0]


def _conv(layer: Layer, x: jax.Array, dtype: Any) -> jax.Array:
    o = layer.options
    size, stride, padding = o["size"], o["stride"], o["padding"]
    bias = o["bias"]
    return nn.Conv(o["filters"], (size, size), stride, padding, use_bias=bias, dtype=dtype, name=layer.name)(x)


def _pool(pool: Callable[..., jax.Array]) -> Callable[[Layer, jax.Array, Any], jax.Array]:
    return lambda layer, x, _: pool(x, 2 * (layer.options["size"],), strides=2 * (layer.options["stride"],))


def _recurrent(layer: Layer, x: jax.Array, dtype: Any) -> jax.Array:
    return _Recurrent(layer, dtype, name=layer.name)(x)


def _attention(layer: Layer, x: jax.Array, dtype: Any) -> jax.Array:
    return nn.MultiHeadDotProductAttention(layer.options["heads"], dtype=dtype, name=layer.name)(x)


_APPLY: dict[str, Callable[[Layer, jax.Array, Any], jax.Array]] = {
    "dense": lambda layer, x, dtype: nn.Dense(
        layer.options["units"], layer.options["bias"], dtype=dtype, name=layer.name
    )(x),
    "conv2d": _conv,
    "max_pool2d": _pool(nn.max_pool),
    "avg_pool2d": _pool(nn.avg_pool),
    "global_avg_pool2d": lambda _, x, __: x.mean(axis=(1, 2)),
    "softmax": lambda _, x, __: nn.softmax(x),
    # Tables stay float32: the gradients of repeated tokens would otherwise be summed in bfloat16.
    "embedding": lambda layer, x, _: nn.Embed(layer.options["vocabulary"], layer.options["width"], name=layer.name)(x),
    "position_embedding": lambda layer, x, _: _PositionEmbedding(name=layer.name)(x),
    "pair_embedding": lambda layer, x, _: _PairEmbedding(layer.options, name=layer.name)(x),
    "dot_product": lambda _, x, __: (x[:, 0] * x[:, 1]).sum(axis=-1, keepdims=True),
    "lstm": _recurrent,
    "gru": _recurrent,
    "rnn": _recurrent,
    "layer_norm": lambda layer, x, dtype: nn.LayerNorm(layer.options["epsilon"], dtype=dtype, name=layer.name)(x),
    "attention": _attention,
    "mean_pool": lambda _, x, __: x.mean(axis=1),
}


def flattened_images(layers: Sequence[Layer]) -> dict[str, Layer]:
    """The flatten layer behind each dense layer that is fed with an image, looking past activations."""
    found, flatten = {}, None
    for layer in layers:
        if layer.kind == "dense" and flatten:
            found[layer.name] = flatten
        if layer.kind not in (*_ELEMENTWISE, "dropout"):
            flatten = layer if layer.kind == "flatten" and len(layer.input_shape) == 3 else None
    return found


def with_parameters(layers: Sequence[Layer]) -> list[Layer]:
    """All layers that carry parameters of their own, residual branches opened."""
    found = []
    for layer in layers:
        if layer.kind not in (*_APPLY, *_ELEMENTWISE, "flatten", "residual", "batch_norm", "dropout"):
            raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: the JAX adapter has no {layer.kind!r}")
        found += with_parameters(layer.layers) or ([layer] if layer.parameters else [])
    return found


def to_flax(layer: Layer, weights: Weights, flatten: Layer | None) -> dict[str, Any]:
    """Flax's parameter tree of one layer, as arrays that own their memory."""
    w = {x.name.rpartition(".")[2]: np.asarray(weights[x.name], np.float32) for x in layer.parameters}
    if layer.kind in _CELLS:
        directions = {"forward": "", "backward": "backward_"} if layer.options["bidirectional"] else {"forward": ""}
        tree: Any = {name: {"cell": _to_cell(layer.kind, w, prefix)} for name, prefix in directions.items()}
    elif layer.kind == "attention":
        heads = (layer.options["heads"], layer.input_shape[-1] // layer.options["heads"])
        tree = {p: {"kernel": w[f"{p}_kernel"].T.reshape(-1, *heads)} for p in ("query", "key", "value")}
        tree["query"]["bias"], tree["value"]["bias"] = (w[f"{p}_bias"].reshape(heads) for p in ("query", "value"))
        tree["out"] = {"kernel": w["output_kernel"].T.reshape(*heads, -1), "bias": w["output_bias"]}
    else:
        tree = {_FLAX_NAMES.get(local, local): array for local, array in w.items() if local not in STATISTICS}
        if layer.kind == "conv2d":
            tree["kernel"] = w["kernel"].transpose(2, 3, 1, 0)
        elif layer.kind == "dense":
            image = flatten.input_shape if flatten else (1, 1, layer.input_shape[-1])
            tree["kernel"] = w["kernel"].reshape(-1, *image).transpose(2, 3, 1, 0).reshape(w["kernel"].T.shape)
    if layer.kind == "pair_embedding":
        tree = {name: {"embedding": array} for name, array in w.items()}
    return jax.tree.map(lambda array: np.array(array, order="C"), tree)


def statistics(layer: Layer, weights: Weights) -> dict[str, Array]:
    """The running statistics of a batch norm as Flax keeps them, in a collection of their own."""
    return {n: np.array(weights[layer.parameter(local)], np.float32) for local, n in STATISTICS.items()}


def frozen(layers: Sequence[Layer]) -> dict[str, Any]:
    """Biases that Flax insists on and the canonical model does not have: zero and not trained, by layer.

    The gradient of a key bias is noise, which Adam would turn into full steps; a GRU has one bias.
    """
    found: dict[str, Any] = {}
    for layer in layers:
        if layer.kind == "attention":
            heads = layer.options["heads"]
            found[layer.name] = {"key": {"bias": np.zeros((heads, layer.input_shape[-1] // heads), np.float32)}}
        elif layer.kind == "gru":
            zero = {"cell": {"hn": {"bias": np.zeros(layer.options["units"], np.float32)}}}
            names = ("forward", "backward")[: 1 + layer.options["bidirectional"]]
            found[layer.name] = dict.fromkeys(names, zero)
    return found


def merged(tree: Any, more: Any) -> Any:
    """A tree with what is in another one added."""
    if not isinstance(more, Mapping):
        return more
    return {**tree, **{key: merged(tree.get(key, {}), value) for key, value in more.items()}}


def _to_cell(kind: str, w: Weights, prefix: str) -> dict[str, dict[str, Array]]:
    """The dense layers of one cell. Where Flax has a bias on the state's side the canonical one is there (LSTM)."""
    gates = _GATES[kind]
    split = {n: dict(zip(gates, np.split(w[prefix + n], len(gates)), strict=True)) for n in _LOCALS}
    cell: dict[str, dict[str, Array]] = {}
    for gate in gates:
        cell[f"i{gate}"] = {"kernel": split["kernel"][gate].T}
        cell[f"h{gate}"] = {"kernel": split["recurrent"][gate].T}
        cell[_BIAS[kind] + gate]["bias"] = split["bias"][gate]
    return cell


def from_flax(layer: Layer, tree: Mapping[str, Any], flatten: Layer | None) -> dict[str, Array]:
    """The inverse of ``to_flax``."""
    if layer.kind in _CELLS:
        w = {}
        for name, prefix in {"forward": "", "backward": "backward_"}.items():
            paths = {"kernel": ("i", "kernel"), "recurrent": ("h", "kernel"), "bias": (_BIAS[layer.kind], "bias")}
            for local, (side, leaf) in paths.items() if name in tree else ():
                parts = [tree[name]["cell"][side + g][leaf].T for g in _GATES[layer.kind]]
                w[prefix + local] = np.concatenate(parts)
    elif layer.kind == "attention":
        width = layer.input_shape[-1]
        parts = {"query": "query", "key": "key", "value": "value", "output": "out"}
        w = {f"{p}_kernel": tree[flax_name]["kernel"].reshape(width, width).T for p, flax_name in parts.items()}
        w |= {f"{p}_bias": tree[parts[p]]["bias"].reshape(width) for p in ("query", "value", "output")}
    elif layer.kind == "pair_embedding":
        w = {name: leaf["embedding"] for name, leaf in tree.items()}
    else:
        w = {n: tree[_FLAX_NAMES.get(n, n)] for n in (x.name.rpartition(".")[2] for x in layer.parameters if x.trained)}
        if layer.kind == "conv2d":
            w["kernel"] = w["kernel"].transpose(3, 2, 0, 1)
        elif layer.kind == "dense":
            channels, *sides = flatten.input_shape if flatten else (1, 1, layer.input_shape[-1])
            w["kernel"] = w["kernel"].reshape(*sides, channels, -1).transpose(3, 2, 0, 1).reshape(w["kernel"].T.shape)
    return {layer.parameter(local): np.array(array, order="C") for local, array in w.items()}
