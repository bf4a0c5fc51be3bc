"""One question asked of one table: everything that is derived before a sentence is written."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .methods import front
from .saying import Voice
from .selection import (
    Choice,
    Conditions,
    Filtered,
    Table,
    choices,
    conditions,
    filtered,
    mode_classes,
    weights,
)
from .trials import Aside, Field, Trials, fields, run_trials
from .turning import Reversal, Turn, first_by_method, reversals, turn

MOST_CHECKED = 20
"""Comparisons in which other methods are tried; a run of thousands would wait for what nobody reads."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known before sentences are written.

    Attributes:
        table: the guidance table.
        voice: says its templates.
        chosen: the answers given.
        conditions: the comparisons that bear on them.
        filtered: frameworks left, and not.
        weights: by criterion.
        played: the comparisons with the rows that are weighed.
        asides: rows that are not.
        trials: shares of first places; None where nothing is weighed.
        order: frameworks that were weighed, by share of first places.
        fronts: for each comparison whether each row is undominated.
        codes: by reason the comparisons in which the report itself names no winner.
        pick: the firm framework, or None.
        candidates: between whom the evidence does not decide, or the pick alone.
        turn: what the choice turns on; None for a pick.
        methods: for each comparison the framework that each method puts first.
        reversals: first places that change when a dominated row is taken away.
    """

    table: Table
    voice: Voice
    chosen: Sequence[Choice]
    conditions: Conditions
    filtered: Filtered
    weights: Mapping[str, float]
    played: Sequence[Field]
    asides: Sequence[Aside]
    trials: Trials | None
    order: Sequence[str]
    fronts: Sequence[Sequence[bool]]
    codes: Mapping[str, Sequence[int]]
    pick: str | None
    candidates: Sequence[str]
    turn: Turn | None
    methods: Sequence[Mapping[str, str]]
    reversals: Sequence[Reversal]

    @property
    def named(self) -> Sequence[str]:
        """Frameworks that the answer names: candidates, or by facts alone all that are left."""
        return self.candidates if self.played else self.filtered.kept


def case(table: Table, answers: Mapping[str, Sequence[str]], given: Mapping[str, float]) -> Case:
    """Derive everything from a table and answers.

    Args:
        table: the guidance table.
        answers: options chosen, by question.
        given: weights that override those of the answers.
    """
    chosen = choices(table, answers)
    found = conditions(table, chosen)
    left = filtered(table, chosen)
    shares = weights(table, chosen, given)
    played, asides = fields(table, found.groups, left.kept, mode_classes(chosen), shares)
    trials = run_trials(table, played, shares) if played else None
    order = _order(trials)
    codes: dict[str, list[int]] = {}
    for one in played:
        code = str(table["groups"][one.group]["code"])
        if code:
            codes.setdefault(code, []).append(one.group)
    fronts = [front(one.values, one.halves, _delta(table, one)) for one in played]
    firm = trials is not None and bool(order) and trials.clear[order[0]] >= table["constants"]["firm"]
    pick = order[0] if firm and not codes and not found.given_up else None
    candidates = [pick] if pick else _candidates(table, trials, order)
    return Case(
        table=table,
        voice=Voice(table),
        chosen=chosen,
        conditions=found,
        filtered=left,
        weights=shares,
        played=played,
        asides=asides,
        trials=trials,
        order=order,
        fronts=fronts,
        codes=codes,
        pick=pick,
        candidates=candidates,
        turn=turn(table, played, shares, trials, candidates) if trials is not None and pick is None else None,
        methods=[first_by_method(table, one) for one in played[:MOST_CHECKED]],
        reversals=[
            reversal
            for one, on_front in zip(played[:MOST_CHECKED], fronts, strict=False)
            for reversal in reversals(table, one, on_front)
        ],
    )


def _delta(table: Table, one: Field) -> float:
    """The smallest difference that counts, on the log scale."""
    return math.log1p(float(table["groups"][one.group]["delta"]))


def _order(trials: Trials | None) -> list[str]:
    if trials is None:
        return []
    return sorted(trials.first, key=lambda name: (-trials.first[name], name))


def _candidates(table: Table, trials: Trials | None, order: Sequence[str]) -> list[str]:
    """The fewest frameworks that hold a firm share of first places together; a clear leader alone."""
    if trials is None:
        return []
    constants = table["constants"]
    if order and trials.clear[order[0]] >= constants["firm"]:
        return list(order[:1])
    found: list[str] = []
    held = 0.0
    for name in order:
        enough = held >= constants["firm"] and len(found) >= 2
        if enough or len(found) >= constants["most_candidates"] or (found and trials.first[name] <= 0.0):
            break
        found.append(name)
        held += trials.first[name]
    return found
