"""Manifest and plans against the hashes that each session signed off before its first measurement."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..store.atomic import read_json
from ..store.chain import Chain
from ..store.run import MANIFEST, PLANS
from .findings import INCONSISTENT, MISSING_RUNS, TAMPER, UNSIGNED, Finding


def check_signed(run_dir: Path, chains: Mapping[str, Chain], files: Mapping[str, str]) -> Iterator[Finding]:
    """Changed, swapped, dropped and added manifests and plans.

    Args:
        run_dir: the run folder.
        chains: as read.
        files: hashes of the run's files as they are now.
    """
    notes = [
        (chain.file(number), record["payload"])
        for chain in chains.values()
        for number, record in sorted(chain.records.items())
        if record["kind"] == "note" and isinstance(record["payload"].get("signed"), dict)
    ]
    signed = [(place, name, value) for place, payload in notes for name, value in payload["signed"].items()]
    for place, name, value in signed:
        if name not in files:
            yield Finding(name, MISSING_RUNS, f"missing: {place} signed it off before measuring")
        elif files[name] != value:
            yield Finding(name, TAMPER, f"changed after {place} signed it off before measuring")
    known = {name for _, name, _ in signed}
    for name in files:
        if (name == MANIFEST or name.startswith(f"{PLANS}/")) and name not in known:
            what = "no session signed it off before measuring"
            if notes:
                yield Finding(name, TAMPER, what)
            else:
                yield Finding(name, UNSIGNED, f"{what}: the run is of an older version", grave=False)
    yield from _check_manifest(run_dir, notes)


def _check_manifest(run_dir: Path, notes: list[tuple[str, Mapping[str, Any]]]) -> Iterator[Finding]:
    """Whose manifest this is, and whether its protocol is the one whose hash it names."""
    try:
        manifest = read_json(run_dir / MANIFEST)
        protocol, claimed, run_id = manifest["protocol"], manifest["protocol_sha256"], manifest["run_id"]
    except (StoreError, KeyError, TypeError) as problem:
        yield Finding(MANIFEST, TAMPER, f"not the manifest of a run: {problem}")
        return
    if hashlib.sha256(json.dumps(protocol, sort_keys=True).encode()).hexdigest() != claimed:
        yield Finding(MANIFEST, INCONSISTENT, "its protocol does not have the hash that it names as fixed beforehand")
    for place, payload in notes:
        if payload.get("run_id") != run_id:
            what = f"the manifest of run {run_id}; {place} belongs to run {payload.get('run_id')}"
            yield Finding(MANIFEST, INCONSISTENT, what)
            return
        if payload.get("protocol_sha256") != claimed:
            yield Finding(MANIFEST, INCONSISTENT, f"another protocol than {place} signed off before measuring")
            return
