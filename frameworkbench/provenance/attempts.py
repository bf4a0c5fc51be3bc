"""Is every attempt there? Counters that nobody can skip: units of work, attempts, blocks, and a log for each process.

Who measures twenty times and keeps the best has to make the others disappear; a gap in a counter shows it even
where the hashes were made anew.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..store.atomic import read_json
from ..store.chain import Chain
from ..store.run import PLANS, Record
from .findings import INCONSISTENT, MISSING_RUNS, TAMPER, Finding

_UNIT = re.compile(r"logs/(?P<writer>[A-Za-z0-9]+)-(?P<unit>\d{5,})-.*\.log")

Placed = tuple[str, Record]


def check_attempts(
    run_dir: Path, chains: Mapping[str, Chain], files: Mapping[str, str], *, whole: bool
) -> Iterator[Finding]:
    """Gaps in attempts and units, logs that are missing or were changed, and records that no plan asked for.

    Args:
        run_dir: the run folder.
        chains: as read.
        files: hashes of the run's files as they are now.
        whole: every record is intact; counters are not searched for gaps where some are known to be missing.
    """
    placed = [
        (chain.file(number), chain.records[number]) for chain in chains.values() for number in sorted(chain.records)
    ]
    yield from _check_planned(run_dir, placed)
    yield from _check_logs(placed, files)
    if whole:
        yield from _check_numbers(placed)
        for chain in chains.values():
            yield from _check_units(chain, files)


def _check_numbers(placed: list[Placed]) -> Iterator[Finding]:
    """Attempts count from 1 without a gap: of a block, and of a cell in every other pass."""
    groups: dict[tuple[Any, ...], dict[int, str]] = defaultdict(dict)
    for file, record in placed:
        if record["kind"] == "block" or record["pass"] == "speed":
            groups["block", record["block"]].setdefault(record["attempt"], file)
        elif record["kind"] == "cell":
            groups[record["pass"], record["cell_key"], record["seed"]].setdefault(record["attempt"], file)
    for what, attempts in groups.items():
        gaps = sorted(set(range(1, max(attempts))) - set(attempts))
        if gaps:
            name = f"block {what[1]}" if what[0] == "block" else f"{what[0]} of cell {what[1]}"
            attempt, file = min((attempt, file) for attempt, file in attempts.items() if attempt > gaps[0])
            yield Finding(file, MISSING_RUNS, f"attempt {attempt} at {name}, but attempt {gaps[0]} left no record")


def _check_planned(run_dir: Path, placed: list[Placed]) -> Iterator[Finding]:
    """A record's cell must be one that a plan of this run asked for, with the same settings."""
    cells: dict[str, Any] = {}
    for path in sorted((run_dir / PLANS).glob("*.json")):
        try:
            cells |= {cell["key"]: cell["cell"] for cell in read_json(path)["cells"]}
        except (StoreError, KeyError, TypeError):
            yield Finding(f"{PLANS}/{path.name}", TAMPER, "not a readable plan")
            return
    for file, record in placed:
        key = record["cell_key"]
        if record["kind"] == "cell" and key is not None and cells.get(key) != record["cell"]:
            what = "its cell has other settings than the plan" if key in cells else "its cell is in no plan of this run"
            yield Finding(file, INCONSISTENT, f"{what} ({key})")


def _check_logs(placed: list[Placed], files: Mapping[str, str]) -> Iterator[Finding]:
    for file, record in placed:
        log, value = record["log"], record.get("log_sha256")
        if log is None or value is None:
            continue
        if log not in files:
            yield Finding(log, MISSING_RUNS, f"missing: {file} names it")
        elif files[log] != value:
            yield Finding(log, TAMPER, f"changed after {file} was written")


def _check_units(chain: Chain, files: Mapping[str, str]) -> Iterator[Finding]:
    """Every process of a session has a unit number and a log; only the one that an interruption met has no record."""
    recorded = {_unit(record["log"]) for record in chain.records.values() if record["log"]} - {None}
    logs = {_unit(name): name for name in files if _writer(name) == chain.writer}
    closing = next((record["payload"] for record in chain.in_order if record["kind"] == "run"), None)
    cut_short = closing is None or closing.get("interrupted") is True
    seen = {unit for unit in {*recorded, *logs} if unit is not None}
    started = (closing or {}).get("units")
    last = max([*seen, started if isinstance(started, int) else 0])
    for unit in sorted(set(range(1, last + 1)) - {unit for unit in recorded if unit is not None}):
        if unit == last and cut_short:
            continue
        place = logs.get(unit, chain.place)
        yield Finding(place, MISSING_RUNS, f"process {unit} of this session left no record ({last} were started)")


def _unit(log: str | None) -> int | None:
    match = _UNIT.fullmatch(log or "")
    return int(match["unit"]) if match else None


def _writer(log: str) -> str | None:
    match = _UNIT.fullmatch(log)
    return match["writer"] if match else None
