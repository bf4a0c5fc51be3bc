"""The honest device: steps are queued and done by a thread; drain waits for the queue."""

from __future__ import annotations

import queue
import threading
import time

import numpy as np

from frameworkbench.adapter import Adapter
from frameworkbench.reference import Network, OptimizerState

# However fast the machine: proofs choose their windows by time, and cheats that hide count steps (cheats.UNSEEN).
LEAST_STEP_S = 0.002


class Device:
    """Runs calls in order on one thread."""

    def __init__(self):
        self._calls = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def submit(self, call):
        self._calls.put(call)

    def wait(self):
        self._calls.join()

    def _work(self):
        while True:
            call = self._calls.get()
            try:
                call()
            finally:
                self._calls.task_done()


class Honest(Adapter):
    def __init__(self, settings):
        super().__init__(settings)
        self.device = Device()
        self.staged = []

    def build(self, model, loss, optimizer, weights):
        self.device.wait()
        self.network = Network(model, weights)
        self.objective = loss
        self.rule = optimizer
        self.optimizer = OptimizerState(optimizer)

    def load(self, weights):
        self.build(self.network.model, self.objective, self.rule, weights)

    def stage(self, batches):
        self.staged = [(self.inputs(inputs), labels) for inputs, labels in batches]
        return list(self.staged)

    def step(self, batch):
        handle = {}
        self.device.submit(lambda: handle.update(loss=self.compute(batch)))
        return handle

    def compute(self, batch):
        """One update, on the device's thread; returns the loss before it."""
        begin = time.perf_counter()
        value, gradients, _ = self.network.loss_and_gradients(*batch, self.objective)
        self.optimizer.update(self.network.weights, gradients)
        time.sleep(max(0.0, begin + LEAST_STEP_S - time.perf_counter()))
        return value

    def loss(self, handle):
        if "loss" not in handle:
            self.device.wait()
        return handle["loss"]

    def drain(self):
        self.device.wait()

    def predict(self, inputs):
        self.device.wait()
        return self.network.logits(self.inputs(inputs)).astype(np.float32)

    def infer(self, batch):
        handle = {}
        self.device.submit(lambda: handle.update(logits=self.network.logits(batch[0])))
        return handle

    def fetch(self, handle):
        if "logits" not in handle:
            self.device.wait()
        return handle["logits"].astype(np.float32)

    def export(self):
        self.device.wait()
        return {name: value.copy() for name, value in self.network.weights.items()}

    def effective(self):
        return {
            "version": np.__version__,
            "mode": self.settings.mode,
            "device": "cpu",
            "precision": "float64",
            "threads": None,
        }

    def inputs(self, inputs):
        return inputs if np.issubdtype(inputs.dtype, np.integer) else inputs.astype(np.float64)


class SlowHonest(Honest):
    """Slower than it need be, with a slow first export; nothing else."""

    def compute(self, batch):
        result = super().compute(batch)
        time.sleep(0.0005)
        return result

    def export(self):
        time.sleep(0.01)
        return super().export()


MODES = {"honest": Honest, "slow_honest": SlowHonest}
