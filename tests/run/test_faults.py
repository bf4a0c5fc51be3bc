"""Whatever a worker does, the run survives, says what happened in a record, and loses nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.errors import StoreError
from frameworkbench.run.engine import run
from frameworkbench.run.options import RunOptions
from frameworkbench.store.lock import run_lock
from frameworkbench.store.records import load_run

from .conftest import FAKES, do, only_failure, silent

Request = Callable[..., RunOptions]


@pytest.mark.parametrize(
    ("mode", "status", "code", "says"),
    [
        ("exits", "failed", "CRASH", "exit status 3"),
        ("killed", "failed", "KILLED", "signal 9"),
        ("babbles", "failed", "BAD_OUTPUT", "not JSON"),
        ("hungry", "failed", "OUT_OF_MEMORY", "memory"),
        ("raises", "failed", "ADAPTER_ERROR", "does not like this <script>"),
        ("falls_back", "unsupported", "MODE_FALLBACK", "'eager' ran"),
        ("wrong_threads", "invalid", "SETTINGS", "threads"),
    ],
)
def test_a_fault_becomes_a_record(mode: str, status: str, code: str, says: str, request_for: Request) -> None:
    """Each fault is a record with its own code and a sentence, and the honest row beside it is still measured."""
    _, run_ = do(request_for("faulty:honest", f"faulty:{mode}", memory_limit=4 * 1024**3))

    bad = [r for r in run_.records if r["cell"] and r["cell"]["mode"] == mode]
    assert {(r["status"], r["code"]) for r in bad} == {(status, code)}
    assert says in bad[-1]["reason"]
    good = [r for r in run_.records if r["cell"] and r["cell"]["mode"] == "honest"]
    assert {r["pass"] for r in good} == {"proof", "speed"}
    assert [(r["pass"], r["code"], r["reason"]) for r in good if r["status"] != "ok"] == []


def test_an_accident_is_tried_twice_and_a_wrong_setting_once(request_for: Request) -> None:
    """A crash gets a second process; a setting that did not take would only repeat itself."""
    _, run_ = do(request_for("faulty:exits", "faulty:wrong_threads"))

    attempts = [r["attempt"] for r in run_.records if r["code"] == "CRASH"]
    assert attempts == [1, 2]
    assert len([r for r in run_.records if r["code"] == "SETTINGS"]) == 1


def test_a_hanging_worker_is_ended_in_time(request_for: Request) -> None:
    """A worker that never answers is ended at the cell's limit with TIMEOUT, and no process is left behind."""
    started = time.monotonic()
    _, run_ = do(request_for("faulty:hangs", timeout_s=4.0))

    record = only_failure(run_)
    assert record["code"] == "TIMEOUT"
    assert "limit of 4 s" in record["reason"]
    assert time.monotonic() - started < 60


def test_garbage_on_stdout_is_harmless(request_for: Request) -> None:
    """Results travel on their own pipe: noise on standard output ends up in the log and nowhere else."""
    options = request_for("faulty:noisy")
    _, run_ = do(options)

    assert all(record["status"] == "ok" for record in run_.records)
    logs = b"".join(path.read_bytes() for path in (options.out / "logs").iterdir())
    assert b"garbage" in logs


def test_wrong_only_in_the_timed_process(request_for: Request) -> None:
    """An adapter that passes the proof and computes something else when timed is caught by the snapshot."""
    _, run_ = do(request_for("faulty:wrong_later"))

    record = only_failure(run_)
    assert (record["pass"], record["status"], record["code"]) == ("speed", "not_comparable", "WRONG_RESULT")
    assert "in the timed process" in record["reason"]


