"""The parent sees from outside which cores and how much CPU time a worker really used."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.analysis.summary import summarise
from frameworkbench.report import write_report
from frameworkbench.run import census
from frameworkbench.run.fingerprints import available_cores
from frameworkbench.run.options import RunOptions

from .conftest import do

Request = Callable[..., RunOptions]

TICK = 1 / os.sysconf("SC_CLK_TCK")

two_cores = pytest.mark.skipif(len(available_cores()) < 2, reason="needs a second core to stray to")


def _process(
    proc: Path, pid: int, *, parent: int = 1, session: int = 1, times: tuple[int, int, int, int] = (0, 0, 0, 0),
    cpus: str = "0-1", last_cpu: int = 0, threads: int = 1,
) -> None:  # fmt: skip
    """Write one process into a /proc of our own."""
    fields = ["S", str(parent), str(session), str(session), *["0"] * 7, *map(str, times), *["0"] * 21, str(last_cpu)]
    stat = f"{pid} (a ) (name) {' '.join(fields)} 0 0\n"
    for number in range(threads):
        task = proc / str(pid) / "task" / str(pid + number)
        task.mkdir(parents=True)
        (task / "stat").write_text(stat)
        (task / "status").write_text(f"Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t{cpus}\n")
    (proc / str(pid) / "stat").write_text(stat)


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc with the worker 100, its child, its grandchild, an orphan of its session, and a stranger."""
    folder = tmp_path / "proc"
    _process(folder, 100, session=100, times=(5, 2, 30, 3), threads=3)
    _process(folder, 200, parent=100, session=200, times=(7, 0, 0, 0))
    _process(folder, 300, parent=200, session=200, cpus="4", last_cpu=4)
    _process(folder, 400, parent=1, session=100, times=(1, 0, 0, 0))
    _process(folder, 500, parent=1, session=1, times=(1000, 0, 0, 0), cpus="0-63")
    return folder


def _clock(*times: int) -> Callable[[], int]:
    readings: Iterator[int] = iter(times)
    return lambda: next(readings)


def _window(**changes: Any) -> dict[str, Any]:
    seen = {"cpus": "0-1", "cpu_s": 3.9, "cpu_error_s": 0.02, "wall_s": 2.0}
    return {"census": {**seen, **changes}}


@pytest.mark.parametrize("text", ["", "0", "0-1", "0,2", "0-3,8,10-11"])
def test_cpu_lists_are_read_and_written_as_the_kernel_does(text: str) -> None:
    """A list of CPUs survives reading and writing."""
    assert census.as_ranges(census.from_ranges(text)) == text


def test_the_whole_family_is_counted(proc: Path) -> None:
    """Descendants and whatever shares the worker's session count, with the time of ended children; strangers do not."""
    found = census.take(100, clock=_clock(10, 20), proc=proc)

    assert found is not None
    assert (found.processes, len(found.threads)) == (4, 6)
    assert found.ticks == (5 + 2 + 30 + 3) + 7 + 1
    assert found.user_ticks == (5 + 30) + 7 + 1
    assert found.cpus == {0, 1, 4}
    assert (found.began_ns, found.ended_ns) == (10, 20)


def test_a_worker_that_is_gone_has_no_census(proc: Path) -> None:
    """No process, or no /proc at all, is no reading and no accident."""
    assert census.take(999, proc=proc) is None
    assert census.take(100, proc=proc / "nowhere") is None
    assert census.between(None, None) is None


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("0::/job/step", ["job/step", "job", "."]),
        ("4:cpu,cpuacct:/job", ["cpu,cpuacct/job", "cpu,cpuacct"]),
        ("1:cpu:/", ["cpu"]),
    ],
)
def test_throttling_is_summed_over_visible_groups(line: str, files: list[str], proc: Path, tmp_path: Path) -> None:
    """A quota on the worker's control group or on one above it counts, in both versions of control groups."""
    groups = tmp_path / "cgroup"
    (proc / "100" / "cgroup").write_text(f"9:memory:/other\n{line}\n")
    for number, name in enumerate(files, start=1):
        (groups / name).mkdir(parents=True, exist_ok=True)
        (groups / name / "cpu.stat").write_text(f"nr_periods 50\nnr_throttled {number}\n")

    found = census.take(100, proc=proc, cgroups=groups)

    assert found is not None
    assert found.throttled == sum(range(1, len(files) + 1))


def test_throttling_that_is_not_told_is_not_zero(proc: Path, tmp_path: Path) -> None:
    """Where no control group tells, the count is absent."""
    found = census.take(100, proc=proc, cgroups=tmp_path)

    assert found is not None
    assert found.throttled is None
    between = census.between(found, found)
    assert between is not None
    assert between["throttled"] is None


def test_what_the_kernel_does_is_no_computing() -> None:
    """Computed seconds are those outside the kernel; without one of the readings they are not known."""
    before = census.Census(0, 0, 1, 500, {}, frozenset(), None, user_ticks=300)
    after = census.Census(0, 0, 1, 900, {}, frozenset(), None, user_ticks=310)

    assert census.user_s(before, after) == pytest.approx(10 * TICK)
    assert census.user_s(None, after) is None


def test_use_is_the_difference_of_two_readings() -> None:
    """CPU time, busy threads and throttled periods are what was added between two readings; wall time encloses both."""
    before = census.Census(1_000_000_000, 1_100_000_000, 1, 500, {1: 400, 2: 100}, frozenset({0}), 3, 500)
    after = census.Census(2_900_000_000, 3_000_000_000, 2, 900, {1: 700, 2: 100, 3: 100}, frozenset({0, 1}), 5, 900)

    assert census.between(before, after) == {
        "threads": 3,
        "busy_threads": 2,
        "processes": 2,
        "cpus": "0-1",
        "cpu_s": pytest.approx(400 * TICK),
        "cpu_error_s": pytest.approx(4 * TICK),
        "wall_s": 2.0,
        "throttled": 2,
    }


