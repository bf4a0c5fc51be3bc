"""What a report takes from the windows of one timed process, in place of the windows themselves.

A run of ten thousand cells has a million windows, and a report needs a few sums of them.
"""

from __future__ import annotations

from typing import NamedTuple


class Work(NamedTuple):
    """Steps and seconds of all windows of one process; ``whole_steps`` with each window's steps as a whole number."""

    steps: float
    elapsed_s: float
    whole_steps: int


class Census(NamedTuple):
    """What the kernel counted over some windows: the most threads and processes, CPU-seconds, periods of throttling."""

    windows: int
    threads: int
    busy_threads: int
    processes: int
    cpu_s: float
    wall_s: float
    throttled: int | None


class Digested(NamedTuple):
    """The windows of one process: how many, their work (None if one is wrong or none is there), their census."""

    windows: int
    work: Work | None
    census: Census | None
