"""The memory of a worker and of everything it started, read from outside while it works.

A process's own peak says nothing about its children. Resident sets cannot be added up either: pages that two
processes share would count twice. So the tree is read as proportional sets (PSS: each page divided by the number
of its users), many times a second, by a thread that sleeps in between.

Reading is sampling: a spike between two samples is missed here and found by the kernel's own peak counter in the
worker, which in turn knows nothing about children. The memory pass uses both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

INTERVAL_S = 0.03  # 33 readings a second; one costs about 0.6 ms for each 100 MB of the tree

_PROC = Path("/proc")
# Reading a large tree must not become a load of its own: sleep at least this many times as long as reading took.
_REST = 4.0

Footprint = Callable[[frozenset[int]], int | None]


@dataclass(frozen=True, slots=True)
class ProcessMemory:
    """What one process holds, in bytes: resident, proportional, and held by it alone."""

    resident: int
    proportional: int
    private: int


@dataclass(frozen=True, slots=True)
class TreeMemory:
    """One reading of a worker and its descendants, in bytes."""

    own: ProcessMemory
    children: tuple[ProcessMemory, ...]

    @property
    def proportional(self) -> int:
        """PSS of the whole tree."""
        return self.own.proportional + sum(child.proportional for child in self.children)

    @property
    def resident(self) -> int:
        """Pages that the tree keeps in memory; no page counts twice.

        The larger of two lower bounds: PSS of all (small where pages are shared with strangers), and everything
        of the worker plus what its children hold alone (small where children share among themselves only).
        """
        return max(self.proportional, self.own.resident + sum(child.private for child in self.children))

    @property
    def children_share(self) -> float:
        """Part of the tree's PSS that is not the worker's own, 0 to 1."""
        return 1.0 - self.own.proportional / self.proportional if self.proportional else 0.0


@dataclass(slots=True)
class PhasePeak:
    """The largest reading of one phase, how many readings there were, and the most children seen at once."""

    largest: TreeMemory | None = None
    readings: int = 0
    most_children: int = 0
    footprint_peak: int | None = None

    def add(self, reading: TreeMemory) -> None:
        """Take one reading into account."""
        self.readings += 1
        self.most_children = max(self.most_children, len(reading.children))
        if self.largest is None or reading.resident > self.largest.resident:
            self.largest = reading

    def add_footprint(self, found: int | None) -> None:
        """Take one reading of the device into account."""
        if found is not None:
            self.footprint_peak = max(found, self.footprint_peak or 0)


class TreeSampler:
    """Reads the memory of a process tree in a thread of its own, phase by phase.

    Args:
        pid: the worker.
        limit: resident bytes of the tree above which ``on_limit`` is called, or None for no limit.
        on_limit: called once, from the sampling thread.
        footprint: device memory of a set of processes in bytes, where a device is measured.
        interval_s: pause between readings.
    """

    def __init__(
        self,
        pid: int,
        *,
        limit: int | None = None,
        on_limit: Callable[[], None] | None = None,
        footprint: Footprint | None = None,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._pid = pid
        self._limit = limit
        self._on_limit = on_limit
        self._footprint = footprint
        self._interval_s = interval_s
        self._phase = ""
        self._reading = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="memory-sampler", daemon=True)
        self._started = time.monotonic()
        self.phases: dict[str, PhasePeak] = {}
        self.exceeded: int | None = None
        self.elapsed_s = 0.0

    def __enter__(self) -> TreeSampler:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End sampling; called again it does nothing."""
        if not self._stop.is_set():
            self._stop.set()
            self._thread.join()
            self.elapsed_s = time.monotonic() - self._started

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What happens inside belongs to this phase; its end is read in any case, however short it was."""
        self._phase = name
        yield
        self._read_once()
        self._phase = ""

    @property
    def peak(self) -> PhasePeak:
        """All phases together."""
        total = PhasePeak()
        for found in self.phases.values():
            total.readings += found.readings
            total.most_children = max(total.most_children, found.most_children)
            total.add_footprint(found.footprint_peak)
            if found.largest and (total.largest is None or found.largest.resident > total.largest.resident):
                total.largest = found.largest
        return total

    def _sample(self) -> None:
        while not self._stop.is_set():
            started = time.monotonic()
            self._read_once()
            self._stop.wait(max(self._interval_s, _REST * (time.monotonic() - started)))

    def _read_once(self) -> None:
        with self._reading:
            phase = self._phase
            children = descendants(self._pid)
            reading = read_tree(self._pid, children)
            if not phase or reading is None or phase != self._phase:  # between phases, ended, or part of two
                return
            found = self.phases.setdefault(phase, PhasePeak())
            found.add(reading)
            if self._footprint is not None:
                found.add_footprint(self._footprint(frozenset({self._pid, *children})))
            self._check_limit(reading.resident)

    def _check_limit(self, resident: int) -> None:
        if self._limit is not None and self.exceeded is None and resident > self._limit:
            self.exceeded = resident
            if self._on_limit is not None:
                self._on_limit()


def read_tree(pid: int, children: Iterable[int]) -> TreeMemory | None:
    """One reading of a process and these descendants; None once the process itself is gone."""
    own = read_process(pid)
    if own is None:
        return None
    found = (read_process(child) for child in children)
    return TreeMemory(own, tuple(child for child in found if child is not None))


def read_process(pid: int) -> ProcessMemory | None:
    """Resident, proportional and private bytes of one process; None if it is gone or may not be read."""
    try:
        text = (_PROC / str(pid) / "smaps_rollup").read_bytes()
    except OSError:
        return None
    fields = {}
    for line in text.splitlines()[1:]:
        name, _, value = line.partition(b":")
        fields[name] = int(value.split()[0]) * 1024
    if b"Pss" not in fields:
        return None
    private = fields.get(b"Private_Clean", 0) + fields.get(b"Private_Dirty", 0)
    return ProcessMemory(fields.get(b"Rss", 0), fields[b"Pss"], private)


def descendants(pid: int) -> list[int]:
    """Everything a process started, directly or through others.

    A child whose own parent has gone is found as well: workers adopt orphans (see ``worker/bootstrap.py``). Only the
    tree itself is visited; to look through all processes of a large machine 30 times a second would be a load.
    """
    found: list[int] = []
    open_ = [pid]
    while open_:
        for child in _children(open_.pop()):
            if child not in found:
                found.append(child)
                open_.append(child)
    return found


def _children(pid: int) -> list[int]:
    """Direct children, thread by thread (the kernel lists them so); none where the kernel keeps no such list."""
    children: list[int] = []
    try:
        threads = list((_PROC / str(pid) / "task").iterdir())
    except OSError:
        return []
    for thread in threads:
        try:
            children += [int(word) for word in (thread / "children").read_bytes().split()]
        except OSError:  # the thread ended meanwhile
            continue
    return children


__all__ = ["Footprint", "PhasePeak", "ProcessMemory", "TreeMemory", "TreeSampler", "descendants", "read_tree"]
