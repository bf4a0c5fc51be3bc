"""Records on disk: chains, damage, disk-full and the questions that a resumed run asks."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.errors import StoreError
from frameworkbench.store.atomic import canonical_json, write_json_atomic
from frameworkbench.store.records import RecordWriter, load_run


def record(**changes: Any) -> dict[str, Any]:
    """A minimal valid record."""
    base: dict[str, Any] = {
        "kind": "cell",
        "cell_key": "c1",
        "cell": {"adapter": "alpha"},
        "pass": "proof",
        "block": 0,
        "attempt": 1,
        "seed": None,
        "status": "ok",
        "code": "",
        "reason": "",
        "started": "2026-01-01T00:00:00Z",
        "wall_s": 1.0,
        "payload": {},
        "log": None,
        "log_end": "",
    }
    return {**base, **changes}


def block(number: int, attempt: int, *cells: str) -> dict[str, Any]:
    """A block record that signs off the given cells."""
    payload = {"block": number, "attempt": attempt, "cells": list(cells), "complete": True}
    changes = {"kind": "block", "cell_key": None, "cell": None, "pass": None}
    return record(block=number, attempt=attempt, payload=payload, **changes)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty but valid run folder."""
    write_json_atomic(tmp_path / "manifest.json", {"schema": 1, "run_id": "r"})
    plan = {"schema": 1, "created": "t", "cells": [], "blocks": {}, "budget": {"seconds": None, "note": ""}}
    write_json_atomic(tmp_path / "plans" / "0001.json", plan)
    return tmp_path


def damage(folder: Path) -> dict[str, str]:
    """Damaged files of a run with their reasons."""
    return {found.file: found.reason for found in load_run(folder).damaged}


def test_records_come_back_in_order_of_writer_start_then_sequence(folder: Path) -> None:
    """Records are read in the order in which their writers started, each writer's own in sequence."""
    late, early = RecordWriter(folder, "a-late"), RecordWriter(folder, "b-early")
    late.append(record(started="2026-01-02T00:00:00Z", reason="third"))
    early.append(record(started="2026-01-01T00:00:00Z", reason="first"))
    early.append(record(started="2026-01-03T00:00:00Z", reason="second"))
    run = load_run(folder)
    assert [found["reason"] for found in run.records] == ["first", "second", "third"]
    assert run.damaged == ()


def test_a_writer_continues_its_own_chain(folder: Path) -> None:
    """A writer opened again on an existing chain goes on with the next number and an unbroken hash."""
    RecordWriter(folder, "w").append(record())
    path = RecordWriter(folder, "w").append(record())
    assert path.name == "000002.json"
    assert damage(folder) == {}


def test_a_record_is_canonical_json(folder: Path) -> None:
    """The bytes on disk are the canonical form of what they say."""
    path = RecordWriter(folder, "w").append(record(reason="größer"))
    assert path.read_bytes() == canonical_json(json.loads(path.read_text(encoding="utf-8")))
    assert "größer" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("call", ["write", "fsync", "rename"])
def test_a_full_disk_loses_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    """When the disk is full the error says so, no partial file stays, and the chain goes on afterwards."""
    writer = RecordWriter(folder, "w")
    first = writer.append(record())
    before = first.read_bytes()

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(StoreError, match=r"no space left.*resume"):
            writer.append(record())
    assert [path.name for path in first.parent.iterdir()] == ["000001.json"]
    assert first.read_bytes() == before
    writer.append(record())
    assert len(load_run(folder).records) == 2
    assert damage(folder) == {}


def test_a_nan_is_refused_before_anything_is_written(folder: Path) -> None:
    """A non-finite number never reaches the disk."""
    with pytest.raises(StoreError, match="cannot be stored as JSON"):
        RecordWriter(folder, "w").append(record(payload={"error": float("nan")}))
    assert load_run(folder).records == ()


def test_a_record_of_the_wrong_form_is_refused(folder: Path) -> None:
    """A missing key is an error when writing, not a surprise when reading."""
    with pytest.raises(StoreError, match="'status'"):
        RecordWriter(folder, "w").append({key: value for key, value in record().items() if key != "status"})


