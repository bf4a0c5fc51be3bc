"""A run that was touched after it was written says so, and names the file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.errors import UsageError
from frameworkbench.provenance.findings import Finding
from frameworkbench.provenance.statement import STATEMENT, files_sha256, run_files, write_statement
from frameworkbench.provenance.verify import verify_run
from frameworkbench.run.engine import run
from frameworkbench.store.atomic import canonical_json
from frameworkbench.store.chain import hashes, sha256, with_own_hash
from tests.run.conftest import silent

from .conftest import flip_a_byte, small_request

ROOT = Path(__file__).resolve().parent.parent.parent


def grave(folder: Path, **options: Any) -> list[Finding]:
    """Findings for which a run fails."""
    return [finding for finding in verify_run(folder, **options).findings if finding.grave]


def codes(folder: Path) -> dict[str, str]:
    """Code of the first grave finding of each file."""
    found: dict[str, str] = {}
    for finding in grave(folder):
        found.setdefault(finding.file, finding.code)
    return found


def records(folder: Path) -> list[Path]:
    """Record files, oldest session first."""
    return sorted(folder.glob("records/*/*.json"))


def without_statement(folder: Path) -> Path:
    """The run as someone leaves it who also removed the statement."""
    (folder / STATEMENT).unlink()
    return folder


def rewrite(folder: Path, change: Callable[[dict[str, Any]], bool]) -> None:
    """Drop or edit records and make all hashes anew, as a careful cheat would; ``change`` says which to keep."""
    tails: dict[str, dict[str, Any]] = {}
    for chain in sorted((folder / "records").iterdir()):
        kept = [record for path in sorted(chain.iterdir()) if change(record := json.loads(path.read_text()))]
        for path in chain.iterdir():
            path.unlink()
        previous = None
        for number, record in enumerate(kept, 1):
            record |= {"sequence": number, "previous": previous}
            record.pop("sha256")
            if number == 1:
                record["after"] = list(tails.values())
            if record["kind"] == "run":
                record["payload"]["records"] = number
            content = canonical_json(with_own_hash(record))
            (chain / f"{number:06d}.json").write_bytes(content)
            previous = sha256(content)
        tails[chain.name] = {"writer": chain.name, "sequence": len(kept), "sha256": previous}
    write_statement(folder)


def test_an_untouched_run_is_intact(copy: Path) -> None:
    """A run of two sessions, copied elsewhere, passes with no finding at all, also with its report."""
    assert verify_run(copy, report_dir=copy.parent / "report").findings == ()


@pytest.mark.parametrize("with_statement", [True, False])
def test_one_flipped_bit_in_any_file_is_named(copy: Path, with_statement: bool) -> None:
    """Manifest, plan, record, log or statement: the file in which one bit was changed is the one that is named."""
    if not with_statement:
        without_statement(copy)
    files = [path for path in sorted(copy.rglob("*.*")) if path.is_file() and path.stat().st_size]
    kinds = {path.relative_to(copy).parts[0] for path in files}

    for path in files:
        content = path.read_bytes()
        flip_a_byte(path)
        found = codes(copy)
        path.write_bytes(content)

        assert found.get(str(path.relative_to(copy))) == "TAMPER", (path, found)

    assert kinds >= {"manifest.json", "plans", "records"} | ({STATEMENT} if with_statement else set())
    assert grave(copy) == []


def test_a_flipped_bit_anywhere_in_a_record_is_named(copy: Path) -> None:
    """Also in the last record, with no statement beside it, wherever in the file the bit is."""
    path = records(without_statement(copy))[-1]
    content = path.read_bytes()
    name = str(path.relative_to(copy))

    for position in range(0, len(content), 7):
        changed = bytearray(content)
        changed[position] ^= 1
        path.write_bytes(bytes(changed))

        assert name in codes(copy), (position, content[max(0, position - 20) : position + 20])


def test_a_changed_log_is_named(copy: Path) -> None:
    """A worker's log is bound to its record."""
    log = next(iter(sorted((copy / "logs").iterdir())))
    log.write_text("all was well\n")
    without_statement(copy)

    assert codes(copy) == {str(log.relative_to(copy)): "TAMPER"}


