"""Records → facts: one result per planned cell, comparisons per group, and what was not measured.

``Summary.to_json`` is ``report.json``; every other form of the report is rendered from it, so all forms
state the same facts.
"""

from __future__ import annotations

import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from ..phrase import Phrase, phrase, spoken
from ..spec.cell import TWIN, row_name
from ..spec.lanes import MATCHED
from ..store.records import Record, Run
from ..store.run import PlannedCell
from .bands import shipped_bands
from .breakeven import break_even
from .card import card_facts
from .cells import (
    Accuracy,
    Evidence,
    Verdict,
    first_step,
    gather,
    number,
    parity,
    phases,
    table,
    throughput,
    verdict,
    wait_of,
    warm_up,
)
from .cells import accuracy as cell_accuracy
from .comparison import LEAST_BLOCKS, Entry, Ranking
from .content import Part, whole
from .convergence import Band, Convergence, Training, judge
from .disturbance import Disturbance, disturbance
from .families import FALSE_WIN, Candidate, GroupVerdicts, group_verdicts, uncontrolled
from .handicap import Handicap, handicaps
from .latency import latency_facts
from .memory import capacity_facts, memory_facts
from .spread import excluded
from .threads import thread_use
from .verdicts import Pair

GROUP_AXES = ("task", "workload", "data", "device", "lane", "precision", "threads", "batch_size")
CELL_AXES = (*GROUP_AXES[:3], "adapter", "role", "mode", "mode_class", *GROUP_AXES[3:])
# ``asdict`` copies each value deeply, which takes ten times as long.
_PAIR = tuple(field.name for field in fields(Pair))
# Without a proof these stay empty, whatever was measured.
_NUMBERS = (
    "throughput_samples_per_s",
    "latency",
    "time_to_first_step_s",
    "time_to_first_step_warm_s",
    "peak_memory_bytes",
    "memory",
    "capacity",
    "card",
    "accuracy",
    "time_to_target_s",
)


@dataclass(frozen=True, slots=True)
class CellResult:
    """One planned cell with its status and numbers; ``facts`` is its object in ``report.json``."""

    key: str
    main: bool
    axes: Mapping[str, Any]
    verdict: Verdict
    blocks_planned: int
    facts: Mapping[str, Any]

    @property
    def label(self) -> str:
        """The row's name: framework and mode."""
        return row_name(self.axes)

    @property
    def group(self) -> tuple[Any, ...]:
        """What must be equal for two rows to be compared."""
        return tuple(self.axes.get(axis) for axis in GROUP_AXES)


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything that a report says about one run, or about the cells of one process's share of it."""

    run: Run
    cells: tuple[CellResult, ...]
    groups: Mapping[tuple[Any, ...], GroupVerdicts]
    noise: Disturbance
    remarks: Mapping[str, tuple[Handicap, ...]] = field(default_factory=dict)

    @property
    def rankings(self) -> dict[tuple[Any, ...], Ranking]:
        """The main modes' ranking of each group."""
        return {group: found.main for group, found in self.groups.items()}

    def to_json(self) -> dict[str, Any]:
        """The content of ``report.json``; documented in ``docs/report-json.md``."""
        return whole(self.run, [self.part()])

    def part(self) -> Part:
        """What these cells contribute to the content."""
        facts = {cell.key: cell.facts for cell in self.cells}
        return {
            "cells": [self._cell(cell) for cell in self.cells],
            "comparisons": [_comparison(group, found, facts) for group, found in self.groups.items()],
            "uncontrolled": self._uncontrolled(),
            "torn": len(self.run.torn_speed_records()),
        }

    def _cell(self, cell: CellResult) -> dict[str, Any]:
        found = self.groups.get(cell.group)
        remarks = [remark.to_json() for remark in self.remarks.get(cell.key, ())]
        return {**cell.facts, "rank": found.main.ranks.get(cell.key) if found else None, "remarks": remarks}

    def _uncontrolled(self) -> dict[str, list[str]]:
        """By lane: workloads whose verdicts stand without a control."""
        lanes: dict[str, dict[str, list[GroupVerdicts]]] = {}
        for group, found in self.groups.items():
            lane, workload = (str(group[GROUP_AXES.index(axis)]) for axis in ("lane", "workload"))
            lanes.setdefault(lane, {}).setdefault(workload, []).append(found)
        return {lane: uncontrolled(workloads) for lane, workloads in lanes.items()}


