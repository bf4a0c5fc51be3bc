"""Columns that say which cell a row belongs to, and those of the table of cells."""

from __future__ import annotations

from typing import Any

from ..analysis.cells import table
from .columns import FLAG, INTEGER, NUMBER, TEXT, Column, path

AXES = (
    Column("workload", TEXT, "", "Name of the workload.", path("workload")),
    Column("task", TEXT, "", "train or infer.", path("task")),
    Column("data", TEXT, "", "real, or synthetic for generated stand-ins.", path("data")),
    Column("device", TEXT, "", "cpu or cuda.", path("device")),
    Column("lane", TEXT, "", "default, matched or tuned; only matched rows are ranked.", path("lane")),
    Column("precision", TEXT, "", "Precision of the arithmetic.", path("precision")),
    Column("threads", INTEGER, "", "Cores that the cell may use.", path("threads")),
    Column("batch_size", INTEGER, "samples", "Samples in one step.", path("batch_size")),
)

NAMES = (
    Column("key", TEXT, "", "Key of the cell: the same cell has the same key in every run of this machine.",
           path("key")),
    Column("label", TEXT, "", "Adapter and mode, and the lane unless it is matched.", path("label")),
    *AXES,
)  # fmt: skip


def _least(cell: Any) -> Any:
    return min(table(table(cell).get("accuracy")).get("values") or [None])


def _most(cell: Any) -> Any:
    return max(table(table(cell).get("accuracy")).get("values") or [None])


def _seeds(cell: Any) -> Any:
    found = table(cell).get("accuracy")
    return len(found["values"]) if found else None


def _remarks(cell: Any) -> str:
    accuracy = table(table(table(cell).get("accuracy")).get("convergence")).get("code")
    memory = [flag["code"] for flag in table(table(cell).get("memory")).get("flags", ())]
    return ", ".join([*(remark["code"] for remark in cell["remarks"]), *memory, *([accuracy] if accuracy else [])])


_SPEED = "throughput_samples_per_s"
CELL_COLUMNS = (
    *NAMES,
    Column("adapter", TEXT, "", "Name of the adapter.", path("adapter")),
    Column("mode", TEXT, "", "The framework's execution mode.", path("mode")),
    Column("mode_class", TEXT, "", "eager, graph or compiled.", path("mode_class")),
    Column("role", TEXT, "", "entrant; oracle or twin are never ranked.", path("role")),
    Column("main", FLAG, "", "Whether this is the adapter's main mode.", path("main")),
    Column("framework_version", TEXT, "", "Version read back from the framework.", path("framework_version")),
    Column("status", TEXT, "", "ok, not_comparable, failed, unsupported or invalid.", path("status")),
    Column("code", TEXT, "", "Verdict code; empty when all is well.", path("code")),
    Column("reason", TEXT, "", "The same in words.", path("reason")),
    Column("rank", INTEGER, "", "Tier among the main modes of its group; equal ranks are not told apart.",
           path("rank")),
    Column("samples_per_s", NUMBER, "samples/s", "Throughput: geometric mean over processes.", path(_SPEED, "mean")),
    Column("samples_per_s_low", NUMBER, "samples/s", "Lower 95 % bound of that mean.", path(_SPEED, "low")),
    Column("samples_per_s_high", NUMBER, "samples/s", "Upper 95 % bound.", path(_SPEED, "high")),
    Column("samples_per_s_median", NUMBER, "samples/s", "Median over processes.", path(_SPEED, "median")),
    Column("processes", INTEGER, "", "Processes behind the mean.", path(_SPEED, "processes")),
    Column("steps", INTEGER, "", "Timed steps behind it.", path(_SPEED, "steps")),
    Column("first_step_cold_s", NUMBER, "s", "Import, build and first step with empty compile caches.",
           path("time_to_first_step_s")),
    Column("first_step_warm_s", NUMBER, "s", "The same with warm caches, median over processes.",
           path("time_to_first_step_warm_s")),
    Column("time_to_target_s", NUMBER, "s", "Training time to the target accuracy, if every seed reached it.",
           path("time_to_target_s")),
    Column("peak_memory_bytes", INTEGER, "bytes", "Peak resident memory.", path("peak_memory_bytes")),
    Column("largest_batch", INTEGER, "samples", "Largest batch that trained within the limit.",
           path("capacity", "batch")),
    Column("accuracy", NUMBER, "", "Test accuracy, mean over seeds, 0 to 1.", path("accuracy", "mean")),
    Column("accuracy_least", NUMBER, "", "Of the worst seed.", _least),
    Column("accuracy_most", NUMBER, "", "Of the best seed.", _most),
    Column("accuracy_seeds", INTEGER, "", "Number of seeds.", _seeds),
    Column("accuracy_kind", TEXT, "", "After which training.", path("accuracy", "kind")),
    *(
        Column(f"latency_{name}", NUMBER, "s", f"Latency of single requests, {words}, mean over processes.",
               path("latency", name, "mean"))
        for name, words in (("p50_s", "median"), ("p95_s", "95th percentile"), ("p99_s", "99th percentile"))
    ),
    Column("joules_per_sample", NUMBER, "J/sample", "Energy of the card.", path("card", "energy", "joules_per_sample")),
    Column("parity_passed", FLAG, "", "Whether every check against the reference passed.", path("parity", "passed")),
    Column("parity_check", TEXT, "", "The check nearest to its limit.", path("parity", "check")),
    Column("parity_tensor", TEXT, "", "Its tensor.", path("parity", "tensor")),
    Column("parity_error", NUMBER, "", "Its error.", path("parity", "error")),
    Column("parity_tolerance", NUMBER, "", "Its limit.", path("parity", "tolerance")),
    *(
        Column(f"blocks_{name}", INTEGER, "", f"Paired blocks {name}.", path("blocks", name))
        for name in ("planned", "counted", "failed", "torn", "disturbed")
    ),
    Column("remarks", TEXT, "", "Codes of remarks: lanes, memory and convergence.", _remarks),
)  # fmt: skip
