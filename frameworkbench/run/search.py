"""Searching for the largest size that fits, by doubling and then by halving the gap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# A gap of a sixteenth is as fine as a batch size needs to be known.
RESOLUTION = 16


@dataclass(frozen=True, slots=True)
class Found:
    """How a search ended.

    Attributes:
        largest: the largest size that was seen to fit, 0 if none was.
        failed: the smallest size that was seen not to fit, or None if none was.
        finished: whether the gap between the two was closed to the resolution, or the ceiling was reached.
    """

    largest: int
    failed: int | None
    finished: bool


def search(start: int, ceiling: int, fits: Callable[[int], bool | None]) -> Found:
    """Find the largest size up to a ceiling that fits, if fitting is a matter of size alone.

    Args:
        start: first size to try, at least 1.
        ceiling: largest size to try.
        fits: tries one size; None means that there is no time left to tell.
    """
    largest, failed, size = 0, None, min(start, ceiling)
    while failed is None:
        answer = fits(size)
        if answer is None:
            return Found(largest, failed, False)
        if not answer:
            failed = size
        elif size == ceiling:
            return Found(size, None, True)
        else:
            largest, size = size, min(2 * size, ceiling)
    while failed - largest > max(1, largest // RESOLUTION):
        middle = (largest + failed) // 2
        answer = fits(middle)
        if answer is None:
            return Found(largest, failed, False)
        largest, failed = (middle, failed) if answer else (largest, middle)
    return Found(largest, failed, True)
