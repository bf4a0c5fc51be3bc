"""The stages after the timed blocks: memory of every proven cell, and the largest batch where that was asked for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..errors import UsageError
from . import codes, passes
from .fingerprints import machine
from .link import Setting
from .passes import Outcome
from .plan import Planned
from .progress import Progress

# Of the machine's memory: leaves room for the system and for a worker that is being ended.
CAP_SHARE = 0.5

_MAX_TRIES = 2


class Scales:
    """Weighs proven cells in processes of their own, never in one that is timed.

    Args:
        progress: records so far, time left, and the doing of one unit.

    Raises:
        UsageError: a search for capacity was asked for and there is no cap for it.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._session = progress.session
        options = progress.session.options
        self._cap = capacity_cap(options.memory_limit) if options.capacity else None
        self._expect()

    def weigh(self) -> None:
        """Run the memory pass as often as the suite says, main modes first."""
        todo = [
            (planned, number)
            for number in range(1, self._progress.protocol.memory_blocks + 1)
            for planned in weighed_cells(self._progress.proven())
            if number <= self._wanted(planned) and not self._progress.run.finished(planned.key, "memory", block=number)
        ]
        if todo:
            self._progress.tell("phase", f"weighing memory: {len(todo)} processes")
        for planned, number in todo:
            if not self._progress.time_for(self._session.estimates.memory_s(planned)):
                self._progress.leave("memory passes are missing")
                break
            self._weigh_one(planned, number)
        self._progress.reload()

    def search_capacity(self) -> None:
        """Search for each main mode's largest batch, if that was asked for."""
        todo = [p for p in weighed_cells(self._progress.proven()) if self._to_search(p)]
        if todo:
            self._progress.tell("phase", f"searching the largest batch of {len(todo)} rows")
        for planned in todo:
            if not self._progress.time_for(self._session.estimates.capacity_s(planned)):
                self._progress.leave("capacity searches are missing")
                break
            self._search_one(planned)
        self._progress.reload()

    def _weigh_one(self, planned: Planned, number: int) -> None:
        expected = self._session.expected(planned)
        for attempt in range(1, _MAX_TRIES + 1):
            outcome = self._progress.unit(
                planned,
                "memory",
                lambda setting, log: passes.memory(setting, expected, log, chooser=self._session.chooser),
                block=number,
                attempt=attempt,
            )
            if outcome.code not in codes.RETRY:
                return

    def _search_one(self, planned: Planned) -> None:
        cap = self._cap or 0

        def work(setting: Setting, log: Path) -> Outcome:
            tell = self._progress.tell
            return passes.capacity(setting, log, cap_bytes=cap, progress=lambda text: tell("detail", text))

        self._progress.unit(planned, "capacity", work)

    def _wanted(self, planned: Planned) -> int:
        """Processes of the memory pass: as many as the suite says for a main mode, one for any other."""
        count = self._progress.protocol.memory_blocks
        return count if planned.main else min(count, 1)

    def _to_search(self, planned: Planned) -> bool:
        return self._cap is not None and planned.main and not self._progress.run.finished(planned.key, "capacity")

    def _expect(self) -> None:
        """Fill the outlook with what has no record yet."""
        run, outlook = self._progress.run, self._progress.outlook
        for planned in weighed_cells(self._progress.runnable()):
            if run.finished(planned.key, "proof") and planned not in self._progress.proven():
                continue
            weighed = len({record["block"] for record in run.cell_records(planned.key, "memory")})
            outlook.expect(planned, "memory", self._wanted(planned) - weighed)
            outlook.expect(planned, "capacity", int(self._to_search(planned)))


def weighed_cells(cells: Iterable[Planned]) -> list[Planned]:
    """Cells that train, main modes first; an A/A twin is its own double and is weighed once."""
    chosen = [planned for planned in cells if planned.cell.task == "train" and planned.cell.role != "twin"]
    return sorted(chosen, key=lambda planned: not planned.main)


def capacity_cap(memory_limit: int | None) -> int:
    """The cap of the capacity pass in bytes: the limit that was asked for, or half of the machine's memory.

    Raises:
        UsageError: neither is known.
    """
    if memory_limit is not None:
        return memory_limit
    total = machine()["memory_bytes"]
    if not total:
        raise UsageError("--capacity: this machine does not tell its memory, so there is no cap; give --memory-limit")
    return int(total * CAP_SHARE)
