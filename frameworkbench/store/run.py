"""A run as read from disk: manifest, plan, records, and the questions that resume and analysis ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .atomic import read_json

MANIFEST = "manifest.json"
PLANS = "plans"
RAW_FOLDERS = ("records", PLANS, "logs")
SCHEMA = 1

# What is wrong with a file: its bytes are not the ones that were signed off, or it should be there and is not.
TAMPER = "TAMPER"
MISSING_RUNS = "MISSING_RUNS"

# What a speed record is good for: its block counts, was disturbed from outside, or was never signed off.
COUNTED = "counted"
DISTURBED = "disturbed"
TORN = "torn"

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Damage:
    """One file of the run folder that cannot be trusted, and why; ``file`` is relative to the run folder."""

    file: str
    reason: str
    code: str = TAMPER


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell that was to be measured; ``axes`` are the requested settings, ``main`` its framework's main mode."""

    key: str
    main: bool
    axes: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """What was to be done: cells, blocks per kind of cell, the time budget as planned, and blocks added on top."""

    created: str
    cells: tuple[PlannedCell, ...]
    blocks: Mapping[str, int]
    budget: Mapping[str, Any]
    aims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CompleteBlock:
    """One attempt at a paired block in which every cell has a record.

    ``flagged`` says that something outside the run disturbed it: kept, repeated, and in no statistic.
    """

    block: int
    attempt: int
    cells: frozenset[str]
    flagged: bool = False


@dataclass(frozen=True)
class Run:
    """Everything a run folder holds, read once; ``records`` are in order of writer start, then sequence.

    Answers to questions about single cells come from tables that are made once: a report asks them for every cell.
    """

    path: Path
    manifest: Mapping[str, Any]
    plan: Plan
    records: tuple[Record, ...]
    damaged: tuple[Damage, ...]

    def cell_records(self, cell_key: str | None, pass_: str) -> list[Record]:
        """Records of one cell in one pass, oldest first; without a key those of that pass that belong to no cell."""
        return list(self._by_cell.get((cell_key, pass_), ()))

    def latest(self, cell_key: str, pass_: str) -> Record | None:
        """The newest record of one cell in one pass."""
        found = self._by_cell.get((cell_key, pass_))
        return found[-1] if found else None

    def environment_record(self, cell_key: str, adapter: object) -> Record | None:
        """The newest record on the environment of a cell, or of its adapter where one was made for all its cells."""
        own = self._environments.get((cell_key, None))
        shared = self._environments.get((None, adapter)) if isinstance(adapter, str) else None
        found = [place for place in (own, shared) if place is not None]
        return self.records[max(found)] if found else None

    @cached_property
    def _by_cell(self) -> Mapping[tuple[str | None, str | None], list[Record]]:
        found: dict[tuple[str | None, str | None], list[Record]] = {}
        for record in self.records:
            if record["kind"] == "cell":
                found.setdefault((record["cell_key"], record["pass"]), []).append(record)
        return found

    @cached_property
    def _environments(self) -> Mapping[tuple[str | None, str | None], int]:
        """Place of the newest environment record by (cell key, None), and by (None, adapter) for those of no cell."""
        found: dict[tuple[str | None, str | None], int] = {}
        for place, record in enumerate(self.records):
            if record["kind"] == "cell" and record["pass"] == "environment":
                adapter = (record["cell"] or {}).get("adapter")
                if record["cell_key"] is not None:
                    found[record["cell_key"], None] = place
                elif isinstance(adapter, str):
                    found[None, adapter] = place
        return found

    @property
    def noisy(self) -> bool:
        """Whether the run ended noisy: more blocks were disturbed than the protocol repeats."""
        return self._ending.get("noisy") is True

    @property
    def noisy_reason(self) -> str:
        """Why the run ended noisy, for people; empty if it did not."""
        return str(self._ending.get("noisy_reason", "")) if self.noisy else ""

    @cached_property
    def _ending(self) -> Mapping[str, Any]:
        sessions = [record["payload"] for record in self.records if record["kind"] == "run"]
        return sessions[-1] if sessions else {}

    def signed_blocks(self) -> list[CompleteBlock]:
        """Every block attempt that was signed off, disturbed or not, in the order of their records."""
        return list(self._signed)

    @cached_property
    def _signed(self) -> tuple[CompleteBlock, ...]:
        found = []
        for record in self.records:
            payload = record["payload"]
            if record["kind"] == "block" and payload.get("complete") is True:
                cells = frozenset(str(key) for key in payload.get("cells", ()))
                noise = payload.get("noise")
                flagged = isinstance(noise, Mapping) and noise.get("flagged") is True
                found.append(CompleteBlock(record["block"], record["attempt"], cells, flagged))
        return tuple(found)

    def complete_blocks(self, *, noisy: bool | None = None) -> list[CompleteBlock]:
        """Block attempts that count: signed off and undisturbed.

        In a noisy run nothing better than a disturbed attempt may exist; there the newest one of each block counts
        until an undisturbed one is there. Which attempt that is never depends on what was measured in it.

        Args:
            noisy: judge as a noisy run or not; by default as the run ended.
        """
        signed = self.signed_blocks()
        quiet = [block for block in signed if not block.flagged]
        if not (self.noisy if noisy is None else noisy):
            return quiet
        settled = {block.block for block in quiet}
        newest = {block.block: block for block in signed if block.flagged and block.block not in settled}
        return [block for block in signed if not block.flagged or newest.get(block.block) is block]

    def standing(self, record: Record) -> str:
        """What a speed record is good for: COUNTED, DISTURBED or TORN."""
        place, key = (record["block"], record["attempt"]), record["cell_key"] or ""
        if key in self._counted.get(place, ()):
            return COUNTED
        return DISTURBED if key in self._signed_off.get(place, ()) else TORN

    def counted_speed_records(self, cell_key: str) -> list[Record]:
        """Speed records of one cell that belong to complete blocks: the only ones that statistics may use."""
        return [record for record in self.cell_records(cell_key, "speed") if self.standing(record) == COUNTED]

    def torn_speed_records(self) -> list[Record]:
        """Speed records whose block was never completed: kept and counted, but in no statistic."""
        return list(self._left_out[TORN])

    def disturbed_speed_records(self) -> list[Record]:
        """Speed records of signed blocks that do not count because something outside disturbed them."""
        return list(self._left_out[DISTURBED])

    @cached_property
    def _left_out(self) -> Mapping[str, list[Record]]:
        """Speed records in no statistic, by their standing, in order."""
        found: dict[str, list[Record]] = {TORN: [], DISTURBED: [], COUNTED: []}
        for record in self.records:
            if record["kind"] == "cell" and record["pass"] == "speed":
                found[self.standing(record)].append(record)
        return found

    @cached_property
    def _counted(self) -> Mapping[tuple[int, int], frozenset[str]]:
        return _cells_by_attempt(self.complete_blocks())

    @cached_property
    def _signed_off(self) -> Mapping[tuple[int, int], frozenset[str]]:
        return _cells_by_attempt(self._signed)

    def last_attempt(self, block: int) -> int:
        """The highest attempt at a block that left any record, 0 if there was none."""
        attempts = (
            record["attempt"]
            for record in self.records
            if record["block"] == block and (record["kind"] == "block" or record["pass"] == "speed")
        )
        return max(attempts, default=0)

    def finished(self, cell_key: str, pass_: str, *, block: int | None = None, seed: int | None = None) -> bool:
        """Whether this piece of work has its record, so that a resumed run can skip it.

        A record of any status counts: whether a failure deserves another try is the run engine's rule.

        Args:
            cell_key: the cell.
            pass_: the pass.
            block: for speed: the block, which counts only if an attempt at it was completed with this cell in it; for
                memory: the number of the process.
            seed: for accuracy: the seed.
        """
        if pass_ == "speed":
            records = self.counted_speed_records(cell_key)
            return any(block is None or record["block"] == block for record in records)
        records = self.cell_records(cell_key, pass_)
        return any((seed is None or r["seed"] == seed) and (block is None or r["block"] == block) for r in records)


