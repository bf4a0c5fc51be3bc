"""What pictures show, as plain points taken from the cells and pairs of ``report.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

from ...analysis.verdicts import FASTER, SMALL
from ..view import GROUP_AXES

Table = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ratio:
    """A row against another one: its throughput over the other's, the interval, and whether a difference was shown."""

    adapter: str
    label: str
    against: str
    ratio: float
    low: float
    high: float
    shown: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """One timed row: speed with its interval, the wait for the first step, memory, and whether it is on the front."""

    adapter: str
    label: str
    main: bool
    speed: float
    low: float | None
    high: float | None
    wait_s: float | None
    memory_bytes: float | None
    front: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """Accuracy of one row after each epoch, against the training time up to then."""

    adapter: str
    label: str
    time_s: tuple[float, ...]
    accuracy: tuple[float, ...]
    target: float | None


def group_cells(report: Table, comparison: Table) -> list[Table]:
    """Proved entrants of one group, by name."""
    key = [comparison[axis] for axis in GROUP_AXES]
    cells = (cell for cell in report["cells"] if cell["role"] == "entrant" and cell["status"] == "ok")
    return sorted((cell for cell in cells if [cell[axis] for axis in GROUP_AXES] == key), key=_name)


def ratios(comparison: Table, cells: Sequence[Table]) -> list[Ratio]:
    """Main modes against the fastest one, then each framework's other modes against its main mode.

    Only pairs that were compared: their intervals are paired and adjusted.
    """
    by_key = {cell["key"]: cell for cell in cells}
    main = sorted((cell for cell in cells if cell["main"] and _speed(cell)), key=lambda cell: -_speed(cell))
    found = _against(main[0], comparison["pairs"], by_key) if main else []
    for family in comparison["modes"]:
        own = next((cell for cell in main if cell["adapter"] == family["adapter"]), None)
        found += _against(own, family["pairs"], by_key) if own else []
    return found


def dots(cells: Sequence[Table]) -> list[Dot]:
    """Every timed row, with the Pareto front of speed, memory and time to first step marked."""
    found = [_dot(cell) for cell in cells if cell["throughput_samples_per_s"]]
    return [replace(dot, front=not any(_beats(other, dot) for other in found)) for dot in found]


def curves(cells: Sequence[Table]) -> list[Curve]:
    """Full trainings of which every epoch has a time and an accuracy."""
    return [curve for curve in map(_curve, cells) if curve is not None]


def waits(cells: Sequence[Table]) -> list[tuple[str, str, tuple[float, ...]]]:
    """Adapter, name and p50, p95 and p99 in seconds of the rows that answered enough requests, fastest first."""
    found = []
    for cell in cells:
        latency = cell["latency"] or {}
        quantiles = [latency.get(name) for name in ("p50_s", "p95_s", "p99_s")]
        means = tuple(float(each["mean"]) for each in quantiles if each)
        if means and quantiles[0]:
            found.append((str(cell["adapter"]), str(cell["label"]), means))
    return sorted(found, key=lambda each: (each[2][0], each[1]))


def _name(cell: Table) -> tuple[str, str]:
    return (str(cell["label"]), str(cell["key"]))


def _speed(cell: Table) -> float:
    found = cell["throughput_samples_per_s"]
    return float(found["mean"]) if found else 0.0


def _against(row: Table, pairs: Sequence[Table], by_key: Mapping[str, Table]) -> list[Ratio]:
    """Rows that were compared with one row, fastest first."""
    found = []
    for pair in pairs:
        if row["key"] not in (pair["first_key"], pair["second_key"]):
            continue
        first = pair["first_key"] == row["key"]
        other = by_key.get(pair["second_key" if first else "first_key"])
        if other is None:
            continue
        values = (pair["ratio"], pair["low"], pair["high"])
        ratio, low, high = (1 / values[0], 1 / values[2], 1 / values[1]) if first else values
        shown = pair["verdict"] in (FASTER, SMALL)
        found.append(Ratio(str(other["adapter"]), str(other["label"]), str(row["label"]), ratio, low, high, shown))
    return sorted(found, key=lambda each: (-each.ratio, each.label))


def _dot(cell: Table) -> Dot:
    found = cell["throughput_samples_per_s"]
    return Dot(
        adapter=str(cell["adapter"]),
        label=str(cell["label"]),
        main=bool(cell["main"]),
        speed=float(found["mean"]),
        low=found["low"],
        high=found["high"],
        wait_s=cell["time_to_first_step_s"],
        memory_bytes=cell["peak_memory_bytes"],
    )


def _beats(one: Dot, other: Dot) -> bool:
    """Shown to be faster (intervals apart), and no worse in the rest; what was not measured beats nothing."""
    if one.low is None or other.high is None or one.low <= other.high:
        return False
    pairs = ((one.wait_s, other.wait_s), (one.memory_bytes, other.memory_bytes))
    return all(mine is not None and theirs is not None and mine <= theirs for mine, theirs in pairs)


def _curve(cell: Table) -> Curve | None:
    found = cell["accuracy"] or {}
    epochs = found.get("curve") or []
    values = [(epoch.get("train_s"), epoch.get("accuracy")) for epoch in epochs]
    if not values or any(not isinstance(part, (int, float)) for pair in values for part in pair):
        return None
    times = tuple(accumulate(float(time) for time, _ in values))
    if times[0] <= 0:
        return None
    accuracies = tuple(float(accuracy) for _, accuracy in values)
    return Curve(str(cell["adapter"]), str(cell["label"]), times, accuracies, found.get("target"))