@pytest.mark.parametrize("which", [0, 1, 3, -2])
def test_a_dropped_record_is_named(copy: Path, which: int) -> None:
    """A record that is gone is named, at the start of a chain, in its middle and before its end."""
    path = records(without_statement(copy))[which]
    path.unlink()

    assert codes(copy).get(str(path.relative_to(copy))) == "MISSING_RUNS"


def test_a_dropped_tail_is_named_by_the_next_session(copy: Path) -> None:
    """The last records of an earlier session are missed by the session after it."""
    first = sorted((without_statement(copy) / "records").iterdir())[0]
    last = max(first.iterdir())
    last.unlink()

    assert codes(copy) == {str(last.relative_to(copy)): "MISSING_RUNS"}


def test_a_dropped_tail_of_the_last_session(copy: Path) -> None:
    """The statement names the record that is gone; without a statement the session is said to have no end."""
    last = records(copy)[-1]
    last.unlink()

    assert codes(copy).get(str(last.relative_to(copy))) == "MISSING_RUNS"
    without_statement(copy)
    assert codes(copy) == {str(records(copy)[-1].relative_to(copy)): "UNCLOSED"}


def test_a_dropped_chain_is_named(copy: Path) -> None:
    """A whole session that is gone is missed, record by record, by the session after it."""
    first = sorted((without_statement(copy) / "records").iterdir())[0]
    names = [str(path.relative_to(copy)) for path in first.iterdir()]
    shutil.rmtree(first)

    assert set(names) <= {file for file, code in codes(copy).items() if code == "MISSING_RUNS"}


def test_swapped_records_are_named(copy: Path) -> None:
    """Two records that changed places are both named."""
    one, other = records(without_statement(copy))[-3:-1]
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)

    assert {str(one.relative_to(copy)), str(other.relative_to(copy))} <= set(codes(copy))


def test_an_added_record_is_named(copy: Path) -> None:
    """A record put behind a session's closing record, with hashes that fit, is named."""
    last = records(without_statement(copy))[-1]
    record = json.loads(last.read_text())
    record |= {"sequence": record["sequence"] + 1, "previous": sha256(last.read_bytes())}
    record.pop("sha256")
    path = last.with_name(f"{record['sequence']:06d}.json")
    path.write_bytes(canonical_json(with_own_hash(record)))

    assert codes(copy) == {str(path.relative_to(copy)): "TAMPER"}


def test_an_added_chain_is_named(copy: Path) -> None:
    """A session put among the others afterwards is unknown to the one that started later."""
    first = sorted((without_statement(copy) / "records").iterdir())[0]
    added = first.with_name(f"{first.name}X")
    added.mkdir()
    for path in sorted(first.iterdir()):
        record = json.loads(path.read_text()) | {"writer": added.name}
        record.pop("sha256")
        record["previous"] = sha256(max(added.iterdir()).read_bytes()) if record["previous"] else None
        (added / path.name).write_bytes(canonical_json(with_own_hash(record)))

    assert codes(copy).get(f"records/{added.name}/000001.json") == "TAMPER"


def test_an_edited_manifest_is_named(copy: Path) -> None:
    """A manifest that is valid and canonical, but not the one signed off before measuring, is named."""
    file = without_statement(copy) / "manifest.json"
    manifest = json.loads(file.read_text()) | {"threads": 64}
    file.write_bytes(canonical_json(manifest))

    assert codes(copy) == {"manifest.json": "TAMPER"}


def test_an_edited_protocol_is_named(copy: Path) -> None:
    """A protocol that was changed afterwards no longer has the hash that was fixed before the first measurement."""
    file = without_statement(copy) / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["protocol"]["delta"] = 0.5
    file.write_bytes(canonical_json(manifest))

    found = [(finding.file, finding.code) for finding in grave(copy)]

    assert found == [("manifest.json", "TAMPER"), ("manifest.json", "INCONSISTENT")]


