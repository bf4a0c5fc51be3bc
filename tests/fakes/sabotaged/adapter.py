"""An adapter that is wrong in one way per mode: the parity gate must name each.

Every sabotage changes the model or the training and nothing else, through the public pieces of the reference.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir
from frameworkbench.reference import Network
from frameworkbench.reference import layers as reference_layers


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_sabotage", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


def _tanh_gelu_forward(_layer, _weights, x):
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)
    return 0.5 * x * (1 + np.tanh(inner)), (x, inner)


def _tanh_gelu_backward(_layer, _weights, cache, dy):
    x, inner = cache
    t = np.tanh(inner)
    slope = 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    return dy * slope, {}


def _with_epsilon(layers, factor):
    changed = []
    for layer in layers:
        if layer.layers:
            layer = replace(layer, layers=tuple(_with_epsilon(layer.layers, factor)))
        if layer.kind == "layer_norm":
            layer = replace(layer, options={"epsilon": layer.options["epsilon"] * factor})
        changed.append(layer)
    return tuple(changed)


class Sabotaged(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self.settings = settings

    def effective(self):
        return {**super().effective(), "mode": self.settings.mode}

    def build(self, model, loss, optimizer, weights):
        mode = self.settings.mode
        if mode == "adam_epsilon":
            optimizer = replace(optimizer, epsilon=optimizer.epsilon * 10)
        if mode == "norm_epsilon":
            model = replace(model, layers=_with_epsilon(model.layers, 100))
        if mode == "tanh_gelu":
            reference_layers.RULES["gelu"] = replace(
                reference_layers.RULES["gelu"], forward=_tanh_gelu_forward, backward=_tanh_gelu_backward
            )
        super().build(model, loss, optimizer, weights)
        self._first = {name: value.copy() for name, value in self._network.weights.items()}
        self._steps = 0

    def step(self, batch):
        mode, network = self.settings.mode, self._network
        self._steps += 1
        if mode == "shuffled_order" and self._steps == 3:
            inputs, labels = batch
            batch = (inputs, np.roll(labels, 1))
        if mode in ("swapped_gates", "transposed_kernel", "missing_bias"):
            return self._step_on(self._bent(network), batch)
        result = super().step(batch)
        if mode == "frozen_layer":
            frozen = next((name for name in network.weights if name.startswith("dense")), None)
            if frozen:
                network.weights[frozen][...] = self._first[frozen]
        if mode == "bf16_weights":
            for value in network.weights.values():
                value[...] = _bf16(value)
        return result

    def infer(self, batch):
        return self._bent(self._network).logits(batch[0])

    def _bent(self, network):
        """A network that computes with wrongly arranged weights."""
        weights = dict(network.weights)
        mode = self.settings.mode
        if mode == "swapped_gates" and "lstm.kernel" in weights:
            for part in ("kernel", "recurrent", "bias"):
                i, f, g, o = np.split(weights[f"lstm.{part}"], 4)
                weights[f"lstm.{part}"] = np.concatenate([i, g, f, o])
        if mode == "transposed_kernel":
            name = next((name for name, value in weights.items() if value.ndim == 4), None)
            if name:
                weights[name] = weights[name].swapaxes(2, 3)
        if mode == "missing_bias":
            name = next(name for name in weights if name.startswith("dense") and name.endswith("bias"))
            weights[name] = np.zeros_like(weights[name])
        return Network(network.model, weights)

    def _step_on(self, bent, batch):
        loss, gradients, _ = bent.loss_and_gradients(*batch, self._loss)
        if self.settings.mode == "missing_bias":
            name = next(name for name in gradients if name.startswith("dense") and name.endswith("bias"))
            gradients[name] = np.zeros_like(gradients[name])
        self._optimizer.update(self._network.weights, gradients)
        return loss


def _bf16(value):
    bits = value.astype(np.float32).view(np.uint32)
    return ((bits + 0x8000) & 0xFFFF0000).astype(np.uint32).view(np.float32).astype(np.float64)


ADAPTER = Sabotaged
