"""What one check came to, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ..analysis.parity import Check

PASS = "pass"
FAIL = "fail"
WARN = "warn"
SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Result:
    """One line of the list.

    Attributes:
        check: what was looked at, such as "layer lstm".
        state: "pass", "fail", "warn" (works, but something is missing) or "skip" (could not be looked at).
        found: what was seen, in a sentence.
        next_step: what to do about it; empty where nothing is to be done.
    """

    check: str
    state: str
    found: str
    next_step: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for scripts."""
        return asdict(self)


def passed(check: str, found: str) -> Result:
    """A check without objection."""
    return Result(check, PASS, found)


def failed(check: str, found: str, next_step: str) -> Result:
    """A check that must pass before the adapter can be used."""
    return Result(check, FAIL, found, next_step)


def warned(check: str, found: str, next_step: str) -> Result:
    """Something that is missing, without being wrong."""
    return Result(check, WARN, found, next_step)


def skipped(check: str, why: str) -> Result:
    """A check that could not be made, and why."""
    return Result(check, SKIP, why)


def any_failed(results: Iterable[Result]) -> bool:
    """Whether one of them failed."""
    return any(result.state == FAIL for result in results)


def closeness(check: Check) -> str:
    """How near the check that came nearest to its limit did come: "at most 3e-08 of 5e-06, in logits"."""
    if check.error == 0:
        return "no difference beyond rounding"
    return f"at most {check.error:.0e} of {check.tolerance:.0e}, in {check.tensor}"
