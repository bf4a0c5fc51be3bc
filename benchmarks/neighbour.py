"""Somebody else on the machine: busy processes that come when a block is being timed, and go again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from types import TracebackType

from frameworkbench.run.events import Event

# Pinned to one core; ends by itself when the program that started it is gone.
_BUSY = """
import os, sys
os.sched_setaffinity(0, [int(sys.argv[1])])
parent = os.getppid()
while os.getppid() == parent:
    sum(range(100_000))
"""


class Neighbour:
    """One busy process for each core during some attempts at blocks, from the first timed worker to the last.

    It learns from the run's news when a worker starts and ends. The readings before and after the block are taken
    without it, so that no other block is touched.

    Args:
        cores: CPU numbers to be busy on.
        rows: workers in each attempt at a block.
        attempts: numbers of the attempts that are disturbed, counted over the run from 1.
    """

    def __init__(self, cores: Sequence[int], rows: int, attempts: Sequence[int]) -> None:
        self._cores, self._rows, self._attempts = tuple(cores), rows, frozenset(attempts)
        self._busy: list[subprocess.Popen[bytes]] = []
        self._ended = 0

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return bool(self._busy)

    def hear(self, event: Event) -> None:
        """Take one piece of news of the run."""
        if not event.text.startswith("speed "):
            return
        if event.kind == "start" and not self._busy and self._ended // self._rows + 1 in self._attempts:
            self._busy = [subprocess.Popen([sys.executable, "-c", _BUSY, str(core)]) for core in self._cores]
        elif event.kind == "done":
            self._ended += 1
            if self._ended % self._rows == 0:
                self.leave()

    def leave(self) -> None:
        """End its processes."""
        for process in self._busy:
            process.kill()
            process.wait()
        self._busy = []

    def __enter__(self) -> Neighbour:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