def summarise(run: Run, bands: Mapping[str, Band] | None = None) -> Summary:
    """Derive all facts of a run from its records; the same records give the same summary.

    Args:
        run: the run as read from disk.
        bands: what the reference reached, by workload; those that are shipped unless given.
    """
    noise = disturbance(run)
    known = shipped_bands() if bands is None else bands
    cells = tuple(_result(run, planned, noise, known) for planned in run.plan.cells)
    delta = number(table(run.manifest.get("protocol")).get("delta"))
    adapters = table(run.manifest.get("adapters"))
    groups: dict[tuple[Any, ...], GroupVerdicts] = {}
    for group, members in _by_group(cells).items():
        candidates = [_candidate(cell, adapters) for cell in members if _comparable(cell)]
        groups[group] = group_verdicts(candidates, delta, noise, str(group[GROUP_AXES.index("lane")]))
    # What another program did to a row in one lane says nothing about its settings.
    remarks = {} if noise.noisy else _remarks([cell for cell in cells if groups[cell.group].main.code != FALSE_WIN])
    return Summary(run, cells, groups, noise, remarks)


def _by_group(cells: Sequence[CellResult]) -> dict[tuple[Any, ...], list[CellResult]]:
    """Cells of each group, groups in the order of their first cells."""
    found: dict[tuple[Any, ...], list[CellResult]] = {}
    for cell in cells:
        found.setdefault(cell.group, []).append(cell)
    return found


def _result(run: Run, planned: PlannedCell, noise: Disturbance, bands: Mapping[str, Band]) -> CellResult:
    evidence = gather(run, planned)
    alike = planned.main or planned.key in run.plan.aims.get("named", ())
    blocks = run.plan.blocks.get("main" if alike else "other", 0)
    found = verdict(evidence, blocks)
    adapter = table(table(run.manifest.get("adapters")).get(str(planned.axes.get("adapter"))))
    proof = evidence.proof
    effective = dict(table(proof["payload"].get("effective"))) if proof is not None else {}
    facts: dict[str, Any] = {
        **{axis: planned.axes.get(axis) for axis in CELL_AXES},
        "key": planned.key,
        "label": row_name(planned.axes),
        "title": adapter.get("title") or planned.axes.get("adapter"),
        "main": planned.main,
        "framework_version": effective.get("version") or adapter.get("framework_version"),
        "status": found.status,
        "code": found.code,
        **spoken("reason", found.said),
        "parity": parity(evidence),
        "effective": effective or None,
        "tuning": proof["payload"].get("tuning") if proof is not None else None,
        "thread_use": thread_use(proof, evidence.timed, planned.axes.get("threads")),
        "warm_up": warm_up(evidence),
        **_numbers(run, evidence, planned, bands),
        "blocks": {
            "planned": blocks,
            "counted": len(evidence.timed),
            "failed": len(evidence.speed) - len(evidence.timed),
            "torn": len(evidence.torn),
            "disturbed": len(evidence.disturbed),
        },
        "excluded": excluded(
            run.cell_records(planned.key, "speed"), {id(record) for record in evidence.timed}, noise.flagged
        ),
        "failures": [_failure(record) for record in evidence.failures],
    }
    if found.status in ("not_comparable", "invalid"):
        facts.update(dict.fromkeys(_NUMBERS), phases=None)
        facts.update(spoken("accuracy_note", phrase("no number without a parity proof")))
    return CellResult(planned.key, planned.main, planned.axes, found, blocks, facts)


def _numbers(run: Run, evidence: Evidence, planned: PlannedCell, bands: Mapping[str, Band]) -> dict[str, Any]:
    cold = phases([evidence.proof]) if evidence.proof is not None else {}
    warm = phases(evidence.timed)
    warm_waits = [wait for wait in map(wait_of, evidence.timed) if wait is not None]
    found = cell_accuracy(evidence)
    weight = memory_facts(evidence.weighed, evidence.timed)
    batch_size = int(number(planned.axes.get("batch_size")) or 0)
    return {
        "throughput_samples_per_s": throughput(evidence, batch_size),
        "time_to_first_step_s": first_step(cold),
        "time_to_first_step_warm_s": plain.median(warm_waits) if warm_waits else None,
        "phases": {"cold": cold or None, "warm": warm or None},
        "peak_memory_bytes": weight["peak_bytes"] if weight else None,
        "memory": weight,
        "capacity": capacity_facts(evidence.capacity),
        "latency": latency_facts(evidence.timed),
        "card": card_facts(evidence.timed, batch_size),
        "accuracy": {**found.to_json(), "convergence": _held(run, planned, found, bands).to_json()} if found else None,
        **spoken("accuracy_note", _accuracy_note(found, planned)),
        "time_to_target_s": _time_to_target(found),
    }


