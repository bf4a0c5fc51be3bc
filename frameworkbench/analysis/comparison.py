"""Who is faster: paired tests between the rows of one family, their verdicts, and tiers.

A family is what Holm's correction spans: the main modes of one group (same work, data, device, lane, precision,
threads and batch size), or the modes of one framework in it. Which rows make a family is said in ``families``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..phrase import Phrase, marked
from .sentences import MAIN_MODES, Wording, ranking_sentence
from .statistics import (
    LogDifference,
    Vector,
    extra_pairs,
    holm,
    holm_levels,
    log_values,
    mean_difference,
    pseudo_median,
)
from .verdicts import FASTER, INCONCLUSIVE, INVALID, SMALL, TIED, Pair

__all__ = ["FASTER", "INCONCLUSIVE", "INVALID", "LEAST_BLOCKS", "SMALL", "TIED", "Entry", "Pair", "Ranking", "rank"]

# A paired test needs two differences.
LEAST_BLOCKS = 2

DISAGREE = marked("mean and median disagree")

BlockKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row that may be compared: throughput of one process per complete (block, attempt)."""

    key: str
    label: str
    throughput: Mapping[BlockKey, float]


@dataclass(frozen=True, slots=True)
class Ranking:
    """All pairs of one family and the tiers that follow: rank 1 is no slower than anyone in a way that counts.

    ``code`` is empty unless something about the run as a whole took the verdicts away.
    """

    ranks: Mapping[str, int]
    pairs: tuple[Pair, ...]
    delta: float
    said: Phrase
    code: str = ""

    @property
    def sentence(self) -> str:
        """Who won, or why nobody is named, in English."""
        return str(self.said)


def rank(entries: Sequence[Entry], delta: float, wording: Wording = MAIN_MODES) -> Ranking:
    """Compare every pair of rows and sort them into tiers.

    Args:
        entries: rows of one family; those with fewer than two blocks are left out.
        delta: smallest relative difference that matters, fixed before the run.
        wording: what the rows are called in the sentence.
    """
    able = sorted((e for e in entries if len(e.throughput) >= LEAST_BLOCKS), key=lambda e: (-_centre(e), e.label))
    logs = [_Logs.of(entry) for entry in able]
    differences: list[tuple[Entry, Entry, LogDifference, float]] = []
    for position, first in enumerate(logs):
        for second in logs[position + 1 :]:
            apart = first.minus(second)
            if len(apart) >= LEAST_BLOCKS:
                differences.append(_difference(first.entry, second.entry, apart))
    p_values = [difference.p_value for _, _, difference, _ in differences]
    decided = tuple(
        _pair(first, second, difference, median, delta, level, p_value)
        for (first, second, difference, median), p_value, level in zip(
            differences, holm(p_values), holm_levels(p_values), strict=True
        )
    )
    ranks = _tiers([entry.key for entry in able], decided) if len(able) > 1 else {}
    labels = {entry.key: entry.label for entry in able}
    return Ranking(ranks, decided, delta, ranking_sentence(labels, ranks, decided, delta, wording))


def shared_blocks(first: Entry, second: Entry) -> list[BlockKey]:
    """Blocks in which both rows ran, in order."""
    return sorted(set(first.throughput) & set(second.throughput))


def decide(difference: LogDifference, median: float, delta: float, level: float) -> tuple[str, str]:
    """The verdict on one paired difference, and the reason where the numbers alone do not show it.

    Args:
        difference: of logarithms, with its mean not below zero.
        median: the same difference by medians (``hodges_lehmann``).
        delta: smallest relative difference that matters.
        level: of the two-sided test.

    Returns:
        Verdict and reason. *Faster* and *detectable but small* need the median on the same side of zero as the mean,
        *practically tied* needs it within delta as well: otherwise a few blocks made the verdict.
    """
    low, high = difference.interval(level)
    # Equivalence limits are symmetric on the log scale: the verdict must not depend on who is named first.
    limit = math.log1p(delta)
    if low > 0:
        verdict, agrees = (FASTER if difference.mean > limit else SMALL), median > 0
    elif -limit <= low and high <= limit:
        verdict, agrees = TIED, abs(median) <= limit
    else:
        return INCONCLUSIVE, ""
    return (verdict, "") if agrees else (INCONCLUSIVE, DISAGREE)


@dataclass(frozen=True, slots=True)
class _Logs:
    """Logarithms of one row's throughputs in the order of its blocks: taken once, used in every pair."""

    entry: Entry
    blocks: tuple[BlockKey, ...]
    values: Vector

    @classmethod
    def of(cls, entry: Entry) -> _Logs:
        blocks = tuple(sorted(entry.throughput))
        return cls(entry, blocks, log_values([entry.throughput[block] for block in blocks]))

    def minus(self, other: _Logs) -> Vector:
        """Differences over the blocks in which both rows ran, in order."""
        if self.blocks == other.blocks:
            return self.values - other.values
        shared = set(self.blocks) & set(other.blocks)
        mine = [place for place, block in enumerate(self.blocks) if block in shared]
        theirs = [place for place, block in enumerate(other.blocks) if block in shared]
        return self.values[mine] - other.values[theirs]


def _difference(first: Entry, second: Entry, apart: Vector) -> tuple[Entry, Entry, LogDifference, float]:
    found, median = mean_difference(apart), pseudo_median(apart)
    if found.mean < 0:  # over the shared blocks the order may differ from that of the overall means
        return second, first, LogDifference(-found.mean, found.error, found.pairs, found.p_value), -median
    return first, second, found, median


def _pair(
    first: Entry,
    second: Entry,
    difference: LogDifference,
    median: float,
    delta: float,
    level: float,
    adjusted: float,
) -> Pair:
    low, high = difference.interval(level)
    verdict, reason = decide(difference, median, delta, level)
    open_end = verdict == INCONCLUSIVE and not reason
    return Pair(
        first=first.label,
        second=second.label,
        first_key=first.key,
        second_key=second.key,
        ratio=math.exp(difference.mean),
        low=math.exp(low),
        high=math.exp(high),
        median_ratio=math.exp(median),
        p_value=adjusted,
        blocks=difference.pairs,
        verdict=verdict,
        reason=reason,
        extra_blocks=extra_pairs(difference, math.log1p(delta), level) if open_end else None,
    )


def _tiers(keys: Sequence[str], pairs: Sequence[Pair]) -> dict[str, int]:
    """Rank = 1 + the longest chain of "faster" above a row; ``keys`` are in order of their means."""
    beaten_by: dict[str, list[str]] = {key: [] for key in keys}
    for pair in pairs:
        if pair.verdict == FASTER:
            beaten_by[pair.second_key].append(pair.first_key)
    ranks: dict[str, int] = {}
    for key in keys:
        ranks[key] = 1 + max((ranks.get(winner, 0) for winner in beaten_by[key]), default=0)
    return ranks


def _centre(entry: Entry) -> float:
    return sum(math.log(value) for value in entry.throughput.values()) / len(entry.throughput)
