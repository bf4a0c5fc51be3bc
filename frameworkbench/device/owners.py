"""Whose is a process on a card: the worker's, or somebody else's.

NVML lists process ids as the host counts them. In a container these can be other numbers than the harness's own;
then a single process that came after the worker was started is taken for the worker, and any other is foreign.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .nvml import Reading

_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Owners:
    """Process ids on the card by owner; ``by_number`` is False where own ids could not be recognised."""

    own: frozenset[int]
    foreign: frozenset[int]
    by_number: bool


def owners(readings: Sequence[Reading], ours: Callable[[int], bool]) -> Owners | None:
    """Sort every process that was seen on the card.

    Args:
        readings: the first was taken before the worker was started.
        ours: whether an id belongs to this run.

    Returns:
        The owners, or None where processes could not be listed.
    """
    listed = [reading.processes for reading in readings if reading.processes is not None]
    if not listed:
        return None
    seen = {process.pid for processes in listed for process in processes}
    own = {pid for pid in seen if ours(pid)}
    strangers = seen - own
    if own or not strangers:
        return Owners(frozenset(own), frozenset(strangers), by_number=True)
    before = {process.pid for process in readings[0].processes or ()}
    came = strangers - before
    if len(came) == 1:
        return Owners(frozenset(came), frozenset(before), by_number=False)
    return Owners(frozenset(), frozenset(strangers), by_number=False)


class Family:
    """Remembers which ids descend from a process, also after they have ended.

    Args:
        root: the process whose descendants count; this one by default.
        parent_of: the parent of an id, None once it is gone.
    """

    def __init__(self, root: int | None = None, parent_of: Callable[[int], int | None] | None = None) -> None:
        self._root = os.getpid() if root is None else root
        self._parent_of = parent_of or parent_id
        self._known: dict[int, bool] = {}

    def has(self, pid: int) -> bool:
        """Whether an id is the root's or one of its descendants'; asked while the process lives, remembered after."""
        if pid not in self._known:
            self._known[pid] = self._descends(pid)
        return self._known[pid]

    def _descends(self, pid: int) -> bool:
        current: int | None = pid
        while current is not None and current > 1:
            if current == self._root:
                return True
            current = self._parent_of(current)
        return False


def parent_id(pid: int) -> int | None:
    """The parent of a process by ``/proc``; None if the process is gone or this is another system."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return int(text.rpartition(")")[2].split()[1])  # fields after the name, which may hold spaces: state, parent
