"""An adapter that takes other threads or cores than it was given, in one way per mode, and computes honestly."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import Any

from frameworkbench.adapter import Settings
from frameworkbench.content import content_dir

_WIDE_CHILD = """
import os, time
os.sched_setaffinity(0, range(os.cpu_count()))
print("wide", flush=True)
time.sleep(120)
"""

_BUSY_CHILD = """
import time
until = time.monotonic() + 120
while time.monotonic() < until:
    pass
"""


def _reference() -> Any:
    file = content_dir("adapters") / "reference" / "adapter.py"
    spec = importlib.util.spec_from_file_location("_reference_for_crowds", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


def _widen() -> None:
    os.sched_setaffinity(0, range(os.cpu_count()))


class Crowded(_reference()):
    def __init__(self, settings: Settings) -> None:
        super().__init__(replace(settings, mode="numpy"))
        self.settings = settings
        crowd = getattr(self, f"_crowd_{settings.mode}", None)
        if crowd is not None:
            crowd()

    def effective(self):
        answer = {**super().effective(), "mode": self.settings.mode}
        if self.settings.mode == "silent":
            answer["threads"] = None
        return answer

    def _crowd_wide_main(self) -> None:
        _widen()

    def _crowd_wide_thread(self) -> None:
        self._start(wide=True)

    def _crowd_extra_thread(self) -> None:
        self._start(wide=False)

    def _crowd_wide_child(self) -> None:
        self._child = subprocess.Popen([sys.executable, "-c", _WIDE_CHILD], stdout=subprocess.PIPE, text=True)
        self._child.stdout.readline()

    def _crowd_helped(self) -> None:
        self._helper = subprocess.Popen([sys.executable, "-c", _BUSY_CHILD])

    def _crowd_abandoned(self) -> None:
        self._crowd_helped()

    def end_helpers(self) -> None:
        if self.settings.mode == "helped":
            self._helper.kill()
            self._helper.wait()

    def _start(self, *, wide: bool) -> None:
        """A thread that works beside the steps; a thread has an affinity mask of its own."""
        ready = threading.Event()

        def work() -> None:
            if wide:
                _widen()
            ready.set()
            while True:
                sum(range(10_000))

        threading.Thread(target=work, daemon=True).start()
        ready.wait()


ADAPTER = Crowded
