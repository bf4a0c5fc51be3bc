"""JAX: Flax linen layers and Optax updates, as one jitted step with donated state or op by op.

Linen rather than nnx, because its plain parameter trees pass through ``jax.jit`` without Python work per step.
Images are NHWC, Flax's layout, and converted when staged; layers and the layouts of their parameters are in
``layers.py``. The rate of a schedule is an argument of the step, as a hyperparameter that Optax keeps in its state.
"""

from collections.abc import Callable, Sequence
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
import optax

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import Loss, Optimizer

from .layers import (
    STATISTICS,
    Network,
    flattened_images,
    from_flax,
    frozen,
    merged,
    statistics,
    to_flax,
    with_parameters,
)


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
        self._spec, self._rule = optimizer, _optimizer(optimizer)
        self._labels = np.float32 if loss.single_output else np.int32
        self._layers = with_parameters(model.layers)
        self._flattens = flattened_images(model.layers)
        free = frozenset(x.name for x in self._flattens.values())
        network = Network(model.layers, free, self._dtype)
        rule, learner, each = self._rule, network.clone(training=True), _loss(loss)
        fixed, self._masks = frozen(self._layers), model.dropout
        masks = self._masks
        self._computed = "nothing yet"
        self.load(weights)

        def apply(module: Network, params: Any, inputs: jax.Array, **more: Any) -> tuple[jax.Array, Any]:
            variables = {"params": merged(params["trained"], fixed), "batch_stats": params["statistics"]}
            logits, moved = module.apply(variables, inputs, mutable=["batch_stats"], **more)
            self._computed = str(logits.dtype)
            logits = logits if self._dtype is None else logits.astype(jnp.float32)
            return logits, moved.get("batch_stats", params["statistics"])

        def forward(params: Any, inputs: jax.Array) -> jax.Array:
            return apply(network, params, inputs)[0]

        def objective(trained: Any, params: Any, inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, Any]:
            more = {"rngs": {"dropout": jax.random.split(params["key"])[1]}} if masks else {}
            logits, moved = apply(learner, {**params, "trained": trained}, inputs, **more)
            value = each(logits, labels).mean()
            return value if loss.scale == 1.0 else value * loss.scale, moved

        def update(params: Any, state: Any, inputs: jax.Array, labels: jax.Array) -> tuple[Any, Any, jax.Array]:
            slope = jax.value_and_grad(objective, has_aux=True)
            (value, moved), gradients = slope(params["trained"], params, inputs, labels)
            updates, state = rule.update(gradients, state, params["trained"])
            trained = optax.apply_updates(params["trained"], updates)
            after = {**params, "trained": trained, "statistics": moved}
            return after | ({"key": jax.random.split(params["key"])[0]} if masks else {}), state, value

        jit = self.settings.mode == "jit"
        self._forward = jax.jit(forward) if jit else forward
        self._update = jax.jit(update, donate_argnums=(0, 1)) if jit else update

    def load(self, weights: Weights) -> None:
        trained = {x.name: to_flax(x, weights, self._flattens.get(x.name)) for x in self._layers}
        moving = {x.name: statistics(x, weights) for x in self._layers if x.kind == "batch_norm"}
        key = {"key": jax.random.key(self.settings.seed)} if self._masks else {}
        tree = {"trained": trained, "statistics": moving, **key}
        self._params = jax.device_put(tree, self._device)
        self._state = jax.device_put(self._rule.init(self._params["trained"]), self._device)
        self._steps = 0
        self._last_loss: jax.Array | None = None

    def stage(self, batches: Sequence[Batch]) -> list[tuple[jax.Array, jax.Array]]:
        return [(self._inputs(x), jax.device_put(np.array(y, self._labels), self._device)) for x, y in batches]

    def step(self, batch: tuple[jax.Array, jax.Array]) -> jax.Array:
        if self._spec.scheduled:
            self._steps += 1
            self._state.hyperparams["learning_rate"] = jax.device_put(np.float32(self._spec.rate(self._steps)))
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
        host = jax.device_get({key: self._params[key] for key in ("trained", "statistics")})
        found: dict[str, Array] = {}
        for layer in self._layers:
            found |= from_flax(layer, host["trained"][layer.name], self._flattens.get(layer.name))
            moving = host["statistics"].get(layer.name, {})
            found |= {layer.parameter(local): np.array(moving[key]) for local, key in STATISTICS.items() if moving}
        return found

    def effective(self) -> dict[str, Any]:
        leaves = jax.tree.leaves(self._params["trained"])
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


def _precision(stored: set[str], computed: str, matmul: str | None) -> str:
    """What holds: the type of the network's output, the parameters' types, and the precision of float32 products."""
    if stored == {"float32"} and matmul in ("highest", None) and computed in ("float32", "bfloat16"):
        return computed
    if stored == {computed} == {"float32"} and matmul == "tensorfloat32":
        return "tf32"
    return f"{computed} on {'+'.join(sorted(stored))} parameters with matmul {matmul}"


def _loss(spec: Loss) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Optax's loss of each sample."""
    if spec.kind == "softmax_cross_entropy":
        return optax.softmax_cross_entropy_with_integer_labels
    if spec.kind == "binary_cross_entropy":
        return lambda z, y: optax.sigmoid_binary_cross_entropy(z[:, 0], y)
    if spec.kind == "focal":
        return lambda z, y: optax.sigmoid_focal_loss(z[:, 0], y, alpha=spec.alpha, gamma=spec.gamma)
    if spec.kind == "mean_squared_error":
        return lambda z, y: optax.squared_error(z[:, 0], y)
    raise UnsupportedError("UNSUPPORTED_LOSS", f"the JAX adapter has no loss {spec.kind!r}")


def _optimizer(spec: Optimizer) -> optax.GradientTransformation:
    before = [optax.clip_by_global_norm(spec.clip_norm)] if spec.clip_norm else []
    before += [optax.add_decayed_weights(spec.l2)] if spec.l2 else []
    if spec.l1:  # Optax has no L1 penalty of its own
        before.append(optax.stateless(lambda g, p: jax.tree.map(lambda a, b: a + spec.l1 * jnp.sign(b), g, p)))

    def chain(learning_rate: Any) -> optax.GradientTransformation:
        return optax.chain(*before, _rule(spec, learning_rate)) if before else _rule(spec, learning_rate)

    return optax.inject_hyperparams(chain)(spec.rate(1)) if spec.scheduled else chain(spec.learning_rate)


def _rule(spec: Optimizer, rate: Any) -> optax.GradientTransformation:
    if spec.kind in ("sgd", "nesterov"):
        return optax.sgd(rate, momentum=spec.momentum or None, nesterov=spec.kind == "nesterov")
    if spec.kind == "rmsprop":
        return optax.rmsprop(rate, spec.decay, spec.epsilon, eps_in_sqrt=spec.epsilon_inside)
    if spec.kind == "adagrad" and not spec.epsilon_inside:
        raise UnsupportedError("UNSUPPORTED_OPTIMIZER", "Optax adds the epsilon of adagrad inside the root")
    if spec.kind == "adagrad":
        return optax.adagrad(rate, spec.initial_accumulator, spec.epsilon)
    if spec.kind == "adam":
        return optax.adam(rate, b1=spec.beta1, b2=spec.beta2, eps=spec.epsilon)
    if spec.kind == "adamw":
        return optax.adamw(rate, spec.beta1, spec.beta2, spec.epsilon, weight_decay=spec.weight_decay)
    raise UnsupportedError("UNSUPPORTED_OPTIMIZER", f"the JAX adapter has no optimizer {spec.kind!r}")


ADAPTER = JaxAdapter
