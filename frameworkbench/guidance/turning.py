"""What a choice turns on when no framework is firm, and the smallest change of a weight that would flip it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .methods import promethee, topsis, weighted_sum
from .selection import Table
from .trials import Field, Trials, best_row, run_trials

_SAME = 1e-9
_STEPS = 100
# A weight that would have to move further than this is not what a choice turns on where workloads differ too.
_FAR = 0.25


@dataclass(frozen=True, slots=True)
class Flip:
    """The smallest change of one weight after which another framework has the best score.

    Attributes:
        criterion: whose weight changes; the others keep their proportions.
        now: its weight now.
        then: its weight after the change, in whole hundredths.
        first: who leads now.
        second: who would lead.
    """

    criterion: str
    now: float
    then: float
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What the choice turns on.

    Attributes:
        kind: ``family`` (who is firmly first differs between workloads), ``lean`` (who is first at all differs),
            ``weight``, ``noise`` or ``equal``.
        first: who leads.
        second: between whom and the leader it turns.
        criterion: on which it turns, for ``weight`` and ``noise``.
        flip: for ``weight``.
        parts: for ``family`` and ``lean``, by framework the comparisons in which it is first.
    """

    kind: str
    first: str
    second: str
    criterion: str = ""
    flip: Flip | None = None
    parts: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Reversal:
    """A method's first place that changes when a row that is worse anyway is taken away."""

    method: str
    group: int
    removed: str
    before: str
    after: str


METHODS = ("weighted sum", "TOPSIS", "PROMETHEE II")


def turn(
    table: Table, played: Sequence[Field], weights: Mapping[str, float], found: Trials, order: Sequence[str]
) -> Turn | None:
    """What the choice between candidates turns on; None when there are no two.

    Args:
        table: the guidance table.
        played: the comparisons.
        weights: weight of each criterion.
        found: the trials.
        order: the candidates by their share of first places.
    """
    if len(order) < 2:
        return None
    first, second = order[0], order[1]
    firm = float(table["constants"]["firm"])
    winners = _winners(found, firm, order)
    if len(winners) > 1:
        return Turn("family", winners[0][0], winners[1][0], parts=winners)
    if _equal(played, first, second):
        return Turn("equal", first, second)
    quiet = run_trials(table, played, weights, noise=False)
    flip = smallest_flip(played, weights, order)
    leaders = _winners(found, 0.0, order)
    # Weights that move leave one in front: then it is the measurement that leaves the choice open.
    steady = flip is None or max(quiet.first.values()) >= firm
    if len(leaders) > 1 and (steady or flip is None or abs(flip.then - flip.now) > _FAR):
        return Turn("lean", leaders[0][0], leaders[1][0], parts=leaders)
    if flip is None or steady:
        return Turn("noise", first, second, _noisiest(played, first, second))
    return Turn("weight", flip.first, flip.second, flip.criterion, flip)


def smallest_flip(
    played: Sequence[Field], weights: Mapping[str, float], among: Sequence[str] | None = None
) -> Flip | None:
    """Look outwards from each weight in hundredths for another leader; None when no single weight changes it.

    Args:
        played: the comparisons; a framework that is missing in one of them does not lead.
        weights: weight of each criterion.
        among: the frameworks that may lead; all unless given.
    """
    used = [key for key in weights if weights[key] > 0.0 and any(key in one.criteria for one in played)]
    eligible = [name for name in played[0].adapters if all(name in one.adapters for one in played)] if played else []
    eligible = [name for name in eligible if among is None or name in among]
    if len(used) < 2 or len(eligible) < 2:
        return None
    (leader,) = _leaders(played, [weights], eligible)
    best: Flip | None = None
    for key in used:
        rest = sum(weights[other] for other in used if other != key)
        now = weights[key] / (rest + weights[key])
        least = abs(best.then - best.now) - _SAME if best is not None else math.inf
        outwards = sorted((step / _STEPS for step in range(_STEPS + 1)), key=lambda at: (abs(at - now), at))
        tried = [
            {other: then if other == key else weights[other] / rest * (1.0 - then) for other in used}
            for then in outwards
        ]
        for then, second in zip(outwards, _leaders(played, tried, eligible), strict=True):
            if abs(then - now) >= least:
                break
            if second != leader:
                best = Flip(key, now, then, leader, second)
                break
    return best


