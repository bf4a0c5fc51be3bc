"""What is still to be done in a session, in units and seconds: the figures behind the progress display."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from .estimate import Estimates
from .plan import Planned

Steps = Callable[[Planned], int]


class Outlook:
    """Open work by cell: whether a proof is due, how many trainings, blocks and weighings.

    Args:
        estimates: costs by cell and pass.
        steps: training steps of a full training of a cell.
    """

    def __init__(self, estimates: Estimates, steps: Steps) -> None:
        self._estimates = estimates
        self._steps = steps
        self._open: dict[tuple[str, str], int] = {}
        self._cells: dict[str, Planned] = {}
        self.done = 0

    def expect(self, planned: Planned, pass_: str, count: int) -> None:
        """Set how many units of a pass a cell still needs."""
        self._cells[planned.key] = planned
        self._open[planned.key, pass_] = max(0, count)

    def finish(self, planned: Planned, pass_: str, ok: bool) -> None:
        """Count one unit as done; a cell without proof needs nothing more."""
        self.done += 1
        key = (planned.key, pass_)
        self._open[key] = max(0, self._open.get(key, 1) - 1)
        if pass_ == "proof" and not ok:
            self.drop([planned])

    def drop(self, cells: Iterable[Planned]) -> None:
        """Nothing more is expected of these cells."""
        for planned in cells:
            for key in [key for key in self._open if key[0] == planned.key]:
                self._open[key] = 0

    @property
    def total(self) -> int:
        """Units done and open."""
        return self.done + sum(self._open.values())

    @property
    def left_s(self) -> float:
        """Estimated seconds of all open units."""
        return sum(count * self._cost(self._cells[key], pass_) for (key, pass_), count in self._open.items() if count)

    def _cost(self, planned: Planned, pass_: str) -> float:
        if pass_ == "proof":
            return self._estimates.proof_s(planned)
        if pass_ == "pilot":
            return self._estimates.pilot_s(planned)
        if pass_ == "speed":
            return self._estimates.speed_s(planned)
        if pass_ == "memory":
            return self._estimates.memory_s(planned)
        if pass_ == "capacity":
            return self._estimates.capacity_s(planned)
        return self._estimates.accuracy_s(planned, self._steps(planned))
