"""A large report by several processes is the one that a single process writes, whatever is wrong with the records."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from frameworkbench import report_processes
from frameworkbench.errors import StoreError
from frameworkbench.store.atomic import canonical_json
from frameworkbench.store.chain import with_own_hash
from tests.benchmarks.programs import program

CELLS = 2400
FIRST_SHARE = 1000
"""Two processes divide 2,400 cells there: a multiple of 250, between two workloads of 200 cells."""

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 2,400 cells with three records each."""
    folder = tmp_path_factory.mktemp("generated") / "run"
    many_cells = program("many_cells")
    many_cells.BLOCKS, many_cells.WINDOWS = 2, 18
    many_cells.make(folder, CELLS)
    return folder


@pytest.fixture
def run(generated: Path, tmp_path: Path) -> Path:
    """A copy of it to be changed."""
    return Path(shutil.copytree(generated, tmp_path / "run"))


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Files]:
    """The files of a report by so many processes."""

    def write(run: Path, cores: int, *languages: str) -> Files:
        monkeypatch.setattr(report_processes, "_cores", lambda: cores)
        out = tmp_path / f"report-{cores}"
        paths = report_processes.write_run(run, out, languages or ("en",))
        return {str(path.relative_to(out)): path.read_bytes() for path in paths}

    return write


def proof_of(run: Path, cell: int) -> Path:
    """The file of a cell's proof: the first record signs, then come the proofs in the order of the plan."""
    (chain,) = (run / "records").iterdir()
    return chain / f"{cell + 2:06d}.json"


def rewritten(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a record and give it the hash of its new content, so that only the next record can tell."""
    record = json.loads(path.read_bytes())
    change(record)
    path.write_bytes(canonical_json(with_own_hash(record)))


def named(files: Files) -> dict[str, str]:
    """Damaged files of a report, with the reasons."""
    report = json.loads(files["report.json"])
    return {Path(found["file"]).name: found["reason"] for found in report["damaged"]}


def test_the_bytes_do_not_depend_on_the_number_of_processes(generated: Path, files: Callable[..., Files]) -> None:
    """One and three processes write the same files, in both languages, and every cell is in its place."""
    alone = files(generated, 1, "en", "zh")

    assert files(generated, 3, "en", "zh") == alone
    assert {"report.json", "report.zh.html", "cells.csv", "pairs.csv", "cells/0010.html"} <= set(alone)
    keys = [cell["key"] for cell in json.loads((generated / "plans" / "0001.json").read_bytes())["cells"]]
    assert [cell["key"] for cell in json.loads(alone["report.json"])["cells"]] == keys


def test_damage_is_found_across_processes(run: Path, files: Callable[..., Files]) -> None:
    """A record that was changed, broken, dropped or rewritten is named whichever process reads it or the next one."""
    bound = FIRST_SHARE
    proof_of(run, 5).write_bytes(b"{")
    proof_of(run, bound + 5).write_bytes(proof_of(run, bound + 5).read_bytes().replace(b'"schema": 1', b'"schema": 2'))
    proof_of(run, bound + 50).unlink()
    rewritten(proof_of(run, bound - 1), lambda record: record.update(wall_s=1.0))  # the next one is another process's
    rewritten(proof_of(run, bound + 70), lambda record: record.pop("log_end"))
    rewritten(proof_of(run, bound + 90), lambda record: record["payload"].update(cache="hot"))

    together_ = files(run, 2)

    assert together_ == files(run, 1)
    found = named(together_)
    wrong = (5, bound - 1, bound + 5, bound + 50, bound + 70, bound + 90)
    assert set(found) == {proof_of(run, cell).name for cell in wrong}
    cells = json.loads(together_["report.json"])["cells"]
    assert {cells[cell]["code"] for cell in wrong} == {"NOT_RUN"}
    assert cells[bound + 6]["status"] == "ok"


def test_records_of_cells_that_nobody_planned_count_once(run: Path, files: Callable[..., Files]) -> None:
    """A torn process of an unknown cell, and a record that is written in a form of its own, are read by one process."""
    (chain,) = (run / "records").iterdir()
    last = max(chain.iterdir())
    record = json.loads(proof_of(run, FIRST_SHARE + 3).read_bytes())
    record |= {"pass": "speed", "block": 9, "cell_key": "f" * 24, "sequence": int(last.stem) + 1}
    record["previous"] = hashlib.sha256(last.read_bytes()).hexdigest()
    (chain / f"{int(last.stem) + 1:06d}.json").write_bytes(canonical_json(with_own_hash(record)))
    loose = proof_of(run, FIRST_SHARE + 7)
    loose.write_bytes(json.dumps(json.loads(loose.read_bytes())).encode())

    both = files(run, 2)

    assert both == files(run, 1)
    assert json.loads(both["report.json"])["torn_speed_records"] == 1
    assert set(named(both)) == {loose.name}


@pytest.mark.parametrize("cell", [5, FIRST_SHARE + 5])
def test_texts_are_cleaned_whichever_process_reads_them(cell: int, run: Path, files: Callable[..., Files]) -> None:
    """A log with control characters is clean in every file, also where most records need no look at their texts."""
    (chain,) = (run / "records").iterdir()
    last = max(chain.iterdir())
    record = json.loads(proof_of(run, cell).read_bytes())
    del record["sha256"]
    number = int(last.stem) + 1
    record |= {"sequence": number, "previous": hashlib.sha256(last.read_bytes()).hexdigest(), "status": "failed"}
    record |= {"code": "CRASHED", "reason": "over\u202ewritten", "log_end": "\x1b[31mred\x00"}
    (chain / f"{number:06d}.json").write_bytes(canonical_json(with_own_hash(record)))

    together_ = files(run, 2)

    assert together_ == files(run, 1)
    (failure,) = json.loads(together_["report.json"])["cells"][cell]["failures"]
    assert (failure["reason"], failure["log_end"]) == ("over\ufffdwritten", "red\ufffd")


def test_a_record_made_to_look_like_another_cells_is_read_all_the_same(run: Path, files: Callable[..., Files]) -> None:
    """Where the bytes mislead about whose a record is, one process reads the run and nothing is lost."""
    proof = proof_of(run, 3)
    other = json.loads(proof_of(run, FIRST_SHARE + 3).read_bytes())["cell_key"]
    own = json.loads(proof.read_bytes())["cell_key"]
    line = f'\n "cell_key": "{own}",'.encode()
    proof.write_bytes(proof.read_bytes().replace(line, line.replace(own.encode(), other.encode()) + line))

    assert files(run, 2) == files(run, 1)


def test_a_process_that_ends_early_is_said(
    run: Path, files: Callable[..., Files], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No report is written from half of the records: the error says what ended, with what, and what to do next."""
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho out of memory >&2\nexit 9\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))

    with pytest.raises(StoreError, match=r"ended early with 9: out of memory; .*untouched; .*one core"):
        files(run, 2)

    assert not (tmp_path / "report-2").exists()
