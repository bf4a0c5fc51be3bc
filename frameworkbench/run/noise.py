"""Whether a block was disturbed, judged by everything except how its entrants did.

Three witnesses: the sentinel's fixed work before and after each round of windows, the CPU time that others took during
each timed window, and on a card what was seen of it from outside. A block with a complaint is kept, flagged, and
measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import card, foreign
from .sentinel import Around, Limits, Reading, Sentinel, disturbances
from .worker_process import take_unclaimed

_NOTE = "sentinel"  # what the record that holds the run's limits says it is


@dataclass(slots=True)
class Watch:
    """Watches over the blocks of a session; without limits it sees nothing and flags nothing.

    Attributes:
        sentinel: takes the readings; None: the protocol asks for none.
        limits: of this run, drawn before its first block; None: not drawn yet.
        calibration: how many readings the limits are drawn from.
        keep: stores newly drawn limits for later sessions.
        spent_s: seconds that all readings of this session took.
    """

    sentinel: Sentinel | None = None
    limits: Limits | None = None
    calibration: int = 0
    keep: Callable[[Limits], None] = lambda limits: None
    spent_s: float = 0.0
    _quiet: list[Reading] = field(default_factory=list)
    _around: list[Around] = field(default_factory=list)
    _shares: list[list[foreign.Share]] = field(default_factory=list)
    _card: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Take one reading of the quiet machine, between two pieces of work before the first block.

        Until the limits are drawn; they then rest on readings spread over the minutes before the blocks.
        """
        if self.limits is None:
            self._quiet += self._taken()

    def open(self) -> None:
        """Begin a block, and draw the limits if the run has none yet."""
        self._around, self._shares, self._card = [], [], []
        take_unclaimed()
        if self.sentinel is not None and self.limits is None:
            started = time.monotonic()
            self.limits = self.sentinel.calibrate(self.calibration, self._quiet)
            self.spent_s += time.monotonic() - started
            self.keep(self.limits)

    def begin(self, name: str, processes: int) -> None:
        """Processes that take turns are launched; ``name`` as in ``Around``."""
        self._around.append(Around(name, processes, []))
        self._shares.append([])

    def between(self) -> None:
        """A reading before or after a round of windows."""
        self._around[-1].readings.extend(self._taken())

    def after(self, payload: Mapping[str, Any]) -> None:
        """One worker of the block has ended: what its windows saw of others."""
        self._shares[-1] += foreign.in_windows(payload.get("windows", ()))
        self._card += card.flags(payload)

    def verdict(self) -> dict[str, Any]:
        """The noise of the block as its record holds it."""
        worst = max((one.share for shares in self._shares for one in shares), default=None)
        seen = list(dict.fromkeys(self._card))
        facts: dict[str, Any] = {"flagged": bool(seen), "reasons": seen, "sentinel": {}, "foreign_cpu_share": worst}
        if self.limits is None:
            return facts
        others = [reason for shares in self._shares for reason in foreign.complaints(shares)]
        reasons = disturbances(self.limits, self._around) + others + _left_behind() + seen
        facts["sentinel"] = {
            "around": [
                {
                    "group": around.name,
                    "processes": around.processes,
                    "ratios": [round(self.limits.ratio(reading), 4) for reading in around.readings],
                    "cpu_ms": [round(reading.cpu_ns / 1e6, 3) for reading in around.readings],
                }
                for around in self._around
            ],
            "limit": self.limits.limit,
        }
        return facts | {"flagged": bool(reasons), "reasons": reasons}

    def _taken(self) -> list[Reading]:
        """One reading, or none where there is no sentinel."""
        if self.sentinel is None:
            return []
        started = time.monotonic()
        reading = self.sentinel.read()
        self.spent_s += time.monotonic() - started
        return [reading]


def stored_limits(records: Iterable[Mapping[str, Any]]) -> Limits | None:
    """The limits that an earlier session of this run drew, if there was one."""
    for record in records:
        if record["kind"] == "note" and _NOTE in record["payload"]:
            return Limits.from_json(record["payload"][_NOTE])
    return None


def limits_note(limits: Limits) -> dict[str, Any]:
    """Payload of the record that keeps the limits for later sessions."""
    return {"about": "limits of the sentinel", _NOTE: limits.to_json()}


def _left_behind() -> list[str]:
    count = take_unclaimed()
    if not count:
        return []
    return [f"processes that none of several waiting workers can be told to have left behind: {count}; they were ended"]
