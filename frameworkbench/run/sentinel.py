"""The sentinel: a fixed piece of the harness's own work, done between workers, that notices a noisy machine.

It asks one question that has nothing to do with any entrant: does work that never changes still take the time that it
took when the machine was quiet? So a block can be set aside for what happened around it, and never for how a
framework did in it.

The limits belong to the run: they come from readings before its first block and never move afterwards, since limits
that follow the noise would hide it.

Source: method T15; robust standard deviation: Rousseeuw and Croux (1993), 1.4826 · median absolute deviation.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..reference.blas import one_blas_thread

Clock = Callable[[], int]
Probe = Callable[[], None]

REPEATS = 15
"""Short pieces behind one reading; the fastest is taken. On an idle shared machine the median of nine pieces moved
between 0.71 and 1.43 of its usual value within seconds, since single pieces were interrupted; the fastest of fifteen
between 0.84 and 1.16. It says how fast the machine can be at this moment. What interrupts a worker is in the kernel's
accounts of foreign CPU time, which are read around each window."""
LEAST_LIMIT = 0.05
"""No machine is asked to repeat itself better than this (method T15)."""
MOST_LIMIT = 0.50
"""Nor may a machine that was noisy while the limits were drawn excuse itself: beyond this it is never quiet."""
_DEVIATIONS = 3.0
_TWO_SIDED = 1.96  # normal quantile
_MAD_TO_SD = 1.4826
_SIZE = 448  # 448³ products of float32: some milliseconds on one core, and its operands fit a core's own cache
_COPY_BYTES = 4 * 2**20  # beyond a core's own caches; a part of the piece, as memory is a part of the work


@dataclass(frozen=True, slots=True)
class Reading:
    """Fastest of a few pieces of the fixed work, in ns: by the wall clock, and by CPU time."""

    wall_ns: int
    cpu_ns: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a quiet machine does, as read before the first block.

    Attributes:
        wall_ns: median of the quiet readings.
        deviation: their robust relative standard deviation.
        limit: how much longer than ``wall_ns`` a reading may take, as a share.
        readings: how many there were.
    """

    wall_ns: int
    deviation: float
    limit: float
    readings: int

    def to_json(self) -> dict[str, Any]:
        """Plain data for the records."""
        return asdict(self)

    @classmethod
    def from_json(cls, table: Mapping[str, Any]) -> Limits:
        """Limits as a record holds them."""
        return cls(int(table["wall_ns"]), float(table["deviation"]), float(table["limit"]), int(table["readings"]))

    def ratio(self, reading: Reading) -> float:
        """A reading in units of the quiet median."""
        return reading.wall_ns / self.wall_ns


@dataclass(frozen=True, slots=True)
class Around:
    """The readings around the windows of processes that take turns.

    Attributes:
        name: what is compared: processes of another name are never compared with these.
        processes: how many of them took turns.
        readings: before the first round of windows, between two rounds, and after the last.
    """

    name: str
    processes: int
    readings: list[Reading]


class Sentinel:
    """Takes readings.

    Args:
        probe: the fixed work.
        clock: monotonic clock in ns; tests pass a fake one.
        cpu_clock: CPU time of this process in ns.
    """

    def __init__(
        self, probe: Probe, *, clock: Clock = time.perf_counter_ns, cpu_clock: Clock = time.process_time_ns
    ) -> None:
        self._probe = probe
        self._clock, self._cpu_clock = clock, cpu_clock

    def read(self) -> Reading:
        """One reading: the fastest of a few short pieces of work."""
        walls, cpus = [], []
        for _ in range(REPEATS):
            cpu, started = self._cpu_clock(), self._clock()
            self._probe()
            walls.append(self._clock() - started)
            cpus.append(self._cpu_clock() - cpu)
        return Reading(min(walls), min(cpus))

    def calibrate(self, readings: int, earlier: Sequence[Reading] = ()) -> Limits:
        """Draw the limits from readings of a machine that has nothing else to do.

        Args:
            readings: how many at least, 2 or more.
            earlier: those that were taken already. Readings spread over minutes know the machine better than as many
                within a second.
        """
        self.read()  # the first one pays for cold caches and sleeping threads
        walls = [reading.wall_ns for reading in earlier]
        walls += [self.read().wall_ns for _ in range(readings - len(walls))]
        centre = statistics.median(walls)
        spread = _MAD_TO_SD * statistics.median(abs(wall - centre) for wall in walls) / centre
        limit = min(MOST_LIMIT, max(LEAST_LIMIT, _DEVIATIONS * spread))
        return Limits(round(centre), spread, limit, len(walls))


