"""Append-only records: one immutable JSON file each, chained by hash within its writer.

A record that was written is never touched again, so an interrupted run loses at most the one it was
writing. Each record carries the hash of the file before it, so that a changed, dropped or reordered
record can be named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..collector import paused
from ..errors import StoreError
from .atomic import sweep_temporaries, write_json_atomic
from .chain import heads, numbered, sha256, with_own_hash
from .form import SCHEMA, problem_in
from .reading import RECORDS, in_order, read_chains, records_of
from .run import Damage, Plan, Record, Run, read_manifest, read_plan

__all__ = ["RECORDS", "SCHEMA", "Damage", "Plan", "Record", "RecordWriter", "Run", "load_run", "read_chains"]


class RecordWriter:
    """The only writer of one chain of records; a folder of its own, so writers never meet.

    Args:
        run_dir: the run folder.
        writer_id: name of the chain: letters, digits, ``-``, ``_`` and ``.``. An existing chain is continued.

    Raises:
        StoreError: the name is unusable, or the folder cannot be made or read.
    """

    def __init__(self, run_dir: Path, writer_id: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", writer_id):
            raise StoreError(f"writer {writer_id!r}: not usable as a folder name; use letters, digits, - _ .")
        self._folder = run_dir / RECORDS / writer_id
        self._writer = writer_id
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            sweep_temporaries(self._folder)
            last = max(numbered(self._folder), default=None)
            self._sequence = last[0] if last else 0
            self._previous = sha256((self._folder / last[1]).read_bytes()) if last else None
            self._heads = [] if last else heads(run_dir / RECORDS, but=writer_id)
        except OSError as problem:
            raise StoreError(
                f"{self._folder}: cannot be opened for writing: {problem.strerror or problem}"
            ) from problem

    @property
    def written(self) -> int:
        """Records in this chain so far."""
        return self._sequence

    def append(self, record: Mapping[str, Any]) -> Path:
        """Write one record and return its file.

        Filled in here: schema, writer, sequence, previous, the record's own hash, and in the first record of a chain
        the last records of the chains before it.

        Raises:
            StoreError: a key is missing or wrong, or the disk is full or refuses. Nothing of this record
                stays behind, earlier records are untouched, and a later ``append`` may succeed.
        """
        full = {
            **record,
            "schema": SCHEMA,
            "writer": self._writer,
            "sequence": self._sequence + 1,
            "previous": self._previous,
        }
        if not self._sequence:
            full["after"] = self._heads
        problem = problem_in(full)
        if problem:
            raise StoreError(f"record {self._sequence + 1} of writer {self._writer}: {problem}")
        path = self._folder / f"{self._sequence + 1:06d}.json"
        content = write_json_atomic(path, with_own_hash(full))
        self._sequence += 1
        self._previous = sha256(content)
        return path


def load_run(run_dir: Path) -> Run:
    """Read a run folder: manifest, newest plan and every record that is intact.

    A damaged record is named in ``damaged`` and left out of ``records``; it never raises.

    Raises:
        StoreError: this is no run folder, or its manifest or every plan is unreadable; says what to do next.
    """
    manifest = read_manifest(run_dir)
    damaged: list[Damage] = []
    plan = read_plan(run_dir, damaged)
    with paused():
        chains, found = read_chains(run_dir)
    return Run(run_dir, manifest, plan, records_of(chains, in_order(chains)), (*damaged, *found))
