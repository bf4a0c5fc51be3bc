"""How far a narrower precision strays from the float64 reference, in units of the float32 tolerances.

The limits in ``frameworkbench/spec/precision.py`` follow from what is printed here; docs/gpu.md says how.

usage: python benchmarks/precision_errors.py --precision bfloat16 [--workload NAME] [--seeds N] [--data-dir DIR]
       [--adapter NAME:MODE] [--python adapter=PATH] [--device cuda]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from frameworkbench.run.engine import run
from frameworkbench.run.options import RunOptions
from frameworkbench.spec.protocol import suite
from frameworkbench.spec.workload import Workload, load_workloads
from frameworkbench.store.records import load_run

# Proofs only: nothing is timed.
_NOTHING_ELSE = {
    "main_blocks": 0, "other_blocks": 0, "proof_training_steps": 0, "twin": False, "pilot": False,
    "sentinel_readings": 0, "memory_blocks": 0, "tasks": ("train",),
}  # fmt: skip

Worst = dict[tuple[str, str, str], tuple[float, float, str]]


def main() -> None:
    """Print one line for each workload, kind of check and row: worst error, its ratio to float32's limit, and where."""
    arguments = _arguments()
    workloads = load_workloads(Path(__file__).resolve().parent.parent / "workloads")
    worst: Worst = {}
    for seed in range(arguments.seeds):
        with tempfile.TemporaryDirectory() as folder:
            _prove(arguments, seed, Path(folder), workloads, worst)
    for (workload, kind, row), (ratio, error, where) in sorted(worst.items()):
        print(f"{workload:16} {kind:10} {row:16} error {error:.2e}  {ratio:10.1f} times float32's limit  {where}")


def _prove(
    arguments: argparse.Namespace, seed: int, folder: Path, workloads: dict[str, Workload], worst: Worst
) -> None:
    options = RunOptions(
        protocol=replace(suite("standard", data=None if arguments.data_dir else "synthetic"), **_NOTHING_ELSE),
        out=folder / "run",
        cache_dir=arguments.cache_dir,
        workloads=tuple(arguments.workload or ()),
        adapters=tuple(arguments.adapter or ()),
        interpreters={pair.split("=")[0]: Path(pair.split("=", 1)[1]) for pair in arguments.python or ()},
        data_dir=arguments.data_dir,
        device=arguments.device,
        precision=arguments.precision,
        seed=seed,
    )
    run(options, lambda event: None)
    for record in load_run(options.out).records:
        if record["pass"] != "proof":
            continue
        cell = record["cell"]
        row = f"{cell['adapter']}:{cell['mode']}"
        if "parity" not in record["payload"]:
            print(f"{cell['workload']} {row}: {record['code']}: {record['reason']}")
            continue
        for check in record["payload"]["parity"]["checks"]:
            limit = _limit(workloads[cell["workload"]], check)
            if limit:
                error = float(check["error"])
                found = (error / limit, error, f"{check['tensor']} seed {seed}")
                key = (cell["workload"], "trajectory" if check["check"] == "loss" else check["check"], row)
                worst[key] = max(worst.get(key, found), found)


def _limit(workload: Workload, check: dict[str, object]) -> float:
    """The float32 tolerance of a check; 0 for the exact one."""
    kind, limits = str(check["check"]), workload.parity
    if kind in ("loss", "trajectory"):
        return limits.loss_tolerance(int(str(check["step"])))
    return float(getattr(limits, kind, 0.0))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--precision", required=True)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workload", action="append")
    parser.add_argument("--adapter", action="append")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--python", action="append")
    return parser.parse_args()


if __name__ == "__main__":
    main()
