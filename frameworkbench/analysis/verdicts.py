"""The five verdicts on a pair of rows, and what a compared pair holds."""

from __future__ import annotations

from dataclasses import dataclass

from ..phrase import marked

FASTER = marked("faster")
SMALL = marked("detectable but small")
TIED = marked("practically tied")
INCONCLUSIVE = marked("inconclusive")
INVALID = marked("invalid")


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison; ``ratio`` is the throughput of ``first`` over that of ``second`` and at least 1.

    ``low`` and ``high`` bound the ratio at the Holm-adjusted 95 % level; ``median_ratio`` is the ratio by medians
    (Hodges and Lehmann). ``reason`` says why a verdict is not what the interval alone would give. ``extra_blocks`` is
    the number of further blocks after which an inconclusive pair should be decided (None: decided, over 1,000, or
    with a ``reason`` that more blocks do not cure).
    """

    first: str
    second: str
    first_key: str
    second_key: str
    ratio: float
    low: float
    high: float
    median_ratio: float
    p_value: float
    blocks: int
    verdict: str
    reason: str
    extra_blocks: int | None
