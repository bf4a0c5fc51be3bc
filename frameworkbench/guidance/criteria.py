"""What alternatives are weighed by: each criterion with its place in a cell, its direction and its uncertainty."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..phrase import marked

Figure = list[float]
"""Natural logarithm, half width of its 95 % interval, and 1 where that width is assumed."""

_Z = 1.959963984540054
# Two-sided 95 % quantiles of Student's t for 1 to 9 degrees of freedom; trainings are repeated from few seeds.
_T = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)

# Standard deviations of logarithms from process to process, assumed where a report has a median and no interval: nine
# in ten of the 43 rows of the committed standard run deviate less (docs/guidance.md).
START_SPREAD = 0.22
MEMORY_SPREAD = 0.03
# A median of normal numbers is that much less certain than their mean.
_MEDIAN = math.sqrt(math.pi / 2)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that alternatives are weighed by.

    Attributes:
        key: its name.
        title: what a reader calls it.
        compare: a template that says one row's ratio to another: "{ratio} the throughput".
        better: 1 where more is better, −1 where less is.
        unit: "samples/s", "s", "bytes", "share" or "lines".
        question: the question whose answers set its weight most.
        figure: its value in a cell of a report; None where it was not measured.
    """

    key: str
    title: str
    compare: str
    better: int
    unit: str
    question: str
    figure: Callable[[Mapping[str, Any]], Figure | None]

    def to_json(self) -> dict[str, Any]:
        """Plain data, without the function."""
        names = ("key", "title", "compare", "better", "unit", "question")
        return {name: getattr(self, name) for name in names}


def _measured(found: Mapping[str, Any] | None) -> Figure | None:
    """A mean with its interval; without an interval it is no figure to weigh."""
    if not found or found.get("low") is None or found.get("high") is None or found["low"] <= 0:
        return None
    half = (math.log(found["high"]) - math.log(found["low"])) / 2
    return [math.log(found["mean"]), half]


def _assumed(value: float | None, spread: float, processes: int) -> Figure | None:
    """A median over so many processes, with the width that such a median has at this spread."""
    if value is None or value <= 0:
        return None
    median = _MEDIAN if processes > 2 else 1.0
    return [math.log(value), _Z * median * spread / math.sqrt(max(processes, 1)), 1]


def _counted(cell: Mapping[str, Any]) -> int:
    return int((cell.get("blocks") or {}).get("counted") or 1)


def _throughput(cell: Mapping[str, Any]) -> Figure | None:
    return _measured(cell.get("throughput_samples_per_s"))


def _latency(cell: Mapping[str, Any]) -> Figure | None:
    return _measured((cell.get("latency") or {}).get("p99_s"))


def _cold(cell: Mapping[str, Any]) -> Figure | None:
    return _assumed(cell.get("time_to_first_step_s"), START_SPREAD, 1)


def _warm(cell: Mapping[str, Any]) -> Figure | None:
    return _assumed(cell.get("time_to_first_step_warm_s"), START_SPREAD, _counted(cell))


def _memory(cell: Mapping[str, Any]) -> Figure | None:
    processes = (cell.get("memory") or {}).get("processes")
    return _assumed(cell.get("peak_memory_bytes"), MEMORY_SPREAD, int(processes or _counted(cell)))


def _error(cell: Mapping[str, Any]) -> Figure | None:
    """Share of wrong answers after full trainings: spread over seeds, and never less than that of so many samples."""
    found = cell.get("accuracy")
    if not found or found.get("kind") != "full training" or not found.get("values"):
        return None
    wrong = [1.0 - value for value in found["values"]]
    mean = statistics.fmean(wrong)
    if min(wrong) <= 0.0 or mean >= 1.0:
        return None
    count = len(wrong)
    sampling = _Z * math.sqrt((1.0 - mean) / (mean * max(int(found.get("total") or 1), 1) * count))
    spread = statistics.stdev(math.log(one) for one in wrong) if count > 1 else 0.0
    quantile = _T[min(count - 1, len(_T)) - 1] if count > 1 else 0.0
    return [math.log(mean), max(sampling, quantile * spread / math.sqrt(count))]


def _no_figure(_cell: Mapping[str, Any]) -> Figure | None:
    return None


LINES = "lines"
"""Known from adapters and not from cells."""

CRITERIA: tuple[Criterion, ...] = (
    Criterion(
        "throughput",
        marked("throughput"),
        marked("{ratio} the throughput"),
        1,
        "samples/s",
        "priority",
        _throughput,
    ),
    Criterion(
        "latency",
        marked("latency of single requests (p99)"),
        marked("{ratio} the latency of single requests (p99)"),
        -1,
        "s",
        "batch",
        _latency,
    ),
    Criterion(
        "first_step_warm",
        marked("time to the first step (warm caches)"),
        marked("{ratio} the time to the first step (warm caches)"),
        -1,
        "s",
        "priority",
        _warm,
    ),
    Criterion(
        "first_step_cold",
        marked("time to the first step (cold caches)"),
        marked("{ratio} the time to the first step (cold caches)"),
        -1,
        "s",
        "batch",
        _cold,
    ),
    Criterion("memory", marked("peak memory"), marked("{ratio} the peak memory"), -1, "bytes", "priority", _memory),
    Criterion("error", marked("test error"), marked("{ratio} the test error"), -1, "share", "priority", _error),
    Criterion(
        LINES,
        marked("lines of code for the same models"),
        marked("{ratio} the lines of code for the same models"),
        -1,
        "lines",
        "team",
        _no_figure,
    ),
)
