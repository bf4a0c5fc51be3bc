"""A window is one call of a loop of its own, which takes a while to begin, in one way per mode."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import replace
from typing import Any

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir

START_S = 0.06
STEP_S = 0.002
SKIPS_FROM = 12
"""Steps of a call that one mode does; the rest it only pretends to do."""


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_loops", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Looped(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self._mode = settings.mode

    def step(self, batch):
        time.sleep(STEP_S)
        return super().step(batch)

    def run(self, batches):
        time.sleep(START_S)
        for place, batch in enumerate(batches):
            if self._mode == "skips" and place >= SKIPS_FROM:
                time.sleep(STEP_S)
            elif self._mode != "constant" or place < SKIPS_FROM:
                self.step(batch)

    def effective(self):
        return {**super().effective(), "mode": self._mode}


ADAPTER = Looped