def test_swapped_manifests_are_named(copy: Path, tmp_path: Path) -> None:
    """The manifest of another run is named in both folders, with the run that it belongs to."""
    other = small_request(tmp_path, out=tmp_path / "other", seed=1)
    run(other, silent)
    mine, theirs = (copy / "manifest.json").read_bytes(), (other.out / "manifest.json").read_bytes()
    (copy / "manifest.json").write_bytes(theirs)
    (other.out / "manifest.json").write_bytes(mine)

    for folder in (without_statement(copy), without_statement(other.out)):
        assert codes(folder) == {"manifest.json": "TAMPER"}


def test_an_edited_dropped_or_added_plan_is_named(copy: Path) -> None:
    """Plans are signed off before measuring: fewer blocks afterwards, a plan less or a plan more are named."""
    without_statement(copy)
    first, second = sorted((copy / "plans").iterdir())[:2]
    plan = json.loads(second.read_text())
    plan["blocks"]["main"] = 1
    second.write_bytes(canonical_json(plan))
    shutil.copy(first, copy / "plans" / "0009.json")
    first.unlink()

    assert codes(copy) == {
        "plans/0001.json": "MISSING_RUNS",
        f"plans/{second.name}": "TAMPER",
        "plans/0009.json": "TAMPER",
    }


def test_a_missing_attempt_is_named_even_with_new_hashes(copy: Path) -> None:
    """Dropping one timed process and making every hash anew leaves a gap in the count of processes."""
    dropped: list[str] = []

    def keep(record: dict[str, Any]) -> bool:
        drop = record["pass"] == "speed" and record["block"] == 1
        dropped.extend([record["log"]] if drop else [])
        return not drop

    rewrite(copy, keep)

    assert dropped
    assert codes(copy) == {dropped[0]: "MISSING_RUNS"}
    (copy / dropped[0]).unlink()
    write_statement(copy)
    assert set(codes(copy).values()) == {"MISSING_RUNS"}


def test_a_retry_that_hides_the_first_attempt_is_named(copy: Path) -> None:
    """A block that is called attempt 2 while attempt 1 left no record is named, whatever the hashes say."""

    def second(record: dict[str, Any]) -> bool:
        if record["block"] == 1:
            record["attempt"] = 2
            if record["kind"] == "block":
                record["payload"]["attempt"] = 2
        return True

    rewrite(copy, second)

    found = grave(copy)
    assert [finding.code for finding in found] == ["MISSING_RUNS"]
    assert "attempt 1 left no record" in found[0].what


def test_a_forged_verdict_is_named(copy: Path) -> None:
    """An error beyond its tolerance that is called passed is found by judging it again."""

    def forge(record: dict[str, Any]) -> bool:
        if record["pass"] == "proof":
            record["payload"]["parity"]["checks"][-1]["error"] = 0.5
        return True

    rewrite(copy, forge)

    assert set(codes(copy).values()) == {"INCONSISTENT"}


def test_a_window_longer_than_its_process_is_named(copy: Path) -> None:
    """Times that cannot be are found, whatever the hashes say."""

    def stretch(record: dict[str, Any]) -> bool:
        if record["pass"] == "speed" and record["block"] == 2:
            record["payload"]["windows"][0]["start_ns"] -= 10**12
        return True

    rewrite(copy, stretch)

    found = grave(copy)
    assert [finding.code for finding in found] == ["INCONSISTENT"]
    assert "in a process of" in found[0].what


