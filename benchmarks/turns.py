"""What do turns buy? Processes of one row, timed one after the other and with their windows in turns.

All processes are the same, so whatever they differ by is noise: the deviation of the logarithm of their times, in
designs that take equally long in windows. Blocks of both designs alternate, so that they meet the same machine.

usage: python benchmarks/turns.py [--adapter pytorch …] [--workload mnist-mlp …] [--blocks 4] [--processes 4]
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from main_rows import main_rows, warm_up
from row_file import merged, read, write

from frameworkbench.errors import WorkerError
from frameworkbench.run import rest
from frameworkbench.run.fingerprints import code_sha256, machine
from frameworkbench.run.link import Link, Setting, open_link
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose
from frameworkbench.run.prepare import prepare_all
from frameworkbench.spec.protocol import suite

HERE = Path(__file__).resolve().parent
SCHEMA = 1
_WINDOW_S = 2.0
_ROUNDS = 16
_NAMES = ("workload", "adapter", "mode")
_READING = (
    "deviation: of the logarithm of the time of a step between processes of one block, root mean square over blocks; "
    "alone: each process with one window, one after the other; turns: the same time in short windows, in turns; "
    "samples: microseconds per step, for each block the processes that were alone and those that took turns"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line for each row, write the file."""
    asked = _parser().parse_args(arguments)
    options = RunOptions(
        protocol=suite("quick"),
        out=Path(tempfile.gettempdir()),
        cache_dir=asked.cache_dir,
        workloads=tuple(asked.workload or ()),
        adapters=tuple(asked.adapter or ()),
    )
    choice = choose(options)
    settings = main_rows(options, choice, prepare_all(options, choice, lambda event: None))
    rows: list[dict[str, Any]] = []
    for setting in settings:
        try:
            rows.append(measure(setting, asked.blocks, asked.processes))
        except WorkerError as problem:
            print(f"{setting.cell.row} {setting.cell.workload}: {problem}", flush=True)
            continue
        row = rows[-1]
        print(
            f"{setting.cell.row} on {row['workload']}: processes deviate by {row['alone']:.1%} one after the other and "
            f"by {row['turns']:.1%} in turns",
            flush=True,
        )
    old = read(asked.out)
    if old.get("machine") == machine():
        rows = list(merged(old.get("rows", []), rows, _NAMES))
    write(asked.out, {"schema": SCHEMA, "reading": _READING, "machine": machine(), "rows": rows})
    return 0 if rows else 1


def measure(setting: Setting, blocks: int, processes: int) -> dict[str, Any]:
    """Both designs, block by block.

    Raises:
        WorkerError: a worker failed.
    """
    samples: list[list[list[float]]] = []
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        for block in range(blocks):
            designs = [_alone, _in_turns] if block % 2 else [_in_turns, _alone]
            found = {design: design(setting, processes, log) for design in designs}
            samples.append([found[_alone], found[_in_turns]])
    return {
        "adapter": setting.cell.adapter,
        "workload": setting.cell.workload,
        "mode": setting.cell.mode,
        "alone": round(deviation([block[0] for block in samples]), 4),
        "turns": round(deviation([block[1] for block in samples]), 4),
        "blocks": blocks,
        "processes": processes,
        "window_s": _WINDOW_S,
        "rounds": _ROUNDS,
        "code_sha256": code_sha256(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "samples": samples,
    }


def deviation(blocks: Sequence[Sequence[float]]) -> float:
    """Standard deviation of log times within blocks, pooled over blocks of equal size."""
    return math.sqrt(statistics.fmean(statistics.variance(list(map(math.log, block))) for block in blocks))


def _alone(setting: Setting, processes: int, log: Path) -> list[float]:
    """Microseconds per step of processes that are launched, timed and ended one after the other."""
    found = []
    for _ in range(processes):
        with open_link(setting, log) as link:
            steps = max(1, round(_WINDOW_S / warm_up(setting, link)))
            found.append(_us(link, steps) / steps)
    return [round(value, 3) for value in found]


def _in_turns(setting: Setting, processes: int, log: Path) -> list[float]:
    """The same for processes that are alive together and whose windows alternate."""
    with ExitStack() as stack:
        links = [stack.enter_context(open_link(setting, log)) for _ in range(processes)]
        step_s = max(warm_up(setting, link) for link in links)
        steps = max(1, round(_WINDOW_S / _ROUNDS / step_s))
        taken = [0.0] * processes
        for _ in range(_ROUNDS):
            for place in random.sample(range(processes), processes):
                taken[place] += _us(links[place], steps)
                rest.settle(links[place].worker.pid)
    return [round(total / steps / _ROUNDS, 3) for total in taken]


def _us(link: Link, steps: int) -> float:
    window = link.window(steps)
    return float(window["stop_ns"] - window["start_ns"]) / 1e3


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--adapter", action="append", help="adapter name; may be repeated (default: all entrants)")
    parser.add_argument("--workload", action="append", help="workload name; may be repeated (default: all)")
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--processes", type=int, default=4, help="in each block and design")
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--out", type=Path, default=HERE / "turns.json", help="file to write; other rows in it stay")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
