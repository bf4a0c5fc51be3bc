"""JAX: Flax linen layers and Optax updates, as one jitted step with donated state or op by op.

Linen rather than nnx, because its plain parameter trees pass through ``jax.jit`` without Python work per step.
Images are NHWC, Flax's layout: converted when staged, and the first dense kernel after a flatten is permuted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.layers import Layer
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

_GATES = "ifgo"
_FLAX_NAMES = {"table": "embedding", "shift": "bias"}


class JaxAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        jax.config.update("jax_platforms", settings.device)
        if settings.equalised:
            # Convolutions follow it too, which the presets of dot algorithms do not. "highest" is IEEE float32.
            matmul = "tensorfloat32" if settings.precision == "tf32" else "highest"
            jax.config.update("jax_default_matmul_precision", matmul)
        self._dtype = jnp.bfloat16 if settings.precision == "bfloat16" else None
        self._device = jax.devices()[0]

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        if loss.kind != "softmax_cross_entropy":
            raise UnsupportedError("UNSUPPORTED_LOSS", f"the JAX adapter has no loss {loss.kind!r}")
        self._rule = rule = _optimizer(optimizer)
        self._layers = _with_parameters(model.layers)
        self._flattens = _flattened_images(model.layers)
        network = _Network(model.layers, frozenset(x.name for x in self._flattens.values()), self._dtype)
        self._computed = "nothing yet"
        self.load(weights)
        # The key bias stays zero and is not trained: its gradient is noise, which Adam would turn into full steps.
        key_biases = {
            x.name: np.zeros((h := x.options["heads"], x.input_shape[-1] // h), np.float32)
            for x in self._layers
            if x.kind == "attention"
        }

        def forward(params: Any, inputs: jax.Array) -> jax.Array:
            frozen = {n: {**params[n], "key": {**params[n]["key"], "bias": b}} for n, b in key_biases.items()}
            logits = network.apply({"params": {**params, **frozen}}, inputs)
            self._computed = str(logits.dtype)
            return logits if self._dtype is None else logits.astype(jnp.float32)

        def objective(params: Any, inputs: jax.Array, labels: jax.Array) -> jax.Array:
            value = optax.softmax_cross_entropy_with_integer_labels(forward(params, inputs), labels).mean()
            return value if loss.scale == 1.0 else value * loss.scale

        def update(params: Any, state: Any, inputs: jax.Array, labels: jax.Array) -> tuple[Any, Any, jax.Array]:
            value, gradients = jax.value_and_grad(objective)(params, inputs, labels)
            updates, state = rule.update(gradients, state, params)
            return optax.apply_updates(params, updates), state, value

        jit = self.settings.mode == "jit"
        self._forward = jax.jit(forward) if jit else forward
        self._update = jax.jit(update, donate_argnums=(0, 1)) if jit else update

    def load(self, weights: Weights) -> None:
        tree = {x.name: _to_flax(x, weights, self._flattens.get(x.name)) for x in self._layers}
        self._params = jax.device_put(tree, self._device)
        self._state = jax.device_put(self._rule.init(self._params), self._device)
        self._last_loss: jax.Array | None = None

    def stage(self, batches: Sequence[Batch]) -> list[tuple[jax.Array, jax.Array]]:
        return [(self._inputs(x), jax.device_put(np.array(y, np.int32), self._device)) for x, y in batches]

    def step(self, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
        self._params, self._state, self._last_loss = self._update(self._params, self._state, *batch)
        return self._last_loss

    def loss(self, handle: jax.Array) -> float:
        return float(handle)

    def drain(self) -> None:
        live = [array for array in jax.live_arrays() if not array.is_deleted()]
        jax.block_until_ready((self._params, self._state, self._last_loss, live))
        jax.effects_barrier()

    def infer(self, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
        return self._forward(self._params, batch[0])

    def fetch(self, handle: jax.Array) -> Array:
        return np.array(handle)

    def export(self) -> dict[str, Array]:
        host = jax.device_get(self._params)
        found: dict[str, Array] = {}
        for layer in self._layers:
            found |= _from_flax(layer, host[layer.name], self._flattens.get(layer.name))
        return found

    def effective(self) -> dict[str, Any]:
        leaves = jax.tree.leaves(self._params)
        matmul = jax.config.jax_default_matmul_precision
        jit = self.settings.mode == "jit" and not jax.config.jax_disable_jit
        return {
            "version": jax.__version__,
            "mode": "jit" if jit else "eager",
            "device": leaves[0].device.platform.replace("gpu", "cuda"),
            "precision": _precision({str(x.dtype) for x in leaves}, self._computed, matmul),
            "threads": None,
            "threads_note": "XLA sizes its pool by affinity mask and PJRT_NPROC; it offers no way to read it",
            "libraries": f"flax {flax.__version__}, optax {optax.__version__}",
            "compile": "NHWC; one jit with optimizer, donated state" if jit else "NHWC; op by op",
            "compiled_graphs": self._update._cache_size() if jit else 0,
        }

    def compilations(self) -> int | None:
        return self._update._cache_size() if self.settings.mode == "jit" else None

    def device_memory(self) -> dict[str, Any] | None:
        found = self._device.memory_stats()  # None on the CPU
        if not found:
            return None
        live, peak = found.get("bytes_in_use"), found.get("peak_bytes_in_use")
        return {"source": "jax.Device.memory_stats", "live_bytes": live, "peak_bytes": peak}

    def _inputs(self, inputs: Array) -> jax.Array:
        nhwc = np.moveaxis(inputs, 1, -1) if inputs.ndim == 4 else inputs
        return jax.device_put(np.array(nhwc, order="C"), self._device)  # device_put may alias: give it a copy


class _Network(nn.Module):
    """The layers in order; ``free_flattens`` need no transpose: the dense kernel that follows is permuted instead.

    ``dtype`` is Flax's own for mixed precision: what layers compute in, None for that of their parameters.
    """

    layers: tuple[Layer, ...]
    free_flattens: frozenset[str]
    dtype: Any = None

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
            else:
                x = _APPLY[layer.kind](layer, x, self.dtype)
        return x


class _PositionEmbedding(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.param("embedding", nn.initializers.zeros, x.shape[1:])


def _conv(layer: Layer, x: jax.Array, dtype: Any) -> jax.Array:
    size, stride, padding = (layer.options[key] for key in ("size", "stride", "padding"))
    return nn.Conv(layer.options["filters"], (size, size), stride, padding, dtype=dtype, name=layer.name)(x)


def _lstm(layer: Layer, x: jax.Array, dtype: Any) -> jax.Array:
    cell = nn.OptimizedLSTMCell(layer.options["units"], dtype=dtype, parent=None)
    (_, hidden), _ = nn.RNN(cell, return_carry=True, name=layer.name)(x)
    return hidden


def _attention(layer: Layer, x: jax.Array, dtype: Any) -> jax.Array:
    return nn.MultiHeadDotProductAttention(layer.options["heads"], dtype=dtype, name=layer.name)(x)


_APPLY: dict[str, Callable[[Layer, jax.Array, Any], jax.Array]] = {
    "dense": lambda layer, x, dtype: nn.Dense(layer.options["units"], dtype=dtype, name=layer.name)(x),
    "conv2d": _conv,
    "max_pool2d": lambda layer, x, _: nn.max_pool(
        x, 2 * (layer.options["size"],), strides=2 * (layer.options["stride"],)
    ),
    "relu": lambda _, x, __: nn.relu(x),
    "gelu": lambda _, x, __: nn.gelu(x, approximate=False),
    # Tables stay float32: the gradients of repeated tokens would otherwise be summed in bfloat16.
    "embedding": lambda layer, x, _: nn.Embed(layer.options["vocabulary"], layer.options["width"], name=layer.name)(x),
    "position_embedding": lambda layer, x, _: _PositionEmbedding(name=layer.name)(x),
    "lstm": _lstm,
    "layer_norm": lambda layer, x, dtype: nn.LayerNorm(layer.options["epsilon"], dtype=dtype, name=layer.name)(x),
    "attention": _attention,
    "mean_pool": lambda _, x, __: x.mean(axis=1),
}


def _precision(stored: set[str], computed: str, matmul: str | None) -> str:
    """What holds: the type of the network's output, the parameters' types, and the precision of float32 products."""
    if stored == {"float32"} and matmul in ("highest", None) and computed in ("float32", "bfloat16"):
        return computed
    if stored == {computed} == {"float32"} and matmul == "tensorfloat32":
        return "tf32"
    return f"{computed} on {'+'.join(sorted(stored))} parameters with matmul {matmul}"


def _flattened_images(layers: Sequence[Layer]) -> dict[str, Layer]:
    """The flatten layer behind each dense layer that is fed with an image, looking past activations."""
    found, flatten = {}, None
    for layer in layers:
        if layer.kind == "dense" and flatten:
            found[layer.name] = flatten
        if layer.kind not in ("relu", "gelu"):
            flatten = layer if layer.kind == "flatten" and len(layer.input_shape) == 3 else None
    return found


def _with_parameters(layers: Sequence[Layer]) -> list[Layer]:
    """All layers that carry parameters of their own, residual branches opened."""
    found = []
    for layer in layers:
        if layer.kind not in (*_APPLY, "flatten", "residual"):
            raise UnsupportedError("UNSUPPORTED_LAYER", f"{layer.name}: the JAX adapter has no {layer.kind!r}")
        found += _with_parameters(layer.layers) or ([layer] if layer.parameters else [])
    return found


def _to_flax(layer: Layer, weights: Weights, flatten: Layer | None) -> dict[str, Any]:
    """Flax's parameter tree of one layer, as arrays that own their memory."""
    w = {x.name.rpartition(".")[2]: np.asarray(weights[x.name], np.float32) for x in layer.parameters}
    if layer.kind == "lstm":
        split = {key: dict(zip(_GATES, np.split(array, 4), strict=True)) for key, array in w.items()}
        cell = {f"i{g}": {"kernel": split["kernel"][g].T} for g in _GATES}
        hidden = {f"h{g}": {"kernel": split["recurrent"][g].T, "bias": split["bias"][g]} for g in _GATES}
        tree: Any = {"cell": {**cell, **hidden}}
    elif layer.kind == "attention":
        heads = (layer.options["heads"], layer.input_shape[-1] // layer.options["heads"])
        tree = {p: {"kernel": w[f"{p}_kernel"].T.reshape(-1, *heads)} for p in ("query", "key", "value")}
        tree["query"]["bias"], tree["value"]["bias"] = (w[f"{p}_bias"].reshape(heads) for p in ("query", "value"))
        tree["out"] = {"kernel": w["output_kernel"].T.reshape(*heads, -1), "bias": w["output_bias"]}
    else:
        tree = {_FLAX_NAMES.get(local, local): array for local, array in w.items()}
        if layer.kind == "conv2d":
            tree["kernel"] = w["kernel"].transpose(2, 3, 1, 0)
        elif layer.kind == "dense":
            image = flatten.input_shape if flatten else (1, 1, layer.input_shape[-1])
            tree["kernel"] = w["kernel"].reshape(-1, *image).transpose(2, 3, 1, 0).reshape(w["kernel"].T.shape)
    return jax.tree.map(lambda array: np.array(array, order="C"), tree)


def _from_flax(layer: Layer, tree: Mapping[str, Any], flatten: Layer | None) -> dict[str, Array]:
    """The inverse of ``_to_flax``."""
    if layer.kind == "lstm":
        paths = {"kernel": ("i", "kernel"), "recurrent": ("h", "kernel"), "bias": ("h", "bias")}
        w = {n: np.concatenate([tree["cell"][x + g][leaf].T for g in _GATES]) for n, (x, leaf) in paths.items()}
    elif layer.kind == "attention":
        width = layer.input_shape[-1]
        parts = {"query": "query", "key": "key", "value": "value", "output": "out"}
        w = {f"{p}_kernel": tree[flax_name]["kernel"].reshape(width, width).T for p, flax_name in parts.items()}
        w |= {f"{p}_bias": tree[parts[p]]["bias"].reshape(width) for p in ("query", "value", "output")}
    else:
        w = {n: tree[_FLAX_NAMES.get(n, n)] for n in (x.name.rpartition(".")[2] for x in layer.parameters)}
        if layer.kind == "conv2d":
            w["kernel"] = w["kernel"].transpose(3, 2, 0, 1)
        elif layer.kind == "dense":
            channels, *sides = flatten.input_shape if flatten else (1, 1, layer.input_shape[-1])
            w["kernel"] = w["kernel"].reshape(*sides, channels, -1).transpose(3, 2, 0, 1).reshape(w["kernel"].T.shape)
    return {layer.parameter(local): np.array(array, order="C") for local, array in w.items()}


def _optimizer(spec: Optimizer) -> optax.GradientTransformation:
    if spec.kind == "sgd":
        return optax.sgd(spec.learning_rate, momentum=spec.momentum or None)
    if spec.kind == "adam":
        return optax.adam(spec.learning_rate, b1=spec.beta1, b2=spec.beta2, eps=spec.epsilon)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"the JAX adapter has no optimizer {spec.kind!r}")


ADAPTER = JaxAdapter
