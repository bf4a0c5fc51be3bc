"""Verification of a run folder, offline: every hash, counter, verdict and table once more, each fault by name.

It shows whether a run was changed after it was written. Whoever owns the machine can still invent a whole run;
only measuring again elsewhere answers that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import StoreError, UsageError
from ..store.atomic import canonical_json
from ..store.records import RECORDS, load_run, read_chains
from ..store.run import MANIFEST, PLANS
from .attempts import check_attempts
from .consistency import check_consistency
from .findings import MISSING_RUNS, TAMPER, UNSIGNED, Finding, once
from .rebuild import check_report
from .sessions import check_sessions
from .signed import check_signed
from .statement import STATEMENT, files_sha256, read_statement, run_files, statement


@dataclass(frozen=True, slots=True)
class Verification:
    """What was looked at and what was found."""

    run_dir: Path
    chains: int
    records: int
    files: int
    digest: str
    findings: tuple[Finding, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing grave was found."""
        return not any(finding.grave for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """Plain data for scripts."""
        return {
            "intact": self.intact,
            "chains": self.chains,
            "records": self.records,
            "files": self.files,
            "sha256": self.digest,
            "findings": [finding.to_json() for finding in self.findings],
        }


def verify_run(run_dir: Path, *, report_dir: Path | None = None, against: Path | None = None) -> Verification:
    """Check a run folder, and a report and a statement about it where they are given.

    Args:
        run_dir: the run folder.
        report_dir: a report that must be the one that these records give.
        against: a statement that was kept elsewhere; the one in the run folder is checked in any case.

    Raises:
        UsageError: this is no run folder, or no report is where one was named.
        StoreError: the statement that was named cannot be read.
    """
    if not (run_dir / MANIFEST).exists() and not (run_dir / RECORDS).is_dir():
        raise UsageError(
            f"{run_dir}: not a run folder (neither {MANIFEST} nor {RECORDS}/); name the one that a run wrote"
        )
    chains, damaged = read_chains(run_dir)
    files = run_files(run_dir) if (run_dir / MANIFEST).is_file() else {}
    findings = [Finding(found.file, found.code, found.reason) for found in damaged]
    if not files:
        findings.append(Finding(MANIFEST, MISSING_RUNS, "missing"))
        files = run_files(run_dir, manifest=False)
    findings += check_signed(run_dir, chains, files)
    findings += check_sessions(chains)
    findings += check_attempts(run_dir, chains, files, whole=not damaged)
    findings += check_consistency(chains)
    findings += _check_strangers(files)
    findings += _check_own_statement(run_dir, files)
    if against is not None:
        findings += _check_files(read_statement(against)[0], files, str(against))
    if report_dir is not None:
        findings += _check_report(run_dir, report_dir)
    records = sum(len(chain.numbers) for chain in chains.values())
    return Verification(run_dir, len(chains), records, len(files), files_sha256(files), tuple(once(findings)))


def _check_report(run_dir: Path, report_dir: Path) -> Iterator[Finding]:
    try:
        run = load_run(run_dir)
    except StoreError as problem:
        yield Finding(MANIFEST, TAMPER, f"no report can be made from this run: {problem}")
        return
    yield from check_report(run, report_dir)


def _check_strangers(files: dict[str, str]) -> Iterator[Finding]:
    """Files among the records and plans that no part of a run has that name."""
    for name in files:
        folder, _, rest = name.partition("/")
        stem = Path(rest).stem
        if folder in (RECORDS, PLANS) and not (rest.endswith(".json") and stem.isdigit()):
            yield Finding(name, TAMPER, "added: no run writes a file of this name here")


def _check_own_statement(run_dir: Path, files: dict[str, str]) -> Iterator[Finding]:
    """The statement that a session leaves at its end, against the files and against itself."""
    if not (run_dir / STATEMENT).is_file():
        what = "no statement: the last session did not end, or the run is of an older version"
        yield Finding(STATEMENT, UNSIGNED, what, grave=False)
        return
    try:
        named, _, _ = read_statement(run_dir / STATEMENT)
    except StoreError as problem:
        yield Finding(STATEMENT, TAMPER, str(problem))
        return
    found = list(_check_files(named, files, STATEMENT))
    yield from found
    if not found and (run_dir / STATEMENT).read_bytes() != canonical_json(statement(run_dir)):
        yield Finding(STATEMENT, TAMPER, "not the statement that these files give")


def _check_files(named: dict[str, str], files: dict[str, str], source: str) -> Iterator[Finding]:
    for name in sorted({*named, *files}):
        if name not in files:
            yield Finding(name, MISSING_RUNS, f"missing: {source} names it")
        elif name not in named:
            yield Finding(name, TAMPER, f"added afterwards: {source} does not name it")
        elif named[name] != files[name]:
            yield Finding(name, TAMPER, f"changed after {source} was written")
