"""A run as tables: cells, pairs, parity checks, processes, windows, single requests, and epochs of training.

Everything derived comes from the content of ``report.json``, everything raw from the records, so a table never says
anything else than a report. Nothing measured is left out: what is in no statistic is there with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import Any

from ..analysis.cells import checks_of, number, rows, table, work_of
from ..analysis.summary import Summary
from ..errors import UsageError
from ..store.run import Record, Run
from .cell_columns import AXES, CELL_COLUMNS, NAMES
from .columns import FLAG, INTEGER, NUMBER, TEXT, Column, Getter, Table, after, of, path

Facts = Mapping[str, Any]


class Source:
    """What the tables are made from: a run's records, and the content of its report.

    Tables of what was derived (cells, pairs, parity) need no records.
    """

    def __init__(self, run: Run | None, report: dict[str, Any]) -> None:
        self._run = run
        self.report = report

    @classmethod
    def of(cls, summary: Summary) -> Source:
        """A run's records and its report."""
        return cls(summary.run, summary.to_json())

    @property
    def run(self) -> Run:
        """The records.

        Raises:
            UsageError: there are none here.
        """
        if self._run is None:
            raise UsageError("this table is made from records, and only a report is given")
        return self._run

    def cells(self) -> list[Facts]:
        """Cells as in ``report.json``."""
        found: list[Facts] = self.report["cells"]
        return found

    def processes(self) -> Iterator[Process]:
        """Every process of the speed pass, cell by cell, oldest first."""
        for cell in self.cells():
            samples = table(cell["throughput_samples_per_s"]).get("samples", ())
            counted = {(sample["block"], sample["attempt"]) for sample in samples}
            for record in self.run.cell_records(cell["key"], "speed"):
                standing = self.run.standing(record)
                place = (record["block"], record["attempt"])
                yield Process(cell, record, standing, place in counted and standing == "counted")


@dataclass(frozen=True)
class Process:
    """One timed process: its cell, its record, what it is good for, and whether it is in the cell's figures."""

    cell: Facts
    record: Record
    standing: str
    counted: bool

    @cached_property
    def work(self) -> Facts:
        """Steps, seconds and samples per second over all windows; empty without a whole window."""
        found = work_of(self.record)
        if found is None:
            return {}
        rate = found.steps * (number(self.cell["batch_size"]) or 0) / found.elapsed_s
        return {"steps": found.whole_steps, "seconds": found.elapsed_s, "samples_per_s": rate}


@dataclass(frozen=True, slots=True)
class Window:
    """One timed window of a process."""

    process: Process
    number: int
    facts: Facts

    @property
    def seconds(self) -> float | None:
        """Its length by the parent's clock."""
        start, stop = number(self.facts.get("start_ns")), number(self.facts.get("stop_ns"))
        return None if start is None or stop is None else (stop - start) / 1e9

    @property
    def samples_per_s(self) -> float | None:
        """Its throughput."""
        steps, batch, seconds = number(self.facts.get("steps")), number(self.process.cell["batch_size"]), self.seconds
        return None if steps is None or batch is None or not seconds else steps * batch / seconds


def _windows(source: Source) -> Iterator[Window]:
    for process in source.processes():
        for place, facts in enumerate(rows(process.record["payload"].get("windows")), 1):
            yield Window(process, place, facts)


def _requests(source: Source) -> Iterator[tuple[Process, int, int, Any]]:
    for process in source.processes():
        for window, facts in enumerate(rows(table(process.record["payload"].get("latency")).get("windows")), 1):
            for place, nanoseconds in enumerate(facts.get("latencies_ns") or (), 1):
                yield process, window, place, nanoseconds


def _pairs(source: Source) -> Iterator[tuple[Facts, str, Facts]]:
    for comparison in source.report["comparisons"]:
        yield from ((comparison, "main modes", pair) for pair in comparison["pairs"])
        for family in comparison["modes"]:
            yield from ((comparison, family["adapter"], pair) for pair in family["pairs"])


def _checks(source: Source) -> Iterator[tuple[Facts, Facts]]:
    for cell in source.cells():
        yield from ((cell, check) for check in checks_of(cell))


