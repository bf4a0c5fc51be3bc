"""A ranking in words: the sentence that a report prints first, and the text of one verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..phrase import Phrase, listed, phrase, sentences
from .statistics import CONFIDENCE
from .verdicts import FASTER, INCONCLUSIVE, SMALL, TIED, Pair


@dataclass(frozen=True, slots=True)
class Wording:
    """What the rows of a family are called: "main mode" among "frameworks", or "mode of x" among "modes of x"."""

    one: Phrase
    many: Phrase


MAIN_MODES = Wording(phrase("main mode"), phrase("frameworks"))


def ranking_sentence(
    labels: Mapping[str, str], ranks: Mapping[str, int], pairs: Sequence[Pair], delta: float, wording: Wording
) -> Phrase:
    """Who won, or why nobody is named.

    Args:
        labels: rows by key, in order of their means.
        ranks: tiers by key; empty for fewer than two rows.
        pairs: all compared pairs.
        delta: smallest relative difference that matters.
        wording: what the rows are called.
    """
    if len(labels) < 2:
        return phrase(
            "No winner is named: fewer than two {rows} were proved and timed in two or more complete blocks.",
            rows=wording.many,
        )
    top = [label for key, label in labels.items() if ranks[key] == 1]
    if len(top) == 1:
        return _winner_sentence(top[0], pairs, len(labels), wording)
    inside = [pair for pair in pairs if pair.first in top and pair.second in top]
    kinds = {pair.verdict for pair in inside}
    percent = f"{delta * 100:g}"
    why = {
        frozenset({TIED}): phrase("they are practically tied (within ±{percent} %)", percent=percent),
        frozenset({INCONCLUSIVE}): phrase("the measurement cannot tell them apart"),
        frozenset({SMALL}): phrase("their differences are real but no larger than {percent} %", percent=percent),
    }.get(frozenset(kinds), phrase("the differences between them are small, tied or undecided"))
    rest = [label for key, label in labels.items() if ranks[key] > 1]
    parts = [phrase("No single winner: {rows} share the first place; {why}.", rows=listed(top), why=why)]
    parts += [phrase("Behind them: {rows}.", rows=listed(rest))] if rest else []
    return sentences([*parts, *_more(inside, kinds)])


def verdict_phrase(verdict: str, reason: str, extra_blocks: int | None) -> Phrase:
    """One pair's verdict with what it still needs: "inconclusive, needs 57 more blocks"."""
    named = Phrase(verdict)
    if reason:
        named = phrase("{verdict} ({reason})", verdict=named, reason=Phrase(reason))
    if extra_blocks is None and (reason or verdict != INCONCLUSIVE):
        return named
    return phrase("{verdict}, needs {blocks}", verdict=named, blocks=needed(extra_blocks))


def needed(extra_blocks: int | None) -> Phrase:
    """So many blocks in words; None is more than anyone plans."""
    if extra_blocks is None:
        return phrase("more than 1,000 further blocks")
    return phrase("1 more block") if extra_blocks == 1 else phrase("{count} more blocks", count=extra_blocks)


def ratio_text(ratio: float, low: float, high: float) -> str:
    """Ratio and interval, rounded where the interval has its second digit."""
    half = max(ratio - low, high - ratio)
    places = min(max(1 - math.floor(math.log10(half)), 0), 4) if half > 0 else 2
    return f"{ratio:.{places}f}× ({low:.{places}f}–{high:.{places}f}×)"


def _more(inside: Sequence[Pair], kinds: set[str]) -> list[Phrase]:
    open_pairs = [pair for pair in inside if pair.verdict == INCONCLUSIVE and not pair.reason]
    if kinds != {INCONCLUSIVE} or not open_pairs:
        return []
    counts = [pair.extra_blocks for pair in open_pairs]
    known = [count for count in counts if count is not None]
    most = max(known) if len(known) == len(counts) else None
    return [phrase("Inconclusive, needs {blocks}.", blocks=needed(most))]


def _winner_sentence(winner: str, pairs: Sequence[Pair], count: int, wording: Wording) -> Phrase:
    won = [pair for pair in pairs if pair.first == winner and pair.verdict == FASTER]
    if not won:
        return phrase("No winner is named: {winner} leads, but no difference could be established.", winner=winner)
    closest = min(won, key=lambda pair: pair.ratio)
    claim = phrase(
        "{winner} is the fastest {row}: {ratio} the throughput of {second}, {percent} % confidence.",
        winner=winner,
        row=wording.one,
        ratio=ratio_text(closest.ratio, closest.low, closest.high),
        second=closest.second,
        percent=f"{CONFIDENCE * 100:g}",
    )
    others = count - 1 - len(won)
    if not others:
        return claim
    return sentences([claim, phrase("Against {count} more the difference is small or undecided.", count=others)])
