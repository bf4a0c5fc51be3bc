"""The cells of ``report.json`` as columns, one share of them at a time: most of what a large page is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .compact import Table, joined_texts, parts_columns, said, sentences_column, short, shortened, texts_column

_TEXTS = (
    "task",
    "workload",
    "data",
    "adapter",
    "title",
    "label",
    "role",
    "mode",
    "mode_class",
    "device",
    "lane",
    "precision",
    "framework_version",
    "status",
    "code",
)
_SENTENCES = ("reason", "accuracy_note")
_NUMBERS = (
    "threads",
    "batch_size",
    "rank",
    "time_to_first_step_s",
    "time_to_first_step_warm_s",
    "peak_memory_bytes",
    "time_to_target_s",
)
_SPEED = ("mean", "low", "high", "median", "p5", "p95", "iqr", "processes", "steps")
_WORST = ("step", "error", "tolerance")
_PHASES = ("import_s", "build_s", "first_step_s", "warmup_s")


def cell_columns(cells: Sequence[Table]) -> Table:
    """The columns of some cells.

    Args:
        cells: of ``report.json``, all or some in a row.
    """
    return {
        "count": len(cells),
        "key": [cell["key"] for cell in cells],
        "main": "".join("1" if cell["main"] else "0" for cell in cells),
        **{name: texts_column([cell[name] for cell in cells]) for name in _TEXTS},
        **{name: sentences_column([said(cell, name) for cell in cells]) for name in _SENTENCES},
        **{name: [short(cell[name]) for cell in cells] for name in _NUMBERS},
        "speed": parts_columns([cell["throughput_samples_per_s"] for cell in cells], _SPEED),
        "blocks": texts_column([_block_names(cell) for cell in cells]),
        "samples": [_samples(cell) for cell in cells],
        "worst": _worst([cell["parity"] for cell in cells]),
        "accuracy": [_accuracy(cell["accuracy"]) for cell in cells],
        "accuracy_kind": sentences_column(
            [said(cell["accuracy"], "kind") if cell["accuracy"] else "" for cell in cells]
        ),
        "convergence": sentences_column([_convergence(cell["accuracy"]) for cell in cells]),
        "memory": [_memory(cell["memory"]) for cell in cells],
        "memory_source": texts_column([cell["memory"]["source"] if cell["memory"] else "" for cell in cells]),
        "latency": [_latency(cell.get("latency")) for cell in cells],
        "phases": {
            start: parts_columns([(cell["phases"] or {}).get(start) for cell in cells], _PHASES)
            for start in ("cold", "warm")
        },
        "remarks": [[[one["code"], said(one)] for one in cell["remarks"]] or 0 for cell in cells],
        "threads_note": [_threads_note(cell) for cell in cells],
    }


def _block_names(cell: Table) -> str:
    """The blocks of a row's processes, which most rows share with others."""
    found = cell["throughput_samples_per_s"]
    return " ".join(f"{one['block']}.{one['attempt']}" for one in found["samples"]) if found else ""


def _samples(cell: Table) -> list[Any]:
    found = cell["throughput_samples_per_s"]
    return [short(one["value"]) for one in found["samples"]] if found else []


def _worst(found: Sequence[Table | None]) -> Table:
    """The check nearest to its limit, or furthest beyond it."""
    texts = {name: texts_column([one[name] if one else "" for one in found]) for name in ("check", "tensor")}
    return {**texts, **parts_columns(found, _WORST)}


def _accuracy(found: Table | None) -> Table | None:
    if not found:
        return None
    part = {name: shortened(found[name]) for name in ("mean", "values", "total", "target")}
    if found["curve"]:
        keys = ("epoch", "train_s", "loss", "accuracy")
        part["curve"] = [[short(epoch.get(key)) for key in keys] for epoch in found["curve"]]
    return part


def _convergence(found: Table | None) -> Any:
    """What the band says: its code and reason, or the band itself."""
    if not found:
        return 0
    check = found["convergence"]
    band = check["band"] and {side: short(check["band"][side]) for side in ("low", "high")}
    return {"code": check["code"], "reason": said(check, "reason"), "band": band}


def _memory(found: Table | None) -> Any:
    """The peak of each phase, and codes of what is odd."""
    if not found:
        return 0
    phases = {name: phase["peak_bytes"] for name, phase in (found["phases"] or {}).items() if name != "check"}
    part: Table = {}
    if phases:
        part["phases"] = phases
    if found["flags"]:
        part["flags"] = [[flag["code"], said(flag, "reason")] for flag in found["flags"]]
    return part or 0


def _latency(found: Table | None) -> Table | None:
    if not found:
        return None
    names = ("p50_s", "p95_s", "p99_s", "jitter_s")
    quantiles = {name: [short(found[name][part]) for part in ("mean", "low", "high")] for name in names if found[name]}
    return {**quantiles, "spread": short(found["spread"]), "first_s": short(found["first_s"]), "n": found["requests"]}


def _threads_note(cell: Table) -> Any:
    """What is said of a timed row that did not show that its threads were set as asked; else nothing."""
    use = cell["thread_use"]
    return said(use, "note") if cell["throughput_samples_per_s"] and use and not use["equalised"] else None


def joined_columns(parts: Sequence[Any]) -> Any:
    """The columns of all cells, from those of some in the order of the plan: what ``cell_columns`` makes of all."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if isinstance(first, int):
        return sum(parts)
    if isinstance(first, str):
        return "".join(parts)
    if isinstance(first, list):
        return [value for part in parts for value in part]
    if first.keys() == {"texts", "of"}:
        return joined_texts(parts)
    return {name: joined_columns([part[name] for part in parts]) for name in first}
