"""An adapter that answers requests wrongly in one way per mode, or rightly and slowly."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir
from frameworkbench.reference import Network
from frameworkbench.worker import inference


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_answers", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Answering(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self.settings = settings
        self._memory = {}
        self._loads = self._answers = 0
        # A proof starts with an empty cache folder, a timed process with the one that the proof left.
        marker = Path(settings.compile_cache) / "proved"
        self._timed = marker.exists()
        marker.touch()
        if settings.mode == "backdates":
            for timed in (inference.queued, inference.one_by_one):
                timed.__kwdefaults__["clock"] = lambda: time.perf_counter_ns() // 10

    def effective(self):
        return {**super().effective(), "mode": self.settings.mode}

    def build(self, model, loss, optimizer, weights):
        super().build(model, loss, optimizer, weights)
        self._first = dict(weights)

    def load(self, weights):
        self._loads += 1
        if self.settings.mode == "ignores_load" and self._loads > 1:
            return
        super().load(weights)

    def infer(self, batch):
        mode, inputs = self.settings.mode, batch[0]
        self._answers += 1
        if mode in ("slow", "backdates"):
            time.sleep(0.002)
        if mode == "lazy":
            return lambda network=self._network: network.logits(inputs)
        if mode == "memoises":
            key = inputs.tobytes()
            if key not in self._memory:
                self._memory[key] = super().infer(batch)
            return self._memory[key]
        if mode == "keeps_a_bias":
            name = next(name for name in reversed(self._first) if name.endswith("bias"))
            return Network(self._model, {**self._network.weights, name: self._first[name]}).logits(inputs)
        if mode == "constant":
            return np.ones((len(inputs), 10))
        if mode == "single_wrong" and len(inputs) == 1:
            return super().infer(batch) * 1.001
        if mode == "skips_later" and self._timed and self._answers % 4 == 0:
            return np.zeros((len(inputs), 10))
        return super().infer(batch)

    def fetch(self, handle):
        return super().fetch(handle() if callable(handle) else handle)


ADAPTER = Answering
