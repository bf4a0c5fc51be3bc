"""A window done once more, watched: the same start, the same batches, the same weights at its end.

Nobody can say what weights must be after thousands of steps: float32 code drifts away from any reference. But it need
not drift away from itself. So a timed window is repeated from its own start in the same process, in pieces of random
length whose losses are read; an adapter that does less where nobody looks ends somewhere else.

On some hardware honest code does not repeat itself to the bit, and small differences grow with the steps. Then the
watched run is done twice, and the distance between these two is what repeating is worth there.

Source: method C29 ("run once with checks off and compare"), for the work in place of the speed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .findings import Finding

Weights = Mapping[str, npt.NDArray[Any]]

LIMIT = 0.01
"""Distance that needs no explanation, relative to the length of the window's own update (L2, worst tensor)."""
_TIMES = 4.0  # further off than watched runs are from each other, and it is not drift
LONGEST_PIECE = 16  # steps between two looks in a watched run


def distance(one: Weights, other: Weights, start: Weights) -> tuple[str, float]:
    """The tensor in which two ends of a window differ most, and by how much of the update: ‖a − b‖ / ‖a − start‖."""
    worst, most = "", 0.0
    for name, value in one.items():
        if np.array_equal(value, other[name], equal_nan=True):
            continue
        ended = np.asarray(value, np.float64)
        apart = float(np.linalg.norm(ended - other[name]))
        length = float(np.linalg.norm(ended - start[name]))
        share = math.inf if math.isnan(apart) or length == 0 else apart / length  # not a number is no match
        if share > most:
            worst, most = name, share
    return worst, most


def needs_another(start: Weights, window: Weights, watched: Sequence[Weights]) -> bool:
    """Whether one watched run is not enough to judge by."""
    return len(watched) == 1 and not distance(window, watched[0], start)[1] <= LIMIT


def judge(
    start: Weights, window: Weights, watched: Sequence[Weights], steps: int
) -> tuple[list[Finding], dict[str, Any]]:
    """Compare the end of the timed window with the ends of the watched runs.

    Args:
        start: weights at the window's start.
        window: weights at its end.
        watched: weights at the end of each watched run: one, or two where the first differs.
        steps: length of the window.

    Returns:
        Findings, and the figures behind them.
    """
    name, apart = min((distance(window, end, start) for end in watched), key=lambda found: found[1])
    figures: dict[str, Any] = {"steps": steps, "tensor": name, "distance": apart}
    if len(watched) == 2:
        figures["drift"] = drift = distance(watched[0], watched[1], start)[1]
        if not apart <= max(LIMIT, _TIMES * drift):
            reason = (
                f"after the timed window of {steps} steps {name} is {apart:.1%} of its update away from where the same "
                f"steps lead when they are watched; two watched runs differ by {drift:.1%}"
            )
            return [Finding("replay", "DETECTION", reason)], figures
    return [], figures
