"""Windows of a record → what a report takes from them, as records are read."""

from __future__ import annotations

from typing import Any

from .cells import work_of
from .digested import Digested
from .threads import census_of, count_of

_NEEDS_WINDOWS = "card"


def digest(record: dict[str, Any]) -> None:
    """Put the digest in place of a record's windows, unless its readings of a card are matched with them."""
    payload = record["payload"]
    windows = payload.get("windows")
    if windows is None or _NEEDS_WINDOWS in payload:
        return
    payload["windows"] = Digested(count_of(windows), work_of(record), census_of(windows))
