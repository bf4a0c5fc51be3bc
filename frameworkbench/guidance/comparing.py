"""What was measured between two frameworks, as ratios with their range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..phrase import Phrase, listed, phrase
from .case import Case
from .saying import Link, Sentence, cell, times, unique
from .trials import Field, best_row

_MOST_ITEMS = 3


@dataclass(frozen=True, slots=True)
class Ratio:
    """One criterion of one framework over that of another, as logarithms; no range where none was recorded."""

    middle: float
    low: float | None
    high: float | None


def shared(case: Case, first: str, second: str) -> list[tuple[Field, int, int]]:
    """The comparisons in which both have a row that is weighed, with the best row of each."""
    found = []
    for one in case.played:
        rows = best_row(one, first), best_row(one, second)
        if rows[0] is not None and rows[1] is not None:
            found.append((one, rows[0], rows[1]))
    return found


def ratio(case: Case, key: str, pairs: Sequence[tuple[Field, int, int]]) -> Ratio | None:
    """A criterion of the first over that of the second: one comparison with its interval, several with their range.

    Over several comparisons it is the geometric mean, the only mean of ratios that does not depend on which is divided
    by which (Fleming and Wallace 1986, 10.1145/5666.5673), beside the least and the greatest.
    """
    sign = _sign(case, key)
    place = [one["key"] for one in case.table["criteria"]].index(key)
    gaps: list[float] = []
    half: float | None = None
    for one, first, second in pairs:
        if key in one.criteria:
            column = one.criteria.index(key)
            gaps.append(sign * float(one.values[first, column] - one.values[second, column]))
            figures = [one.rows[index]["values"][place] for index in (first, second)]
            recorded = all(len(figure) == 2 and figure[1] > 0.0 for figure in figures)
            half = math.hypot(figures[0][1], figures[1][1]) if recorded else None
    if not gaps:
        return None
    middle = sum(gaps) / len(gaps)
    if len(gaps) > 1:
        return Ratio(middle, min(gaps), max(gaps))
    return Ratio(middle, None, None) if half is None else Ratio(middle, middle - half, middle + half)


def why(case: Case, first: str, second: str) -> Sentence | None:
    """ "Because measured: …", on the criteria with the most weight; None where the two were never weighed together."""
    pairs = shared(case, first, second)
    sides: tuple[list[str | Phrase], list[str | Phrase]] = ([], [])
    links: list[Link] = []
    for key in by_weight(case):
        found = ratio(case, key, pairs)
        if found is not None and len(sides[0]) + len(sides[1]) < _MOST_ITEMS:
            sides[found.middle * _sign(case, key) < 0.0].append(_item(case, key, found))
    if not sides[0] and not sides[1]:
        return None
    items = listed(sides[0] or sides[1])
    if sides[0] and sides[1]:
        items = case.voice.say("but", good=items, bad=listed(sides[1]))
    for one, row, other in pairs:
        links += [cell(one.rows[row]), cell(one.rows[other])]
    voice = case.voice
    if len(pairs) == 1:
        one, row, other = pairs[0]
        names = (str(one.rows[row]["label"]), str(one.rows[other]["label"]))
        said = voice.say("why", row=names[0], items=items, other=names[1])
    else:
        said = voice.say("why_many", count=len(pairs), title=voice.title(first), items=items, other=voice.title(second))
    return Sentence(said, unique(links))


def by_weight(case: Case) -> list[str]:
    """Criteria in use, the heaviest first."""
    used = [key for key in case.weights if any(key in one.criteria for one in case.played)]
    return sorted(used, key=lambda key: -case.weights[key])


def uncertain(case: Case, key: str, first: str, second: str) -> Phrase | None:
    """A ratio with its interval in words; None over several comparisons or without a recorded interval."""
    pairs = shared(case, first, second)
    found = ratio(case, key, pairs)
    if found is None or found.low is None or len(pairs) != 1:
        return None
    return _item(case, key, found)


def _sign(case: Case, key: str) -> int:
    return int(next(one["better"] for one in case.table["criteria"] if one["key"] == key))


def _item(case: Case, key: str, found: Ratio) -> Phrase:
    template = next(one["compare"] for one in case.table["criteria"] if one["key"] == key)
    comparison = phrase(template, ratio=times(found.middle))
    if found.low is None or found.high is None:
        return comparison
    return case.voice.say("within", comparison=comparison, low=times(found.low), high=times(found.high))
