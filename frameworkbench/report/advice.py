"""What the page's guidance is made from: the run's figures beside the facts that shipped adapters state."""

from __future__ import annotations

from typing import Any

from ..facts import VOCABULARY, shipped_facts
from ..guidance import guidance_table


def advice_table(report: dict[str, Any]) -> dict[str, Any]:
    """The guidance table of a report; facts are as old as they were on the day of the run."""
    return guidance_table(report, shipped_facts(), topics=VOCABULARY)
