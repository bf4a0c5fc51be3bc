"""An adapter that goes wrong in one way per mode: the run engine must survive and record each."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_tests", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Faulty(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self.settings = settings
        self._steps = 0
        self._builds = 0

    def build(self, model, loss, optimizer, weights):
        self._builds += 1
        super().build(model, loss, optimizer, weights)

    def step(self, batch):
        self._steps += 1
        fault = getattr(self, f"_fault_{self.settings.mode}", None)
        if fault is not None:
            fault()
        return super().step(batch)

    def effective(self):
        answer = {**super().effective(), "mode": self.settings.mode}
        if self.settings.mode == "falls_back":
            answer["mode"] = "eager"
        if self.settings.mode == "wrong_threads":
            answer["threads"] = self.settings.threads + 7
        return answer

    def export(self):
        weights = super().export()
        # Honest in the proof (which builds several times), wrong in the process that is timed.
        if self.settings.mode == "wrong_later" and self._builds == 1 and os.environ.get("XDG_CACHE_HOME"):
            marker = Path(self.settings.compile_cache) / "proved"
            if marker.exists() and self._steps:
                return {name: value + np.float64(0.01) for name, value in weights.items()}
        if self.settings.mode == "wrong_later" and self._builds > 1:
            (Path(self.settings.compile_cache) / "proved").touch()
        return weights

    def _fault_killed(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def _fault_hangs(self) -> None:
        time.sleep(3600)

    def _fault_hungry(self) -> None:
        self._hoard = np.ones((64, 1024, 1024, 1024))  # half a terabyte

    def _fault_noisy(self) -> None:
        print('{"ok": true, "losses": [0.0]}\n\x00\xff garbage', flush=True)
        os.write(2, b"\xfe\xff more garbage\n")

    def _fault_babbles(self) -> None:
        for descriptor in range(3, 32):
            try:
                os.write(descriptor, b"this is not JSON\n")
            except OSError:
                continue

    def _fault_exits(self) -> None:
        os._exit(3)

    def _fault_dies_later(self) -> None:
        """Honest in the proof, which builds several times; it ends in a window of the process that is timed."""
        marker = Path(self.settings.compile_cache) / "proved"
        if self._builds > 1:
            marker.touch()
        elif marker.exists() and self._steps > 200:
            self._fault_killed()

    def _fault_raises(self) -> None:
        raise ValueError("the framework does not like this <script>")


ADAPTER = Faulty