def among_raw(run_dir: Path, path: Path) -> bool:
    """Whether a path lies among a run's raw results, where nothing else may be written."""
    return any(path.resolve().is_relative_to((run_dir / name).resolve()) for name in RAW_FOLDERS)


def read_manifest(run_dir: Path) -> Mapping[str, Any]:
    """The manifest of a run folder.

    Raises:
        StoreError: not a run folder, or the manifest is unreadable or of another version; gives the next step.
    """
    path = run_dir / MANIFEST
    if not run_dir.is_dir():
        raise StoreError(f"{run_dir}: no such folder; give the folder that `frameworkbench run` wrote")
    if not path.is_file():
        raise StoreError(f"{run_dir}: not a run folder ({MANIFEST} is missing); give the folder that a run wrote")
    try:
        manifest = read_json(path)
    except StoreError as problem:
        raise StoreError(f"{problem}; restore this file from a copy, or measure again into a new folder") from problem
    if not isinstance(manifest, dict) or manifest.get("schema") != SCHEMA:
        received = manifest.get("schema") if isinstance(manifest, dict) else type(manifest).__name__
        raise StoreError(
            f"{path}: unknown manifest version {received!r}, expected {SCHEMA}; "
            "use the frameworkbench version that wrote the run"
        )
    return manifest


def read_plan(run_dir: Path, damaged: list[Damage]) -> Plan:
    """The newest readable plan; unreadable ones are named in ``damaged``. A run without any plan has no cells.

    Raises:
        StoreError: there are plans and none of them can be read.
    """
    folder = run_dir / PLANS
    files = sorted(folder.glob("*.json"), key=_plan_number, reverse=True) if folder.is_dir() else []
    for path in files:
        try:
            return _plan_from(read_json(path))
        except (StoreError, KeyError, TypeError, ValueError, AttributeError) as problem:
            damaged.append(Damage(f"{PLANS}/{path.name}", f"not a readable plan: {problem}"))
    if files:
        raise StoreError(f"{folder}: no readable plan; restore one from a copy, or measure again into a new folder")
    return Plan("", (), {}, {"seconds": None, "note": ""})


def _plan_number(path: Path) -> tuple[int, str]:
    match = re.match(r"\d+", path.name)
    return (int(match[0]) if match else -1, path.name)


def _plan_from(table: Mapping[str, Any]) -> Plan:
    if table["schema"] != SCHEMA:
        raise ValueError(f"schema {table['schema']!r}, expected {SCHEMA}")
    cells = tuple(PlannedCell(str(cell["key"]), bool(cell["main"]), dict(cell["cell"])) for cell in table["cells"])
    return Plan(str(table["created"]), cells, dict(table["blocks"]), dict(table["budget"]), dict(table.get("aims", {})))


def _cells_by_attempt(blocks: Iterable[CompleteBlock]) -> dict[tuple[int, int], frozenset[str]]:
    """Cells of block attempts by (block, attempt)."""
    found: dict[tuple[int, int], frozenset[str]] = {}
    for block in blocks:
        place = (block.block, block.attempt)
        found[place] = found[place] | block.cells if place in found else block.cells
    return found
