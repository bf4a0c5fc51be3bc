"""Is a planted difference found, and none where nothing was planted? In a real adapter, through an ordinary run.

A real adapter is copied under another name, and each step of the copy lasts longer by a known share of itself
(``slowed_adapter.py``). Original and copy are proved and timed in blocks like any two frameworks. A pilot of a few
blocks shows how much processes deviate; from that the number of blocks follows that finds such a gap in 80 % of runs,
and where it is beyond 40 the answer is *inconclusive* with that number.

usage: python benchmarks/planted.py --planted 5                          found with the number of blocks it takes?
       python benchmarks/planted.py --planted 20 --blocks 5 --delta 10   found in a small run?
       python benchmarks/planted.py --planted 0                          is nobody called faster?
       python benchmarks/planted.py --planted 0 --blocks 5 --neighbour 2   are disturbed blocks noticed and repeated?
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from neighbour import Neighbour
from planted_row import AS_PROMISED, NAMES, READING, Asked, Plan, cell_of, paired_samples, plan_of, row_of
from row_file import merged, read, write
from slowed_copy import slowed_copy

from frameworkbench.analysis.summary import Summary, summarise
from frameworkbench.errors import FrameworkbenchError, UsageError
from frameworkbench.registry import AdapterInfo, load_adapters
from frameworkbench.run.engine import run
from frameworkbench.run.events import Event, Report
from frameworkbench.run.fingerprints import available_cores, code_sha256, machine
from frameworkbench.run.options import RunOptions
from frameworkbench.run.prepare import interpreter_for
from frameworkbench.spec.protocol import SUITES, Protocol
from frameworkbench.store.records import load_run

HERE = Path(__file__).resolve().parent
SCHEMA = 1
PILOT_BLOCKS = 6
CONTROL_GAP = 0.05  # what a control is planned for: the gap that it must not show
_ROWS = 2
_FIRST_DISTURBED = 2  # the first block shows that the machine was quiet
_WARMUP_STEPS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure one planted difference, print it, put its row into the file; 0 if it came out as promised."""
    asked = _parser().parse_args(arguments)
    try:
        row = measure(asked)
    except FrameworkbenchError as problem:
        print(f"planted: {problem}", file=sys.stderr)
        return problem.exit_code
    print(text_of(row))
    old = read(asked.out)
    rows = merged(old.get("rows", []), [row], NAMES)
    write(asked.out, {"schema": SCHEMA, "reading": READING, "rows": rows})
    return 0 if row["outcome"] in AS_PROMISED else 1


