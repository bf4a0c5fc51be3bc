"""Which difference a number of blocks can show: said before a run, in its manifest, and again when a budget cut it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from ..analysis.power import POWER, resolvable_ratio
from ..spec.protocol import Protocol

_LEAST_BLOCKS = 2  # a paired test needs two differences
_MOST_RATIO = 10.0  # beyond this a number would only pretend to be one


@dataclass(frozen=True, slots=True)
class Resolution:
    """What so many blocks resolve.

    Attributes:
        blocks: paired blocks.
        pairs: comparisons that share the error level.
        deviation: process-to-process standard deviation at which the claim holds.
        power: chance that the difference is found.
        ratio: smallest true ratio of throughputs that gets the verdict *faster* so often; None: none below 10.
    """

    blocks: int
    pairs: int
    deviation: float
    power: float
    ratio: float | None

    @property
    def sentence(self) -> str:
        """For people."""
        blocks = f"{self.blocks} {'block' if self.blocks == 1 else 'blocks'}"
        if self.ratio is None:
            return f"{blocks}: too few to tell any two rows apart"
        pairs = f"{self.pairs} {'pair' if self.pairs == 1 else 'pairs'}"
        return (
            f"{blocks} find a true difference of {self.ratio - 1:.1%} or more in {self.power:.0%} of runs "
            f"({pairs} of rows, processes deviating by {self.deviation:.0%})"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for the manifest and the plan."""
        return asdict(self)


def resolution(protocol: Protocol, *, blocks: int, rows: int) -> Resolution:
    """What a number of blocks resolves between so many rows, at the deviation that the suite expects.

    Args:
        protocol: the suite.
        blocks: of the main modes.
        rows: main modes that are compared with each other; fewer than two make one imagined pair.
    """
    pairs = max(1, math.comb(rows, 2))
    ratio = None
    if blocks >= _LEAST_BLOCKS:
        found = resolvable_ratio(blocks, protocol.expected_deviation, pairs, delta=protocol.delta)
        ratio = found if found < _MOST_RATIO else None
    return Resolution(blocks, pairs, protocol.expected_deviation, POWER, ratio)
