"""What came of a claim: one of three verdicts, the reason, and what is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..phrase import Phrase, marked

SUPPORTED = marked("supported")
CONTRADICTED = marked("contradicted")
OPEN = marked("not decidable here")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one test.

    Attributes:
        outcome: ``SUPPORTED``, ``CONTRADICTED`` or ``OPEN``.
        reason: what was found, with figures.
        cells: keys of the cells behind it.
        facts: the facts behind it: ``adapter``, ``key``, ``value``, ``source``, ``checked``.
        statements: other sourced statements behind it: ``text``, ``source``, ``checked``.
    """

    outcome: str
    reason: Phrase
    cells: tuple[str, ...] = ()
    facts: Sequence[Mapping[str, Any]] = ()
    statements: Sequence[Mapping[str, Any]] = ()


def universal(agree: int, against: int) -> str:
    """The outcome of a claim about every case: one established counterexample contradicts it."""
    if against:
        return CONTRADICTED
    return SUPPORTED if agree else OPEN
