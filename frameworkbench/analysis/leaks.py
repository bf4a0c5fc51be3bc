"""The leak gate: does memory grow with every step?

A single look cannot tell a leak from an allocator that settles. A robust slope over many steps can: it ignores jumps
that do not go on, and it must also matter, that is, add up to more than one part in a hundred of the peak.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95
LEAST_STEPS = 200
LEAST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of memory over a series of steps.

    Attributes:
        slope: bytes per step (Theil–Sen), with ``low`` and ``high`` as its 95 % interval.
        steps: readings in the series, one per step.
        share: slope × steps as a part of the peak.
        leaks: whether the interval lies above 0 and the growth is more than 1 % of the peak.
    """

    slope: float
    low: float
    high: float
    steps: int
    share: float
    leaks: bool


def growth(readings: Sequence[int], peak_bytes: float) -> Growth | None:
    """Slope of memory over steps, or None where the series is too short to say anything.

    Args:
        readings: bytes after each step, in order.
        peak_bytes: the peak against which growth is judged.

    Source:
        P. K. Sen 1968, 10.1080/01621459.1968.10480934, as in ``scipy.stats.theilslopes``; method M5.
    """
    if len(readings) < LEAST_STEPS or peak_bytes <= 0:
        return None
    values = np.asarray(readings, np.float64)
    if not np.ptp(values):  # a flat series has no interval to speak of
        return Growth(0.0, 0.0, 0.0, len(values), 0.0, False)
    from scipy import stats  # takes half a second to import, and most reports need nothing else of it

    slope, _, low, high = stats.theilslopes(values, np.arange(len(values)), CONFIDENCE)
    share = float(slope) * len(values) / peak_bytes
    return Growth(float(slope), float(low), float(high), len(values), share, bool(low > 0 and share > LEAST_SHARE))
