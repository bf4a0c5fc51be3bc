"""How many blocks each cell is to get: as the suite says, and what was asked for on top of it.

The suite's number is part of the protocol and fixed before the first measurement. Blocks that are added to a finished
run (``--more``) are kept apart, in the plan, so that a report can say which result was topped up.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..spec.protocol import Protocol
from .plan import Planned

MOST_BLOCKS = 40
"""No automatic topping up beyond so many blocks: a difference that needs more is not one that this machine shows."""


@dataclass(frozen=True, slots=True)
class Aims:
    """Blocks wanted.

    Attributes:
        main: of every main mode, by the suite.
        other: of every other mode, by the suite.
        named: keys of other modes that were asked for by name: who names a row wants it compared, so it gets as many
            blocks as a main mode.
        more: added blocks by cell key.
    """

    main: int
    other: int
    named: frozenset[str] = frozenset()
    more: Mapping[str, int] = field(default_factory=dict)

    def of(self, planned: Planned) -> int:
        """Blocks of one cell."""
        alike = planned.main or planned.key in self.named
        return (self.main if alike else self.other) + self.more.get(planned.key, 0)

    def share(self, part: float) -> Aims:
        """The aims of a round that ends after this part of the suite's blocks; added ones come in the last."""
        if part >= 1:
            return self
        return Aims(math.ceil(self.main * part), math.ceil(self.other * part), self.named)

    def to_json(self) -> dict[str, Any]:
        """Plain data for the plan."""
        return {"main": self.main, "other": self.other, "named": sorted(self.named), "more": dict(self.more)}


def stored_more(aims: object) -> dict[str, int]:
    """Blocks that an earlier session added, from its plan; none in plans of older versions."""
    more = aims.get("more") if isinstance(aims, Mapping) else None
    return {str(key): int(count) for key, count in more.items()} if isinstance(more, Mapping) else {}


def with_more(
    protocol: Protocol, stored: Mapping[str, int], wanted: int | Mapping[str, int] | None, plan: Sequence[Planned]
) -> Aims:
    """The aims of a session.

    Args:
        protocol: the suite.
        stored: blocks added by earlier sessions.
        wanted: blocks to add now: a number for each main mode, or a number by cell key; None for none.
        plan: the cells.
    """
    more = dict(stored)
    if isinstance(wanted, int):
        wanted = {planned.key: wanted for planned in plan if planned.main}
    for key, count in (wanted or {}).items():
        more[key] = more.get(key, 0) + count
    named = frozenset(planned.key for planned in plan if planned.named and not planned.main)
    return Aims(protocol.main_blocks, protocol.other_blocks, named, more)


def extra_blocks(protocol: Protocol, aims: Aims, plan: Iterable[Planned]) -> int:
    """Most blocks that may be repeated because they were disturbed, over the whole run."""
    most = max((aims.of(planned) for planned in plan), default=0)
    return math.floor(most * protocol.extra_blocks_share)
