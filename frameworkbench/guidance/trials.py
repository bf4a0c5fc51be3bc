"""How often each framework comes first when measured values move within their intervals and weights around those given.

A share of first places, not a score, decides whether a framework may be named.

Source:
    Rank acceptability: Lahdelma, Hokkanen and Salminen 1998, SMAA (10.1016/S0377-2217(97)00163-X); Tervonen and
    Figueira 2008 (10.1002/mcda.407).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from .draws import Floats, quantiles, uniforms
from .draws import weights as draw_weights
from .selection import Table

# Half width of a 95 % interval over its standard error.
_Z = 1.959963984540054
# Scores closer than this are one score: rounding must not break the tie of two equal rows.
_SAME = 1e-12
BROKEN = ("not_comparable", "invalid")
"""States of rows with figures that may not count: why they are left out stands beside the answer."""


@dataclass(frozen=True, slots=True)
class Aside:
    """A row that is not weighed, and why: ``not_comparable``, ``invalid``, ``not_ok``, ``single`` or ``incomplete``."""

    row: Table
    why: str
    criterion: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """The rows of one comparison that are weighed against each other.

    Attributes:
        group: index of the comparison.
        criteria: keys of those in use.
        rows: the rows, by label.
        values: (rows, criteria), natural logarithms turned so that more is better.
        halves: (rows, criteria), half widths of the 95 % intervals on the same scale.
        weights: (criteria,), summing to 1.
        streams: for each row the label under which its random numbers are drawn; equal rows share one.
    """

    group: int
    criteria: tuple[str, ...]
    rows: tuple[Table, ...]
    values: Floats
    halves: Floats
    weights: Floats
    streams: tuple[str, ...]

    @property
    def adapters(self) -> list[str]:
        """Frameworks with a row, in the order of the rows."""
        return list(dict.fromkeys(row["adapter"] for row in self.rows))

    def of(self, adapter: str) -> list[int]:
        """Indices of a framework's rows."""
        return [index for index, row in enumerate(self.rows) if row["adapter"] == adapter]


@dataclass(frozen=True, slots=True)
class Trials:
    """What came of the trials.

    Attributes:
        count: trials of each comparison.
        first: by framework the share of trials in which it came first, mean over comparisons.
        clear: the same, counting only trials that it wins by more than twice the shift.
        by_group: ``first`` within each comparison.
        rows: by cell key the share of trials in which the row came first.
    """

    count: int
    first: Mapping[str, float]
    clear: Mapping[str, float]
    by_group: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    rows: Mapping[str, float] = field(default_factory=dict)


def fields(
    table: Table,
    groups: Sequence[int],
    kept: Sequence[str],
    classes: frozenset[str] | None,
    weights: Mapping[str, float],
) -> tuple[list[Field], list[Aside]]:
    """The rows to be weighed in each comparison, and those that are not."""
    found: list[Field] = []
    asides: list[Aside] = []
    members: dict[int, list[Table]] = {group: [] for group in groups}
    for row in table["rows"]:
        if row["group"] in members:
            members[row["group"]].append(row)
    for group, everyone in members.items():
        used = [
            index
            for index, criterion in enumerate(table["criteria"])
            if weights[criterion["key"]] > 0.0 and any(row["values"][index] is not None for row in everyone)
        ]
        allowed = [
            row for row in everyone if row["adapter"] in kept and (classes is None or row["mode_class"] in classes)
        ]
        fit: dict[str, Table] = {}
        for row in sorted(allowed, key=lambda one: (one["label"], one["key"])):
            aside = _aside(table, row, used)
            if aside is not None:
                asides.append(aside)
            else:
                fit.setdefault(row["label"], row)
        if fit and used:
            found.append(_field(table, group, used, list(fit.values()), weights))
    return found, asides


