"""Append-only records: one immutable JSON file each, chained by hash within its writer.

A record that was written is never touched again, so an interrupted run loses at most the one it was
writing. Each record carries the hash of the file before it, so that a changed, dropped or reordered
record can be named.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import StoreError
from .atomic import parse_json, sweep_temporaries, write_json_atomic
from .run import Damage, Plan, Record, Run, read_manifest, read_plan

__all__ = ["RECORDS", "SCHEMA", "Damage", "Plan", "Record", "RecordWriter", "Run", "load_run"]

SCHEMA = 1
RECORDS = "records"

_FILE_NAME = re.compile(r"(\d{6,})\.json")
_KINDS = ("cell", "block", "run", "note")
_PASSES = (None, "environment", "proof", "pilot", "speed", "accuracy", "memory", "capacity")
_STATUSES = ("ok", "not_comparable", "failed", "unsupported", "invalid")
_NULLABLE_TEXT = (str, type(None))
_NUMBER = (int, float)
# What every record has: key → accepted Python types.
_KEYS: Mapping[str, tuple[type, ...]] = {
    "schema": (int,),
    "writer": (str,),
    "sequence": (int,),
    "previous": _NULLABLE_TEXT,
    "kind": (str,),
    "cell_key": _NULLABLE_TEXT,
    "cell": (dict, type(None)),
    "pass": _NULLABLE_TEXT,
    "block": (int,),
    "attempt": (int,),
    "seed": (int, type(None)),
    "status": (str,),
    "code": (str,),
    "reason": (str,),
    "started": (str,),
    "wall_s": _NUMBER,
    "payload": (dict,),
    "log": _NULLABLE_TEXT,
    "log_end": (str,),
}


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
            last = max(_numbered(self._folder), default=None)
            self._sequence = last[0] if last else 0
            self._previous = _sha256(last[1].read_bytes()) if last else None
        except OSError as problem:
            raise StoreError(
                f"{self._folder}: cannot be opened for writing: {problem.strerror or problem}"
            ) from problem

    def append(self, record: Mapping[str, Any]) -> Path:
        """Write one record and return its file; schema, writer, sequence and previous are filled in.

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
        problem = _problem_in(full)
        if problem:
            raise StoreError(f"record {self._sequence + 1} of writer {self._writer}: {problem}")
        path = self._folder / f"{self._sequence + 1:06d}.json"
        content = write_json_atomic(path, full)
        self._sequence += 1
        self._previous = _sha256(content)
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
    chains: list[list[Record]] = []
    root = run_dir / RECORDS
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        if folder.is_dir():
            chains.append(_read_chain(folder, damaged))
    chains.sort(key=lambda chain: (chain[0]["started"], chain[0]["writer"]) if chain else ("", ""))
    records = tuple(record for chain in chains for record in chain)
    return Run(run_dir, manifest, plan, records, tuple(damaged))


def _read_chain(folder: Path, damaged: list[Damage]) -> list[Record]:
    """Intact records of one writer in order; what is wrong with the others goes to ``damaged``."""
    good: dict[int, Record] = {}
    hashes: dict[int, str] = {}
    numbers = sorted(_numbered(folder))
    place = f"{RECORDS}/{folder.name}"
    for number, path in numbers:
        record, content, problem = _read_record(path, folder.name, number)
        if content is not None:
            hashes[number] = _sha256(content)
        if record is None:
            damaged.append(Damage(f"{place}/{path.name}", problem))
        else:
            good[number] = record
    damaged.extend(_missing(place, [number for number, _ in numbers]))
    for number, record in list(good.items()):
        if number == 1 and record["previous"] is not None:
            damaged.append(Damage(f"{place}/{number:06d}.json", "first of its chain, but it names a record before it"))
            good.pop(number, None)
        before = hashes.get(number - 1)
        if before is not None and record["previous"] != before:
            # The earlier file is the one whose content no longer matches what was signed off.
            reason = f"changed after it was written: {number:06d}.json holds another hash of it"
            if good.pop(number - 1, None) is not None:
                damaged.append(Damage(f"{place}/{number - 1:06d}.json", reason))
    return [good[number] for number in sorted(good)]


def _missing(place: str, numbers: list[int]) -> list[Damage]:
    gaps = sorted(set(range(1, max(numbers, default=0))) - set(numbers))
    return [Damage(f"{place}/{gap:06d}.json", "missing: later records of this writer are there") for gap in gaps]


def _read_record(path: Path, writer: str, number: int) -> tuple[Record | None, bytes | None, str]:
    try:
        content = path.read_bytes()
    except OSError as error:
        return None, None, f"cannot be read: {error.strerror or error}"
    try:
        record = parse_json(content)
    except ValueError as error:
        return None, content, f"not valid JSON: {error}"
    if not isinstance(record, dict):
        return None, content, "not a record: expected an object"
    problem = _problem_in(record)
    if not problem and record["writer"] != writer:
        problem = f"belongs to writer {record['writer']!r}, not {writer!r}"
    if not problem and record["sequence"] != number:
        problem = f"out of order: it says it is record {record['sequence']}"
    return (None if problem else record), content, problem


def _problem_in(record: Mapping[str, Any]) -> str:
    """What is wrong with the form of a record, or an empty text."""
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r}; this version reads {SCHEMA}"
    for key, kinds in _KEYS.items():
        if key not in record:
            return f"key {key!r} is missing"
        value = record[key]
        if not isinstance(value, kinds) or (isinstance(value, bool)):
            return f"key {key!r} has the wrong type ({type(value).__name__})"
    for key, allowed in (("kind", _KINDS), ("pass", _PASSES), ("status", _STATUSES)):
        if record[key] not in allowed:
            return f"key {key!r} is {record[key]!r}; expected one of {', '.join(str(a) for a in allowed)}"
    return ""


def _numbered(folder: Path) -> list[tuple[int, Path]]:
    matches = [(_FILE_NAME.fullmatch(path.name), path) for path in folder.iterdir()]
    return [(int(match[1]), path) for match, path in matches if match]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
