"""Ranking methods on logarithms: dominance that minds intervals, a weighted sum, TOPSIS and PROMETHEE II.

All take values on the log scale, turned so that more is better. Adding a constant to a column, which is what another
unit or another reference does, changes no result; no column is stretched to the pool's own range, which would let a
further loser change the winner. The weighted sum decides; the other two are checks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .draws import Floats


def dominance(values: Floats, halves: Floats, delta: float) -> NDArray[np.bool_]:
    """Which row is nowhere possibly worse than which other by more than ``delta``, and somewhere surely better.

    Args:
        values: (rows, criteria), log scale, more is better.
        halves: (rows, criteria), half widths of the intervals on the same scale.
        delta: smallest difference on the log scale that counts.

    Returns:
        (rows, rows): whether the first dominates the second.
    """
    gaps = values[:, None, :] - values[None, :, :]
    surely = gaps - np.sqrt(halves[:, None, :] ** 2 + halves[None, :, :] ** 2)
    found: NDArray[np.bool_] = np.all(surely >= -delta, axis=2) & np.any(surely > delta, axis=2)
    return found


def front(values: Floats, halves: Floats, delta: float) -> list[bool]:
    """For each row whether no other dominates it."""
    worse = np.any(dominance(values, halves, delta), axis=0)
    return [not bool(worse[index]) for index in range(len(values))]


def weighted_sum(values: Floats, weights: Floats) -> Floats:
    """Weighted sum of log ratios, which is the logarithm of a product of powers of ratios."""
    found: Floats = values @ weights
    return found


def topsis(values: Floats, weights: Floats) -> Floats:
    """Closeness to the best of each column against that to the worst; one half where all rows are equal.

    Source:
        Hwang and Yoon 1981 (10.1007/978-3-642-48318-9_3), on log ratios without further scaling.
    """
    weighted = values * weights
    far = np.sqrt(np.sum((weighted - weighted.max(axis=0)) ** 2, axis=1))
    near = np.sqrt(np.sum((weighted - weighted.min(axis=0)) ** 2, axis=1))
    total = far + near
    found: Floats = np.where(total > 0.0, near / np.where(total > 0.0, total, 1.0), 0.5)
    return found


def promethee(values: Floats, weights: Floats, indifference: float, preference: float) -> Floats:
    """Net outranking flows with a linear preference from ``indifference`` up to ``preference``.

    Source:
        Brans and Vincke 1985 (10.1287/mnsc.31.6.647), preference function V with an area of indifference.
    """
    if len(values) < 2:
        return np.zeros(len(values))
    gaps = values[:, None, :] - values[None, :, :]
    preferred = np.clip((gaps - indifference) / (preference - indifference), 0.0, 1.0) @ weights
    found: Floats = (preferred.sum(axis=1) - preferred.sum(axis=0)) / (len(values) - 1)
    return found
