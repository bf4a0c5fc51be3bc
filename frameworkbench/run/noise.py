"""Whether a block was disturbed, judged by everything except how its entrants did.

Three witnesses: the sentinel's fixed work before and after each worker, the CPU time that others took during each timed
window, and on a card what was seen of it from outside. A block with a complaint is kept, flagged, and measured again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from . import card, foreign
from .sentinel import Limits, Reading, Sentinel, disturbances

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
    _readings: list[Reading] = field(default_factory=list)
    _shares: list[tuple[float, float]] = field(default_factory=list)
    _card: list[str] = field(default_factory=list)

    def look(self) -> None:
        """Take one reading of the quiet machine, between two pieces of work before the first block.

        Until the limits are drawn; they then rest on readings spread over the minutes before the blocks.
        """
        if self.limits is None:
            self._quiet += self._taken()

    def open(self) -> None:
        """Begin a block: draw the limits if the run has none yet, and take the reading before the first worker."""
        self._readings, self._shares, self._card = [], [], []
        if self.sentinel is not None and self.limits is None:
            started = time.monotonic()
            self.limits = self.sentinel.calibrate(self.calibration, self._quiet)
            self.spent_s += time.monotonic() - started
            self.keep(self.limits)
        self._readings += self._taken()

    def after(self, payload: Mapping[str, Any]) -> None:
        """One worker of the block has ended: a reading, and what its windows saw of others.

        The reading is also the one before the next worker.
        """
        self._shares += window_shares(payload)
        self._card += card.flags(payload)
        self._readings += self._taken()

    def verdict(self) -> dict[str, Any]:
        """The noise of the block as its record holds it."""
        worst = max((share for share, _ in self._shares), default=None)
        seen = list(dict.fromkeys(self._card))
        facts: dict[str, Any] = {"flagged": bool(seen), "reasons": seen, "sentinel": {}, "foreign_cpu_share": worst}
        if self.limits is None:
            return facts
        reasons = disturbances(self.limits, self._readings) + _complaint(self._shares) + seen
        facts["sentinel"] = {
            "ratios": [round(self.limits.ratio(reading), 4) for reading in self._readings],
            "cpu_ms": [round(reading.cpu_ns / 1e6, 3) for reading in self._readings],
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


def window_shares(payload: Mapping[str, Any]) -> list[tuple[float, float]]:
    """(share of the cores that others took, most that passes) of each timed window in a speed record."""
    found = []
    for window in payload.get("windows", ()):
        share = window.get("foreign_cpu_share")
        if share is not None:
            found.append((float(share), foreign.limit((window["stop_ns"] - window["start_ns"]) / 1e9)))
    return found


def stored_limits(records: Iterable[Mapping[str, Any]]) -> Limits | None:
    """The limits that an earlier session of this run drew, if there was one."""
    for record in records:
        if record["kind"] == "note" and _NOTE in record["payload"]:
            return Limits.from_json(record["payload"][_NOTE])
    return None


def limits_note(limits: Limits) -> dict[str, Any]:
    """Payload of the record that keeps the limits for later sessions."""
    return {"about": "limits of the sentinel", _NOTE: limits.to_json()}


def _complaint(shares: list[tuple[float, float]]) -> list[str]:
    beyond = [(share, most) for share, most in shares if share > most]
    if not beyond:
        return []
    share, most = max(beyond)
    times = "once" if len(beyond) == 1 else f"{len(beyond)} times"
    return [f"other processes took up to {share:.1%} of the cores while a worker was timed ({times}; limit {most:.0%})"]