def test_leftover_temporary_files_are_ignored_and_swept(folder: Path) -> None:
    """A temporary file of a killed writer is no record, and the next writer removes it."""
    path = RecordWriter(folder, "w").append(record())
    leftover = path.with_name("000002.json.99.tmp")
    leftover.write_text("{")
    assert damage(folder) == {}
    RecordWriter(folder, "w")
    assert not leftover.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"[]", "not a record"),
        (b'{"schema": 2}', "schema 2"),
        (b'{"schema": 1}', "'writer' is missing"),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"schema": NaN}', "NaN"),
    ],
)
def test_a_damaged_record_is_named_and_left_out(folder: Path, content: bytes, reason: str) -> None:
    """An unreadable record is named with its reason and never stops the others from being read."""
    writer = RecordWriter(folder, "w")
    writer.append(record())
    writer.append(record()).write_bytes(content)
    assert reason in damage(folder)["records/w/000002.json"]
    assert len(load_run(folder).records) == 1


def test_a_changed_record_is_named(folder: Path) -> None:
    """Editing a record breaks the hash that the next one holds; the edited file is named and not used."""
    writer = RecordWriter(folder, "w")
    first = writer.append(record(wall_s=1.0))
    writer.append(record())
    first.write_bytes(first.read_bytes().replace(b'"wall_s": 1.0', b'"wall_s": 9.0'))
    assert "changed after it was written" in damage(folder)["records/w/000001.json"]
    assert [found["sequence"] for found in load_run(folder).records] == [2]


def test_a_dropped_record_is_named(folder: Path) -> None:
    """A gap in the sequence names the file that is missing."""
    writer = RecordWriter(folder, "w")
    paths = [writer.append(record()) for _ in range(3)]
    paths[1].unlink()
    assert damage(folder) == {"records/w/000002.json": "missing: later records of this writer are there"}


def test_swapped_records_are_named(folder: Path) -> None:
    """Two records that changed places are both named."""
    writer = RecordWriter(folder, "w")
    paths = [writer.append(record(reason=str(number))) for number in range(3)]
    first, second = paths[0].read_bytes(), paths[1].read_bytes()
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    assert {"records/w/000001.json", "records/w/000002.json"} <= set(damage(folder))


def test_not_a_run_folder_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    """A folder without a manifest, a missing folder and a damaged manifest each say what to do."""
    with pytest.raises(StoreError, match="not a run folder"):
        load_run(tmp_path)
    with pytest.raises(StoreError, match="no such folder"):
        load_run(tmp_path / "absent")
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="restore this file"):
        load_run(tmp_path)
    (tmp_path / "manifest.json").write_text('{"schema": 7}')
    with pytest.raises(StoreError, match="unknown manifest version 7"):
        load_run(tmp_path)


def test_the_newest_readable_plan_counts(folder: Path) -> None:
    """A damaged newest plan is named and the one before it is used."""
    (folder / "plans" / "0002.json").write_text("{")
    assert load_run(folder).plan.created == "t"
    assert "plans/0002.json" in damage(folder)
    (folder / "plans" / "0001.json").write_text("{}")
    with pytest.raises(StoreError, match="no readable plan"):
        load_run(folder)


def test_only_complete_blocks_count(folder: Path) -> None:
    """A speed record whose block attempt was never signed off is torn: kept, listed, not counted."""
    writer = RecordWriter(folder, "w")
    writer.append(record(**{"pass": "speed"}, block=1, attempt=1))
    writer.append(record(**{"pass": "speed"}, block=1, attempt=2))
    writer.append(block(1, 2, "c1"))
    run = load_run(folder)
    assert [found["attempt"] for found in run.counted_speed_records("c1")] == [2]
    assert [found["attempt"] for found in run.torn_speed_records()] == [1]
    assert run.last_attempt(1) == 2
    assert run.last_attempt(2) == 0


def test_finished_work_is_known(folder: Path) -> None:
    """A resumed run can ask for a proof, a block of speed, or a seed of accuracy."""
    writer = RecordWriter(folder, "w")
    writer.append(record())
    writer.append(record(**{"pass": "accuracy"}, seed=3))
    writer.append(record(**{"pass": "speed"}, block=1))
    writer.append(record(**{"pass": "speed"}, block=2))
    writer.append(block(2, 1, "c1"))
    run = load_run(folder)
    assert run.finished("c1", "proof")
    assert not run.finished("c2", "proof")
    assert run.finished("c1", "accuracy", seed=3)
    assert not run.finished("c1", "accuracy", seed=4)
    assert run.finished("c1", "speed", block=2)
    assert not run.finished("c1", "speed", block=1)
    assert run.latest("c1", "accuracy") == run.records[1]
