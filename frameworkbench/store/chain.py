"""What binds records together: a hash of each record in itself, of the one before it, and of every earlier chain.

A chain belongs to one process. Its first record names the last record of every chain that was there when the
process started, so that a tail or a whole chain that is dropped later is missed by the chains after it.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .atomic import canonical_json
from .run import MISSING_RUNS, Damage, Record

_FILE_NAME = re.compile(r"(\d{6,})\.json")
# Only a key of the record itself is indented by one space; a payload's own "sha256" is deeper.
_OWN_HASH = re.compile(rb'\n "sha256": "([0-9a-f]{64})",')
_OWN_HASH_START = b'\n "sha256": "'


@dataclass(slots=True)
class Chain:
    """One writer's records as read.

    Attributes:
        writer: its name.
        place: its folder, relative to the run folder.
        records: the intact ones by number.
        hashes: of every file that was read.
        numbers: of all files that are there.
        bare: intact records that carry no hash of their own.
        broken: what is wrong with a file by itself.
    """

    writer: str
    place: str
    records: dict[int, Record] = field(default_factory=dict)
    hashes: dict[int, str] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    bare: list[int] = field(default_factory=list)
    broken: dict[int, str] = field(default_factory=dict)

    @property
    def last(self) -> int:
        """Number of the last file, 0 for an empty chain."""
        return max(self.numbers, default=0)

    @property
    def in_order(self) -> list[Record]:
        """Intact records in the order in which they were written."""
        return [self.records[number] for number in sorted(self.records)]

    def file(self, number: int) -> str:
        """A record's file relative to the run folder."""
        return f"{self.place}/{number:06d}.json"


def numbered(folder: Path) -> list[tuple[int, str]]:
    """Names of the record files of a chain with their numbers, in no order."""
    with os.scandir(folder) as entries:
        matches = [_FILE_NAME.fullmatch(entry.name) for entry in entries]
    return [(int(match[1]), match[0]) for match in matches if match]


def sha256(content: bytes) -> str:
    """Hex digest of some bytes."""
    return hashlib.sha256(content).hexdigest()


def with_own_hash(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with ``sha256``: the hash of its canonical bytes without that key.

    Raises:
        StoreError: the record holds something that JSON cannot.
    """
    bare = {key: value for key, value in record.items() if key != "sha256"}
    return {**bare, "sha256": sha256(canonical_json(bare))}


def hashes(content: bytes) -> tuple[str, bool | None]:
    """Hash of a record's file, and whether its bytes are the ones that its own hash was made of.

    The second is None where it carries none. What both have in common, nearly everything, is hashed once.
    """
    start = content.rfind(_OWN_HASH_START)  # from the end: a payload is long, and what follows it is not
    found = _OWN_HASH.match(content, start) if start >= 0 else None
    if found is None:
        return sha256(content), None
    start, stop = found.span()
    whole = hashlib.sha256(content[:start])
    bare = whole.copy()
    whole.update(content[start:])
    bare.update(content[stop:])
    return whole.hexdigest(), bare.hexdigest() == found[1].decode()


def heads(root: Path, but: str) -> list[dict[str, Any]]:
    """Last record of every chain under a folder except one: writer, sequence and hash of the file."""
    found = []
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        files = numbered(folder) if folder.is_dir() and folder.name != but else []
        if files:
            number, name = max(files)
            content = (folder / name).read_bytes()
            found.append({"writer": folder.name, "sequence": number, "sha256": sha256(content)})
    return found


def check_heads(chains: Mapping[str, Chain]) -> list[Damage]:
    """What the chains' first records miss of the chains before them.

    A record that is not the one that was named is taken out of its chain's ``records``.
    """
    damaged: dict[str, Damage] = {}
    for chain in chains.values():
        for head in named_heads(chain):
            root, writer = chain.place.rpartition("/")[0], head["writer"]
            other = chains.get(writer) or Chain(writer, f"{root}/{writer}")
            for found in _misses(other, head, chain):
                damaged.setdefault(found.file, found)
    return list(damaged.values())


def named_heads(chain: Chain) -> list[Mapping[str, Any]]:
    """The chains before this one as its first record names them: writer, sequence, sha256; none for old runs."""
    after = chain.records.get(1, {}).get("after")
    return [head for head in after if _is_head(head)] if isinstance(after, list) else []


def _is_head(head: object) -> bool:
    kinds = {"writer": str, "sequence": int, "sha256": str}
    return isinstance(head, dict) and all(isinstance(head.get(key), kind) for key, kind in kinds.items())


def _misses(other: Chain, head: Mapping[str, Any], chain: Chain) -> list[Damage]:
    number = head["sequence"]
    missing = range(other.last + 1, number + 1)
    if missing:
        reason = f"missing: {chain.file(1)} says that this chain had {number} records"
        return [Damage(other.file(gap), reason, MISSING_RUNS) for gap in missing]
    if number in other.hashes and other.hashes[number] != head["sha256"]:
        other.records.pop(number, None)
        return [Damage(other.file(number), f"changed after it was written: {chain.file(1)} holds another hash of it")]
    return []
