"""Latency of single requests: quantiles within each process, then over processes.

Requests of one process share its memory layout, its caches and its moment: they are no independent observations.
So a process gives one value for each quantile, and intervals are over processes.
"""

from __future__ import annotations

import statistics as plain
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..store.records import Record
from .cells import number, rows, table
from .statistics import process_interval

QUANTILES = {"p50_s": 0.50, "p95_s": 0.95, "p99_s": 0.99}
FIGURES = (*QUANTILES, "jitter_s")


def process_latency(record: Record) -> dict[str, Any] | None:
    """Quantiles and jitter of one process.

    A quantile needs a request beyond it: p99 needs 100 requests, p95 needs 20.

    Args:
        record: of the speed pass, task ``infer``.

    Returns:
        ``block``, ``attempt``, ``requests``; ``p50_s``, ``p95_s``, ``p99_s``; ``jitter_s`` (p99 − p50) and
        ``spread`` (interquartile range over median), each null where there were too few requests; or None.
    """
    windows = rows(table(record["payload"].get("latency")).get("windows"))
    if not windows:
        return None
    found = [number(ns) for window in windows for ns in window.get("latencies_ns") or ()]
    times = np.asarray([ns for ns in found if ns is not None and ns > 0]) / 1e9
    if len(times) < 2 or len(times) != len(found):
        return None
    values = {
        name: float(np.quantile(times, share)) if len(times) * (1 - share) >= 1 else None
        for name, share in QUANTILES.items()
    }
    lower, median, upper = (float(np.quantile(times, share)) for share in (0.25, 0.5, 0.75))
    jitter = values["p99_s"] - median if values["p99_s"] is not None else None
    counts = {"block": record["block"], "attempt": record["attempt"], "requests": len(times)}
    return {**counts, **values, "jitter_s": jitter, "spread": (upper - lower) / median}


def latency_facts(timed: Sequence[Record]) -> dict[str, Any] | None:
    """Latency of a cell for the report.

    Args:
        timed: its speed records that count.

    Returns:
        ``batch_size``, ``processes``, ``requests`` (all processes); for each of ``p50_s``, ``p95_s``, ``p99_s`` and
        ``jitter_s`` the geometric mean over processes with a 95 % interval on the logarithms, or None; ``spread``
        (median over processes); ``first_s`` (median: the first request of a process); ``samples`` by process.
    """
    if not any("latency" in record["payload"] for record in timed):
        return None
    found = [(record, process_latency(record)) for record in timed]
    samples = [(record, sample) for record, sample in found if sample is not None]
    if not samples:
        return None
    tables = [table(record["payload"].get("latency")) for record, _ in samples]
    firsts = [value for value in (number(each.get("first_s")) for each in tables) if value is not None]
    values = [sample for _, sample in samples]
    return {
        "batch_size": int(number(tables[0].get("batch_size")) or 1),
        "processes": len(values),
        "requests": sum(sample["requests"] for sample in values),
        **{name: _over_processes([sample[name] for sample in values]) for name in FIGURES},
        "spread": plain.median(sample["spread"] for sample in values),
        "first_s": plain.median(firsts) if firsts else None,
        "samples": values,
    }


def _over_processes(values: Sequence[float | None]) -> Mapping[str, Any] | None:
    """None unless every process has a value that a logarithm can take."""
    known = [value for value in values if value is not None and value > 0]
    if len(known) < len(values):
        return None
    interval = process_interval(known)
    return {"mean": interval.mean, "low": interval.low, "high": interval.high}
