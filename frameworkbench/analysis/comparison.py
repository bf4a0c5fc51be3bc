"""Who is faster: paired tests between frameworks' main modes, four verdicts, and tiers.

Only rows of one group (same work, data, device, lane, precision, threads and batch size) are ever
compared. The reference ("oracle") and secondary modes are shown elsewhere, never ranked here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .statistics import CONFIDENCE, LogDifference, extra_pairs, holm, holm_levels, paired_log_difference

FASTER = "faster"
SMALL = "detectable but small"
TIED = "practically tied"
INCONCLUSIVE = "inconclusive"

# A paired test needs two differences.
LEAST_BLOCKS = 2

BlockKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row that may be ranked: throughput of one process per complete (block, attempt)."""

    key: str
    label: str
    throughput: Mapping[BlockKey, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison; ``ratio`` is the throughput of ``first`` over that of ``second`` and at least 1.

    ``low`` and ``high`` bound the ratio at the Holm-adjusted 95 % level. ``extra_blocks`` is the number of further
    blocks after which an inconclusive pair should be decided (None: decided, or over 1,000).
    """

    first: str
    second: str
    ratio: float
    low: float
    high: float
    p_value: float
    blocks: int
    verdict: str
    extra_blocks: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """All pairs of one group and the tiers that follow: rank 1 is no slower than anyone in a way that counts."""

    ranks: Mapping[str, int]
    pairs: tuple[Pair, ...]
    delta: float
    sentence: str


def rank(entries: Sequence[Entry], delta: float) -> Ranking:
    """Compare every pair of rows and sort them into tiers.

    Args:
        entries: rows of one group; those with fewer than two blocks are left out.
        delta: smallest relative difference that matters, fixed before the run.
    """
    able = sorted((e for e in entries if len(e.throughput) >= LEAST_BLOCKS), key=lambda e: (-_centre(e), e.label))
    differences: list[tuple[Entry, Entry, LogDifference]] = []
    for position, first in enumerate(able):
        for second in able[position + 1 :]:
            shared = sorted(set(first.throughput) & set(second.throughput))
            if len(shared) >= LEAST_BLOCKS:
                differences.append(_difference(first, second, shared))
    p_values = [difference.p_value for _, _, difference in differences]
    adjusted = holm(p_values)
    levels = holm_levels(p_values)
    decided = [
        (first.key, second.key, _pair(first, second, difference, delta, level, p_value))
        for (first, second, difference), p_value, level in zip(differences, adjusted, levels, strict=True)
    ]
    ranks = _tiers([entry.key for entry in able], decided) if len(able) > 1 else {}
    pairs = tuple(pair for _, _, pair in decided)
    return Ranking(ranks, pairs, delta, _sentence(able, ranks, pairs, delta))


def _difference(first: Entry, second: Entry, shared: Sequence[BlockKey]) -> tuple[Entry, Entry, LogDifference]:
    found = paired_log_difference([first.throughput[b] for b in shared], [second.throughput[b] for b in shared])
    if found.mean < 0:  # over the shared blocks the order may differ from that of the overall means
        return second, first, LogDifference(-found.mean, found.error, found.pairs, found.p_value)
    return first, second, found


def _pair(first: Entry, second: Entry, difference: LogDifference, delta: float, level: float, adjusted: float) -> Pair:
    low, high = difference.interval(level)
    # Equivalence limits are symmetric on the log scale: the verdict must not depend on who is named first.
    limit = math.log1p(delta)
    if low > 0:
        verdict = FASTER if difference.mean > limit else SMALL
    elif -limit <= low and high <= limit:
        verdict = TIED
    else:
        verdict = INCONCLUSIVE
    extra = extra_pairs(difference, limit, level) if verdict == INCONCLUSIVE else None
    return Pair(
        first=first.label,
        second=second.label,
        ratio=math.exp(difference.mean),
        low=math.exp(low),
        high=math.exp(high),
        p_value=adjusted,
        blocks=difference.pairs,
        verdict=verdict,
        extra_blocks=extra,
    )


def _tiers(keys: Sequence[str], pairs: Sequence[tuple[str, str, Pair]]) -> dict[str, int]:
    """Rank = 1 + the longest chain of "faster" above a row; ``keys`` are in order of their means."""
    beaten_by: dict[str, list[str]] = {key: [] for key in keys}
    for first, second, pair in pairs:
        if pair.verdict == FASTER:
            beaten_by[second].append(first)
    ranks: dict[str, int] = {}
    for key in keys:
        ranks[key] = 1 + max((ranks.get(winner, 0) for winner in beaten_by[key]), default=0)
    return ranks


def _sentence(able: Sequence[Entry], ranks: Mapping[str, int], pairs: Sequence[Pair], delta: float) -> str:
    if len(able) < 2:
        return "No winner is named: fewer than two frameworks were proved and timed in two or more complete blocks."
    top = [entry.label for entry in able if ranks[entry.key] == 1]
    if len(top) == 1:
        return _winner_sentence(top[0], pairs, len(able))
    inside = [pair for pair in pairs if pair.first in top and pair.second in top]
    kinds = {pair.verdict for pair in inside}
    why = {
        frozenset({TIED}): f"they are practically tied (within ±{delta * 100:g} %)",
        frozenset({INCONCLUSIVE}): "the measurement cannot tell them apart",
        frozenset({SMALL}): f"their differences are real but no larger than {delta * 100:g} %",
    }.get(frozenset(kinds), "the differences between them are small, tied or undecided")
    rest = [entry.label for entry in able if ranks[entry.key] > 1]
    behind = f" Behind them: {_listed(rest)}." if rest else ""
    extra = [pair.extra_blocks for pair in inside if pair.extra_blocks]
    more = f" About {max(extra)} more blocks should decide it." if kinds == {INCONCLUSIVE} and extra else ""
    return f"No single winner: {_listed(top)} share the first place; {why}.{behind}{more}"


def _winner_sentence(winner: str, pairs: Sequence[Pair], count: int) -> str:
    won = [pair for pair in pairs if pair.first == winner and pair.verdict == FASTER]
    if not won:
        return f"No winner is named: {winner} leads, but no difference could be established."
    closest = min(won, key=lambda pair: pair.ratio)
    ratio = _ratio_text(closest)
    others = count - 1 - len(won)
    open_cases = f" Against {others} more the difference is small or undecided." if others else ""
    claim = f"{winner} is the fastest main mode: {ratio} the throughput of {closest.second}"
    return f"{claim}, {CONFIDENCE * 100:g} % confidence.{open_cases}"


def _ratio_text(pair: Pair) -> str:
    """Ratio and interval, rounded where the interval has its second digit."""
    half = max(pair.ratio - pair.low, pair.high - pair.ratio)
    places = min(max(1 - math.floor(math.log10(half)), 0), 4) if half > 0 else 2
    return f"{pair.ratio:.{places}f}× ({pair.low:.{places}f}–{pair.high:.{places}f}×)"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _centre(entry: Entry) -> float:
    return sum(math.log(value) for value in entry.throughput.values()) / len(entry.throughput)
