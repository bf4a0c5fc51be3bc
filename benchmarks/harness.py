"""What the harness itself costs: per timed step, at start-up, per worker process, and per reported cell.

usage: python benchmarks/harness.py [--report-cells 10000]

Prints one line for each figure; absolute times belong to this machine and are asserted nowhere.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from frameworkbench.adapter import Adapter
from frameworkbench.analysis.summary import summarise
from frameworkbench.report import write_report
from frameworkbench.run import census
from frameworkbench.run.worker_process import WorkerProcess
from frameworkbench.store.records import load_run
from frameworkbench.worker.session import Session

ROOT = Path(__file__).resolve().parent.parent
_STEPS = 200_000
_LAUNCHES = 10
_REPEATS = 10


class _NoOp:
    """An adapter that does nothing: what remains of a window is the harness."""

    run = Adapter.run

    def step(self, batch: Any) -> float:
        """Return at once."""
        return 0.0

    def drain(self) -> None:
        """Return at once."""

    def compilations(self) -> None:
        """Nothing is ever compiled."""

    def loss(self, handle: float) -> float:
        """The handle."""
        return handle


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--report-cells", type=int, default=0, help="also time a report of so many cells")
    arguments = parser.parse_args()
    print(f"cost per timed step       {step_cost_us():.3f} µs (no-op step, {_STEPS} steps, best of {_REPEATS})")
    print(f"`--help`, median of ten   {_command_s('--help'):.3f} s")
    print(f"`list`, median of ten     {_command_s('list'):.3f} s")
    print(f"census of a process       {_census_ms():.2f} ms (before and after a window, outside it)")
    print(f"worker launch and end     {_launch_s():.3f} s (median of {_LAUNCHES}, no framework)")
    if arguments.report_cells:
        print(f"report of {arguments.report_cells} cells   {_report_s(arguments.report_cells):.1f} s")


def step_cost_us() -> float:
    """Microseconds that the timed window adds to each step: a step that does nothing, the best of several windows."""
    session = Session(lambda name: None)
    session._adapter = _NoOp()  # type: ignore[assignment]
    session._staged = [object()] * 64
    times = [session.op_window(_STEPS)["claimed_ns"] / _STEPS / 1e3 for _ in range(_REPEATS)]
    return min(times)


def _census_ms() -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        census.take(os.getpid())
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def _command_s(argument: str) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "frameworkbench", argument], cwd=ROOT, capture_output=True, check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _launch_s() -> float:
    times = []
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_LAUNCHES):
            started = time.perf_counter()
            with WorkerProcess(
                Path(sys.executable), environment={}, log=Path(folder) / "log", folder=Path(folder), cores=(),
                deadline_s=60.0,
            ) as worker:  # fmt: skip
                worker.ask("memory")
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def _report_s(cells: int) -> float:
    sys.path.insert(0, str(ROOT))
    from tests.report.planted_run import PlantedRun

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "run"
        planted = PlantedRun(folder)
        generator = np.random.default_rng(0)
        keys = [planted.cell(f"framework{index % 10}", workload=f"net-{index // 10}") for index in range(cells)]
        for key in keys:
            planted.proof(key)
        planted.timed({key: float(1000 * generator.lognormal(0, 0.02)) for key in keys}, blocks=2)
        planted.plan()
        started = time.perf_counter()
        write_report(folder, Path(name) / "report", summary=summarise(load_run(folder)))
        return time.perf_counter() - started


if __name__ == "__main__":
    main()