def first_by_method(table: Table, one: Field) -> dict[str, str]:
    """The framework that each method puts first in one comparison, at the measured values."""
    return {method: str(one.rows[_best(table, one, method)]["adapter"]) for method in METHODS}


def reversals(table: Table, one: Field, fronts: Sequence[bool]) -> list[Reversal]:
    """First places that change when a dominated row is taken away."""
    found = []
    for method in METHODS:
        before = str(one.rows[_best(table, one, method)]["adapter"])
        for index, on_front in enumerate(fronts):
            if on_front:
                continue
            left = [other for other in range(len(one.rows)) if other != index]
            after = str(one.rows[left[_best(table, one, method, left)]]["adapter"])
            if after != before:
                found.append(Reversal(method, one.group, str(one.rows[index]["label"]), before, after))
    return found


def _best(table: Table, one: Field, method: str, left: Sequence[int] | None = None) -> int:
    values = one.values if left is None else one.values[list(left)]
    if method == METHODS[0]:
        scores = weighted_sum(values, one.weights)
    elif method == METHODS[1]:
        scores = topsis(values, one.weights)
    else:
        delta = float(np.log1p(table["groups"][one.group]["delta"]))
        scores = promethee(values, one.weights, delta, float(np.log(table["constants"]["preference"])))
    return next(index for index, score in enumerate(scores) if score >= scores.max() - _SAME)


def _winners(found: Trials, firm: float, among: Sequence[str]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """By candidate the comparisons in which it is first in that share of trials, the one with the most first."""
    parts: dict[str, list[int]] = {}
    for group, shares in found.by_group.items():
        best = min(shares, key=lambda name: (-shares[name], name))
        if shares[best] >= firm and best in among:
            parts.setdefault(best, []).append(group)
    ordered = sorted(parts.items(), key=lambda part: (-len(part[1]), part[0]))
    return tuple((name, tuple(sorted(groups))) for name, groups in ordered)


def _equal(played: Sequence[Field], first: str, second: str) -> bool:
    for one in played:
        rows = [best_row(one, name) for name in (first, second)]
        if rows[0] is None or rows[1] is None:
            return False
        if np.abs(one.values[rows[0]] - one.values[rows[1]]).max() > _SAME:
            return False
    return True


def _noisiest(played: Sequence[Field], first: str, second: str) -> str:
    """The criterion whose uncertainty moves the two most against each other."""
    sums: dict[str, float] = {}
    for one in played:
        rows = [best_row(one, name) for name in (first, second)]
        if rows[0] is None or rows[1] is None:
            continue
        for column, key in enumerate(one.criteria):
            spread = one.halves[rows[0], column] ** 2 + one.halves[rows[1], column] ** 2
            sums[key] = sums.get(key, 0.0) + float(one.weights[column] ** 2 * spread)
    return max(sorted(sums), key=lambda key: sums[key], default=played[0].criteria[0])


def _leaders(played: Sequence[Field], tried: Sequence[Mapping[str, float]], eligible: Sequence[str]) -> list[str]:
    """For each of some weightings the framework with the best mean score over comparisons; of equal ones the first."""
    names = sorted(eligible)
    totals = np.zeros((len(names), len(tried)))
    for one in played:
        shares = np.array([[weights[key] for weights in tried] for key in one.criteria])
        whole = shares.sum(axis=0)
        scores = one.values @ np.divide(shares, whole, out=np.zeros_like(shares), where=whole > 0.0)
        for place, name in enumerate(names):
            totals[place] += scores[one.of(name)].max(axis=0)
    best = totals >= totals.max(axis=0) - _SAME
    return [names[place] for place in best.argmax(axis=0)]