def test_a_changed_environment_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that changed between two processes of one row is named with the record and both values."""
    options = small_request(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    run(options, silent)
    proof = next(path for path in records(options.out) if json.loads(path.read_text())["pass"] == "proof")
    proof.unlink()
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    run(options, silent)

    found = [finding for finding in grave(options.out) if finding.code == "ENVIRONMENT_CHANGED"]

    assert len(found) == 1
    assert "LC_ALL = 'C.UTF-8', elsewhere 'C'" in found[0].what
    assert json.loads((options.out / found[0].file).read_text())["pass"] == "proof"


def test_a_killed_session_that_was_resumed_is_intact(copy: Path) -> None:
    """A session without a closing record is no fault once a later session vouches for its records."""
    closing = max(sorted((copy / "records").iterdir())[0].iterdir())
    record = json.loads(closing.read_text())
    assert record["kind"] == "run"

    rewrite(copy, lambda record: not (record["kind"] == "run" and record["payload"]["complete"] is False))

    found = verify_run(copy)
    assert found.intact
    assert [finding.code for finding in found.findings] == ["UNCLOSED"]


def test_the_digest_is_what_sha256sum_prints(copy: Path) -> None:
    """The statement's digest can be made with two standard tools."""
    command = "find manifest.json records plans logs -type f | LC_ALL=C sort | xargs sha256sum | sha256sum"
    answer = subprocess.run(["bash", "-c", command], cwd=copy, capture_output=True, text=True, check=True)

    statement = json.loads((copy / STATEMENT).read_text())

    assert answer.stdout.split()[0] == files_sha256(run_files(copy))
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"][0]["digest"] == {"sha256": files_sha256(run_files(copy))}
    assert statement["predicate"]["manifest"] == json.loads((copy / "manifest.json").read_text())


def test_a_statement_kept_elsewhere_catches_a_careful_rewrite(copy: Path, tmp_path: Path) -> None:
    """Whoever kept the statement sees a run in which everything was made anew, though it fits itself."""
    kept = write_statement(copy, tmp_path / "kept.json")
    rewrite(copy, lambda record: record.update(wall_s=record["wall_s"] + 1) or True)

    assert grave(copy) == []
    assert {finding.code for finding in grave(copy, against=kept)} == {"TAMPER"}


@pytest.mark.parametrize("name", ["report.json", "report.md", "report.html"])
def test_an_edited_report_is_named(copy: Path, name: str) -> None:
    """A report in which one digit was changed is not the one that the records give."""
    report = copy.parent / "report"
    flip_a_byte(report / name)

    found = grave(copy, report_dir=report)

    assert [(finding.file, finding.code) for finding in found] == [(name, "REPORT_DIFFERS")]


def test_a_report_says_which_value_was_edited(copy: Path) -> None:
    """An edited report.json is named with the place of the value and both values."""
    file = copy.parent / "report" / "report.json"
    report = json.loads(file.read_text())
    report["cells"][0]["throughput_samples_per_s"]["mean"] = 1.0
    file.write_bytes(canonical_json(report))

    found = grave(copy, report_dir=file.parent)

    assert "cells[0].throughput_samples_per_s.mean: 1.0, the records give" in found[0].what


def test_a_report_is_the_same_elsewhere(copy: Path, original: Path, tmp_path: Path) -> None:
    """Made again from a copy of the records, in another folder, time zone, locale and hash seed: the same bytes."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "Asia/Kathmandu", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-m", "frameworkbench", "report", str(copy), "--out", "again"]

    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)

    for path in (original / "report").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_folder_without_a_run_is_a_usage_error(tmp_path: Path) -> None:
    """Nothing to check is no success."""
    with pytest.raises(UsageError, match="not a run folder"):
        verify_run(tmp_path)


def test_an_own_hash_covers_every_byte() -> None:
    """A record's hash in itself fits the canonical bytes only, and a payload's key of the same name is no hash."""
    content = canonical_json(with_own_hash({"a": 1, "payload": {"sha256": "0" * 64}, "writer": "w"}))

    assert hashes(content)[1] is True
    assert hashes(content.replace(b'"a": 1', b'"a": 2'))[1] is False
    assert hashes(content.replace(b'"a": 1', b'"a":  1'))[1] is False
    assert hashes(canonical_json({"payload": {"sha256": "0" * 64}}))[1] is None
