"""Whether the matched settings hold a framework back: its own rows in the other lanes tell.

A rival can be slowed down by settings that look fair (method, cheat C38). Where one run holds the same row in another
lane and that row is far faster, the matched figure is not what the framework can do, and the report says so beside it.
A remark, not a verdict: the matched figure stands for what it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ..phrase import Phrase, phrase, spoken
from .comparison import LEAST_BLOCKS, Entry, shared_blocks
from .statistics import CONFIDENCE, paired_log_difference

HANDICAP = "HANDICAP"
# Below this a better setting is ordinary tuning; at half as fast again the matched row misleads (method, C38).
LIMIT = 1.5


@dataclass(frozen=True, slots=True)
class Handicap:
    """One other lane of a row that beats the matched one by more than the limit.

    Attributes:
        code: HANDICAP.
        lane: the other lane.
        ratio: its throughput over that of the matched row: exp of the mean log difference over shared blocks.
        low: lower 95 % bound of the ratio, above the limit.
        high: upper 95 % bound of the ratio.
        blocks: shared complete blocks.
        said: the same in words.
    """

    code: str
    lane: str
    ratio: float
    low: float
    high: float
    blocks: int
    said: Phrase

    @property
    def sentence(self) -> str:
        """The remark in English words."""
        return str(self.said)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "said"}
        return {**plain, **spoken("sentence", self.said)}


def handicaps(matched: Entry, others: Mapping[str, Entry]) -> tuple[Handicap, ...]:
    """Remarks on a matched row.

    Args:
        matched: throughput of the matched row by block.
        others: the same framework and mode in other lanes of the same run, by lane.

    Returns:
        One remark for each lane whose ratio and whose whole 95 % interval lie above ``LIMIT``.
    """
    found = (_handicap(matched, lane, other) for lane, other in others.items())
    return tuple(remark for remark in found if remark is not None)


def _handicap(matched: Entry, lane: str, other: Entry) -> Handicap | None:
    blocks: Sequence[tuple[int, int]] = shared_blocks(matched, other)
    if len(blocks) < LEAST_BLOCKS:
        return None
    difference = paired_log_difference([other.throughput[b] for b in blocks], [matched.throughput[b] for b in blocks])
    low, high = (math.exp(bound) for bound in difference.interval(1 - CONFIDENCE))
    if low <= LIMIT:
        return None
    ratio = math.exp(difference.mean)
    said = phrase(
        "{row} is {ratio} times ({low}–{high}) as fast in lane {lane}: the matched settings hold it back; do not cite "
        "without that row.",
        row=matched.label,
        ratio=f"{ratio:.2g}",
        low=f"{low:.2g}",
        high=f"{high:.2g}",
        lane=lane,
    )
    return Handicap(HANDICAP, lane, ratio, low, high, difference.pairs, said)
