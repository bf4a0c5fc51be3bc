"""Whole commands on the smallest run there is: the oracle on a tiny workload."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

from .conftest import FAKES, Command, Finished, in_own_process

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
FILES = ["report.html", "report.json", "report.md"]


def test_a_run_with_report(finished: Finished) -> None:
    """One command measures and writes the three files; results on standard output, progress on standard error."""
    assert finished.answer.code == 0
    assert sorted(path.name for path in finished.report.iterdir()) == FILES
    assert re.search(r"tiny-mlp +reference:numpy +ok", finished.answer.out)
    assert "complete" in finished.answer.err
    assert "report.html" in finished.answer.err


def test_plain_output_holds_no_control_characters(finished: Finished) -> None:
    """Away from a terminal there are lines only: no colours, no cursor movement, no carriage return."""
    assert not CONTROL.search(finished.answer.out)
    assert not CONTROL.search(finished.answer.err)


def test_the_same_records_give_the_same_bytes(finished: Finished, command: Command, tmp_path: Path) -> None:
    """`report` on the run folder writes byte by byte what `run --report` wrote, wherever it writes."""
    answer = command("report", str(finished.out), "--out", "elsewhere", "--json")

    assert answer.code == 0
    assert sorted(Path(name).name for name in json.loads(answer.out)) == FILES
    for name in FILES:
        assert (tmp_path / "elsewhere" / name).read_bytes() == (finished.report / name).read_bytes()


def test_a_report_names_no_folder(finished: Finished) -> None:
    """No path of this machine gets into the report or the manifest."""
    files = [*finished.report.iterdir(), finished.out / "manifest.json", *finished.out.glob("records/*/*.json")]

    assert len(files) > 5
    assert [path.name for path in files if str(finished.folder).encode() in path.read_bytes()] == []


def test_the_command_is_recorded(finished: Finished) -> None:
    """The manifest holds the command as typed, so that it can be run again."""
    manifest = json.loads((finished.out / "manifest.json").read_text())

    assert manifest["command"][:4] == ["frameworkbench", "run", "--suite", "smoke"]


def test_the_same_command_again_measures_nothing(finished: Finished) -> None:
    """A finished run is left as it is: the second command adds no cell record and ends with 0."""
    cells = [p for p in finished.out.glob("records/*/*.json") if json.loads(p.read_text())["kind"] == "cell"]
    before = {path: path.read_bytes() for path in cells}
    args = ["run", "--suite", "smoke", "-w", "tiny.toml", "--out", "out", "--cache-dir", "cache", "--json"]

    process = in_own_process(*args, cwd=finished.folder)
    out, _ = process.communicate()

    after = [p for p in finished.out.glob("records/*/*.json") if json.loads(p.read_text())["kind"] == "cell"]
    assert process.returncode == 0
    assert {path: path.read_bytes() for path in after} == before
    assert json.loads(out)["cells"][0]["status"] == "ok"


def test_another_request_in_the_same_folder(finished: Finished) -> None:
    """A run folder belongs to one request: another seed ends with 2, names the folder and --again."""
    args = ["run", "--suite", "smoke", "-w", "tiny.toml", "--out", "out", "--cache-dir", "cache", "--seed", "7"]

    process = in_own_process(*args, cwd=finished.folder)
    _, err = process.communicate()

    assert process.returncode == 2
    assert "another seed" in err
    assert "--again" in err


def test_again_keeps_the_old_run(command: Command, tiny: str, tmp_path: Path) -> None:
    """--again starts over and keeps the old run under another name."""
    args = ["run", "--suite", "smoke", "-w", tiny, "--out", "out"]
    command(*args, "--budget", "1s")

    answer = command(*args, "--again", "--seed", "3")

    kept = [path for path in tmp_path.iterdir() if path.name.startswith("out-")]
    assert answer.code == 0
    assert json.loads((tmp_path / "out" / "manifest.json").read_text())["seed"] == 3
    assert [json.loads((path / "manifest.json").read_text())["seed"] for path in kept] == [0]


def test_strict(command: Command, tiny: str) -> None:
    """A cell that fails leaves the run at 0; with --strict the same run ends with 6."""
    args = ["run", "--suite", "smoke", "-w", tiny, "-a", "faulty:exits", "--adapter-path", str(FAKES), "--out", "out"]

    lenient, strict = command(*args), command(*args, "--strict")

    assert (lenient.code, strict.code) == (0, 6)
    assert "failed/CRASH" in lenient.out


def test_a_budget_that_is_too_short(command: Command, tiny: str) -> None:
    """A run that the budget stops says what is open and ends with 0; the same command goes on."""
    args = ["run", "--suite", "smoke", "-w", tiny, "--out", "out"]

    first, second = command(*args, "--budget", "0.001s"), command(*args)

    assert first.code == second.code == 0
    assert "stopped by the budget; open: " in first.err
    assert "complete" in second.err


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if re.search(rf"^PPid:\t{pid}$", text, re.M):
            found.append(int(status.parent.name))
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_ended_run_closes_its_books(ending: signal.Signals, tmp_path: Path, tiny: str) -> None:
    """Ctrl-C or a kill ends a run with 130, tells how to go on, leaves a record of the interruption and no worker."""
    args = ["run", "--suite", "smoke", "-w", tiny, "-a", "faulty:hangs", "--adapter-path", str(FAKES)]
    process = in_own_process(*args, "--out", "out", "--cache-dir", "cache", cwd=tmp_path)
    deadline = time.monotonic() + 120
    workers: list[int] = []
    while time.monotonic() < deadline and process.poll() is None:
        # A worker that was sent weights has started and is on its way into the step that never ends.
        workers = [pid for pid in _children(process.pid) if _has_files(pid)]
        if workers:
            break
        time.sleep(0.01)

    process.send_signal(ending)
    _, err = process.communicate(timeout=120)

    assert workers
    assert process.returncode == 130
    assert "the same command goes on from here" in err
    assert "Traceback" not in err
    assert [pid for pid in workers if _alive(pid)] == []
    books = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("records/*/*.json")]
    assert [book["payload"]["interrupted"] for book in books if book["kind"] == "run"] == [True]


def _has_files(pid: int) -> bool:
    """Whether a process is a worker with something in its working folder."""
    try:
        worker = b"bootstrap.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
        return worker and any(Path(f"/proc/{pid}/cwd").iterdir())
    except OSError:
        return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_output_folder_that_cannot_be_made(command: Command, tiny: str, tmp_path: Path) -> None:
    """A path below a file is an error with the path in it, not a traceback."""
    (tmp_path / "file").write_text("x", encoding="utf-8")

    answer = command("run", "--suite", "smoke", "-w", tiny, "--out", "file/out")

    assert answer.code in (1, 5)
    assert "file" in answer.err
    assert "Traceback" not in answer.err
