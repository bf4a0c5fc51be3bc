"""How long a report takes and how much memory, against the size of the run.

usage: python benchmarks/report_scale.py [--cells 1000 --cells 10000 --cells 100000] [--folder DIR] [--json FILE]

Each size is a generated run (``many_cells.py``): ten records and a hundred timed windows for each cell. The report is
made by the command in a process of its own, which for a large run starts others. Peak memory is of all of them
together, read many times a second in one more report than those that are timed, because reading takes time too. With
``--folder`` the runs are kept there and used again.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import many_cells

from frameworkbench.collector import paused
from frameworkbench.run.tree_memory import TreeSampler

ROOT = Path(__file__).resolve().parent.parent
SIZES = (1_000, 10_000, 100_000)
AIM_CELLS, AIM_S, AIM_BYTES = 10_000, 10.0, 2**30
"""What so many cells may take."""

REPEATS, FEW = 9, 3
"""Reports that are timed of each size, because a shared machine drifts: few from ``_FEW_FROM`` cells on."""
_FEW_FROM = 50_000
_STARTS = 10


def main() -> None:
    """Measure all sizes, print a line for each, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, action="append", help=f"default: {', '.join(map(str, SIZES))}")
    parser.add_argument("--folder", type=Path, help="keep the generated runs here")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--stages", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stages:
        print(json.dumps(_stages(arguments.stages)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        found = [measure(folder, cells) for cells in arguments.cells or SIZES]
    start_s = _start_s()
    print(f"`frameworkbench --help`, median of {_STARTS}: {start_s:.3f} s")
    if arguments.json:
        facts = {"machine": _machine(), "sizes": found, "help_s": round(start_s, 3)}
        arguments.json.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def measure(folder: Path, cells: int) -> dict[str, Any]:
    """Time, peak memory and stages of the report of one generated run; printed as well."""
    run = folder / f"cells-{cells}"
    if not run.exists():
        many_cells.make(run, cells)
    repeats = FEW if cells >= _FEW_FROM else REPEATS
    with tempfile.TemporaryDirectory() as out:
        seconds = [_seconds("report", str(run), "--out", out) for _ in range(repeats)]
        peak_bytes = _peak_bytes("report", str(run), "--out", out)
        files = {path.name: path.stat().st_size for path in sorted(Path(out).rglob("*")) if path.is_file()}
    found = {
        "cells": cells,
        "records": cells * many_cells.RECORDS,
        "samples": cells * many_cells.WINDOWS,
        "seconds": [round(one, 2) for one in seconds],
        "peak_bytes": peak_bytes,
        "microseconds_per_cell": round(statistics.median(seconds) / cells * 1e6),
        "stages_by_one_process_s": _stages_of(run),
        "files": len(files),
        "bytes": {name: size for name, size in files.items() if name.startswith("report")},
    }
    if cells == AIM_CELLS:
        held = statistics.median(seconds) <= AIM_S and peak_bytes <= AIM_BYTES
        found["aim"] = {"seconds": AIM_S, "peak_bytes": AIM_BYTES, "held": held}
    print(
        f"{cells:>7,} cells: {statistics.median(found['seconds']):6.2f} s, {found['peak_bytes'] / 2**20:6,.0f} MiB, "
        f"{found['microseconds_per_cell']:>5} µs a cell; {found['stages_by_one_process_s']}",
        flush=True,
    )
    return found


def _seconds(*arguments: str) -> float:
    """Seconds of one ``frameworkbench`` command."""
    started = time.perf_counter()
    with _started(*arguments) as process:
        process.wait()
    return time.perf_counter() - started


def _peak_bytes(*arguments: str) -> int:
    """The most that one command and what it starts hold at a time: resident, pages that they share once."""
    with _started(*arguments) as process, TreeSampler(process.pid) as sampler, sampler.phase("report"):
        process.wait()
    assert sampler.peak.largest is not None
    return sampler.peak.largest.resident


@contextmanager
def _started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """One ``frameworkbench`` command, which must end well."""
    command = [sys.executable, "-m", "frameworkbench", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        yield process
    if process.returncode:
        raise SystemExit(f"frameworkbench {' '.join(arguments)} ended with {process.returncode}")


def _stages_of(run: Path) -> dict[str, float]:
    """Seconds of each stage in one process, which does all of it by itself."""
    command = [sys.executable, str(Path(__file__)), "--stages", str(run)]
    stages: dict[str, float] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return stages


def _stages(run: Path) -> dict[str, float]:
    started = time.perf_counter()
    from frameworkbench.analysis.summary import summarise
    from frameworkbench.report import write_report
    from frameworkbench.store.records import load_run

    marks = [("import", time.perf_counter())]
    with paused(), tempfile.TemporaryDirectory() as out:
        loaded = load_run(run)
        marks.append(("load", time.perf_counter()))
        summary = summarise(loaded)
        marks.append(("summarise", time.perf_counter()))
        write_report(run, Path(out), summary=summary)
        marks.append(("write", time.perf_counter()))
    before = started
    stages = {}
    for name, at in marks:
        stages[name], before = round(at - before, 2), at
    return stages


def _start_s() -> float:
    return statistics.median(_seconds("--help") for _ in range(_STARTS))


def _machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu_model": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_average": os.getloadavg()[0],
        "orjson": importlib.util.find_spec("orjson") is not None,
    }


if __name__ == "__main__":
    main()
