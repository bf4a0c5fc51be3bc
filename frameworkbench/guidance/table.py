"""The one object that an answer is made from: measured figures on the log scale, stated facts, the method's numbers.

It is plain data, so that a page can hold it and its script can answer without asking anything else.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from ..content import content_dir
from ..facts import Fact, Topic, stale
from ..facts.writing import code_lines
from ..registry import AdapterInfo, load_adapters
from .criteria import CRITERIA, LINES, MEMORY_SPREAD, START_SPREAD, Figure
from .presets import presets_json
from .questions import questions_json
from .texts import TEXTS

SCHEMA = 1
ENTRANT = "entrant"
REAL = "real"
UNTIMED = "UNTIMED"

GROUP_AXES = ("task", "workload", "data", "device", "lane", "precision", "threads", "batch_size")

CONSTANTS: dict[str, float] = {
    # Trials of each group while they stay within the budget of random numbers; then fewer, but not below the least.
    "draws": 2000,
    "least_draws": 50,
    "budget": 2_000_000,
    # A weight of one half moves by 0.11 (one standard deviation) from trial to trial.
    "concentration": 20,
    # Share of trials in which a framework must come first to be named.
    "firm": 0.8,
    # A firm one stays first even if each of its values is worse, and each other one better, by this share.
    "shift": 0.01,
    # PROMETHEE II: a ratio of two is a full preference.
    "preference": 2.0,
    "most_candidates": 4,
    # Deviations from process to process that are assumed where no interval was recorded.
    "start_spread": START_SPREAD,
    "memory_spread": MEMORY_SPREAD,
}

# What a model is, by the layer kinds that only it has; the first that fits.
_FAMILIES = (
    ("attention", ("attention",)),
    ("recurrent", ("lstm", "gru", "rnn")),
    ("convolution", ("conv2d", "conv1d")),
)
_DENSE = "dense"


Facts = Mapping[str, Mapping[str, Fact]]


def guidance_table(
    report: Mapping[str, Any] | None,
    facts: Facts,
    *,
    topics: Mapping[str, Topic] | None = None,
    today: date | None = None,
    families: Mapping[str, str] | None = None,
    lines: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Everything that an answer is made from, as plain data.

    Args:
        report: the content of ``report.json``; None where nothing was measured.
        facts: stated facts by adapter and key.
        topics: what facts are called, by key; their keys unless given.
        today: the day on which facts must not be stale; that of the run, or today, unless given.
        families: kind of model by workload; that of the shipped workloads unless given.
        lines: lines of code by adapter; those of the shipped adapters unless given.
    """
    known = load_adapters()
    cells = [cell for cell in (report or {}).get("cells", ()) if cell["role"] == ENTRANT]
    day = today or _day(report) or date.today()
    counted = {name: code_lines(info.folder) for name, info in known.items()} if lines is None else lines
    groups, rows = _measured(report, cells, workload_families() if families is None else families, counted)
    return {
        "schema": SCHEMA,
        "run": _run(report),
        "today": day.isoformat(),
        "constants": dict(CONSTANTS),
        "criteria": [criterion.to_json() for criterion in CRITERIA],
        "questions": questions_json(),
        "presets": presets_json(),
        "texts": dict(TEXTS),
        "adapters": _adapters(cells, known, facts),
        "topics": {
            key: {"title": topic.title, "words": dict(topic.allowed)} for key, topic in sorted((topics or {}).items())
        },
        "facts": {name: _facts(found, day) for name, found in sorted(facts.items()) if found},
        "groups": groups,
        "rows": rows,
    }


def workload_families() -> dict[str, str]:
    """Kind of model of each shipped workload, by its layers."""
    from ..spec.workload import load_workloads

    return {name: _family(found.model.kinds) for name, found in load_workloads(content_dir("workloads")).items()}


def _family(kinds: Iterable[str]) -> str:
    found = set(kinds)
    return next((family for family, marks in _FAMILIES if found & set(marks)), _DENSE)


