"""What the run itself knows about noise: blocks that were flagged, and whether the run ended noisy.

Runs of versions without a sentinel hold none of this; there nothing was flagged.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..store.records import Run

BlockKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Flagged blocks with their reasons by (block, attempt), and the run's own ending."""

    noisy: bool
    reason: str
    flagged: Mapping[BlockKey, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        blocks = [
            {"block": block, "attempt": attempt, "reasons": list(reasons)}
            for (block, attempt), reasons in sorted(self.flagged.items())
        ]
        return {"noisy": self.noisy, "reason": self.reason, "flagged_blocks": blocks}


def disturbance(run: Run) -> Disturbance:
    """Read the noise notes of a run; the newest session decides whether it is noisy."""
    flagged: dict[BlockKey, tuple[str, ...]] = {}
    noisy, reason = False, ""
    for record in run.records:
        payload = record["payload"]
        if record["kind"] == "run":
            noisy = payload.get("noisy") is True
            reason = str(payload.get("noisy_reason") or "") if noisy else ""
        noise = payload.get("noise")
        if record["kind"] == "block" and isinstance(noise, Mapping) and noise.get("flagged") is True:
            reasons = noise.get("reasons")
            flagged[record["block"], record["attempt"]] = tuple(map(str, reasons)) if isinstance(reasons, list) else ()
    return Disturbance(noisy, reason, flagged)