def test_missing_compiler(request_for: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mode that needs a C++ compiler is unsupported/NO_COMPILER where there is none."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    _, run_ = do(request_for("faulty:compiles"))

    record = only_failure(run_)
    assert (record["status"], record["code"]) == ("unsupported", "NO_COMPILER")
    assert "g++" in record["reason"]


@pytest.mark.parametrize(
    ("python", "lock", "status", "code"),
    [
        (">=3.99", "six==1.16.0\n", "unsupported", "NO_INTERPRETER"),
        (">=3.10", "frameworkbench-no-such-package==9.9\n", "failed", "ENVIRONMENT_FAILED"),
    ],
)
def test_environment_that_cannot_be_made(
    python: str, lock: str, status: str, code: str, request_for: Request, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A missing interpreter or an uninstallable requirement is a record; the other adapters are measured."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    folder = tmp_path / "adapters" / "unmakeable"
    shutil.copytree(FAKES / "faulty", folder)
    text = (folder / "adapter.toml").read_text().replace('name = "faulty"', 'name = "unmakeable"')
    text = text.replace('interpreter = "core"', 'interpreter = "managed"')
    text = text.replace('python = ">=3.10"', f'python = "{python}"')
    (folder / "adapter.toml").write_text(text + '\n[install.cpu]\nlock = "requirements.lock"\n')
    (folder / "requirements.lock").write_text(lock)

    _, run_ = do(
        request_for("unmakeable:honest", "faulty:honest", adapter_paths=(FAKES, folder), cache_dir=tmp_path / "cache")
    )

    record = only_failure(run_)
    assert (record["pass"], record["status"], record["code"]) == ("environment", status, code)
    assert [r for r in run_.records if r["pass"] == "speed" and r["status"] == "ok"]


def test_missing_external_interpreter(request_for: Request, tmp_path: Path) -> None:
    """An interpreter that the user names and that is not there is a record with the path."""
    options = request_for("faulty:honest", interpreters={"faulty": tmp_path / "no" / "python"})
    _, run_ = do(options)

    record = only_failure(run_)
    assert record["code"] == "ENVIRONMENT_MISSING"
    assert "no/python" in record["reason"]


def test_disk_full_loses_no_finished_record(request_for: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a record cannot be written the run stops with a clear error, and every earlier record can be read."""
    options = request_for("faulty:honest")
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if "records" in path.parts and list(options.out.glob("records/*/000001.json")) and "000001" not in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real_fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreError, match="no space left"):
        run(options, silent)
    monkeypatch.setattr(os, "fsync", real_fsync)
    before = load_run(options.out)

    _, after = do(options)

    assert not before.damaged
    assert {r["writer"] for r in before.records} <= {r["writer"] for r in after.records}
    assert [r for r in after.records if r["pass"] == "speed" and r["status"] == "ok"]


def test_two_runs_in_one_folder(request_for: Request) -> None:
    """A second run in a folder that another process is working in is refused, and says so."""
    options = request_for("faulty:honest")
    options.out.mkdir(parents=True)
    with run_lock(options.out), pytest.raises(StoreError, match="another run"):
        run(options, silent)


def test_a_damaged_record_is_named_and_measured_again(request_for: Request) -> None:
    """A record that cannot be read is named, not used, and its work is done again; the others stay."""
    options = request_for("faulty:honest")
    _, first = do(options)
    proof = next(p for p in options.out.glob("records/*/*.json") if json.loads(p.read_text())["pass"] == "proof")
    proof.write_bytes(proof.read_bytes()[:100])

    _, second = do(options)

    assert [damage.file for damage in second.damaged if proof.name in damage.file]
    proofs = [r for r in second.records if r["pass"] == "proof"]
    assert proofs
    assert all(r["status"] == "ok" for r in proofs)
    assert len(second.records) > len(first.records) - 1


def test_a_finished_run_repeats_nothing(request_for: Request) -> None:
    """The same command on a complete run starts no worker."""
    options = request_for("faulty:honest", blocks=2)
    _, first = do(options)
    result, second = do(options)

    cells = [r for r in second.records if r["kind"] == "cell"]
    assert cells == [r for r in first.records if r["kind"] == "cell"]
    assert result.complete


def test_a_changed_adapter_is_measured_again(request_for: Request, tmp_path: Path) -> None:
    """A new line in an adapter changes the cell's key, so no number of the old one is shown for it."""
    folder = tmp_path / "mine"
    shutil.copytree(FAKES / "faulty", folder)
    options = request_for("faulty:honest", adapter_paths=(folder,))
    _, first = do(options)
    with (folder / "adapter.py").open("a") as file:
        file.write("\n# a change\n")

    _, second = do(options)

    assert {c.key for c in first.plan.cells}.isdisjoint(c.key for c in second.plan.cells)
    assert len([r for r in second.records if r["pass"] == "proof"]) == 2


def _records(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in out.glob("records/*/*.json")}


def test_killing_the_parent_loses_no_finished_record(request_for: Request, tmp_path: Path) -> None:
    """After kill -9 in the middle of a block its records are kept as torn, the block is run again, workers are gone."""
    options = request_for("faulty:honest", "sabotaged:honest", blocks=3)
    code = "import sys, json; sys.path.insert(0, sys.argv[1]); from tests.run.resume import main; main(sys.argv[2])"
    root = Path(__file__).parent.parent.parent
    request = _as_json(options)
    process = subprocess.Popen([sys.executable, "-c", code, str(root), request], cwd=tmp_path)
    deadline = time.monotonic() + 120
    seen_alive: list[int] = []
    while time.monotonic() < deadline and process.poll() is None:
        speeds = [r for r in _parsed(options.out) if r["pass"] == "speed"]
        blocks = [r for r in _parsed(options.out) if r["kind"] == "block"]
        if len(speeds) == 2 * len(blocks) + 1 and (seen_alive := _workers_of(options.cache_dir)):
            break
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    while _workers_of(options.cache_dir) and time.monotonic() < deadline:
        time.sleep(0.01)
    orphans = _workers_of(options.cache_dir)
    before = _records(options.out)

    _, run_ = do(options)

    after = _records(options.out)
    assert before.items() <= after.items()
    assert len(run_.torn_speed_records()) == 1
    assert {block.block for block in run_.complete_blocks()} == {1, 2, 3}
    assert seen_alive
    assert orphans == []


def test_budget_stops_between_units_and_resumes(request_for: Request) -> None:
    """With a budget that is too short the session says what is open; the next one finishes it without repeating."""
    options = request_for("faulty:honest", blocks=2)
    first, _ = do(replace(options, budget_s=0.001))
    second, run_ = do(options)

    assert not first.complete
    assert "missing" in first.open_text or "blocks" in first.open_text
    assert second.complete
    assert len([r for r in run_.records if r["pass"] == "proof"]) == 1


def _parsed(out: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(out.glob("records/*/0*.json")):
        try:
            found.append(json.loads(path.read_text()))
        except (ValueError, FileNotFoundError):
            continue
    return found


def _as_json(options: RunOptions) -> str:
    return json.dumps(
        {
            "protocol": options.protocol.to_json(),
            "out": str(options.out),
            "cache_dir": str(options.cache_dir),
            "workloads": list(options.workloads),
            "adapters": list(options.adapters),
            "adapter_paths": [str(path) for path in options.adapter_paths],
        }
    )


def _workers_of(cache_dir: Path) -> list[int]:
    """Processes still running a worker of this test session: their environment names its cache."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if b"bootstrap.py" in command and str(cache_dir).encode() in environment:
            found.append(int(folder.name))
    return found


def test_again_keeps_a_complete_run_and_resumes_an_unfinished_one(request_for: Request) -> None:
    """Starting over moves a complete run aside and measures anew; an unfinished run is gone on with instead."""
    options = request_for("faulty:honest", fresh=True)
    do(replace(options, budget_s=0.001))
    _, resumed = do(options)
    _, second = do(options)

    folders = sorted(path.name for path in options.out.parent.iterdir() if path.name.startswith("run"))
    assert len(folders) == 2
    assert len({r["writer"] for r in resumed.records}) == 2
    assert {r["writer"] for r in resumed.records}.isdisjoint(r["writer"] for r in second.records)
