"""One marked test's measurement: an ordinary run of one row, with as many processes as the mark asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from .analysis.summary import CellResult, summarise
from .cli_output import cache_folder
from .errors import UsageError
from .export.pytest_benchmark import extra_info, step_seconds
from .pytest_plugin import Measured
from .registry import load_adapters
from .run.engine import run
from .run.options import RunOptions
from .spec.protocol import Protocol, suite
from .store.records import load_run

# What a mark may say beside workload, adapter and processes: name → accepted types.
_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "suite": (str,),
    "window_s": (int, float),
    "data": (str,),
    "data_dir": (str, Path),
    "device": (str,),
    "threads": (int,),
    "seed": (int,),
    "python": (str, Path),
    "adapter_paths": (list, tuple),
    "cache_dir": (str, Path),
    "timeout_s": (int, float),
}


def measure(folder: Path, *, once: bool, workload: str, adapter: str, processes: int = 5, **options: Any) -> Measured:
    """Prove a row and time it in fresh processes.

    Args:
        folder: the run folder to write; a run that is there already and fits is gone on with.
        once: one process instead of ``processes``, where pytest-benchmark was asked not to time.
        workload: a shipped workload's name, or a TOML file.
        adapter: an adapter's name, or name:mode.
        processes: fresh processes to time.
        options: see docs/ci.md.

    Raises:
        UsageError: an unknown option, or one of the wrong type.
        FrameworkbenchError: what a run raises when it cannot start.
    """
    _check(options, processes)
    name, _, mode = adapter.partition(":")
    paths = tuple(Path(path).absolute() for path in options.get("adapter_paths", ()))
    info = load_adapters(paths).get(name)
    data_dir, cache_dir, python = (options.get(key) for key in ("data_dir", "cache_dir", "python"))
    request = RunOptions(
        protocol=_protocol(1 if once else processes, options),
        out=folder,
        cache_dir=cache_folder(Path(cache_dir) if cache_dir else None),
        workloads=(workload,),
        adapters=(adapter if mode or info is None else f"{name}:{info.main_mode}",),
        adapter_paths=paths,
        interpreters={name: Path(python).absolute()} if python else {},
        data_dir=Path(data_dir).absolute() if data_dir else None,
        device=options.get("device", "cpu"),
        threads=options.get("threads"),
        seed=options.get("seed", 0),
        timeout_s=options.get("timeout_s"),
        command=("pytest",),
    )
    run(request, lambda event: None)
    return _measured(summarise(load_run(folder)).cells[0], folder)


def row_info(measured: Measured) -> dict[str, Any]:
    """What goes into pytest-benchmark's ``extra_info``."""
    return extra_info(measured.facts)


def _measured(cell: CellResult, folder: Path) -> Measured:
    facts = cell.facts
    seconds = tuple(step_seconds(facts)) if facts["status"] == "ok" else ()
    problem = ""
    if not seconds:
        why = f"{facts['status']}/{facts['code']}: {facts['reason']}" if facts["code"] else facts["status"]
        problem = f"frameworkbench: {facts['workload']} {cell.label} has no number: {why} (records: {folder})"
    return Measured(facts, seconds, folder, problem)


def _protocol(processes: int, options: Mapping[str, Any]) -> Protocol:
    """The suite's way of timing for one row: no twin, no memory pass and no training for accuracy beside it."""
    base = suite(options.get("suite", "quick"), data=options.get("data") or ("real" if "data_dir" in options else None))
    return replace(
        base,
        suite=f"pytest-{base.suite}",
        entrants=True,
        main_blocks=processes,
        other_blocks=processes,
        window_s=float(options.get("window_s", base.window_s)),
        proof_training_steps=0,
        accuracy_seeds=0,
        tasks=("train",),
        twin=False,
        memory_blocks=0,
    )


def _check(options: Mapping[str, Any], processes: int) -> None:
    if isinstance(processes, bool) or not isinstance(processes, int) or processes < 1:
        raise UsageError(f"processes: expected a whole number of 1 or more; received {processes!r}")
    for name, value in options.items():
        if name not in _OPTIONS:
            raise UsageError(f"unknown option {name!r} of the frameworkbench mark; known: {', '.join(_OPTIONS)}")
        if not isinstance(value, _OPTIONS[name]) or isinstance(value, bool):
            expected = " or ".join(kind.__name__ for kind in _OPTIONS[name])
            raise UsageError(f"option {name!r} of the frameworkbench mark: expected {expected}; received {value!r}")
