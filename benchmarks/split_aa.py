"""How often our decisions find a winner between two halves of the same row's recorded processes.

usage: python benchmarks/split_aa.py RUN [--row adapter:mode] [--workload NAME] [--splits 1000] [--seed 0]
                                       [--out FILE.json]

The processes of a row are dealt at random into two halves, which are paired in random order and compared by the code
that decides between frameworks. There is nothing to find, so every winner is a false one. Real noise is in it as it
was recorded, but not the protection of pairing in time: the halves' processes come from different blocks. The splits
of one row share its processes, so their rate is a description of that row and not a sample of independent trials.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from row_file import write

from frameworkbench.analysis.comparison import FASTER, Entry, rank
from frameworkbench.analysis.control import FAILED, control
from frameworkbench.analysis.summary import summarise
from frameworkbench.store.records import load_run

# Two halves of two processes: fewer cannot be compared.
LEAST_PROCESSES = 4
SCHEMA = 1
_RATES = ("faster", "differs", "control_failed")
_READING = (
    "shares of a row's splits in which one half was called faster than the other (a false winner), the interval "
    "excluded 1, or the A/A control failed; mean: over the rows"
)


@dataclass(frozen=True, slots=True)
class SplitResult:
    """Shares of the splits of one row in which a half was called faster, differed at all, or failed the control."""

    row: str
    processes: int
    splits: int
    faster: float
    differs: float
    control_failed: float


def main(argv: Sequence[str] | None = None) -> None:
    """Print one line for each row and the rate over all of them."""
    arguments = _arguments(argv)
    results = splits_of_run(arguments.run, arguments.splits, arguments.seed, arguments.row, arguments.workload)
    if not results:
        raise SystemExit(
            f"{arguments.run}: no row with {LEAST_PROCESSES} or more timed processes matches; nothing to split"
        )
    print(_line("row", "processes", ("faster", "any difference", "control failed")))
    for found in results:
        rates = (found.faster, found.differs, found.control_failed)
        print(_line(found.row, str(found.processes), [f"{rate:.2%}" for rate in rates]))
    means = mean_rates(results)
    name = f"mean of {len(results)} rows, {arguments.splits} splits each"
    print(_line(name, "", [f"{rate:.2%}" for rate in means.values()]))
    if arguments.out is not None:
        write(arguments.out, to_json(arguments.run, results, arguments.splits, arguments.seed))


def mean_rates(results: Sequence[SplitResult]) -> dict[str, float]:
    """Each rate averaged over the rows."""
    return {name: statistics.fmean(getattr(found, name) for found in results) for name in _RATES}


def to_json(folder: Path, results: Sequence[SplitResult], splits: int, seed: int) -> dict[str, Any]:
    """What is kept: which run was split and how, one row a line, and the mean over the rows."""
    manifest = load_run(folder).manifest
    return {
        "schema": SCHEMA,
        "run": manifest["run_id"],
        "suite": manifest["suite"],
        "created": manifest["created"],
        "machine": manifest["machine"],
        "code_sha256": manifest["code_sha256"],
        "delta": manifest["protocol"]["delta"],
        "splits": splits,
        "seed": seed,
        "reading": _READING,
        "mean": mean_rates(results),
        "rows": [asdict(found) for found in results],
    }


def _line(name: str, processes: str, rates: Sequence[str]) -> str:
    return "  ".join([f"{name:44}", f"{processes:>9}", *(f"{rate:>14}" for rate in rates)])


def splits_of_run(
    folder: Path, splits: int, seed: int, row: str | None = None, workload: str | None = None
) -> list[SplitResult]:
    """Split the processes of each timed row of a run.

    Args:
        folder: the run folder.
        splits: random splits of each row.
        seed: of the splits.
        row: only this "adapter:mode".
        workload: only this workload.
    """
    summary = summarise(load_run(folder))
    delta = float(summary.run.manifest["protocol"]["delta"])
    results = []
    for cell in summary.cells:
        found = cell.facts["throughput_samples_per_s"]
        if found is None or found["processes"] < LEAST_PROCESSES:
            continue
        if row not in (None, cell.label) or workload not in (None, cell.axes["workload"]):
            continue
        values = [sample["value"] for sample in found["samples"]]
        task = "" if cell.axes["task"] == "train" else f" ({cell.axes['task']})"
        results.append(split(f"{cell.axes['workload']} {cell.label}{task}", values, delta, splits, seed))
    return results


def split(name: str, values: Sequence[float], delta: float, splits: int, seed: int) -> SplitResult:
    """Deal one row's processes into two halves again and again, and let the decision code judge them.

    Args:
        name: of the row.
        values: one number per process, at least four; of an odd number one stays out of each split.
        delta: smallest relative difference that counts, as in the run.
        splits: how often.
        seed: of the dealing.
    """
    generator = np.random.default_rng(seed)
    half = len(values) // 2
    keys = [(block, 1) for block in range(1, half + 1)]
    faster = differs = failed = 0
    for _ in range(splits):
        dealt = generator.permutation(values).tolist()
        one = Entry("one", "one", dict(zip(keys, dealt[:half], strict=True)))
        other = Entry("other", "other", dict(zip(keys, dealt[half : 2 * half], strict=True)))
        (pair,) = rank([one, other], delta).pairs
        faster += pair.verdict == FASTER
        differs += pair.low > 1
        failed += control(one, other, delta).verdict == FAILED
    return SplitResult(name, len(values), splits, faster / splits, differs / splits, failed / splits)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--row", help="only this row, adapter:mode")
    parser.add_argument("--workload")
    parser.add_argument("--splits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="also write the rates to this file, as JSON")
    arguments = parser.parse_args(argv)
    if arguments.splits < 1:
        parser.error("--splits: expected 1 or more")
    return arguments


if __name__ == "__main__":
    main()
