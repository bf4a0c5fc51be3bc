"""An honest adapter whose every step takes as long as a test wants: a slow-down that is planted and known."""

from __future__ import annotations

import importlib.util
import sys
import time
from dataclasses import replace
from typing import Any

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir

# A test copies this folder and writes another number here.
PACE_S = 0.004


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_pace", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Paced(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self._mode = settings.mode

    def step(self, batch):
        time.sleep(PACE_S)
        return super().step(batch)

    def effective(self):
        return {**super().effective(), "mode": self._mode}


ADAPTER = Paced
