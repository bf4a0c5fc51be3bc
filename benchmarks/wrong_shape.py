"""What each framework says when a shape is wrong: a dense layer for 784 numbers is trained on 700.

usage: python benchmarks/wrong_shape.py [--adapter NAME …] [--cache-dir DIR] [--out claims/measured/wrong-shape.json]

Every mode of every adapter is asked in a process of its own. Recorded: where it stopped, the exception's type, the
length of its message, its first lines and its last, and whether it names the two widths. Paths in messages are cut.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from extended import extended_worker

from frameworkbench.errors import FrameworkbenchError
from frameworkbench.reference import initial_weights
from frameworkbench.registry import load_adapters
from frameworkbench.run.fingerprints import available_cores
from frameworkbench.run.link import Link, Setting
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose, make_plan
from frameworkbench.run.prepare import prepare_all
from frameworkbench.run.variation import draw
from frameworkbench.spec.protocol import suite
from frameworkbench.store.atomic import write_json_atomic

HERE = Path(__file__).resolve().parent
SCHEMA = 1
WORKLOAD = "mnist-mlp"
RIGHT, WRONG = 784, 700
_LINES, _LINE = 4, 300
_PATH = re.compile(r"(?<![:/\w])/(?:[^\s/:'\"]+/)+")  # folders of this machine; an address stays


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask every mode, print one line for each, write the file; 0 if each could be asked."""
    asked = _parser().parse_args(arguments)
    entrants = [name for name, info in load_adapters().items() if info.role == "entrant"]
    rows, failures = measure(asked.adapter or entrants, asked.cache_dir)
    rows = merged(asked.out, rows)
    write_json_atomic(asked.out, {"schema": SCHEMA, "expected": RIGHT, "received": WRONG, "rows": rows})
    for row in rows:
        print(f"{row['adapter']}:{row['mode']}: {row['where']}, {row['type']}, {row['characters']} characters")
    for name, reason in failures.items():
        print(f"{name}: {reason}", file=sys.stderr)
    return 1 if failures else 0


def merged(file: Path, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """These rows, and those of an earlier measurement by adapters that were not asked this time."""
    asked = {row["adapter"] for row in rows}
    old = json.loads(file.read_text(encoding="utf-8"))["rows"] if file.is_file() else []
    return sorted([*rows, *(row for row in old if row["adapter"] not in asked)], key=lambda row: str(row["adapter"]))


def measure(adapters: Sequence[str], cache_dir: Path) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """One row for each mode, and what could not be asked."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        options = RunOptions(
            protocol=suite("quick"),
            out=folder,
            cache_dir=cache_dir,
            workloads=(WORKLOAD,),
            adapters=_all_modes(adapters, cache_dir, folder),
        )
        choice = choose(options)
        ready = prepare_all(options, choice, lambda event: None)
        failures = {name: text for name, (_, text) in ready.problems.items()}
        workload, cores = choice.workloads[0], tuple(available_cores())
        rows = []
        for planned in make_plan(options, choice, ready.datasets, ready.interpreters, len(cores), ""):
            cell = planned.cell
            if planned.twin_of or planned.refusal or cell.adapter not in ready.interpreters:
                continue
            info = choice.adapters[cell.adapter]
            setting = Setting(cell, info, ready.interpreters[cell.adapter], workload, ready.datasets[workload.name],
                              options.protocol, 0, cores, folder / f"{cell.adapter}-{cell.mode}", 300.0, None,
                              0)  # fmt: skip
            try:
                rows.append({"adapter": cell.adapter, "mode": cell.mode, **ask(setting, folder)})
            except FrameworkbenchError as problem:
                failures[cell.row] = str(problem)
    return rows, failures


def ask(setting: Setting, folder: Path) -> dict[str, Any]:
    """Build the model, train one step on inputs that are too narrow, and describe what was said."""
    place = setting.compile_cache / "worker"
    place.mkdir(parents=True, exist_ok=True)
    with extended_worker(setting, place, folder / "log") as worker:
        link = Link(setting, worker, place, draw(random.SystemRandom()))
        link.start()
        workload = setting.workload
        link.build(initial_weights(workload.model, setting.seed), workload.loss, workload.optimizer)
        said = worker.ask("wrong_shape", rows=workload.batch_size, width=WRONG)
        version = str(worker.ask("effective")["effective"].get("version"))
    return {"version": version, **describe(said)}


def describe(said: Mapping[str, Any]) -> dict[str, Any]:
    """Length, first lines and what they name; paths are cut to their last part."""
    text = _PATH.sub("…/", str(said["message"])).strip()
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    cut = [line if len(line) <= _LINE else line[: _LINE - 1] + "…" for line in lines]
    return {
        "where": said["where"],
        "type": said["type"],
        "characters": len(text),
        "lines": len(lines),
        "first_lines": cut[:_LINES],
        "last_line": cut[-1].strip() if cut else "",
        "names_expected": str(RIGHT) in text,
        "names_received": str(WRONG) in text,
    }


def _all_modes(adapters: Sequence[str], cache_dir: Path, folder: Path) -> tuple[str, ...]:
    """Every mode of the named adapters, or of all; ``quick`` alone would take two of each."""
    plain = RunOptions(protocol=suite("quick"), out=folder, cache_dir=cache_dir, adapters=tuple(adapters))
    infos = choose(plain).adapters.values()
    return tuple(f"{info.name}:{mode}" for info in infos for mode in info.modes)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--adapter", action="append")
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--out", type=Path, default=HERE.parent / "claims" / "measured" / "wrong-shape.json")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
