"""An honest adapter that reports the variables and options that reached it."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import replace
from typing import Any

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_lanes", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Laned(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self.settings = settings

    def effective(self):
        seen = {name: os.environ.get(name) for name in ("LANED_THREADS", "LANED_SPIN")}
        more = 7 if self.settings.mode == "other_threads" else 0
        threads = {"threads": self.settings.threads + more}
        options = dict(self.settings.options)
        return {**super().effective(), **threads, "mode": self.settings.mode, "seen": seen, "options": options}


ADAPTER = Laned