def measure(asked: argparse.Namespace) -> dict[str, Any]:
    """Copy the adapter, run both, and conclude.

    Raises:
        UsageError: something unknown is named, or the planted share lies within delta.
    """
    planted, delta = asked.planted / 100, asked.delta / 100
    if planted and planted <= delta:
        raise UsageError(f"--planted {asked.planted:g}: within --delta {asked.delta:g}, so nobody is called faster")
    known = load_adapters(asked.adapter_path or ())
    if asked.adapter not in known:
        raise UsageError(f"unknown adapter {asked.adapter!r}; known: {', '.join(known)}")
    with _folder(asked.keep) as folder:
        info = known[asked.adapter]
        copy = slowed_copy(info, planted, folder / "adapters")
        options = _options(asked, info, copy, folder)
        cores = available_cores()[: asked.threads]
        disturbed = tuple(range(_FIRST_DISTURBED, _FIRST_DISTURBED + asked.neighbour))
        with Neighbour(cores, _ROWS, disturbed) as neighbour:
            pilot = asked.pilot if asked.blocks is None else None
            names = (info.name, copy.name)
            summary, plan = _run(options, pilot, planted or CONTROL_GAP, names, lambda e: _hear(e, neighbour))
        what = Asked(planted, delta, pilot, asked.blocks, disturbed)
        row = row_of(summary, info.name, copy.name, what, plan)
    facts = machine()
    samples = row.pop("samples")
    return row | {
        "machine": f"{facts['cpu_model']}, {facts['cores']} cores",
        "framework_version": cell_of(summary, info.name).facts["framework_version"],
        "code_sha256": code_sha256(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "samples": samples,
    }


def text_of(row: Mapping[str, Any]) -> str:
    """The row for people, with what was disturbed."""
    name = f"{row['adapter']}:{row['mode']} on {row['workload']}, {row['planted']:.0%} planted"
    as_run = "" if row["as_run"] is None else f" ({row['as_run']:.2%} as run)"
    reason = f", {row['reason']}" if row["reason"] else ""
    said = f"{row['winner']} is {row['verdict']}" if row["winner"] else f"{row['verdict']}{reason}"
    numbers = "no ratio" if row["ratio"] is None else (
        f"ratio {row['ratio']:.4f} ({row['low']:.4f} to {row['high']:.4f}), δ {row['delta']:.0%}, "
        f"{row['blocks']} blocks (planned: {row['planned_blocks'] or 'none'}), deviation {row['deviation']:.2%}"
    )  # fmt: skip
    lines = [f"{name}{as_run}: {said}; {numbers}: {row['outcome']}"]
    lines += [f"  flagged: block {block}, attempt {attempt}: {why}" for block, attempt, why in row["flagged"]]
    if row["neighbour"]:
        ending = "the run ended noisy" if row["noisy"] else "what was flagged was repeated"
        lines.append(f"  a neighbour kept every core busy during so many attempts: {row['neighbour']}; {ending}")
    return "\n".join(lines)


def protocol(blocks: int, delta: float, window_s: float) -> Protocol:
    """Speed of main modes alone, with the watch over noise; without what costs time and decides nothing here."""
    return replace(
        SUITES["standard"],
        suite="planted",
        data="synthetic",
        modes="second",
        main_blocks=blocks,
        other_blocks=0,
        window_s=window_s,
        warmup_steps=_WARMUP_STEPS,
        long_parameters=False,
        accuracy_seeds=0,
        delta=delta,
        tasks=("train",),
        twin=False,
        memory_blocks=0,
        pilot=False,
    )


def _run(
    options: RunOptions, pilot: int | None, gap: float, names: tuple[str, str], report: Report
) -> tuple[Summary, Plan | None]:
    """The blocks that the protocol says, and after a pilot those that the plan adds."""
    run(options, report)
    summary = summarise(load_run(options.out))
    if pilot is None or summary.run.noisy:
        return summary, None
    samples = paired_samples(cell_of(summary, names[0]), cell_of(summary, names[1]))
    plan = plan_of([sample for sample in samples if sample[0] <= pilot], gap, options.protocol.delta)
    if plan is None:
        return summary, None
    print(f"pilot of {pilot} blocks: {plan.sentence}", flush=True)
    if not plan.beyond and (plan.blocks or 0) > pilot:
        run(replace(options, more=(plan.blocks or 0) - pilot, fresh=False), report)
        summary = summarise(load_run(options.out))
    return summary, plan


def _options(asked: argparse.Namespace, info: AdapterInfo, copy: AdapterInfo, folder: Path) -> RunOptions:
    """Both rows in one interpreter: the copy has no environment of its own."""
    options = RunOptions(
        protocol=protocol(asked.blocks or asked.pilot, asked.delta / 100, asked.window),
        out=folder / "run",
        cache_dir=asked.cache_dir,
        workloads=(asked.workload,),
        adapters=tuple(f"{one.name}:{one.main_mode}" for one in (info, copy)),
        adapter_paths=(*(asked.adapter_path or ()), folder / "adapters"),
        threads=asked.threads,
        seed=asked.seed,
        fresh=True,
        command=("python", "benchmarks/planted.py"),
    )
    if info.interpreter == "core":
        return options
    path = interpreter_for(info, options, lambda event: None).path
    return replace(options, interpreters={info.name: path, copy.name: path})


def _hear(event: Event, neighbour: Neighbour) -> None:
    neighbour.hear(event)
    if event.kind in ("phase", "note") or (event.kind == "done" and event.status != "ok"):
        print(event.text, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """The folder to keep, or a temporary one."""
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        yield keep.absolute()
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--planted", type=float, default=5.0, help="per cent by which the copy's steps last longer")
    parser.add_argument("--adapter", default="pytorch", help="the adapter to copy, measured in its main mode")
    parser.add_argument("--workload", default="mnist-mlp", help="name or TOML file")
    parser.add_argument("--pilot", type=int, default=PILOT_BLOCKS, help="blocks from which their number is planned")
    parser.add_argument("--blocks", type=int, help="a fixed number of blocks instead of a pilot")
    parser.add_argument("--delta", type=float, default=3.0, help="per cent; smallest difference that counts")
    parser.add_argument("--window", type=float, default=1.0, help="shortest timed window in seconds")
    parser.add_argument(
        "--neighbour", type=int, default=0, metavar="N", help="keep every core busy during N attempts at blocks"
    )
    parser.add_argument("--threads", type=int, help="cores to use (default: all)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, data order and schedule")
    parser.add_argument("--adapter-path", type=Path, action="append", help="further folder with adapters")
    parser.add_argument("--cache-dir", type=Path, default=Path.home() / ".cache" / "frameworkbench")
    parser.add_argument("--keep", type=Path, help="folder for the copy and the run (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=HERE / "planted.json", help="file to write; other rows in it stay")
    return parser


if __name__ == "__main__":
    sys.exit(main())