def run_trials(table: Table, played: Sequence[Field], weights: Mapping[str, float], *, noise: bool = True) -> Trials:
    """Play all trials; the same table and weights give the same shares, whatever the order of rows.

    Args:
        table: the guidance table, for the constants of the method.
        played: the comparisons.
        weights: weight of each criterion.
        noise: whether measured values move; if not, only the weights do.
    """
    constants = table["constants"]
    size = sum(len(one.rows) * len(one.criteria) for one in played)
    count = int(min(constants["draws"], max(constants["least_draws"], constants["budget"] // max(size, 1))))
    used = sorted({key for one in played for key in one.criteria})
    whole = sum(weights[key] for key in used)
    drawn = draw_weights({key: weights[key] / whole for key in used}, constants["concentration"], count)
    margin = 2.0 * math.log1p(constants["shift"])
    by_group: dict[int, dict[str, float]] = {}
    clear: dict[str, float] = {}
    rows: dict[str, float] = {}
    for one in played:
        scores = _scores(table["groups"][one.group]["id"], one, drawn, count, noise)
        best = scores.max(axis=1)
        by_group[one.group] = {}
        for index, row in enumerate(one.rows):
            rows[row["key"]] = float(np.mean(scores[:, index] >= best - _SAME))
        for name in one.adapters:
            mine = scores[:, one.of(name)].max(axis=1)
            others = [index for index, row in enumerate(one.rows) if row["adapter"] != name]
            ahead = mine - scores[:, others].max(axis=1) if others else np.full(count, np.inf)
            by_group[one.group][name] = float(np.mean(mine >= best - _SAME))
            clear[name] = clear.get(name, 0.0) + float(np.mean(ahead > margin)) / len(played)
    names = sorted({name for one in played for name in one.adapters})
    first = {name: sum(found.get(name, 0.0) for found in by_group.values()) / len(played) for name in names}
    return Trials(count, first, clear, by_group, rows)


def mean_scores(one: Field, weights: Floats | None = None) -> Floats:
    """Score of each row at the measured values."""
    found: Floats = one.values @ (one.weights if weights is None else weights)
    return found


def best_row(one: Field, adapter: str) -> int | None:
    """A framework's row with the best score at the measured values."""
    scores = mean_scores(one)
    return max(one.of(adapter), key=lambda index: float(scores[index]), default=None)


def _aside(table: Table, row: Table, used: Sequence[int]) -> Aside | None:
    if row["status"] in BROKEN:
        return Aside(row, str(row["status"]))
    if row["status"] != "ok":
        return Aside(row, "not_ok")
    missing = [index for index in used if row["values"][index] is None]
    if not missing:
        return None
    if "single" in row["flags"]:
        return Aside(row, "single")
    return Aside(row, "incomplete", table["criteria"][missing[0]]["key"])


def _field(table: Table, group: int, used: Sequence[int], rows: Sequence[Table], weights: Mapping[str, float]) -> Field:
    criteria = [table["criteria"][index] for index in used]
    signs = np.array([float(criterion["better"]) for criterion in criteria])
    figures: list[list[Any]] = [[row["values"][index] for index in used] for row in rows]
    shares = np.array([weights[criterion["key"]] for criterion in criteria])
    streams: list[str] = []
    for index, figure in enumerate(figures):
        streams.append(rows[figures.index(figure)]["label"] if figure in figures[:index] else rows[index]["label"])
    return Field(
        group,
        tuple(criterion["key"] for criterion in criteria),
        tuple(rows),
        np.array([[value[0] for value in figure] for figure in figures]) * signs,
        np.array([[value[1] for value in figure] for figure in figures]),
        shares / shares.sum(),
        tuple(streams),
    )


def _scores(group: str, one: Field, drawn: Mapping[str, Floats], count: int, noise: bool) -> Floats:
    total = np.zeros(count)
    for key in one.criteria:
        total = total + drawn[key]
    scores = np.zeros((count, len(one.rows)))
    for column, key in enumerate(one.criteria):
        moved = one.values[:, column]
        if noise:
            streams = tuple(f"{group}|{stream}|{key}" for stream in one.streams)
            moved = moved + _normals_of(streams).first(count) * (one.halves[:, column] / _Z)
        scores += (drawn[key] / total)[:, np.newaxis] * moved
    return scores


class _Normals:
    """Standard normal numbers of several streams, as many as were asked for so far."""

    def __init__(self, streams: tuple[str, ...]) -> None:
        self._streams = streams
        self._drawn = np.empty((0, len(streams)))

    def first(self, count: int) -> Floats:
        """The first numbers of each, (count, streams)."""
        if len(self._drawn) < count:
            self._drawn = quantiles(np.stack([uniforms(stream, count) for stream in self._streams], axis=1))
        return self._drawn[:count]


_normals_of = lru_cache(maxsize=1024)(_Normals)
"""The questions that are asked of one table share their random numbers."""