def _epochs(source: Source) -> Iterator[tuple[Facts, Record, Facts]]:
    for cell in source.cells():
        for record in source.run.cell_records(cell["key"], "accuracy"):
            yield from ((cell, record, epoch) for epoch in rows(record["payload"].get("epochs")))


def _member(place: int) -> Getter:
    return itemgetter(place)


def _inside(place: int, *keys: str) -> Getter:
    return after(_member(place), path(*keys))


def _recorded(*keys: str) -> Getter:
    return after(attrgetter("record"), path("payload", *keys))


_FIRST = of(_member(0), NAMES)
_OF_PROCESS = (
    Column("block", INTEGER, "", "Paired block.", lambda item: item.record["block"]),
    Column("attempt", INTEGER, "", "Attempt at that block.", lambda item: item.record["attempt"]),
    Column("counted", FLAG, "", "Whether the process is in the cell's figures.", lambda item: item.counted),
)

PROCESSES = Table(
    "processes",
    "one timed process",
    (
        *of(lambda item: item.cell, NAMES),
        *_OF_PROCESS,
        Column("standing", TEXT, "", "counted, disturbed or torn: what its block is good for.", lambda p: p.standing),
        Column("status", TEXT, "", "How the process ended.", lambda p: p.record["status"]),
        Column("code", TEXT, "", "Verdict code; empty when all is well.", lambda p: p.record["code"]),
        Column("reason", TEXT, "", "The same in words.", lambda p: p.record["reason"]),
        Column("started", TEXT, "UTC", "When it started.", lambda p: p.record["started"]),
        Column("wall_s", NUMBER, "s", "Whole pass, start and end included.", lambda p: p.record["wall_s"]),
        *(
            Column(name, NUMBER, "s", meaning, _recorded("phases", name))
            for name, meaning in (
                ("import_s", "Import of the framework."),
                ("build_s", "Building the model and loading weights."),
                ("first_step_s", "First step, with tracing and compiling."),
                ("warmup_s", "Warm-up steps."),
            )
        ),
        Column("steps", INTEGER, "", "Timed steps over all windows.", lambda p: p.work.get("steps")),
        Column("seconds", NUMBER, "s", "Their time by the parent's clock.", lambda p: p.work.get("seconds")),
        Column("samples_per_s", NUMBER, "samples/s", "Throughput.", lambda p: p.work.get("samples_per_s")),
        Column("peak_memory_bytes", INTEGER, "bytes", "Peak resident memory of the process.",
               _recorded("memory", "peak_bytes")),
    ),
    Source.processes,
)  # fmt: skip

SAMPLES = Table(
    "samples",
    "one timed window of one process, as recorded",
    (
        *of(lambda item: item.process.cell, NAMES),
        *of(lambda item: item.process, _OF_PROCESS),
        Column("window", INTEGER, "", "Number of the window in its process.", lambda w: w.number),
        Column("steps", INTEGER, "", "Steps in the window.", lambda w: w.facts.get("steps")),
        Column("start_ns", INTEGER, "ns", "Start on the parent's monotonic clock.", lambda w: w.facts.get("start_ns")),
        Column("stop_ns", INTEGER, "ns", "End on the same clock.", lambda w: w.facts.get("stop_ns")),
        Column("seconds", NUMBER, "s", "Length of the window.", lambda w: w.seconds),
        Column("samples_per_s", NUMBER, "samples/s", "Throughput in the window.", lambda w: w.samples_per_s),
        Column("cpu_s", NUMBER, "s", "CPU time of the process in the window.", lambda w: w.facts.get("cpu_s")),
    ),
    _windows,
)

REQUESTS = Table(
    "requests",
    "one single request of an inference process",
    (
        *of(lambda item: item[0].cell, NAMES),
        *of(_member(0), _OF_PROCESS),
        Column("window", INTEGER, "", "Number of the window in its process.", _member(1)),
        Column("request", INTEGER, "", "Number of the request in its window.", _member(2)),
        Column("latency_s", NUMBER, "s", "Its latency.", lambda r: (number(r[3]) or 0) / 1e9 if number(r[3]) else None),
    ),
    _requests,
)

