"""A run as pytest-benchmark writes its own: one benchmark for each row, one round for each process.

A round's time is what one step took in one fresh process: the mean over its windows, by the parent's clock. The
columns of pytest-benchmark (min, max, standard deviation, …) are therefore over processes, never over steps.

Source:
    Keys and formulas: pytest-benchmark 5, ``stats.py`` (``Stats.fields``) and ``plugin.py``
    (``pytest_benchmark_generate_json``).
"""

from __future__ import annotations

import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..analysis.cells import table
from ..analysis.summary import Summary
from ..errors import UsageError
from ..spec.cell import row_name
from ..spec.lanes import MATCHED
from ..store.atomic import canonical_json

# The oldest form that has every key below.
_FORM = "4.0.0"
_AXES = ("task", "workload", "adapter", "mode", "data", "lane", "device", "precision", "threads", "batch_size")


def pytest_benchmark_json(summary: Summary) -> bytes:
    """The run in the form of ``pytest --benchmark-json``.

    Raises:
        UsageError: no row has a time.
    """
    facts = [dict(cell.facts) for cell in summary.cells if cell.axes.get("role") != "twin"]
    benchmarks = [_benchmark(found) for found in facts if step_seconds(found)]
    if not benchmarks:
        raise UsageError(f"{summary.run.path}: no row was proved and timed, so there is nothing to export")
    manifest = summary.run.manifest
    return canonical_json(
        {
            "machine_info": _machine(manifest),
            "commit_info": _commit(manifest),
            "benchmarks": benchmarks,
            "datetime": manifest.get("created"),
            "version": _FORM,
        }
    )


def step_seconds(facts: Mapping[str, Any]) -> list[float]:
    """Seconds per step of each process of a row, oldest block first; empty for a row without numbers."""
    samples = table(facts.get("throughput_samples_per_s")).get("samples", ())
    return [float(facts["batch_size"]) / sample["value"] for sample in samples]


def extra_info(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What pytest-benchmark has no column for: the row's settings, its proof, and what was measured."""
    parity = table(facts.get("parity"))
    axes = {axis: facts.get(axis) for axis in _AXES}
    proof = {"proved": parity.get("passed"), "worst_check": parity.get("check"), "worst_error": parity.get("error")}
    found = table(facts.get("throughput_samples_per_s"))
    speed = {"samples_per_s": found.get("mean"), "low": found.get("low"), "high": found.get("high")}
    version = facts.get("framework_version")
    return {**axes, **proof, **speed, "framework_version": version, "verification": "unverified",
            "round": "seconds per step in one fresh process"}  # fmt: skip


def _benchmark(facts: Mapping[str, Any]) -> dict[str, Any]:
    seconds = step_seconds(facts)
    row = row_name(facts)  # names the lane unless it is matched
    lane = "" if facts["lane"] == MATCHED else f" [{facts['lane']}]"
    param = f"{facts['workload']}-{row}"
    return {
        "group": f"{facts['task']} {facts['workload']}{lane}",
        "name": f"{facts['task']}[{param}]",
        "fullname": f"frameworkbench::{facts['task']}[{param}]",
        "params": {"workload": facts["workload"], "row": row},
        "param": param,
        "extra_info": extra_info(facts),
        "options": {
            "disable_gc": False,
            "timer": "perf_counter_ns of the parent process",
            "min_rounds": len(seconds),
            "max_time": None,
            "min_time": None,
            "warmup": True,
        },
        "stats": stats(seconds),
    }


def stats(seconds: Sequence[float]) -> dict[str, Any]:
    """pytest-benchmark's statistics of a list of rounds, by its own formulas.

    Args:
        seconds: one positive number per round, at least one.
    """
    data = sorted(seconds)
    mean, median = statistics.mean(data), statistics.median(data)
    deviation = statistics.stdev(data) if len(data) > 1 else 0.0
    low, high = _quartiles(data)
    fences = low - 1.5 * (high - low), high + 1.5 * (high - low)
    far = sum(not fences[0] <= value <= fences[1] for value in data)
    off = sum(not mean - deviation <= value <= mean + deviation for value in data)
    return {
        "min": data[0],
        "max": data[-1],
        "mean": mean,
        "stddev": deviation,
        "rounds": len(data),
        "median": median,
        "iqr": high - low,
        "q1": low,
        "q3": high,
        "iqr_outliers": far,
        "stddev_outliers": off,
        "outliers": f"{off};{far}",
        "ld15iqr": data[bisect_left(data, fences[0])],
        "hd15iqr": data[bisect_right(data, fences[1]) - 1],
        "ops": len(data) / sum(data),
        "total": sum(data),
        "data": list(seconds),
        "iterations": 1,
    }


def _quartiles(data: Sequence[float]) -> tuple[float, float]:
    """First and third quartile, by the method that pytest-benchmark uses (method 3 of Wikipedia's "Quartile")."""
    count = len(data)
    if count == 1:
        return data[0], data[0]
    if count % 2 == 0:
        half = count // 2
        return statistics.median(data[:half]), statistics.median(data[half:])
    quarter, rest = divmod(count, 4)
    if rest == 1:
        return (
            0.25 * data[quarter - 1] + 0.75 * data[quarter],
            0.75 * data[3 * quarter] + 0.25 * data[3 * quarter + 1],
        )
    return (
        0.75 * data[quarter] + 0.25 * data[quarter + 1],
        0.25 * data[3 * quarter + 1] + 0.75 * data[3 * quarter + 2],
    )


def _machine(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The machine that measured, as far as the manifest knows it; not the one that exports."""
    machine = table(manifest.get("machine"))
    return {
        "node": str(machine.get("hostname_sha256", ""))[:12],
        "processor": machine.get("architecture"),
        "machine": machine.get("architecture"),
        "python_version": machine.get("python"),
        "release": machine.get("kernel"),
        "system": machine.get("os"),
        "cpu": {"brand_raw": machine.get("cpu_model"), "count": machine.get("cores")},
        "gpu": machine.get("gpu"),
    }


def _commit(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The measuring code: its commit, or its hash for an installed package.

    Which commit of which other project was measured, a run does not know.
    """
    commit = table(manifest.get("harness_commit"))
    return {
        "id": commit.get("id") or f"frameworkbench-code-{str(manifest.get('code_sha256'))[:40]}",
        "time": None,
        "author_time": None,
        "dirty": commit.get("dirty"),
        "project": "frameworkbench",
        "branch": None,
        "version": manifest.get("frameworkbench_version"),
    }
