"""The content of ``report.json`` as compact columns: what the page's program filters, sorts and draws.

A page that shows ten thousand cells has to be small enough to be read at once. Texts that repeat are stored once,
numbers have six digits (``report.json`` keeps them all), and what is looked at one cell at a time, such as the parity
certificate, the settings and the ends of logs, is in ``raw_part``, which large reports keep in files of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..store.line import line_bytes
from ..store.parsing import compact_json
from .comparing import further
from .glossary import GLOSSARY
from .view import GROUP_AXES

Table = dict[str, Any]

SCHEMA = 1
_SIX = "%.6g"
_THREE = "%.3g"
MOST_EVIDENCE = 40
"""Cells that are named as evidence of one claim; the claim says how many there are."""

VERDICTS = ("faster", "detectable but small", "practically tied", "inconclusive", "invalid")

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
_CHECK_WORDS = ("check", "tensor", "pass")
_RAW = ("effective", "tuning", "thread_use", "warm_up", "blocks", "excluded", "capacity", "card", "memory", "latency")
# Each as one character, so that a certificate of a hundred checks has a hundred characters here.
_PASSED = {True: "1", False: "0"}


def page_data(report: Table) -> Table:
    """Everything that the page's program needs to filter, sort, compare and draw, without raw parts.

    Args:
        report: the content of ``report.json``.
    """
    cells: Sequence[Table] = report["cells"]
    at = {cell["key"]: index for index, cell in enumerate(cells)}
    members: dict[tuple[Any, ...], list[int]] = {}
    for index, cell in enumerate(cells):
        members.setdefault(_axes(cell), []).append(index)
    return {
        "schema": SCHEMA,
        "run": report["run"]["run_id"],
        "code": str(report["run"]["code_sha256"])[:12],
        "protocol": str(report["run"]["protocol_sha256"])[:12],
        "adapters": {name: _adapter(found) for name, found in report["adapters"].items()},
        "data": {name: _dataset(found) for name, found in report["data"].items() if isinstance(found, Mapping)},
        "verdicts": VERDICTS,
        "cells": _columns(cells),
        "groups": [_group(found, members.get(_axes(found), []), at) for found in report["comparisons"]],
        "claims": [
            {**claim, "cells": claim["cells"][:MOST_EVIDENCE], "more": max(len(claim["cells"]) - MOST_EVIDENCE, 0)}
            for claim in report.get("claims", [])
        ],
        "glossary": [list(entry) for entry in GLOSSARY],
    }


def raw_parts(cells: Iterable[Table], *, rounded: bool = True) -> Table:
    """What is looked at one cell at a time, with the words that repeat stored once.

    Args:
        cells: cells of ``report.json``.
        rounded: numbers have few digits, so that the page they stand in stays small.
    """
    words = _Words()
    return {"cells": [_raw_part(cell, words, rounded) for cell in cells], "words": words.texts}


def _raw_part(cell: Table, words: _Words, rounded: bool) -> Table:
    """Certificate, settings, memory, counts of processes and failures of one cell."""
    part = {name: shortened(cell[name]) if rounded else cell[name] for name in _RAW if cell.get(name)}
    part["key"] = cell["key"]
    if cell["parity"]:
        part["checks"] = _checks(cell["parity"]["checks"], words, rounded)
    if cell["failures"]:
        part["failures"] = cell["failures"]
    return part


def embedded(data: object, *, ordered: bool = True) -> str:
    """JSON that can stand inside a script element: nothing in it can end the element or start another.

    Args:
        data: plain data.
        ordered: sort the keys; not where their order is that of the page.
    """
    return _harmless(json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=ordered, separators=(",", ":")))


def embedded_line(data: object) -> str:
    """``embedded`` with keys in the order they have, much faster, for the files of a large report."""
    return _harmless(line_bytes(data).decode("utf-8"))


def _harmless(text: str) -> str:
    for character, escape in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        text = text.replace(character, escape)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def said(found: Mapping[str, Any], key: str = "sentence") -> Any:
    """A sentence as data that the page can say in another language, or as the English text where there is no such."""
    return found.get(f"{key}_parts") or found[key]


def shortened(value: Any) -> Any:
    """The same plain data with numbers of six significant digits."""
    if isinstance(value, float):
        return short(value)
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value]
    return value


def short(value: Any) -> Any:
    """A number with six significant digits, whole where it can be; texts and nothing as they are."""
    if type(value) is not float:
        return value
    rounded = float(_SIX % value)
    whole = int(rounded)
    return whole if whole == rounded else rounded


class _Words:
    """Texts that repeat, each stored once."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._at: dict[str, int] = {}

    def index(self, text: object) -> int:
        """Where the text is stored."""
        found = str(text)
        if found not in self._at:
            self._at[found] = len(self.texts)
            self.texts.append(found)
        return self._at[found]