def disturbances(limits: Limits, block: Sequence[Around]) -> list[str]:
    """What the readings of one block say against it; empty if nothing.

    What counts is how differently the machine may have treated two rows that are compared. Processes that were alone
    met whatever lay around them: no reading may be slower than the limit allows, and no two that lie around rows of one
    comparison may disagree by twice the limit. Processes that took turns met the same machine, slow or not, up to
    chance: the more rounds, the less of it is left. A machine slower than ``MOST_LIMIT`` disturbs in any case.
    """
    found = [reason for around in block if (reason := _too_slow(limits, around))]
    found += [reason for around in block if (reason := _by_chance(limits, around))]
    for name in dict.fromkeys(around.name for around in block):
        met = [ratio for around in block if around.name == name for ratio in _met(limits, around)]
        if met and max(met) > min(met) * (1 + 2 * limits.limit):
            found.append(
                f"it took {max(met) / min(met):.2f} times as long around one process as around another of {name} "
                f"(limit {1 + 2 * limits.limit:.2f})"
            )
    return found


def _too_slow(limits: Limits, around: Around) -> str:
    alone = around.processes == 1
    slowest, limit = max(_met(limits, around), default=0.0), limits.limit if alone else max(MOST_LIMIT, limits.limit)
    if slowest <= 1 + limit:
        return ""
    kind = "up to" if alone else "on average"
    work = f"the harness's own fixed work took {kind} {slowest:.2f} times as long"
    return f"{work} as before the run (limit {1 + limit:.2f})"


def _by_chance(limits: Limits, around: Around) -> str:
    """How much the mean machine of two processes that took turns may differ: the two-sided 95 % bound of chance.

    Drift meets both; what does not is how the machine changes from one turn to the next (von Neumann's mean square
    successive difference).
    """
    ratios = [limits.ratio(reading) for reading in around.readings]
    if around.processes == 1 or len(ratios) < 2:
        return ""
    steps = [after - before for before, after in itertools.pairwise(ratios)]
    spread = (statistics.fmean(step * step for step in steps) / 2) ** 0.5 / statistics.fmean(ratios)
    chance = _TWO_SIDED * spread * (2 / len(ratios)) ** 0.5
    if chance <= 2 * limits.limit:
        return ""
    return (
        f"the harness's own fixed work varied by {spread:.0%} from turn to turn, so that two rows of {around.name} may "
        f"differ by {chance:.0%} by chance (limit {2 * limits.limit:.0%})"
    )


def _met(limits: Limits, around: Around) -> list[float]:
    """What was met, as ratios: by a process that was alone every reading, by those that took turns their mean."""
    ratios = [limits.ratio(reading) for reading in around.readings]
    return ratios if around.processes == 1 or not ratios else [statistics.fmean(ratios)]


def make_probe(cores: Sequence[int]) -> Probe:
    """Matrix product and memory copy on random data, on each of these cores at the same time.

    Threads of the harness's own, one for each core and pinned to it, so that every core is asked and none is waited
    for by a library's spinning threads.
    """
    pool = ThreadPoolExecutor(max_workers=max(1, len(cores)), thread_name_prefix="sentinel")
    generator = np.random.default_rng(20261121)
    work = [_Work(core, generator) for core in cores] or [_Work(None, generator)]

    def probe() -> None:
        with one_blas_thread():
            for future in [pool.submit(piece.run) for piece in work]:
                future.result()

    return probe


class _Work:
    """One core's share of the fixed work."""

    def __init__(self, core: int | None, generator: np.random.Generator) -> None:
        self._core = core
        self._left = generator.random((_SIZE, _SIZE), dtype=np.float32)
        self._right = generator.random((_SIZE, _SIZE), dtype=np.float32)
        self._product = np.empty_like(self._left)
        self._source = generator.integers(0, 255, _COPY_BYTES, dtype=np.uint8)
        self._target = np.empty_like(self._source)

    def run(self) -> None:
        if self._core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, [self._core])  # of this thread alone
        np.matmul(self._left, self._right, out=self._product)
        np.copyto(self._target, self._source)