def _held(run: Run, planned: PlannedCell, found: Accuracy, bands: Mapping[str, Band]) -> Convergence:
    """A row's accuracy against what the reference reached on this very workload and data."""
    name = str(planned.axes.get("workload"))
    facts = {part: table(table(run.manifest.get(part)).get(name)) for part in ("workloads", "data")}
    training = Training(
        data=str(planned.axes.get("data")),
        workload_sha256=str(facts["workloads"].get("sha256")),
        dataset_fingerprint=str(facts["data"].get("fingerprint")),
        curves=found.by_epoch,
    )
    return judge(training, bands.get(name))


def _accuracy_note(found: Accuracy | None, planned: PlannedCell) -> Phrase:
    if planned.axes.get("task") == "infer":
        return phrase("answers are proved; nothing is trained")
    if found is None and planned.axes.get("role") == TWIN:
        return phrase("twin of another row: accuracy is that row's")
    if found is None:
        return phrase("accuracy not measured") if planned.main else phrase("accuracy not measured in this mode")
    if found.target is None:
        return phrase("short training: no accuracy target applies")
    return phrase(
        "{reached} of {seeds} seeds reached the target of {target}",
        reached=len(found.time_to_target_s),
        seeds=len(found.values),
        target=f"{found.target:g}",
    )


def _time_to_target(found: Accuracy | None) -> float | None:
    """Median over seeds, and only when every seed reached the target: a miss must not look like a fast run."""
    if found is None or not found.time_to_target_s or len(found.time_to_target_s) < len(found.values):
        return None
    return plain.median(found.time_to_target_s)


def _failure(record: Record) -> dict[str, Any]:
    keys = ("pass", "block", "attempt", "seed", "status", "code", "reason", "log", "log_end")
    return {key: record[key] for key in keys}


def _comparable(cell: CellResult) -> bool:
    """Rows that are proved and timed in enough blocks; the reference is never compared."""
    enough = cell.facts["blocks"]["counted"] >= LEAST_BLOCKS
    return cell.verdict.status == "ok" and cell.axes.get("role") != "oracle" and enough


def _candidate(cell: CellResult, adapters: Mapping[str, Any]) -> Candidate:
    samples = cell.facts["throughput_samples_per_s"]["samples"]
    entry = Entry(cell.key, cell.label, {(found["block"], found["attempt"]): found["value"] for found in samples})
    adapter, mode, role = (str(cell.axes.get(axis)) for axis in ("adapter", "mode", "role"))
    below = table(table(adapters.get(adapter)).get("built_on")).get(mode, "")
    return Candidate(entry, adapter, mode, role, cell.main, str(below))


def _remarks(cells: Sequence[CellResult]) -> dict[str, tuple[Handicap, ...]]:
    """Remarks by the key of a matched cell, from the same row in other lanes of the run."""
    if len({cell.axes.get("lane") for cell in cells}) < 2:
        return {}
    rows: dict[tuple[Any, ...], dict[str, CellResult]] = {}
    for cell in filter(_comparable, cells):
        same = tuple(cell.axes.get(axis) for axis in CELL_AXES if axis != "lane")
        rows.setdefault(same, {})[str(cell.axes.get("lane"))] = cell
    found: dict[str, tuple[Handicap, ...]] = {}
    for lanes in rows.values():
        entries = {lane: _candidate(cell, {}).entry for lane, cell in lanes.items()}
        if MATCHED in entries:
            found[lanes[MATCHED].key] = handicaps(entries.pop(MATCHED), entries)
    return {key: remarks for key, remarks in found.items() if remarks}


def _comparison(group: tuple[Any, ...], found: GroupVerdicts, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    modes = [{"adapter": name, **_ranking(ranking, facts)} for name, ranking in found.modes.items()]
    axes = dict(zip(GROUP_AXES, group, strict=True))
    built = [{"above": a, "below": b, **_ranking(ranking, facts)} for (a, b), ranking in found.built_on.items()]
    return {
        **axes,
        **_ranking(found.main, facts),
        "modes": modes,
        "built_on": built,
        "control": found.control.to_json(),
    }


def _ranking(ranking: Ranking, facts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    pairs = [
        {
            **{name: getattr(pair, name) for name in _PAIR},
            "break_even": break_even(pair, facts[pair.first_key], facts[pair.second_key]).to_json(),
        }
        for pair in ranking.pairs
    ]
    head = {**spoken("sentence", ranking.said), "code": ranking.code, "delta": ranking.delta}
    return {**head, "ranks": dict(ranking.ranks), "pairs": pairs}
