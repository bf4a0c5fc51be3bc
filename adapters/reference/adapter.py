"""The oracle as an adapter: the float64 reference behind the ordinary contract.

It lets every command run with no framework installed, and it is the smallest complete example of an adapter.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from frameworkbench.adapter import Adapter, Array, Batch, Settings, Weights
from frameworkbench.errors import UnsupportedError
from frameworkbench.reference import Network, OptimizerState
from frameworkbench.reference.blas import openblas_threads
from frameworkbench.spec.model import Model
from frameworkbench.spec.training import LOSSES, OPTIMIZERS, Loss, Optimizer


class ReferenceAdapter(Adapter):
    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        for key, only in (("mode", "numpy"), ("device", "cpu"), ("precision", "float64")):
            asked = getattr(settings, key)
            if asked != only:
                raise UnsupportedError(f"UNSUPPORTED_{key.upper()}", f"the reference runs in {only}, not {asked!r}")

    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        for what, kind, known in (("LOSS", loss.kind, LOSSES), ("OPTIMIZER", optimizer.kind, OPTIMIZERS)):
            if kind not in known:
                raise UnsupportedError(f"UNSUPPORTED_{what}", f"the reference has no {what.lower()} {kind!r}")
        self._model, self._loss, self._rule = model, loss, optimizer
        self.load(weights)

    def load(self, weights: Weights) -> None:
        self._network = Network(self._model, weights)
        self._optimizer = OptimizerState(self._rule)

    def stage(self, batches: Sequence[Batch]) -> list[Batch]:
        return [(self._inputs(inputs), labels) for inputs, labels in batches]

    def step(self, batch: Batch) -> float:
        value, gradients, _ = self._network.loss_and_gradients(*batch, self._loss)
        self._optimizer.update(self._network.weights, gradients)
        self._network.move_statistics()
        return value

    def loss(self, handle: float) -> float:
        return handle

    def drain(self) -> None:
        return None  # NumPy finishes before it returns

    def infer(self, batch: Batch) -> Array:
        return self._network.logits(batch[0])

    def fetch(self, handle: Array) -> Array:
        return handle.astype(np.float32)

    def export(self) -> dict[str, Array]:
        return {name: value.copy() for name, value in self._network.weights.items()}

    def effective(self) -> dict[str, Any]:
        return {
            "version": np.__version__,
            "mode": "numpy",
            "device": "cpu",
            "precision": "float64",  # the precision of every Network that is built without a dtype
            "threads": openblas_threads(),
        }

    def _inputs(self, inputs: Array) -> Array:
        return inputs if np.issubdtype(inputs.dtype, np.integer) else inputs.astype(np.float64)


ADAPTER = ReferenceAdapter
