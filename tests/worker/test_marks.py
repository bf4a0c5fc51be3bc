"""The parent's stamps enclose a window, whatever the scheduler does to the parent."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from frameworkbench.errors import WorkerError
from frameworkbench.run.worker_process import WorkerProcess

# A worker of two windows: how long it was kept waiting at the start of each, by its own clock.
_PROGRAM = """
import json, sys, time
from pathlib import Path

options = json.loads(sys.argv[1])
sys.path.insert(0, str(Path(options["package"]).parent))
from frameworkbench.worker import main, session

class Session:
    def __init__(self, mark):
        self.mark = mark

    def handle(self, op, args):
        asked = time.perf_counter_ns()
        self.mark("start")
        started = time.perf_counter_ns()
        self.mark("stop")
        return {"claimed_ns": time.perf_counter_ns() - started, "cpu_s": 0.0, "compiled": [None, None],
                "waited_ns": started - asked}

session.Session = Session
main.serve(options["requests"], options["replies"])
"""

_LATE_S = 0.2


class _LateClock:
    """The parent's clock; where it is told to, a reading comes late."""

    def __init__(self) -> None:
        self.late = False

    def __call__(self) -> int:
        if self.late:
            self.late = False
            time.sleep(_LATE_S)
        return time.perf_counter_ns()


def _worker(folder: Path, clock: _LateClock) -> WorkerProcess:
    program = folder / "program.py"
    program.write_text(textwrap.dedent(_PROGRAM), encoding="utf-8")
    return WorkerProcess(
        Path(sys.executable), environment={}, log=folder / "log", folder=folder, cores=(), deadline_s=30.0,
        clock=clock, program=program,
    )  # fmt: skip


def test_a_late_parent_never_makes_a_window_shorter(tmp_path: Path) -> None:
    """The worker begins only when the parent has read its clock, so a late reading takes nothing off the window."""
    clock = _LateClock()
    with _worker(tmp_path, clock) as worker:
        worker.timed("anything")  # the first answer pays for imports
        clock.late = True

        reply = worker.timed("anything")

    assert reply["waited_ns"] >= _LATE_S * 1e9
    assert reply["stop_ns"] - reply["start_ns"] >= reply["claimed_ns"]


def test_a_worker_that_dies_at_its_mark_is_a_failure_with_a_reason(tmp_path: Path) -> None:
    """A worker that is gone when the parent lets it begin ends in the code of its death, not in a broken pipe."""
    clock = _LateClock()
    with _worker(tmp_path, clock) as worker:
        worker.timed("anything")
        clock.late = True
        threading.Timer(_LATE_S / 4, os.kill, (worker.pid, 9)).start()

        with pytest.raises(WorkerError) as problem:
            worker.timed("anything")

    assert problem.value.code == "KILLED"
