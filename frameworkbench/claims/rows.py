"""Claims as plain rows, for reports and scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..phrase import phrase
from .evidence import Evidence
from .model import Claim, shipped_claims
from .rules import RULES


def claims_for(
    report: Mapping[str, Any] | None, *more: Mapping[str, Any], claims: Sequence[Claim] | None = None
) -> list[dict[str, Any]]:
    """What a report, or several together, say about each claim; documented in ``docs/report-json.md``.

    Args:
        report: content of ``report.json``; None to ask facts alone.
        more: further reports whose cells count as well.
        claims: those that are shipped unless given.
    """
    evidence = Evidence([found for found in (report, *more) if found is not None])
    return [_row(claim, evidence) for claim in (shipped_claims() if claims is None else claims)]


def _row(claim: Claim, evidence: Evidence) -> dict[str, Any]:
    verdict = RULES[claim.test](claim, evidence)
    return {
        "name": claim.name,
        "number": claim.number,
        "claim": phrase(claim.text).to_json(),
        "said_by": list(claim.said_by),
        "kind": claim.kind,
        "how": phrase(claim.how).to_json(),
        "verdict": phrase(verdict.outcome).to_json(),
        "reason": verdict.reason.to_json(),
        "cells": list(verdict.cells),
        "facts": [dict(fact) for fact in verdict.facts],
        "statements": [dict(statement) for statement in verdict.statements],
    }
