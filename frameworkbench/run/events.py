"""What a run tells its caller while it works; the command line turns it into a display."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """One piece of news.

    Attributes:
        kind: "phase" (a new stage begins), "start" (a unit of work begins), "done" (it ended), "note" (worth a line)
            or "detail" (progress within a unit).
        text: for people.
        status: of a unit that ended: a record status.
        done: units finished so far.
        total: units planned.
        left_s: estimate of what is left, or None where nothing is known yet.
    """

    kind: str
    text: str
    status: str = ""
    done: int = 0
    total: int = 0
    left_s: float | None = None


Report = Callable[[Event], None]
