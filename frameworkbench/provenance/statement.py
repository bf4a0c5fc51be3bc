"""The statement about a finished run: one digest over all its files, in the form of in-toto.

It lies next to the records and is not signed: whoever keeps a copy elsewhere, or signs it with a tool of their
choice, can later tell whether anything at all in the run folder was changed, dropped or added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..store.atomic import TEMPORARY_SUFFIX, read_json, write_json_atomic
from ..store.run import MANIFEST, PLANS, read_manifest

STATEMENT = "statement.json"
# The statement's own type: in-toto/attestation, spec/v1/statement.md.
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:x-frameworkbench:run:v1"
_FOLDERS = ("records", PLANS, "logs")
_UNSIGNED = "not signed: it shows changes to whoever holds a copy of it, and proves nothing about who measured"


def run_files(run_dir: Path, *, manifest: bool = True) -> dict[str, str]:
    """SHA-256 of every file that belongs to a run, by its path relative to the run folder, sorted.

    Args:
        run_dir: the run folder.
        manifest: whether the manifest is there to be read.

    Raises:
        StoreError: a file cannot be read.
    """
    found = [run_dir / MANIFEST] if manifest else []
    for folder in _FOLDERS:
        found += [path for path in (run_dir / folder).rglob("*") if path.is_file()]
    try:
        hashes = {
            path.relative_to(run_dir).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in found
            if path.suffix != TEMPORARY_SUFFIX
        }
    except OSError as problem:
        raise StoreError(f"{problem.filename}: cannot be read: {problem.strerror or problem}") from problem
    return dict(sorted(hashes.items()))


def files_sha256(files: Mapping[str, str]) -> str:
    """Digest over files: SHA-256 of the lines that ``sha256sum`` prints for them in the order of their names."""
    lines = [f"{value}  {name}\n" for name, value in sorted(files.items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def statement(run_dir: Path) -> dict[str, Any]:
    """The in-toto Statement v1 of a run as it stands: subject the run's files, predicate the manifest.

    Raises:
        StoreError: this is no run folder, or a file cannot be read.
    """
    manifest = read_manifest(run_dir)
    files = run_files(run_dir)
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": str(manifest.get("run_id")), "digest": {"sha256": files_sha256(files)}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {"manifest": dict(manifest), "files": files, "signed": False, "note": _UNSIGNED},
    }


def write_statement(run_dir: Path, file: Path | None = None) -> Path:
    """Write the statement of a run, by default into the run folder.

    Raises:
        StoreError: this is no run folder, or a file cannot be read or written.
    """
    target = file or run_dir / STATEMENT
    write_json_atomic(target, statement(run_dir))
    return target


def discard_statement(run_dir: Path) -> None:
    """Take the statement away before a session adds records; its end writes a new one.

    Raises:
        StoreError: the file cannot be removed.
    """
    try:
        (run_dir / STATEMENT).unlink(missing_ok=True)
    except OSError as problem:
        raise StoreError(f"{run_dir / STATEMENT}: cannot be replaced: {problem.strerror or problem}") from problem


def read_statement(file: Path) -> tuple[dict[str, str], str, Mapping[str, Any]]:
    """Hashes by file, the digest over them, and the manifest that a statement holds.

    Raises:
        StoreError: unreadable, or not a statement about a run.
    """
    table = read_json(file)
    try:
        if table["_type"] != STATEMENT_TYPE or table["predicateType"] != PREDICATE_TYPE:
            raise ValueError(f"type {table['_type']!r} and predicate {table['predicateType']!r}")
        files = {str(name): str(value) for name, value in table["predicate"]["files"].items()}
        return files, str(table["subject"][0]["digest"]["sha256"]), dict(table["predicate"]["manifest"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
        raise StoreError(f"{file}: not a statement about a run: {problem!r}") from problem