@pytest.mark.parametrize(
    "window",
    [
        _window(),
        _window(cpu_s=4.2),  # 2 cores x 2 s x 1.05
        _window(cpu_s=4.22),  # and the ticks that rounding can hide
        _window(cpus="1"),
        {"census": None},
        {},
    ],
)
def test_what_two_cores_can_do_is_accepted(window: dict[str, Any]) -> None:
    """Full use of the given cores, fewer of them, and a missing census are no offence."""
    assert census.judge([window], [0, 1]) == []


@pytest.mark.parametrize(
    ("window", "says"),
    [
        (_window(cpu_s=4.25), "4.25 CPU-seconds in 2.00 s on 2 given cores"),
        (_window(cpus="0-2"), "CPUs 0-2; the cell was given 0-1"),
        (_window(cpus="5"), "CPUs 5; the cell was given 0-1"),
    ],
)
def test_more_than_was_given_is_caught(window: dict[str, Any], says: str) -> None:
    """A CPU outside the mask, or more CPU time than the cores have, is RESOURCE in any one of the windows."""
    found = census.judge([_window(), window], [0, 1])

    assert [finding.code for finding in found] == ["RESOURCE"]
    assert says in found[0].reason


def test_a_mask_that_was_left_alone_is_not_judged() -> None:
    """Without cores of its own a worker has none to exceed."""
    assert census.judge([_window(cpus="0-63")], []) == []


def test_a_real_process_with_threads_and_a_child() -> None:
    """Threads, processes and CPU time of a live process come from the kernel's own accounts."""
    code = (
        "import subprocess, sys, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "child = subprocess.Popen([sys.executable, '-c', 'print(1, flush=True); import time; time.sleep(60)'])\n"
        "sys.stdin.readline()\n"
        "while time.process_time() < 0.3: pass\n"
        "print('done', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            assert process.stdout.readline() == "1\n"
            before = census.take(process.pid)
            print(file=process.stdin, flush=True)
            assert process.stdout.readline() == "done\n"
            used = census.between(before, census.take(process.pid))
        finally:
            os.killpg(process.pid, 9)

    assert used is not None
    assert (used["threads"], used["processes"]) == (3, 2)
    assert used["cpu_s"] >= 0.1
    assert used["cpu_s"] <= used["wall_s"] * 2 + used["cpu_error_s"]
    assert used["cpus"] == census.as_ranges(available_cores())


@two_cores
@pytest.mark.parametrize("mode", ["wide_main", "wide_thread", "wide_child"])
def test_more_cores_than_were_given_are_caught(mode: str, request_for: Request) -> None:
    """Whoever widens the mask of the worker, of one of its threads or of a child gets no number."""
    _, run_ = do(request_for(f"crowded:{mode}", "crowded:honest", threads=1))

    bad = [r for r in run_.records if r["cell"] and r["cell"]["mode"] == mode and r["status"] != "ok"]
    assert {(r["status"], r["code"]) for r in bad} == {("invalid", "RESOURCE")}
    cells = {cell.label: cell for cell in summarise(run_).cells}
    assert cells[f"crowded:{mode}"].facts["throughput_samples_per_s"] is None
    assert cells["crowded:honest"].verdict.status == "ok"


@two_cores
def test_more_threads_on_the_given_cores_are_no_offence(request_for: Request) -> None:
    """A second busy thread on the one given core gains nothing: that is foreign work, and no use of more cores."""
    _, run_ = do(request_for("crowded:extra_thread", threads=1))

    (cell,) = summarise(run_).cells
    assert (cell.verdict.status, cell.verdict.code) == ("invalid", "FOREIGN_WORK")
    (record,) = run_.cell_records(cell.key, "speed")
    assert [finding["code"] for finding in record["payload"]["findings"]] == ["FOREIGN_WORK"]
    assert record["payload"]["windows"][0]["census"]["threads"] >= 2


@two_cores
@pytest.mark.parametrize(("mode", "status", "code"), [("helped", "ok", ""), ("abandoned", "invalid", "FOREIGN_WORK")])
def test_a_compilers_helpers_can_end_before_the_first_window(
    mode: str, status: str, code: str, request_for: Request
) -> None:
    """A helper process that burns CPU time from the start on is no offence if ``end_helpers`` ends it, else it is."""
    _, run_ = do(request_for(f"crowded:{mode}"))

    (cell,) = summarise(run_).cells
    assert (cell.verdict.status, cell.verdict.code) == (status, code)


def test_a_framework_that_cannot_be_asked_says_so(request_for: Request, tmp_path: Path) -> None:
    """A row whose threads cannot be read carries the census instead, in all three forms of the report."""
    options = request_for("crowded:silent", "crowded:honest")
    _, run_ = do(options)

    summary = summarise(run_)
    files = write_report(options.out, tmp_path / "report", summary=summary)

    facts = {cell.label: cell.facts["thread_use"] for cell in summary.cells}
    assert facts["crowded:honest"]["equalised"]
    assert not facts["crowded:silent"]["equalised"]
    assert facts["crowded:silent"]["note"].startswith("threads not readable: census saw ")
    texts = {file.suffix: file.read_text(encoding="utf-8").replace("\\", "") for file in files}
    assert "threads not readable: census saw" in texts[".json"]
    for text, mark in ((texts[".md"], "- "), (texts[".html"], "<li>")):
        assert "could not be shown to be equal" in text
        assert f"{mark}crowded:silent: threads not readable: census saw" in text