def _columns(cells: Sequence[Table]) -> Table:
    return {
        "count": len(cells),
        "key": [cell["key"] for cell in cells],
        "main": "".join("1" if cell["main"] else "0" for cell in cells),
        **{name: _texts([cell[name] for cell in cells]) for name in _TEXTS},
        **{name: _sentences([said(cell, name) for cell in cells]) for name in _SENTENCES},
        **{name: [short(cell[name]) for cell in cells] for name in _NUMBERS},
        "speed": _parts([cell["throughput_samples_per_s"] for cell in cells], _SPEED),
        "blocks": _texts([_block_names(cell) for cell in cells]),
        "samples": [_samples(cell) for cell in cells],
        "worst": _worst([cell["parity"] for cell in cells]),
        "accuracy": [_accuracy(cell["accuracy"]) for cell in cells],
        "accuracy_kind": _sentences([said(cell["accuracy"], "kind") if cell["accuracy"] else "" for cell in cells]),
        "convergence": _sentences([_convergence(cell["accuracy"]) for cell in cells]),
        "memory": [_memory(cell["memory"]) for cell in cells],
        "memory_source": _texts([cell["memory"]["source"] if cell["memory"] else "" for cell in cells]),
        "latency": [_latency(cell.get("latency")) for cell in cells],
        "phases": {
            start: _parts([(cell["phases"] or {}).get(start) for cell in cells], _PHASES) for start in ("cold", "warm")
        },
        "remarks": [[[one["code"], said(one)] for one in cell["remarks"]] or 0 for cell in cells],
        "threads_note": [_threads_note(cell) for cell in cells],
    }


def _texts(values: Iterable[object]) -> Table:
    """A column of texts: the distinct ones in order of appearance, and which of them each row has."""
    words = _Words()
    of = [words.index("" if value is None else value) for value in values]
    return {"texts": words.texts, "of": of}


def _sentences(values: Sequence[Any]) -> Table:
    """A column of sentences, each distinct one stored once."""
    words = _Words()
    of = [words.index(compact_json(value).decode()) for value in values]
    return {"texts": [json.loads(found) for found in words.texts], "of": of}


def _parts(tables: Sequence[Mapping[str, Any] | None], names: Sequence[str]) -> Table:
    """Columns of the numbers of one object of each cell; nothing where a cell has no such object."""
    return {name: [short(found.get(name)) if found else None for found in tables] for name in names}


def _block_names(cell: Table) -> str:
    """The blocks of a row's processes, which most rows share with others."""
    found = cell["throughput_samples_per_s"]
    return " ".join(f"{one['block']}.{one['attempt']}" for one in found["samples"]) if found else ""


def _samples(cell: Table) -> list[Any]:
    found = cell["throughput_samples_per_s"]
    return [short(one["value"]) for one in found["samples"]] if found else []


def _worst(found: Sequence[Table | None]) -> Table:
    """The check nearest to its limit, or furthest beyond it."""
    texts = {name: _texts([one[name] if one else "" for one in found]) for name in ("check", "tensor")}
    return {**texts, **_parts(found, _WORST)}


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


def _group(comparison: Table, members: list[int], at: Mapping[str, int]) -> Table:
    others = further(comparison)
    control = comparison["control"]
    return {
        "cells": members,
        "sentence": said(comparison),
        "code": comparison["code"],
        "delta": comparison["delta"],
        "control": {
            "sentence": said(control),
            "verdict": control["verdict"],
            "noise_floor": short(control["noise_floor"]),
        },
        "families": [[title.to_json(), said(family)] for title, family in others],
        "pairs": _pairs(
            [
                (number, pair)
                for number, one in enumerate([comparison, *(found for _, found in others)])
                for pair in one["pairs"]
            ],
            at,
        ),
    }


def _pairs(pairs: Sequence[tuple[int, Table]], at: Mapping[str, int]) -> Table:
    """Columns over the pairs of all families of a group; ``family`` 0 is that of the main modes."""
    reasons = _texts([pair["reason"] for _, pair in pairs])
    numbers = ("ratio", "low", "high", "median_ratio", "p_value", "blocks", "extra_blocks")
    return {
        "family": [number for number, _ in pairs],
        "first": [at[pair["first_key"]] for _, pair in pairs],
        "second": [at[pair["second_key"]] for _, pair in pairs],
        **{name: [short(pair[name]) for _, pair in pairs] for name in numbers},
        "verdict": [VERDICTS.index(pair["verdict"]) for _, pair in pairs],
        "reason": reasons,
        "cold_steps": [pair["break_even"]["cold_steps"] for _, pair in pairs],
        "warm_steps": [pair["break_even"]["warm_steps"] for _, pair in pairs],
    }


def _checks(checks: Mapping[str, list[Any]], words: _Words, rounded: bool) -> Table:
    columns: Table = {name: list(map(words.index, checks[name])) for name in _CHECK_WORDS}
    columns["step"] = checks["step"]
    for name in ("error", "tolerance"):
        values = checks[name]
        columns[name] = [float(_THREE % v) if type(v) is float else v for v in values] if rounded else values
    columns["passed"] = "".join([_PASSED.get(passed, "0") for passed in checks["passed"]])
    return columns


def _adapter(found: Mapping[str, Any]) -> Table:
    kept = {name: str(found.get(name) or "") for name in ("interpreter_kind", "python_version")}
    return {**kept, "lock": str(found.get("lock_sha256") or "")[:12]}


def _dataset(found: Mapping[str, Any]) -> Table:
    kept = {name: str(found.get(name) or "") for name in ("dataset", "kind")}
    return {**kept, "fingerprint": str(found.get("fingerprint") or "")[:12]}


def _threads_note(cell: Table) -> Any:
    """What is said of a timed row that did not show that its threads were set as asked; else nothing."""
    use = cell["thread_use"]
    return said(use, "note") if cell["throughput_samples_per_s"] and use and not use["equalised"] else None


def _axes(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(found[axis] for axis in GROUP_AXES)
