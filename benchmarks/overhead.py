"""Does the harness add anything to the step that a user would write? One ratio per framework and workload.

In one process, the adapter's own ``step`` on the same staged batches is driven by turns by the harness's timed
window (the real one, on both sides of the pipe, stamped by the parent) and by a plain loop as the framework's
documentation writes it (``plain_loops/``). The order within each pair is drawn.

usage: python benchmarks/overhead.py [--adapter pytorch …] [--workload mnist-mlp …] [--pairs 60] [--budget 10m]
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from extended import extended_worker
from harness import step_cost_us
from main_rows import main_rows, warm_up
from ratios import conclude, ratio_of
from row_file import merged, read, write

from frameworkbench.errors import FrameworkbenchError, UsageError
from frameworkbench.run.fingerprints import code_sha256, machine
from frameworkbench.run.link import Link, Setting
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose
from frameworkbench.run.prepare import prepare_all
from frameworkbench.run.variation import draw
from frameworkbench.run.worker_process import WorkerProcess
from frameworkbench.spec.protocol import suite
from frameworkbench.units import parse_duration

HERE = Path(__file__).resolve().parent
SCHEMA = 1
PAIRS = 60
_MOST_PAIRS = 400  # what a fast row leaves of its share goes to the slow ones after it
_WINDOW_S = 0.2
_NAMES = ("workload", "adapter", "mode")
_READING = (
    "ratio = time per step in the harness's window (parent's stamps) / time per step in the plain loop; low and high: "
    "95 % Hodges-Lehmann interval of the log ratios of pairs, t_*: t-interval; samples: microseconds per step, "
    "[harness, plain] for each pair"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print one line for each row, write the file; 0 if the limits hold."""
    asked = _parser().parse_args(arguments)
    started = time.monotonic()
    deadline = None if asked.budget is None else started + parse_duration(asked.budget, "--budget")
    rows, failures = measure(asked, deadline)
    old = read(asked.out)
    if old.get("machine") == machine() and not asked.again:
        rows = list(merged(old.get("rows", []), rows, _NAMES))
    found = {
        "schema": SCHEMA,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "code_sha256": code_sha256(),
        "reading": _READING,
        "step_cost_us": round(step_cost_us(), 4),
        "notes": asked.note or [],
        "failures": failures,
        "summary": conclude(rows),
        "rows": rows,
    }
    write(asked.out, found)
    print(f"summary: {found['summary']}; written to {asked.out} in {time.monotonic() - started:.0f} s")
    return 0 if found["summary"]["passed"] and not failures else 1


def measure(asked: argparse.Namespace, deadline: float | None) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """One row for each adapter (in its main mode) and workload, and what could not be measured.

    Args:
        asked: the command line.
        deadline: of ``time.monotonic``, or None. What is left is shared out evenly among the rows to come.
    """
    options = _options(asked)
    choice = choose(options)
    ready = prepare_all(options, choice, lambda event: None)
    failures = [{"adapter": name, "workload": "", "reason": text} for name, (_, text) in ready.problems.items()]
    settings = main_rows(options, choice, ready)
    rows: list[dict[str, Any]] = []
    for number, setting in enumerate(settings):
        share = None if deadline is None else (deadline - time.monotonic()) / (len(settings) - number)
        try:
            rows.append(measure_row(setting, asked.pairs, asked.window, share, deadline, random.Random(number)))
            print(_line(rows[-1]), flush=True)
        except FrameworkbenchError as problem:
            failures.append(
                {"adapter": setting.cell.adapter, "workload": setting.cell.workload, "reason": str(problem)}
            )
            print(f"{setting.cell.row} {setting.cell.workload}: {problem}", flush=True)
    return rows, failures


