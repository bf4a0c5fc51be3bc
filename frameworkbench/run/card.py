"""What a watched card adds to the outcome of a pass: facts for its record, and objections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..device.monitor import Watch
from .codes import status_of
from .passes import Outcome

FACTS = "card"  # key of the facts in a record's payload


def note(watch: Watch, outcome: Outcome) -> None:
    """Add what was seen of the card; an objection makes a measurement that was fine invalid.

    Args:
        watch: of the card while the pass ran.
        outcome: what the pass came to; changed in place.
    """
    windows = [(int(w["start_ns"]), int(w["stop_ns"])) for w in outcome.payload.get("windows", ())]
    verdict, facts = watch.conclude(windows)
    if facts is not None:
        outcome.payload[FACTS] = facts
    if verdict.code and outcome.status == "ok":
        outcome.status, outcome.code, outcome.reason = status_of(verdict.code), verdict.code, verdict.reason


def flags(payload: Mapping[str, Any]) -> list[str]:
    """What disturbed the card during one pass, from its record's payload."""
    facts = payload.get(FACTS) or {}
    return [f"card: {flag}" for flag in facts.get("flags", ())]
