"""Readings of a card at a steady rate while a worker works, from outside it.

A thread of the parent, which otherwise only waits: it never runs inside the process that is timed. Each look takes
the library well under a millisecond, outside Python's lock.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from .nvml import Reading

INTERVAL_S = 0.05  # 20 Hz: process memory asks for it (method M3); clocks and throttling for 10 Hz (T14)
LOWEST_RATE_HZ = 10.0

Read = Callable[[int], Reading]
Wait = Callable[[float], bool]


def sample(read: Read, readings: list[Reading], *, wait: Wait, clock: Callable[[], int], interval_s: float) -> None:
    """Append readings until ``wait`` says that it is enough.

    The pauses aim at fixed times, so that the time a reading takes does not slow the rate; a reading that outlasts
    its turn is followed by the next at once.

    Args:
        read: looks at the card; receives the time.
        readings: receives them.
        wait: pauses for some seconds; True once sampling is to stop.
        clock: monotonic, nanoseconds.
        interval_s: from the start of one reading to the start of the next.
    """
    due = clock()
    while True:
        readings.append(read(clock()))
        due += round(interval_s * 1e9)
        late = clock() - due
        if late > 0:
            due += late
        if wait(max(0.0, -late / 1e9)):
            return


def rate_hz(readings: Sequence[Reading]) -> float | None:
    """Readings per second over their whole span; None for fewer than two."""
    if len(readings) < 2:
        return None
    span_s = (readings[-1].at_ns - readings[0].at_ns) / 1e9
    return (len(readings) - 1) / span_s if span_s > 0 else None


class Sampler:
    """Takes readings in a thread between entering and leaving; the first one before entering ends.

    Args:
        read: looks at the card.
        interval_s: between readings.
        clock: monotonic clock in nanoseconds, the one that also stamps windows.
    """

    def __init__(
        self, read: Read, *, interval_s: float = INTERVAL_S, clock: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        self._read, self._interval_s, self._clock = read, interval_s, clock
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="card sampler", daemon=True)
        self.readings: list[Reading] = []

    def __enter__(self) -> Sampler:
        self.readings.append(self._read(self._clock()))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _work(self) -> None:
        if not self._stop.wait(self._interval_s):
            sample(self._read, self.readings, wait=self._stop.wait, clock=self._clock, interval_s=self._interval_s)
