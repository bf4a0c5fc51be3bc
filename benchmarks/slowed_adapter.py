"""A real adapter made slower by a known share: each step is the original's, and then lasts that much longer.

A copy of this file stands in the copied adapter's folder as ``adapter.py``, beside the original's file; see
``slowed_copy.py``. The share is of the steps' own time, taken in the timed process and drained, so nothing has to be
calibrated: what makes the original's step longer lengthens the addition in proportion, and time grows by 1 + share.
Where a framework runs its steps one by one, as eager code on a CPU does, draining after each changes nothing;
where it queues them the drain costs something by itself, which a planted share of zero shows.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path
from typing import Any

SHARE = 0.0  # the copy holds another number


def _original() -> Any:
    """The adapter class of the file beside this one."""
    name = f"{__name__}.original"  # in the adapter's own package: it may import the modules beside it
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("original.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module.ADAPTER


class Slowed(_original()):
    """The original, longer by a share of itself; ``effective`` says which share it came to."""

    def __init__(self, settings: Any) -> None:
        super().__init__(settings)
        self._planted_work_ns = self._planted_extra_ns = 0

    def step(self, batch: Any) -> Any:
        """The original's step, drained, and then busy until the share of all time worked so far is made up."""
        started = time.perf_counter_ns()
        handle = super().step(batch)
        self.drain()
        stopped = now = time.perf_counter_ns()
        self._planted_work_ns += stopped - started
        # What an interruption made too long is taken off the next steps: the share holds over a window, not by luck.
        ends = stopped + SHARE * self._planted_work_ns - self._planted_extra_ns
        while now < ends:
            now = time.perf_counter_ns()
        self._planted_extra_ns += now - stopped
        return handle

    def effective(self) -> dict[str, Any]:
        """The original's answer, and the planted share as it came out over all steps of this process."""
        share = self._planted_extra_ns / max(self._planted_work_ns, 1)
        return {**super().effective(), "planted_share": round(share, 6)}


ADAPTER = Slowed
