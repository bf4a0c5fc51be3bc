"""Whether a row really had the threads it was given: what was asked, what was read back, what the census saw.

A framework that cannot be asked is not equalised by trust: the row says so and shows what the kernel counted
instead (method T13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..phrase import Phrase, clauses, phrase, spoken
from ..store.packed import PackedRows
from ..store.records import Record
from .digested import Census, Digested

NO_CENSUS = phrase("no census was taken")


def thread_use(proof: Record | None, timed: Sequence[Record], asked: object) -> dict[str, Any] | None:
    """Threads of a cell, for ``report.json``; None without a proof.

    Args:
        proof: the cell's proof, which holds what was read back.
        timed: speed records in the statistics.
        asked: threads that the cell was given.

    Returns:
        ``asked``, ``read_back`` (None where the framework cannot be asked), ``equalised`` (they are equal),
        ``census`` (over all timed windows, or None) and ``note``, a sentence.
    """
    if proof is None:
        return None
    effective = proof["payload"].get("effective")
    read_back = effective.get("threads") if isinstance(effective, Mapping) else None
    census = _total([record["payload"].get("windows") for record in timed], asked)
    return {
        "asked": asked,
        "read_back": read_back,
        "equalised": read_back is not None and read_back == asked,
        "census": census,
        **spoken("note", _note(read_back, asked, census)),
    }


def census_of(windows: object) -> Census | None:
    """The censuses of all windows of one process in one; None if there is no window or one has none."""
    if isinstance(windows, Digested):
        return windows.census
    if not isinstance(windows, list):  # packed windows hold numbers only
        return None
    seen = []
    for one in windows:
        if not isinstance(one, Mapping) or not one.get("census"):
            return None
        seen.append(one["census"])
    if not seen:
        return None
    throttled = [found["throttled"] for found in seen if found["throttled"] is not None]
    return Census(
        windows=len(seen),
        threads=max(found["threads"] for found in seen),
        busy_threads=max(found["busy_threads"] for found in seen),
        processes=max(found["processes"] for found in seen),
        cpu_s=sum(found["cpu_s"] for found in seen),
        wall_s=sum(found["wall_s"] for found in seen),
        throttled=sum(throttled) if throttled else None,
    )


def _total(processes: Sequence[object], asked: object) -> dict[str, Any] | None:
    """The censuses of all windows of all processes in one; None if one is missing."""
    timed = [windows for windows in processes if count_of(windows)]
    found = [census for census in map(census_of, timed) if census is not None]
    if not found or len(found) < len(timed) or not isinstance(asked, int):
        return None
    throttled = [one.throttled for one in found if one.throttled is not None]
    return {
        "windows": sum(one.windows for one in found),
        "threads": max(one.threads for one in found),
        "busy_threads": max(one.busy_threads for one in found),
        "processes": max(one.processes for one in found),
        "cpu_s": sum(one.cpu_s for one in found),
        "of_cpu_s": asked * sum(one.wall_s for one in found),
        "throttled": sum(throttled) if throttled else None,
    }


def count_of(windows: object) -> int:
    """How many windows one process has."""
    if isinstance(windows, Digested):
        return windows.windows
    return len(windows) if isinstance(windows, (list, PackedRows)) else 0


def _note(read_back: object, asked: object, census: Mapping[str, Any] | None) -> Phrase:
    if census is None:
        return clauses([_read_back(read_back, asked), NO_CENSUS])
    seen = phrase(
        "{start}: census saw {threads} threads ({busy} busy), used {used} of {available} CPU-seconds",
        start=_read_back(read_back, asked),
        threads=census["threads"],
        busy=census["busy_threads"],
        used=f"{census['cpu_s']:.1f}",
        available=f"{census['of_cpu_s']:.1f}",
    )
    if census["processes"] > 1:
        seen = phrase("{seen} in {count} processes", seen=seen, count=census["processes"])
    if census["throttled"]:
        seen = clauses([seen, phrase("a CPU quota stopped it in {count} periods", count=census["throttled"])])
    return seen


def _read_back(count: object, asked: object) -> Phrase:
    if count is None:
        return phrase("threads not readable")
    if count == 1:
        return phrase("1 thread read back, {asked} asked for", asked=asked)
    return phrase("{count} threads read back, {asked} asked for", count=count, asked=asked)
