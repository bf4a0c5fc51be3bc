"""An adapter whose memory is known: one mode for each way of holding, leaking or hiding it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir

HELD = 200_000_000  # bytes, in one phase or in a child
LEAKED = 100_000  # bytes a step
SPIKE = 64 * 2**20  # bytes, for an instant
PER_SAMPLE = 200_000  # bytes a step that each sample of a batch takes
SPIKE_STEP = 120

_HOLD = f"held = b'x' * {HELD}; print(len(held), flush=True); import time; time.sleep(3600)"


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_tests", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Weighty(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self.settings = settings
        self._steps = 0
        self._leaked = []

    def build(self, model, loss, optimizer, weights):
        super().build(model, loss, optimizer, weights)
        if self.settings.mode == "hoards":
            held = np.ones(HELD, np.uint8)  # far above the allocator's limit for mapping: given back at once
            del held

    def step(self, batch):
        self._steps += 1
        act = getattr(self, f"_{self.settings.mode}", None)
        if act is not None:
            act(batch)
        return super().step(batch)

    def export(self):
        weights = super().export()
        if self.settings.mode == "wrong_when_weighed":
            return {name: value + np.float64(0.01) for name, value in weights.items()}
        return weights

    def effective(self):
        return {**super().effective(), "mode": self.settings.mode}

    def _leaks(self, batch) -> None:
        self._leaked.append(np.ones(LEAKED, np.uint8))

    def _spikes(self, batch) -> None:
        if self._steps == SPIKE_STEP:
            spike = np.ones(SPIKE, np.uint8)
            del spike

    def _bulky_batches(self, batch) -> None:
        bulk = np.ones(len(batch[1]) * PER_SAMPLE, np.uint8)
        del bulk

    def _spawns(self, batch) -> None:
        if self._steps == 1:
            child = subprocess.Popen([sys.executable, "-S", "-c", _HOLD], stdout=subprocess.PIPE)
            child.stdout.readline()
            self._child = child

    def _forks(self, batch) -> None:
        if self._steps == 1:
            _hold_in_fork()

    def _orphans(self, batch) -> None:
        """The holder's own parent ends at once."""
        if self._steps == 1:
            _hold_in_fork(orphan=True)


def _hold_in_fork(orphan: bool = False) -> None:
    told, tell = os.pipe()
    if os.fork() == 0:
        if orphan and os.fork() != 0:
            os._exit(0)
        held = b"x" * HELD
        os.write(tell, b".")
        time.sleep(3600)
        os._exit(len(held) and 0)
    os.read(told, 1)


ADAPTER = Weighty