def measure_row(
    setting: Setting, pairs: int, window_s: float, share_s: float | None, deadline: float | None, order: random.Random
) -> dict[str, Any]:
    """Alternate windows of the harness and of the plain loop in one worker process.

    Args:
        setting: the cell.
        pairs: pairs to take; the one before them is thrown away.
        window_s: longest window.
        share_s: seconds that this row may take: windows are shortened to fit, and what is left goes into further
            pairs; None for just these pairs.
        deadline: no pair is begun after this time.
        order: draws which window of a pair comes first.

    Raises:
        WorkerError: the worker failed.
        UsageError: there is no plain loop for this adapter.
    """
    started = time.monotonic()
    loop = HERE / "plain_loops" / f"{setting.cell.adapter}.py"
    if not loop.is_file():
        raise UsageError(f"{loop}: expected the plain loop of {setting.cell.adapter}; write one (see the others)")
    samples: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as name, extended_worker(setting, Path(name), Path(name) / "log") as worker:
        step_s = warm_up(setting, Link(setting, worker, Path(name), draw(random.SystemRandom())))
        if share_s is not None:
            window_s = min(window_s, 0.9 * (share_s - (time.monotonic() - started)) / (2 * (pairs + 1)))
        steps = max(1, round(window_s / step_s))
        while _goes_on(len(samples), pairs, None if share_s is None else started + share_s, deadline):
            samples.append(_pair(worker, steps, str(loop), harness_first=order.random() < 0.5))
        effective = worker.ask("effective")["effective"]
    return _row(setting, steps, samples[1:], str(effective.get("version")))


def _pair(worker: WorkerProcess, steps: int, loop: str, *, harness_first: bool) -> tuple[float, float]:
    """Microseconds per step in the harness's window and in the plain loop, in the drawn order."""
    taken: dict[bool, float] = {}
    for harness in (harness_first, not harness_first):
        if harness:
            window = worker.window(steps)
            nanoseconds = window["stop_ns"] - window["start_ns"]
        else:
            nanoseconds = worker.ask("plain", steps=steps, loop=loop)["plain_ns"]
        taken[harness] = round(nanoseconds / steps / 1e3, 3)
    return taken[True], taken[False]


def _goes_on(taken: int, pairs: int, share_ends: float | None, deadline: float | None) -> bool:
    """Whether to take another pair: always the first three, then as many as asked, then as many as the share allows."""
    now = time.monotonic()
    if taken < 3 or (deadline is not None and now >= deadline):
        return taken < 3
    return taken <= pairs or (share_ends is not None and now < share_ends and taken <= _MOST_PAIRS)


def _row(setting: Setting, steps: int, samples: Sequence[tuple[float, float]], version: str) -> dict[str, Any]:
    cell = setting.cell
    return {
        "adapter": cell.adapter,
        "workload": cell.workload,
        "mode": cell.mode,
        **ratio_of(samples),
        "version": version,
        "threads": cell.threads,
        "data": cell.data,
        "steps_per_window": steps,
        "step_ms": round(statistics.median(plain for _, plain in samples) / 1e3, 4),
        "load_average": round(os.getloadavg()[0], 2),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "samples": [list(pair) for pair in samples],
    }


def _line(row: Mapping[str, Any]) -> str:
    interval = "no interval" if row["low"] is None else f"{row['low']:.4f} to {row['high']:.4f}"
    return (
        f"{row['adapter']}:{row['mode']:10} {row['workload']:16} {row['ratio']:.4f} ({interval}; "
        f"t {row['t_low']:.4f} to {row['t_high']:.4f}) {row['pairs']} pairs of {row['steps_per_window']} steps: "
        f"{row['verdict']}"
    )


def _options(asked: argparse.Namespace) -> RunOptions:
    return RunOptions(
        protocol=suite("quick", data="real" if asked.data_dir else None),
        out=Path(tempfile.gettempdir()),
        cache_dir=asked.cache_dir,
        workloads=tuple(asked.workload or ()),
        adapters=tuple(asked.adapter or ()),
        interpreters={pair.split("=")[0]: Path(pair.split("=", 1)[1]) for pair in asked.python or ()},
        data_dir=asked.data_dir,
        device=asked.device,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--adapter", action="append", help="adapter name; may be repeated (default: all entrants)")
    parser.add_argument("--workload", action="append", help="workload name; may be repeated (default: all)")
    parser.add_argument(
        "--pairs", type=int, default=PAIRS, help="pairs of windows for each row; more if --budget allows"
    )
    parser.add_argument("--window", type=float, default=_WINDOW_S, help="longest window in seconds")
    parser.add_argument("--budget", help="time for everything, such as 10m, shared out among the rows")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--python", action="append", help="adapter=interpreter, to use an environment of your own")
    parser.add_argument("--data-dir", type=Path, help="folder with the real data sets (default: generated data)")
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--out", type=Path, default=HERE / "overhead.json", help="file to write; other rows in it stay")
    parser.add_argument("--again", action="store_true", help="drop the rows that the file holds already")
    parser.add_argument("--note", action="append", help="a remark on circumstances, kept in the file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
