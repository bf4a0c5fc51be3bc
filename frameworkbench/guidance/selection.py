"""Filters: which measured conditions answer what was said, and which frameworks and modes are left.

Nothing is dropped in silence: what is left out comes back with the answer and the fact that did it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

Table = Mapping[str, Any]

# In this order conditions are given up when nothing was measured under all of them.
_AXES = ("precision", "device", "task", "family")
_LANES = ("matched", "default", "tuned")
_USUAL_PRECISION = "float32"
_REAL = "real"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that was given: the question and the option."""

    question: str
    option: Table


@dataclass(frozen=True, slots=True)
class Conditions:
    """The comparisons that bear on the question.

    Attributes:
        groups: their indices.
        given_up: answers to which nothing was measured, so that other conditions stand in.
        partly: answers to which nothing was measured beside others of the same question to which something was.
    """

    groups: tuple[int, ...]
    given_up: tuple[Choice, ...] = ()
    partly: tuple[Choice, ...] = ()


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Why a framework is left out: the answer, and the fact that does not fit it; no fact where modes do not fit."""

    choice: Choice
    fact: str | None


@dataclass(frozen=True, slots=True)
class Filtered:
    """Frameworks that are left, those that are not, and what could not be checked (by fact, the names)."""

    kept: tuple[str, ...]
    out: Mapping[str, tuple[Exclusion, ...]]
    unknown: Mapping[str, tuple[str, ...]]


def choices(table: Table, answers: Mapping[str, Sequence[str]]) -> list[Choice]:
    """The chosen options in the order of the questions."""
    return [
        Choice(question["key"], option)
        for question in table["questions"]
        for option in question["options"]
        if option["key"] in answers.get(question["key"], ())
    ]


def conditions(table: Table, chosen: Sequence[Choice]) -> Conditions:
    """The comparisons under the wanted conditions, or under the fewest others if there are none."""
    groups = table["groups"]
    pool = _preferred(groups, range(len(groups)), "lane", _LANES)
    pool = _without_stand_ins(groups, pool)
    asked = [choice for choice in chosen if choice.option["select"]]
    axes = [axis for axis in _AXES if any(axis in choice.option["select"] for choice in asked)]
    for size in range(len(axes) + 1):
        for given_up in combinations(axes, size):
            held = [axis for axis in axes if axis not in given_up]
            found = [index for index in pool if all(_fits(groups[index], axis, asked) for axis in held)]
            if "precision" not in held:
                found = _preferred(groups, found, "precision", (_USUAL_PRECISION,))
            if found:
                lost = tuple(choice for choice in asked if set(choice.option["select"]) & set(given_up))
                partly = tuple(one for one in asked if one not in lost and not _met(groups, found, one))
                return Conditions(tuple(found), lost, partly)
    return Conditions(())


def mode_classes(chosen: Sequence[Choice]) -> frozenset[str] | None:
    """Classes of modes that are left in; None for all."""
    named = [frozenset(choice.option["modes"]) for choice in chosen if choice.option["modes"]]
    return frozenset.intersection(*named) if named else None


def filtered(table: Table, chosen: Sequence[Choice]) -> Filtered:
    """Frameworks that have what was asked for, by their stated facts and modes."""
    out: dict[str, list[Exclusion]] = {}
    unknown: dict[str, list[str]] = {}
    for name in sorted(table["adapters"]):
        modes = set(table["adapters"][name]["modes"].values())
        facts = table["facts"].get(name, {})
        for choice in chosen:
            for need in choice.option["needs"]:
                fact = facts.get(need["fact"])
                if fact is None:
                    unknown.setdefault(need["fact"], [])
                    if name not in unknown[need["fact"]]:
                        unknown[need["fact"]].append(name)
                elif need["any"] and not set(need["any"]) & set(fact["value"]):
                    out.setdefault(name, []).append(Exclusion(choice, need["fact"]))
            if choice.option["modes"] and modes and not modes & set(choice.option["modes"]):
                out.setdefault(name, []).append(Exclusion(choice, None))
    kept = tuple(name for name in sorted(table["adapters"]) if name not in out)
    unchecked = {fact: tuple(one for one in names if one in kept) for fact, names in unknown.items()}
    return Filtered(
        kept,
        {name: tuple(found) for name, found in out.items()},
        {fact: names for fact, names in unchecked.items() if names},
    )


def weights(table: Table, chosen: Sequence[Choice], given: Mapping[str, float]) -> dict[str, float]:
    """Weight of each criterion, summing to 1: what the answers add up to, unless it is given."""
    first = next(one for one in table["questions"] if one["key"] == "priority")["options"][0]
    said = any(choice.question == "priority" for choice in chosen)
    parts = [choice.option["weights"] for choice in chosen] + ([] if said else [first["weights"]])
    sums = {one["key"]: sum(part.get(one["key"], 0.0) for part in parts) for one in table["criteria"]}
    changed = {key: given.get(key, value) for key, value in sums.items()}
    used = changed if sum(changed.values()) > 0.0 else sums
    total = sum(used.values())
    return {key: value / total for key, value in used.items()}


def _fits(group: Table, axis: str, asked: Sequence[Choice]) -> bool:
    return any(group[axis] in choice.option["select"].get(axis, ()) for choice in asked)


def _met(groups: Sequence[Table], found: Iterable[int], choice: Choice) -> bool:
    selects = choice.option["select"].items()
    return any(all(groups[index][axis] in values for axis, values in selects) for index in found)


def _preferred(groups: Sequence[Table], pool: Iterable[int], axis: str, order: Sequence[str]) -> list[int]:
    """Those with the first value of an axis that occurs at all; all where none does."""
    found = list(pool)
    present = {groups[index][axis] for index in found}
    best = next((value for value in order if value in present), None)
    return found if best is None else [index for index in found if groups[index][axis] == best]


def _without_stand_ins(groups: Sequence[Table], pool: Sequence[int]) -> list[int]:
    """Without comparisons on generated data where the same was measured on real data."""
    axes = ("task", "workload", "device", "lane", "precision", "threads", "batch_size")
    real = {tuple(groups[index][axis] for axis in axes) for index in pool if groups[index]["data"] == _REAL}
    return [
        index
        for index in pool
        if groups[index]["data"] == _REAL or tuple(groups[index][axis] for axis in axes) not in real
    ]
