"""A ranking in words: the sentence that a report prints first, and the text of one verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .statistics import CONFIDENCE
from .verdicts import FASTER, INCONCLUSIVE, SMALL, TIED, Pair


@dataclass(frozen=True, slots=True)
class Wording:
    """What the rows of a family are called: "main mode" among "frameworks", or "mode of x" among "modes of x"."""

    one: str
    many: str


MAIN_MODES = Wording("main mode", "frameworks")


def ranking_sentence(
    labels: Mapping[str, str], ranks: Mapping[str, int], pairs: Sequence[Pair], delta: float, wording: Wording
) -> str:
    """Who won, or why nobody is named.

    Args:
        labels: rows by key, in order of their means.
        ranks: tiers by key; empty for fewer than two rows.
        pairs: all compared pairs.
        delta: smallest relative difference that matters.
        wording: what the rows are called.
    """
    if len(labels) < 2:
        return (
            f"No winner is named: fewer than two {wording.many} were proved and timed in two or more complete blocks."
        )
    top = [label for key, label in labels.items() if ranks[key] == 1]
    if len(top) == 1:
        return _winner_sentence(top[0], pairs, len(labels), wording)
    inside = [pair for pair in pairs if pair.first in top and pair.second in top]
    kinds = {pair.verdict for pair in inside}
    why = {
        frozenset({TIED}): f"they are practically tied (within ±{delta * 100:g} %)",
        frozenset({INCONCLUSIVE}): "the measurement cannot tell them apart",
        frozenset({SMALL}): f"their differences are real but no larger than {delta * 100:g} %",
    }.get(frozenset(kinds), "the differences between them are small, tied or undecided")
    rest = [label for key, label in labels.items() if ranks[key] > 1]
    behind = f" Behind them: {listed(rest)}." if rest else ""
    return f"No single winner: {listed(top)} share the first place; {why}.{behind}{_more(inside, kinds)}"


def verdict_text(verdict: str, reason: str, extra_blocks: int | None) -> str:
    """One pair's verdict with what it still needs: "inconclusive, needs 57 more blocks"."""
    named = f"{verdict} ({reason})" if reason else verdict
    if extra_blocks is None and (reason or verdict != INCONCLUSIVE):
        return named
    return f"{named}, needs {needed(extra_blocks)}"


def needed(extra_blocks: int | None) -> str:
    """So many blocks in words; None is more than anyone plans."""
    if extra_blocks is None:
        return "more than 1,000 further blocks"
    return f"{extra_blocks} more block{'s' * (extra_blocks != 1)}"


def listed(names: Sequence[str]) -> str:
    """Names joined by commas and "and"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def ratio_text(ratio: float, low: float, high: float) -> str:
    """Ratio and interval, rounded where the interval has its second digit."""
    half = max(ratio - low, high - ratio)
    places = min(max(1 - math.floor(math.log10(half)), 0), 4) if half > 0 else 2
    return f"{ratio:.{places}f}× ({low:.{places}f}–{high:.{places}f}×)"


def _more(inside: Sequence[Pair], kinds: set[str]) -> str:
    open_pairs = [pair for pair in inside if pair.verdict == INCONCLUSIVE and not pair.reason]
    if kinds != {INCONCLUSIVE} or not open_pairs:
        return ""
    counts = [pair.extra_blocks for pair in open_pairs]
    known = [count for count in counts if count is not None]
    most = max(known) if len(known) == len(counts) else None
    return f" Inconclusive, needs {needed(most)}."


def _winner_sentence(winner: str, pairs: Sequence[Pair], count: int, wording: Wording) -> str:
    won = [pair for pair in pairs if pair.first == winner and pair.verdict == FASTER]
    if not won:
        return f"No winner is named: {winner} leads, but no difference could be established."
    closest = min(won, key=lambda pair: pair.ratio)
    ratio = ratio_text(closest.ratio, closest.low, closest.high)
    others = count - 1 - len(won)
    open_cases = f" Against {others} more the difference is small or undecided." if others else ""
    claim = f"{winner} is the fastest {wording.one}: {ratio} the throughput of {closest.second}"
    return f"{claim}, {CONFIDENCE * 100:g} % confidence.{open_cases}"
