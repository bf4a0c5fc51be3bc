"""Append-only records: one immutable JSON file each, chained by hash within its writer.

A record that was written is never touched again, so an interrupted run loses at most the one it was
writing. Each record carries the hash of the file before it, so that a changed, dropped or reordered
record can be named.
"""

from __future__ import annotations

import operator
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..collector import paused
from ..errors import StoreError
from .atomic import sweep_temporaries, write_json_atomic
from .chain import Chain, check_heads, hashes, heads, numbered, sha256, with_own_hash
from .packed import packed
from .parsing import parse_many
from .run import MISSING_RUNS, Damage, Plan, Record, Run, read_manifest, read_plan

__all__ = ["RECORDS", "SCHEMA", "Damage", "Plan", "Record", "RecordWriter", "Run", "load_run"]

SCHEMA = 1
RECORDS = "records"

_KINDS = ("cell", "block", "run", "note")
_PASSES = (None, "environment", "proof", "pilot", "speed", "accuracy", "memory", "capacity")
_STATUSES = ("ok", "not_comparable", "failed", "unsupported", "invalid")
_CHOICES: Sequence[tuple[str, tuple[str | None, ...]]] = (("kind", _KINDS), ("pass", _PASSES), ("status", _STATUSES))
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
_values = operator.itemgetter(*_KEYS)
# Types of all these keys together, as seen in records whose form was found right; most records are of few kinds.
_RIGHT_TYPES: set[tuple[type, ...]] = set()

# Files that are read and parsed in one go.
_BATCH = 256
_CHUNK = 32 * 1024


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
        problem = _problem_in(full)
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
    ordered = sorted((chain.in_order for chain in chains.values()), key=_start)
    records = tuple(record for chain in ordered for record in chain)
    return Run(run_dir, manifest, plan, records, (*damaged, *found))


def read_chains(run_dir: Path) -> tuple[dict[str, Chain], list[Damage]]:
    """Every chain of a run folder by its writer, and what is wrong with its files; never raises."""
    damaged: list[Damage] = []
    root = run_dir / RECORDS
    folders = [folder for folder in sorted(root.iterdir()) if folder.is_dir()] if root.is_dir() else []
    chains = {folder.name: _read_chain(folder, damaged) for folder in folders}
    named = {found.file for found in damaged}
    return chains, damaged + [found for found in check_heads(chains) if found.file not in named]


def _start(records: list[Record]) -> tuple[str, str]:
    return (records[0]["started"], records[0]["writer"]) if records else ("", "")


def _read_chain(folder: Path, damaged: list[Damage]) -> Chain:
    """Intact records of one writer; what is wrong with the others goes to ``damaged``."""
    chain = Chain(folder.name, f"{RECORDS}/{folder.name}")
    bare: list[int] = []
    shared = _Shared(folder.name)
    for number, record, file_hash, problem in _read_records(folder):
        chain.numbers.append(number)
        if file_hash is not None:
            chain.hashes[number] = file_hash
        if record is None:
            damaged.append(Damage(chain.file(number), problem))
            continue
        chain.records[number] = shared.slim(record, chain.hashes.get(number - 1))
        if "sha256" not in record:
            bare.append(number)
    if len(bare) < len(chain.records):
        for number in bare:
            damaged.append(Damage(chain.file(number), "changed after it was written: its own hash was taken out"))
            del chain.records[number]
    gaps = sorted(set(range(1, chain.last + 1)) - set(chain.numbers))
    reason = "missing: later records of this writer are there"
    damaged.extend(Damage(chain.file(gap), reason, MISSING_RUNS) for gap in gaps)
    _check_links(chain, damaged)
    return chain


def _check_links(chain: Chain, damaged: list[Damage]) -> None:
    """Compare the hash that each intact record holds of the one before it, newest first.

    A record that turned out to be changed accuses nobody.
    """
    for number in sorted(chain.records, reverse=True):
        if number not in chain.records:
            continue
        record = chain.records[number]
        if number == 1 and record["previous"] is not None:
            damaged.append(Damage(chain.file(1), "first of its chain, but it names a record before it"))
            del chain.records[1]
        before = chain.hashes.get(number - 1)
        if before is not None and record["previous"] != before and chain.records.pop(number - 1, None) is not None:
            # The earlier file is the one whose content no longer matches what was signed off.
            reason = f"changed after it was written: {number:06d}.json holds another hash of it"
            damaged.append(Damage(chain.file(number - 1), reason))