CELLS = Table("cells", "one planned cell", CELL_COLUMNS, Source.cells)

PAIRS = Table(
    "pairs",
    "one comparison of two rows under equal conditions",
    (
        *of(_member(0), AXES),
        Column("family", TEXT, "", "`main modes`, or the adapter whose modes are compared.", _member(1)),
        Column("first", TEXT, "", "Label of the faster row.", _inside(2, "first")),
        Column("second", TEXT, "", "Label of the other row.", _inside(2, "second")),
        Column("ratio", NUMBER, "", "Throughput of the first over that of the second.", _inside(2, "ratio")),
        Column("low", NUMBER, "", "Lower Holm-adjusted 95 % bound of the ratio.", _inside(2, "low")),
        Column("high", NUMBER, "", "Upper bound.", _inside(2, "high")),
        Column("median_ratio", NUMBER, "", "The ratio by medians (Hodges and Lehmann).", _inside(2, "median_ratio")),
        Column("p_value", NUMBER, "", "Paired t-test, Holm-adjusted.", _inside(2, "p_value")),
        Column("blocks", INTEGER, "", "Blocks in which both rows ran.", _inside(2, "blocks")),
        Column("delta", NUMBER, "", "Smallest relative difference that counts.", _inside(0, "delta")),
        Column("verdict", TEXT, "", "faster, detectable but small, practically tied, inconclusive or invalid.",
               _inside(2, "verdict")),
        Column("reason", TEXT, "", "Why the verdict is not what the interval alone would give.", _inside(2, "reason")),
        Column("extra_blocks", INTEGER, "", "Further blocks that an inconclusive pair needs.",
               _inside(2, "extra_blocks")),
        Column("cold_steps", INTEGER, "", "Steps after which the first row overtakes, cold start.",
               _inside(2, "break_even", "cold_steps")),
        Column("warm_steps", INTEGER, "", "The same with warm compile caches.", _inside(2, "break_even", "warm_steps")),
        Column("first_key", TEXT, "", "Key of the first row's cell.", _inside(2, "first_key")),
        Column("second_key", TEXT, "", "Key of the second row's cell.", _inside(2, "second_key")),
    ),
    _pairs,
)  # fmt: skip

PARITY = Table(
    "parity",
    "one check of a cell against the reference",
    (
        *_FIRST,
        Column("pass", TEXT, "", "proof, or speed for a check inside a timed process.", _inside(1, "pass")),
        Column("check", TEXT, "", "What was compared.", _inside(1, "check")),
        Column("step", INTEGER, "", "Training step.", _inside(1, "step")),
        Column("tensor", TEXT, "", "Tensor with the largest error.", _inside(1, "tensor")),
        Column("error", NUMBER, "", "Error; nan or inf where the framework gave no number.", _inside(1, "error")),
        Column("tolerance", NUMBER, "", "Largest error that passes.", _inside(1, "tolerance")),
        Column("passed", FLAG, "", "Whether it is within the tolerance.", _inside(1, "passed")),
    ),
    _checks,
)

EPOCHS = Table(
    "epochs",
    "one epoch of a full training",
    (
        *_FIRST,
        Column("seed", INTEGER, "", "Seed of the training.", _inside(1, "seed")),
        Column("status", TEXT, "", "How the training ended.", _inside(1, "status")),
        Column("epoch", INTEGER, "", "Epoch, from 1.", _inside(2, "epoch")),
        Column("train_s", NUMBER, "s", "Training time of the epoch.", _inside(2, "train_s")),
        Column("loss", NUMBER, "", "Mean training loss.", _inside(2, "loss")),
        Column("accuracy", NUMBER, "", "On the test set, evaluated by the harness; 0 to 1.", _inside(2, "accuracy")),
        Column("total", INTEGER, "", "Test samples.", _inside(2, "total")),
    ),
    _epochs,
)

TABLES: Mapping[str, Table] = {
    found.name: found for found in (CELLS, PAIRS, PARITY, PROCESSES, SAMPLES, REQUESTS, EPOCHS)
}
