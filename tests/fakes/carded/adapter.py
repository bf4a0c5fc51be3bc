"""An adapter that says it runs on a card; the driver library beside it is a fake that counts drains."""

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
    spec = importlib.util.spec_from_file_location("_reference_for_tests", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Carded(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy", device="cpu"))
        self.settings = settings
        if settings.mode == "stays_off":  # the fake driver then says that nobody made a context
            os.environ["FAKE_CUDA_ACTIVE"] = "0"

    def effective(self):
        seen = {name: os.environ.get(name) for name in sorted(os.environ) if name.startswith(("CUDA_", "CARDED_"))}
        return {**super().effective(), "mode": self.settings.mode, "device": self.settings.device, "environment": seen}


ADAPTER = Carded