class _Shared:
    """Values that are equal in many records of one chain, kept once: a run of 100,000 records must fit into memory."""

    def __init__(self, writer: str) -> None:
        self._writer = writer
        self._cells: dict[str, tuple[str, Any, Any]] = {}

    def slim(self, record: dict[str, Any], before: str | None) -> dict[str, Any]:
        """The record with equal values, in less memory.

        Args:
            record: as parsed; changed in place.
            before: hash of the file before it, which it should hold too.
        """
        record["writer"] = self._writer
        for key in ("kind", "status", "code"):
            record[key] = sys.intern(record[key])
        if record["previous"] == before:
            record["previous"] = before
        payload = record["payload"]
        if "windows" in payload:
            payload["windows"] = packed(payload["windows"])
        key, effective = record["cell_key"], payload.get("effective")
        if key is not None:
            first = self._cells.setdefault(key, (key, record["cell"], effective))
            record["cell_key"] = first[0]
            if first[1] == record["cell"]:
                record["cell"] = first[1]
            if first[2] is not None and first[2] == effective:
                payload["effective"] = first[2]
        return record


def _read_records(folder: Path) -> Iterator[tuple[int, dict[str, Any] | None, str | None, str]]:
    """Every record file in order: number, record if it is intact, hash if it could be read, and what is wrong."""
    files = sorted(numbered(folder))
    for at in range(0, len(files), _BATCH):
        batch = files[at : at + _BATCH]
        contents = [_content(f"{folder}/{name}") for _, name in batch]
        parsed = iter(parse_many([content for content in contents if isinstance(content, bytes)]))
        for (number, _), content in zip(batch, contents, strict=True):
            if isinstance(content, OSError):
                yield number, None, None, f"cannot be read: {content.strerror or content}"
                continue
            record = next(parsed)
            file_hash, own_hash_holds = hashes(content)
            problem = _problem_of(record, folder.name, number, own_hash_holds is True)
            yield number, (None if problem else record), file_hash, problem


def _content(path: str) -> bytes | OSError:
    """The bytes of a file by the fewest system calls, or why it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        return problem
    try:
        content = chunk = os.read(descriptor, _CHUNK)
        while chunk:
            chunk = os.read(descriptor, _CHUNK)
            content += chunk
        return content
    except OSError as problem:
        return problem
    finally:
        os.close(descriptor)


def _problem_of(record: Any, writer: str, number: int, own_hash_holds: bool) -> str:
    """What is wrong with a parsed file, or an empty text."""
    if isinstance(record, ValueError):
        return f"not valid JSON: {record}"
    if not isinstance(record, dict):
        return "not a record: expected an object"
    problem = _problem_in(record)
    if not problem and record["writer"] != writer:
        problem = f"belongs to writer {record['writer']!r}, not {writer!r}"
    if not problem and record["sequence"] != number:
        problem = f"out of order: it says it is record {record['sequence']}"
    if not problem and "sha256" in record and not own_hash_holds:
        problem = "changed after it was written: its content does not have the hash that it carries"
    return problem


def _problem_in(record: Mapping[str, Any]) -> str:
    """What is wrong with the form of a record, or an empty text."""
    if record.get("schema") != SCHEMA:
        return f"schema {record.get('schema')!r}; this version reads {SCHEMA}"
    problem = _wrong_type(record)
    if problem:
        return problem
    for key, allowed in _CHOICES:
        if record[key] not in allowed:
            return f"key {key!r} is {record[key]!r}; expected one of {', '.join(str(a) for a in allowed)}"
    return ""


def _wrong_type(record: Mapping[str, Any]) -> str:
    """The first key that is missing or of the wrong type, or an empty text."""
    try:
        types = tuple(map(type, _values(record)))
    except KeyError as missing:
        return f"key {missing.args[0]!r} is missing"
    if types in _RIGHT_TYPES:
        return ""
    for (key, kinds), found in zip(_KEYS.items(), types, strict=True):
        if not issubclass(found, kinds) or found is bool:
            return f"key {key!r} has the wrong type ({found.__name__})"
    _RIGHT_TYPES.add(types)
    return ""