def _day(report: Mapping[str, Any] | None) -> date | None:
    created = str((report or {}).get("run", {}).get("created") or "")
    try:
        return date.fromisoformat(created[:10])
    except ValueError:
        return None


def _run(report: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if report is None:
        return None
    run = report["run"]
    return {"run_id": run["run_id"], "created": run["created"], "noisy": bool(report["noise"]["noisy"])}


def _adapters(
    cells: Sequence[Mapping[str, Any]], known: Mapping[str, AdapterInfo], facts: Facts
) -> dict[str, dict[str, Any]]:
    """Entrants that were measured or of which something is stated."""
    found: dict[str, dict[str, Any]] = {}
    for name in facts:
        info = known.get(name)
        if info is None or info.role == ENTRANT:
            modes = {mode.name: mode.mode_class for mode in info.modes.values()} if info else {}
            found[name] = {"title": info.title if info else name, "modes": modes}
    for cell in cells:
        one = found.setdefault(cell["adapter"], {"title": cell["title"], "modes": {}})
        one["title"] = cell["title"]
        one["modes"].setdefault(cell["mode"], cell["mode_class"])
    return dict(sorted(found.items()))


def _facts(found: Mapping[str, Fact], day: date) -> dict[str, dict[str, Any]]:
    return {
        key: {
            "value": list(fact.values),
            "source": fact.source,
            "checked": fact.checked.isoformat(),
            "note": fact.note,
            "stale": stale(fact, day),
        }
        for key, fact in sorted(found.items())
    }


def _measured(
    report: Mapping[str, Any] | None,
    cells: Sequence[Mapping[str, Any]],
    families: Mapping[str, str],
    lines: Mapping[str, int],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    comparisons = {_axes(found): found for found in (report or {}).get("comparisons", ())}
    order: dict[tuple[Any, ...], int] = {}
    groups: list[dict[str, Any]] = []
    for cell in cells:
        axes = _axes(cell)
        if axes not in order:
            order[axes] = len(groups)
            comparison = comparisons.get(axes, {})
            group = dict(zip(GROUP_AXES, axes, strict=True))
            group |= {"id": "|".join(str(value) for value in axes), "family": families.get(cell["workload"], "other")}
            groups.append(group | {"delta": comparison.get("delta") or 0.0, "code": _code(comparison)})
    return groups, [_row(cell, order[_axes(cell)], lines) for cell in cells]


def _axes(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(found[axis] for axis in GROUP_AXES)


def _row(cell: Mapping[str, Any], group: int, lines: Mapping[str, int]) -> dict[str, Any]:
    values: list[Figure | None] = [criterion.figure(cell) for criterion in CRITERIA]
    count = lines.get(cell["adapter"])
    if count:
        values[[criterion.key for criterion in CRITERIA].index(LINES)] = [math.log(count), 0.0]
    ok = cell["status"] == "ok"
    speed = cell.get("throughput_samples_per_s") or {}
    convergence = ((cell.get("accuracy") or {}).get("convergence") or {}).get("code")
    flags = [
        *(["single"] if ok and speed and speed.get("low") is None else []),
        *(["convergence"] if convergence else []),
    ]
    names = ("key", "adapter", "mode", "mode_class", "label", "main", "status", "code", "reason")
    return {
        "group": group,
        **{name: cell[name] for name in names},
        "flags": flags,
        # What is not proved is not weighed, whatever a report holds.
        "values": [_short(value) for value in values] if ok else [None] * len(values),
    }


def _short(found: Figure | None) -> Figure | None:
    return None if found is None else [round(part, 7) for part in found]


def _code(comparison: Mapping[str, Any]) -> str:
    """Why the report itself names no winner; rows that were timed once say nothing of speed, whatever else is known."""
    return str(comparison.get("code") or (UNTIMED if comparison.get("ranks") == {} else ""))
