"""Reading the chains of a run folder, whole or only the records of some cells; what is wrong is named, never raised.

Reading has two steps. ``read_files`` looks at each file by itself; ``settle`` then holds the chains against each other
and takes out what turns out to be changed. Several processes may share the first step.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .chain import Chain, check_heads, hashes, numbered
from .form import problem_in
from .packed import packed
from .parsing import parse_many
from .run import MISSING_RUNS, Damage, Record

RECORDS = "records"

# Files that are read and parsed in one go.
_BATCH = 256
_CHUNK = 16 * 1024

# Only a key of the record itself is indented by one space.
_CELL_KEY = re.compile(rb'\n "cell_key": "([^"\\]*)",')


Digest = Callable[[dict[str, Any]], None]
"""Changes a parsed record in place."""

Look = Callable[[bytes], None]
"""Takes a look at the bytes of a record."""


class MisleadingError(Exception):
    """A record belongs to another cell than its bytes seem to say: such a run is read by one process."""


@dataclass(frozen=True, slots=True)
class Share:
    """The records that one of several processes reads: those of some cells, and all that belong to no cell.

    Attributes:
        mine: keys of these cells.
        others: keys of the cells of the other processes; records of cells that nobody planned are the first one's.
        first: whether this is the first process.
    """

    mine: Collection[str]
    others: Collection[str]
    first: bool

    def is_foreign(self, content: bytes | OSError) -> bool:
        """Whether a file holds a record of another process, by its bytes alone."""
        found = _CELL_KEY.search(content) if isinstance(content, bytes) else None
        return found is not None and not self.has(found[1].decode("utf-8", "replace"))

    def has(self, cell_key: str | None) -> bool:
        """Whether a record of this cell is read here."""
        return cell_key is None or cell_key in self.mine or (self.first and cell_key not in self.others)


def read_chains(run_dir: Path) -> tuple[dict[str, Chain], list[Damage]]:
    """Every chain of a run folder by its writer, and what is wrong with its files; never raises."""
    chains = read_files(run_dir)
    return chains, settle(chains)


def read_files(
    run_dir: Path, share: Share | None = None, digest: Digest | None = None, look: Look | None = None
) -> dict[str, Chain]:
    """Every chain of a run folder by its writer, each file judged by itself only.

    Args:
        run_dir: the run folder.
        share: leave out the records of other processes; their numbers stay.
        digest: puts something smaller in place of a record's long lists, for a reader who needs no more of them.
        look: is shown every file that is parsed here.

    Raises:
        MisleadingError: a share was asked for, and whose a record is cannot be told without parsing it.
    """
    root = run_dir / RECORDS
    folders = [folder for folder in sorted(root.iterdir()) if folder.is_dir()] if root.is_dir() else []
    return {folder.name: _read_chain(folder, share, digest, look) for folder in folders}


def settle(chains: dict[str, Chain]) -> list[Damage]:
    """What is wrong with these chains; records that turn out to be changed are taken out of them."""
    damaged = [found for chain in chains.values() for found in _settle(chain)]
    named = {found.file for found in damaged}
    return damaged + [found for found in check_heads(chains) if found.file not in named]


def in_order(chains: dict[str, Chain]) -> list[str]:
    """Writers by the time at which their first intact records were started."""
    firsts = {name: chain.records[min(chain.records)] if chain.records else None for name, chain in chains.items()}
    return sorted(chains, key=lambda name: (first["started"], name) if (first := firsts[name]) else ("", ""))


def records_of(chains: dict[str, Chain], order: Iterable[str]) -> tuple[Record, ...]:
    """The intact records of some writers, one chain after the other."""
    return tuple(record for name in order if name in chains for record in chains[name].in_order)


def _read_chain(folder: Path, share: Share | None, digest: Digest | None, look: Look | None) -> Chain:
    chain = Chain(folder.name, f"{RECORDS}/{folder.name}")
    shared = _Shared(folder.name, digest or _pack)
    for number, record, file_hash, problem in _read_records(folder, share, look):
        chain.numbers.append(number)
        if file_hash is not None:
            chain.hashes[number] = file_hash
        if problem:
            chain.broken[number] = problem
        elif record is not None:
            chain.records[number] = shared.slim(record, chain.hashes.get(number - 1))
            if "sha256" not in record:
                chain.bare.append(number)
    return chain


def _pack(record: dict[str, Any]) -> None:
    record["payload"]["windows"] = packed(record["payload"]["windows"])


def _settle(chain: Chain) -> list[Damage]:
    damaged = [Damage(chain.file(number), reason) for number, reason in sorted(chain.broken.items())]
    if len(chain.bare) < len(chain.records):
        for number in sorted(chain.bare):
            damaged.append(Damage(chain.file(number), "changed after it was written: its own hash was taken out"))
            del chain.records[number]
    gaps = sorted(set(range(1, chain.last + 1)) - set(chain.numbers))
    reason = "missing: later records of this writer are there"
    damaged.extend(Damage(chain.file(gap), reason, MISSING_RUNS) for gap in gaps)
    _check_links(chain, damaged)
    return damaged


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

    def __init__(self, writer: str, digest: Digest) -> None:
        self._writer = writer
        self._digest = digest
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
            self._digest(record)
        key, effective = record["cell_key"], payload.get("effective")
        if key is not None:
            first = self._cells.setdefault(key, (key, record["cell"], effective))
            record["cell_key"] = first[0]
            if first[1] == record["cell"]:
                record["cell"] = first[1]
            if first[2] is not None and first[2] == effective:
                payload["effective"] = first[2]
        return record


def _read_records(
    folder: Path, share: Share | None, look: Look | None
) -> Iterator[tuple[int, dict[str, Any] | None, str | None, str]]:
    """Every record file in order: number, record if it is intact and read here, hash if it was read, what is wrong."""
    files = sorted(numbered(folder))
    for at in range(0, len(files), _BATCH):
        batch = files[at : at + _BATCH]
        read = [_content(f"{folder}/{name}") for _, name in batch]
        contents = read if share is None else [None if share.is_foreign(found) else found for found in read]
        parsed = iter(parse_many([content for content in contents if isinstance(content, bytes)]))
        for (number, _), content in zip(batch, contents, strict=True):
            if content is None:
                yield number, None, None, ""
                continue
            if isinstance(content, OSError):
                yield number, None, None, f"cannot be read: {content.strerror or content}"
                continue
            record = next(parsed)
            if look is not None:
                look(content)
            file_hash, own_hash_holds = hashes(content)
            problem = _problem_of(record, folder.name, number, own_hash_holds is True)
            if share is not None and not problem and not share.has(record["cell_key"]):
                if _CELL_KEY.search(content):
                    raise MisleadingError(f"{folder.name}/{number:06d}.json")
                record = None  # in a form of its own, so that each process has to parse it
            yield number, (None if problem else record), file_hash, problem


def _content(path: str) -> bytes | OSError:
    """The bytes of a file by the fewest system calls, or why it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as problem:
        return problem
    try:
        content = chunk = os.read(descriptor, _CHUNK)
        while len(chunk) == _CHUNK:  # of a file, less is read at its end only
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
    problem = problem_in(record)
    if not problem and record["writer"] != writer:
        problem = f"belongs to writer {record['writer']!r}, not {writer!r}"
    if not problem and record["sequence"] != number:
        problem = f"out of order: it says it is record {record['sequence']}"
    if not problem and "sha256" in record and not own_hash_holds:
        problem = "changed after it was written: its content does not have the hash that it carries"
    return problem
