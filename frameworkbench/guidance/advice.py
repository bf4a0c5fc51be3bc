"""The answer to one set of answers, as sentences with what is behind them.

``guidance.js`` in the report's page does the same on the same table; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from .case import Case, case
from .cautions import cautions, retired_rows
from .headlines import headlines
from .questions import read_answers
from .reasons import because, left_out
from .saying import Sentence
from .selection import Table
from .trials import mean_scores
from .turning import METHODS, Turn


@dataclass(frozen=True, slots=True)
class Advice:
    """What the evidence supports, and no more.

    Attributes:
        headlines: at most three sentences that answer the question.
        because: what each answer did and what was measured.
        cautions: what weakens the answer, the grave first.
        left_out: frameworks that are not weighed, each with the reason.
        case: everything behind the sentences.
    """

    headlines: tuple[Sentence, ...]
    because: tuple[Sentence, ...]
    cautions: tuple[Sentence, ...]
    left_out: tuple[tuple[str, Sentence], ...]
    case: Case

    @property
    def pick(self) -> str | None:
        """The framework that is named, if one is."""
        return self.case.pick

    @property
    def candidates(self) -> tuple[str, ...]:
        """Between whom the evidence does not decide; the pick alone where there is one."""
        return tuple(self.case.candidates)

    def to_json(self) -> dict[str, Any]:
        """Plain data; docs/guidance.md describes it."""
        return {
            "headlines": [one.to_json() for one in self.headlines],
            "because": [one.to_json() for one in self.because],
            "cautions": [one.to_json() for one in self.cautions],
            "left_out": [{"adapter": name, "because": one.to_json()} for name, one in self.left_out],
            "pick": self.pick,
            "candidates": list(self.candidates),
            "ranking": _ranking(self.case),
            "weights": dict(self.case.weights),
            "turn": _turn(self.case.turn),
            "checks": _checks(self.case),
        }


def advise(table: Table, answers: Mapping[str, Sequence[str]], weights: Mapping[str, float] | None = None) -> Advice:
    """Answer from a guidance table.

    Args:
        table: what ``guidance_table`` made.
        answers: options chosen, by question; unanswered questions are left out.
        weights: by criterion, instead of what the answers add up to; of any size, their proportions count.

    Raises:
        UsageError: an unknown question, option or criterion, or a weight that is negative or not a number.
    """
    known = [one["key"] for one in table["criteria"]]
    for key, value in (weights or {}).items():
        if key not in known:
            raise UsageError(f"--weight: unknown criterion {key!r}; known: {', '.join(known)}")
        if not 0.0 <= value < float("inf"):
            raise UsageError(f"--weight {key}: expected a number from 0 up; received {value!r}")
    found = case(table, read_answers(answers), weights or {})
    warned = cautions(found)
    retired = retired_rows(found)
    return Advice(
        headlines=tuple(headlines(found, warned, retired)),
        because=(*because(found), *retired),
        cautions=tuple(one.sentence for one in warned),
        left_out=tuple(left_out(found)),
        case=found,
    )


def _ranking(found: Case) -> list[dict[str, Any]]:
    if found.trials is None:
        return []
    ranking = []
    for name in found.order:
        rows = [
            {
                "label": one.rows[index]["label"],
                "key": one.rows[index]["key"],
                "group": one.group,
                "share": found.trials.rows[one.rows[index]["key"]],
                "score": float(mean_scores(one)[index]),
                "front": on_front[index],
            }
            for one, on_front in zip(found.played, found.fronts, strict=True)
            for index in one.of(name)
        ]
        shares = {"share": found.trials.first[name], "firm_share": found.trials.clear[name]}
        ranking.append({"adapter": name, "title": found.voice.title(name), **shares, "rows": rows})
    return ranking


def _turn(found: Turn | None) -> dict[str, Any] | None:
    if found is None:
        return None
    flip = found.flip
    return {
        "kind": found.kind,
        "first": found.first,
        "second": found.second,
        "criterion": found.criterion or None,
        "from": flip.now if flip else None,
        "to": flip.then if flip else None,
    }


def _checks(found: Case) -> dict[str, Any]:
    groups = [found.table["groups"][one.group]["id"] for one in found.played]
    first = {
        method: {group: firsts[method] for group, firsts in zip(groups, found.methods, strict=False)}
        for method in METHODS
    }
    return {
        "agree": all(len(set(firsts.values())) == 1 for firsts in found.methods),
        "first": first,
        "reversals": [
            {
                "method": one.method,
                "group": found.table["groups"][one.group]["id"],
                "removed": one.removed,
                "before": one.before,
                "after": one.after,
            }
            for one in found.reversals
        ],
    }
