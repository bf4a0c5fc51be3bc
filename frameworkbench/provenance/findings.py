"""What a check of a run folder can come to: one finding for each thing that does not fit, with its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ..store.run import MISSING_RUNS, TAMPER

__all__ = [
    "ENVIRONMENT_CHANGED",
    "INCONSISTENT",
    "MISSING_RUNS",
    "REPORT_DIFFERS",
    "TAMPER",
    "UNCLOSED",
    "UNSIGNED",
    "Finding",
    "once",
]

# The last session has no closing record: it was killed, or its end was cut off.
UNCLOSED = "UNCLOSED"
# Nothing vouches for a file: the run is of an older version, or its last session did not end.
UNSIGNED = "UNSIGNED"
# A record contradicts itself or the plan, whoever wrote it.
INCONSISTENT = "INCONSISTENT"
# Two processes of one row ran under different environment variables.
ENVIRONMENT_CHANGED = "ENVIRONMENT_CHANGED"
# A report is not the one that these records give.
REPORT_DIFFERS = "REPORT_DIFFERS"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit; ``grave`` ones make a run fail its check, the others only deserve to be said.

    Attributes:
        file: relative to the run folder (for reports: the report's file).
        code: the kind of fault.
        what: a sentence for people.
        grave: whether the run fails its check for this.
    """

    file: str
    code: str
    what: str
    grave: bool = True

    def to_json(self) -> dict[str, Any]:
        """Plain data for scripts."""
        return asdict(self)


def once(findings: Iterable[Finding]) -> list[Finding]:
    """The first finding of each kind for each file, grave ones first: several checks may meet the same fault."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in sorted(findings, key=lambda found: not found.grave):
        kept.setdefault((finding.file, finding.code), finding)
    return list(kept.values())
