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
from .compact import Table, Words, said, short, shortened, texts_column
from .comparing import further
from .glossary import GLOSSARY
from .page_columns import cell_columns
from .view import GROUP_AXES

SCHEMA = 1
_THREE = "%.3g"
MOST_EVIDENCE = 40
"""Cells that are named as evidence of one claim; the claim says how many there are."""

VERDICTS = ("faster", "detectable but small", "practically tied", "inconclusive", "invalid")

_CHECK_WORDS = ("check", "tensor", "pass")
_RAW = ("effective", "tuning", "thread_use", "warm_up", "blocks", "excluded", "capacity", "card", "memory", "latency")
# Each as one character, so that a certificate of a hundred checks has a hundred characters here.
_PASSED = {True: "1", False: "0"}


def page_data(report: Table, columns: Table | None = None) -> Table:
    """Everything that the page's program needs to filter, sort, compare and draw, without raw parts.

    Args:
        report: the content of ``report.json``.
        columns: of its cells (``page_columns.cell_columns``), if they are made already.
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
        "verdicts": list(VERDICTS),
        "cells": cell_columns(cells) if columns is None else columns,
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
    words = Words()
    return {"cells": [_raw_part(cell, words, rounded) for cell in cells], "words": words.texts}


def _raw_part(cell: Table, words: Words, rounded: bool) -> Table:
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
    reasons = texts_column([pair["reason"] for _, pair in pairs])
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


def _checks(checks: Mapping[str, list[Any]], words: Words, rounded: bool) -> Table:
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


def _axes(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(found[axis] for axis in GROUP_AXES)
