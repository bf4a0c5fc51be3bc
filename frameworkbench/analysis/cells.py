"""What is known about one cell: its status, its proof, and the numbers that the proof entitles it to.

A cell without a parity proof gets no number. Where several records disagree, the strictest one
decides: a result that was wrong once is not repaired by a later run that was right.
"""

from __future__ import annotations

import math
import operator
import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any

from ..phrase import UNSAID, Phrase, phrase, spoken, verbatim
from ..store.packed import PackedRows
from ..store.records import Record, Run
from ..store.run import COUNTED, DISTURBED, TORN, PlannedCell
from .digested import Digested, Work
from .spread import spread
from .statistics import process_interval

NOT_RUN = "NOT_RUN"
WRONG_RESULT = "WRONG_RESULT"
DIFFERENT_WEIGHTS = phrase("weights of a timed process differ from the reference")

_STAMPS = ("start_ns", "stop_ns", "steps")
_stamps_in = operator.itemgetter(*_STAMPS)
_CHECK = ("check", "step", "tensor", "error", "tolerance", "passed")
_WAIT = ("import_s", "build_s", "first_step_s")
_EPOCH = ("epoch", "train_s", "loss", "accuracy", "total")
# A verdict of these on any speed process holds for the whole cell.
_STRICT = ("not_comparable", "invalid")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Status of a cell with its code and the reason in words; both are empty when all is well."""

    status: str
    code: str = ""
    said: Phrase = UNSAID

    @property
    def reason(self) -> str:
        """Why, in English words."""
        return str(self.said)


@dataclass(frozen=True)
class Evidence:
    """The records of one cell, sorted by what they may be used for."""

    environment: Record | None
    proof: Record | None
    speed: tuple[Record, ...]
    torn: tuple[Record, ...]
    disturbed: tuple[Record, ...]
    accuracy: tuple[Record, ...]
    pilot: Record | None = None
    memory: tuple[Record, ...] = ()
    capacity: Record | None = None

    @cached_property
    def work(self) -> list[tuple[Record, Work]]:
        """Speed records of complete blocks that went well and hold a window, with what was done in their windows."""
        done = [(record, work_of(record)) for record in self.speed if record["status"] == "ok"]
        return [(record, found) for record, found in done if found is not None]

    @cached_property
    def timed(self) -> list[Record]:
        """Speed records of complete blocks that went well and hold at least one window."""
        return [record for record, _ in self.work]

    @property
    def failures(self) -> list[Record]:
        """Every record of the cell that did not end well."""
        single = [record for record in (self.environment, self.proof, self.capacity) if record is not None]
        several = (*self.speed, *self.torn, *self.disturbed, *self.accuracy, *self.memory)
        return [record for record in (*single, *several) if record["status"] != "ok"]

    @property
    def weighed(self) -> list[Record]:
        """Records of the memory pass that went well."""
        return [record for record in self.memory if record["status"] == "ok"]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Accuracy on the test set per seed; ``curve`` holds the epochs of the first seed.

    ``by_epoch`` is the accuracy after each epoch of every full training, ``(seeds, epochs)``.
    """

    values: tuple[float, ...]
    seeds: tuple[int, ...]
    kind: Phrase
    total: int
    target: float | None = None
    time_to_target_s: tuple[float, ...] = ()
    curve: tuple[Mapping[str, Any], ...] = field(default=())
    by_epoch: tuple[tuple[float, ...], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        return {
            "mean": plain.fmean(self.values),
            "values": list(self.values),
            "seeds": list(self.seeds),
            **spoken("kind", self.kind),
            "total": self.total,
            "target": self.target,
            "curve": [dict(epoch) for epoch in self.curve],
        }


def gather(run: Run, cell: PlannedCell) -> Evidence:
    """All records of one planned cell."""
    speed: dict[str, list[Record]] = {COUNTED: [], TORN: [], DISTURBED: []}
    for record in run.cell_records(cell.key, "speed"):
        speed[run.standing(record)].append(record)
    return Evidence(
        environment=run.environment_record(cell.key, cell.axes.get("adapter")),
        proof=run.latest(cell.key, "proof"),
        speed=tuple(speed[COUNTED]),
        torn=tuple(speed[TORN]),
        disturbed=tuple(speed[DISTURBED]),
        accuracy=tuple(run.cell_records(cell.key, "accuracy")),
        pilot=run.latest(cell.key, "pilot"),
        memory=tuple(run.cell_records(cell.key, "memory")),
        capacity=run.latest(cell.key, "capacity"),
    )


def verdict(evidence: Evidence, planned_blocks: int) -> Verdict:
    """The status of a cell: environment, then proof, then timing."""
    proof = evidence.proof
    if proof is None:
        if evidence.environment is not None and evidence.environment["status"] != "ok":
            return _of(evidence.environment)
        return Verdict("failed", NOT_RUN, phrase("not measured: the run stopped before this cell's proof"))
    if proof["status"] != "ok":
        return _of(proof)
    if table(proof["payload"].get("parity")).get("passed") is not True:
        return Verdict("not_comparable", WRONG_RESULT, phrase("the proof pass holds no passed parity check"))
    attempts = (*evidence.speed, *evidence.torn, *evidence.disturbed)
    for strict in (*attempts, *evidence.memory):
        if strict["status"] in _STRICT:
            return _of(strict)
        if table(strict["payload"].get("snapshot")).get("passed") is False:
            return Verdict("not_comparable", WRONG_RESULT, DIFFERENT_WEIGHTS)
    if evidence.timed:
        return Verdict("ok")
    failed = [record for record in attempts if record["status"] != "ok"]
    if failed:
        return _of(failed[-1])
    if planned_blocks == 0:
        return Verdict("ok", "", phrase("proved; no timing was planned"))
    return Verdict("failed", NOT_RUN, phrase("proved, but not timed: the run stopped before a block was complete"))


def parity(evidence: Evidence) -> dict[str, Any] | None:
    """Parity checks of the proof and of the snapshots in timed processes, with the worst one on top.

    They are many, so they are kept as columns.
    """
    found = table(evidence.proof["payload"].get("parity")) if evidence.proof is not None else {}
    proof = rows(found.get("checks"))
    seen = [record["payload"].get("snapshot") for record in (*evidence.speed, *evidence.torn, *evidence.disturbed)]
    snapshots = [snapshot for snapshot in map(table, seen) if snapshot]
    checks = proof + snapshots
    if not checks:
        return None
    columns = {name: [check.get(name) for check in checks] for name in _CHECK}
    severity = list(map(_severity, columns["passed"], columns["error"], columns["tolerance"]))
    worst = severity.index(max(severity))
    good = all(snapshot.get("passed") is True for snapshot in snapshots)
    return {
        "passed": good and (evidence.proof is None or found.get("passed") is True),
        **{name: columns[name][worst] for name in _CHECK[:-1]},
        "checks": columns | {"pass": ["proof"] * len(proof) + ["speed"] * len(snapshots)},
    }


def checks_of(cell: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parity checks of a cell of ``report.json``, one object each."""
    columns = table(table(cell["parity"]).get("checks"))
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def work_of(record: Record) -> Work | None:
    """What one speed process did over all its windows, by the parent's clock; None if one is wrong or none is there."""
    windows = record["payload"].get("windows")
    if isinstance(windows, Digested):
        return windows.work
    columns = _whole_stamps(windows)
    if columns is not None:
        return _whole_work(*columns)
    steps = nanoseconds = 0.0
    whole = 0
    for start, stop, count in _stamps(windows):
        if start is None or stop is None or count is None or stop <= start or count <= 0:
            return None
        steps, nanoseconds, whole = steps + count, nanoseconds + (stop - start), whole + round(count)
    return Work(steps, nanoseconds / 1e9, whole) if nanoseconds else None


def _whole_stamps(windows: object) -> Sequence[Sequence[int]] | None:
    """Starts, stops and steps of all windows where every one is a whole number, as every run has them."""
    if isinstance(windows, PackedRows):
        return list(zip(*windows.columns(*_STAMPS), strict=True)) if windows.whole(*_STAMPS) else None
    if type(windows) is not list or set(map(type, windows)) != {dict}:
        return None
    try:
        columns = list(zip(*map(_stamps_in, windows), strict=True))
    except KeyError:
        return None
    return columns if set(map(type, chain.from_iterable(columns))) == {int} else None


def _whole_work(starts: Sequence[int], stops: Sequence[int], counts: Sequence[int]) -> Work | None:
    """``work_of`` for whole numbers: sums are exact and many times as fast."""
    if min(counts) <= 0 or any(map(operator.le, stops, starts)):
        return None
    steps = sum(counts)
    return Work(float(steps), (sum(stops) - sum(starts)) / 1e9, steps)


def _stamps(windows: object) -> list[tuple[float | None, ...]]:
    """Start and stop in nanoseconds and the steps of each window; None for what is not a finite number."""
    if not isinstance(windows, PackedRows):
        return [tuple(number(window.get(key)) for key in _STAMPS) for window in rows(windows)]
    return [tuple(map(number, row)) for row in windows.columns(*_STAMPS)]


def throughput(evidence: Evidence, batch_size: int) -> dict[str, Any] | None:
    """Geometric mean over processes with its interval, and the process means it was made from."""
    samples = [(r["block"], r["attempt"], done.steps * batch_size / done.elapsed_s) for r, done in evidence.work]
    values = [value for _, _, value in samples]
    if not values:
        return None
    interval = process_interval(values)
    return {
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "processes": interval.processes,
        "steps": sum(done.whole_steps for _, done in evidence.work),
        **spread(values),
        "samples": [{"block": block, "attempt": attempt, "value": value} for block, attempt, value in samples],
    }


def phases(records: Sequence[Record]) -> dict[str, float]:
    """Median of each phase over processes, in seconds."""
    tables = [table(record["payload"].get("phases")) for record in records]
    names = sorted(set().union(*tables))
    columns = {name: [v for v in map(number, [found.get(name) for found in tables]) if v is not None] for name in names}
    return {name: plain.median(values) for name, values in columns.items() if values}


def first_step(found: Mapping[str, float]) -> float | None:
    """Import, build and first step together: what a user waits before training moves."""
    parts = [found.get(name) for name in _WAIT]
    values = [part for part in parts if part is not None]
    return sum(values) if len(values) == len(parts) else None


def wait_of(record: Record) -> float | None:
    """``first_step`` of one process."""
    found = table(record["payload"].get("phases"))
    total: float = 0
    for name in _WAIT:
        part = number(found.get(name))
        if part is None:
            return None
        total += part
    return total


def warm_up(evidence: Evidence) -> dict[str, Any] | None:
    """What the pilot found: the warm-up of every timed process and whether the row becomes steady; None without one."""
    found = table(evidence.pilot["payload"].get("warmup")) if evidence.pilot is not None else {}
    return dict(found) or None


def accuracy(evidence: Evidence) -> Accuracy | None:
    """Accuracy after full training where there is any, else after the proof's short training."""
    full = [record for record in evidence.accuracy if record["status"] == "ok" and _final(record) is not None]
    if full:
        payloads = [record["payload"] for record in full]
        curves = [rows(payload.get("epochs")) for payload in payloads]
        target = number(payloads[0].get("target"))
        reached = [_time_to(curve, target) for curve in curves]
        return Accuracy(
            values=tuple(value for value in map(_final, full) if value is not None),
            seeds=tuple(record["seed"] if record["seed"] is not None else -1 for record in full),
            kind=phrase("full training"),
            total=int(number(table(payloads[0].get("final")).get("total")) or 0),
            target=target,
            time_to_target_s=tuple(time for time in reached if time is not None),
            curve=tuple({key: epoch.get(key) for key in _EPOCH} for epoch in curves[0]),
            by_epoch=tuple(_accuracies(curve) for curve in curves),
        )
    short = table(evidence.proof["payload"].get("accuracy")) if evidence.proof is not None else {}
    value = number(short.get("value"))
    if value is None:
        return None
    steps, total = number(short.get("steps")) or 0, number(short.get("total")) or 0
    seed = evidence.proof["seed"] if evidence.proof is not None else None
    kind = phrase("after {steps} steps", steps=f"{steps:.0f}")
    return Accuracy((value,), () if seed is None else (seed,), kind, int(total))


def number(value: object) -> float | None:
    """A finite number, or None for anything else (producers store non-finite numbers as text)."""
    if type(value) is float:
        return value if value - value == 0.0 else None  # not of an infinity and not of a NaN
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def table(value: object) -> Mapping[str, Any]:
    """The mapping itself, or an empty one."""
    if type(value) is dict:
        return value
    return value if value is not None and isinstance(value, Mapping) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list, or none for anything else."""
    if isinstance(value, PackedRows):
        return list(value)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _of(record: Record) -> Verdict:
    return Verdict(record["status"], record["code"], verbatim(record["reason"]))


def _severity(passed: object, error: object, tolerance: object) -> tuple[bool, float]:
    """Failed checks first, then by error in units of the tolerance; a NaN counts as infinite."""
    off, allowed = number(error), number(tolerance)
    size = math.inf if off is None else off / allowed if allowed else off
    return (passed is not True, size)


def _final(record: Record) -> float | None:
    return number(table(record["payload"].get("final")).get("accuracy"))


def _accuracies(curve: Sequence[Mapping[str, Any]]) -> tuple[float, ...]:
    """Accuracy after each epoch; an epoch without one is left out, so that the curve is too short to be compared."""
    found = (number(epoch.get("accuracy")) for epoch in curve)
    return tuple(value for value in found if value is not None)


def _time_to(curve: Sequence[Mapping[str, Any]], target: float | None) -> float | None:
    """Training seconds up to the first epoch that reaches the target."""
    elapsed = 0.0
    for epoch in curve:
        elapsed += number(epoch.get("train_s")) or 0.0
        value = number(epoch.get("accuracy"))
        if target is not None and value is not None and value >= target:
            return elapsed
    return None
