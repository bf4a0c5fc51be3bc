"""A run as read from disk: manifest, plan, records, and the questions that resume and analysis ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .atomic import read_json

MANIFEST = "manifest.json"
PLANS = "plans"
SCHEMA = 1

# What is wrong with a file: its bytes are not the ones that were signed off, or it should be there and is not.
TAMPER = "TAMPER"
MISSING_RUNS = "MISSING_RUNS"

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


@dataclass(frozen=True, slots=True)
class Run:
    """Everything a run folder holds, read once; ``records`` are in order of writer start, then sequence."""

    path: Path
    manifest: Mapping[str, Any]
    plan: Plan
    records: tuple[Record, ...]
    damaged: tuple[Damage, ...]

    def cell_records(self, cell_key: str, pass_: str) -> list[Record]:
        """Records of one cell in one pass, oldest first."""
        return [
            record
            for record in self.records
            if record["kind"] == "cell" and record["cell_key"] == cell_key and record["pass"] == pass_
        ]

    def latest(self, cell_key: str, pass_: str) -> Record | None:
        """The newest record of one cell in one pass."""
        found = self.cell_records(cell_key, pass_)
        return found[-1] if found else None

    @property
    def noisy(self) -> bool:
        """Whether the run ended noisy: more blocks were disturbed than the protocol repeats."""
        return self._ending.get("noisy") is True

    @property
    def noisy_reason(self) -> str:
        """Why the run ended noisy, for people; empty if it did not."""
        return str(self._ending.get("noisy_reason", "")) if self.noisy else ""

    @property
    def _ending(self) -> Mapping[str, Any]:
        sessions = [record["payload"] for record in self.records if record["kind"] == "run"]
        return sessions[-1] if sessions else {}

    def signed_blocks(self) -> list[CompleteBlock]:
        """Every block attempt that was signed off, disturbed or not, in the order of their records."""
        found = []
        for record in self.records:
            payload = record["payload"]
            if record["kind"] == "block" and payload.get("complete") is True:
                cells = frozenset(str(key) for key in payload.get("cells", ()))
                noise = payload.get("noise")
                flagged = isinstance(noise, Mapping) and noise.get("flagged") is True
                found.append(CompleteBlock(record["block"], record["attempt"], cells, flagged))
        return found

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

    def block_keys(self) -> set[tuple[int, int, str]]:
        """(block, attempt, cell key) of everything that belongs to a block that counts."""
        return _keys(self.complete_blocks())

    def counted_speed_records(self, cell_key: str) -> list[Record]:
        """Speed records of one cell that belong to complete blocks: the only ones that statistics may use."""
        keys = self.block_keys()
        return [record for record in self.cell_records(cell_key, "speed") if _block_key(record) in keys]

    def torn_speed_records(self) -> list[Record]:
        """Speed records whose block was never completed: kept and counted, but in no statistic."""
        keys = _keys(self.signed_blocks())
        return [
            record
            for record in self.records
            if record["kind"] == "cell" and record["pass"] == "speed" and _block_key(record) not in keys
        ]

    def disturbed_speed_records(self) -> list[Record]:
        """Speed records of signed blocks that do not count because something outside disturbed them."""
        keys = _keys(self.signed_blocks()) - self.block_keys()
        return [
            record
            for record in self.records
            if record["kind"] == "cell" and record["pass"] == "speed" and _block_key(record) in keys
        ]

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


def _keys(blocks: Iterable[CompleteBlock]) -> set[tuple[int, int, str]]:
    return {(block.block, block.attempt, key) for block in blocks for key in block.cells}


def _block_key(record: Record) -> tuple[int, int, str]:
    return (record["block"], record["attempt"], record["cell_key"] or "")
