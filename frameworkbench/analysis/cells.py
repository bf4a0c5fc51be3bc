"""What is known about one cell: its status, its proof, and the numbers that the proof entitles it to.

A cell without a parity proof gets no number. Where several records disagree, the strictest one
decides: a result that was wrong once is not repaired by a later run that was right.
"""

from __future__ import annotations

import math
import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..phrase import UNSAID, Phrase, phrase, spoken, verbatim
from ..store.records import Record, Run
from ..store.run import PlannedCell
from .spread import spread
from .statistics import process_interval

NOT_RUN = "NOT_RUN"
WRONG_RESULT = "WRONG_RESULT"
DIFFERENT_WEIGHTS = phrase("weights of a timed process differ from the reference")

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


@dataclass(frozen=True, slots=True)
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

    @property
    def timed(self) -> list[Record]:
        """Speed records of complete blocks that went well and hold at least one window."""
        return [record for record in self.speed if record["status"] == "ok" and throughput_of(record, 1)]

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
    counted = {id(record) for record in run.counted_speed_records(cell.key)}
    disturbed = {id(record) for record in run.disturbed_speed_records()}
    speed = run.cell_records(cell.key, "speed")
    return Evidence(
        environment=_environment(run, cell),
        proof=run.latest(cell.key, "proof"),
        speed=tuple(record for record in speed if id(record) in counted),
        torn=tuple(record for record in speed if id(record) not in counted | disturbed),
        disturbed=tuple(record for record in speed if id(record) in disturbed),
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
    """Parity checks of the proof and of the snapshots in timed processes, with the worst one on top."""
    checks: list[dict[str, Any]] = []
    passed = True
    if evidence.proof is not None:
        found = table(evidence.proof["payload"].get("parity"))
        checks += [_check(check, "proof") for check in rows(found.get("checks"))]
        passed = found.get("passed") is True
    for record in (*evidence.speed, *evidence.torn, *evidence.disturbed):
        snapshot = table(record["payload"].get("snapshot"))
        if snapshot:
            checks.append(_check(snapshot, "speed"))
            passed = passed and snapshot.get("passed") is True
    if not checks:
        return None
    worst = max(checks, key=_severity)
    top = {key: worst[key] for key in ("check", "step", "tensor", "error", "tolerance")}
    return {"passed": passed, **top, "checks": checks}


def throughput_of(record: Record, batch_size: int) -> float | None:
    """Samples per second of one speed process over all its windows, by the parent's clock."""
    steps = elapsed = 0.0
    for window in rows(record["payload"].get("windows")):
        start, stop, count = (number(window.get(key)) for key in ("start_ns", "stop_ns", "steps"))
        if start is None or stop is None or count is None or stop <= start or count <= 0:
            return None
        steps, elapsed = steps + count, elapsed + (stop - start) / 1e9
    return steps * batch_size / elapsed if elapsed else None


def throughput(evidence: Evidence, batch_size: int) -> dict[str, Any] | None:
    """Geometric mean over processes with its interval, and the process means it was made from."""
    samples = [(r["block"], r["attempt"], throughput_of(r, batch_size)) for r in evidence.timed]
    values = [value for _, _, value in samples if value is not None]
    if not values:
        return None
    interval = process_interval(values)
    return {
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "processes": interval.processes,
        "steps": sum(_steps(record) for record in evidence.timed),
        **spread(values),
        "samples": [{"block": block, "attempt": attempt, "value": value} for block, attempt, value in samples],
    }


def phases(records: Sequence[Record]) -> dict[str, float]:
    """Median of each phase over processes, in seconds."""
    tables = [table(record["payload"].get("phases")) for record in records]
    names = sorted({name for found in tables for name in found})
    columns = {name: [v for v in (number(found.get(name)) for found in tables) if v is not None] for name in names}
    return {name: plain.median(values) for name, values in columns.items() if values}


def first_step(found: Mapping[str, float]) -> float | None:
    """Import, build and first step together: what a user waits before training moves."""
    parts = [found.get(name) for name in ("import_s", "build_s", "first_step_s")]
    values = [part for part in parts if part is not None]
    return sum(values) if len(values) == len(parts) else None


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
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        return None
    return value


def table(value: object) -> Mapping[str, Any]:
    """The mapping itself, or an empty one."""
    return value if isinstance(value, Mapping) else {}


def rows(value: object) -> list[Mapping[str, Any]]:
    """The mappings in a list, or none for anything else."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _steps(record: Record) -> int:
    """Timed steps of one process over all its windows."""
    return sum(round(number(window.get("steps")) or 0) for window in rows(record["payload"].get("windows")))


def _environment(run: Run, cell: PlannedCell) -> Record | None:
    """Newest environment record of the cell, or of its adapter where it was checked once for all cells."""
    adapter = cell.axes.get("adapter")
    found = [
        record
        for record in run.records
        if record["kind"] == "cell"
        and record["pass"] == "environment"
        and (record["cell_key"] == cell.key or (record["cell_key"] is None and _adapter(record) == adapter))
    ]
    return found[-1] if found else None


def _adapter(record: Record) -> object:
    return table(record["cell"]).get("adapter")


def _of(record: Record) -> Verdict:
    return Verdict(record["status"], record["code"], verbatim(record["reason"]))


def _check(check: Mapping[str, Any], source: str) -> dict[str, Any]:
    keys = ("check", "step", "tensor", "error", "tolerance", "passed")
    return {**{key: check.get(key) for key in keys}, "pass": source}


def _severity(check: Mapping[str, Any]) -> tuple[bool, float]:
    """Failed checks first, then by error in units of the tolerance; a NaN counts as infinite."""
    error, tolerance = number(check["error"]), number(check["tolerance"])
    size = math.inf if error is None else error / tolerance if tolerance else error
    return (check["passed"] is not True, size)


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
