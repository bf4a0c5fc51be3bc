"""Windows of a block's processes lie between each other, so that what the machine does meanwhile meets all of them."""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frameworkbench.errors import WorkerError
from frameworkbench.provenance.verify import verify_run
from frameworkbench.run import codes, foreign, rest
from frameworkbench.run.groups import Group, groups
from frameworkbench.run.options import RunOptions
from frameworkbench.run.orphans import MARK, mark_of
from frameworkbench.run.passes.outcome import Outcome, Turns
from frameworkbench.run.platform_facts import memory_bytes
from frameworkbench.run.turns import Metered, alone, at_once, in_turns
from frameworkbench.run.worker_process import WorkerProcess, take_unclaimed
from frameworkbench.store.run import Run

from .conftest import do

Request = Callable[..., RunOptions]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's accounts are Linux's")


def _named(name: str, turns: int, seen: list[str]) -> Turns:
    """A pass that notes each of its turns, and how it ended."""
    try:
        for _ in range(turns):
            seen.append(name)
            yield
        return Outcome(reason=name)
    finally:
        seen.append(f"{name} ended")


def test_every_pass_has_one_turn_in_each_round() -> None:
    """No pass waits for longer than a round, and what each came to is returned in the order of the passes."""
    seen: list[str] = []
    outcomes = in_turns([_named(name, 6, seen) for name in "abc"], random.Random(1), lambda: seen.append("|"))
    rounds = "".join(seen).split("|")

    assert [outcome.reason for outcome in outcomes] == ["a", "b", "c"]
    assert [sorted(one) for one in rounds[:6]] == [["a", "b", "c"]] * 6
    assert len(set(rounds[:6])) > 1, "the order is drawn anew"
    assert seen.count("|") == 6, "a reading lies before and after each of the five rounds of windows"


def test_passes_of_different_length_all_end() -> None:
    """A pass with more windows than others goes on when they have ended."""
    seen: list[str] = []
    outcomes = in_turns([_named("a", 1, seen), _named("b", 3, seen)], random.Random(0), lambda: None)

    assert len(outcomes) == 2
    assert (seen.count("a"), seen.count("b")) == (1, 3)


def test_an_interruption_ends_all_passes() -> None:
    """Ctrl-C in the turn of one pass ends the others too: no worker is left behind."""
    seen: list[str] = []

    def interrupted() -> Turns:
        yield
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_turns([_named("a", 9, seen), interrupted(), _named("b", 9, seen)], random.Random(0), lambda: None)

    assert {"a ended", "b ended"} <= set(seen)


def test_only_own_time_is_counted() -> None:
    """The time of a pass is that of its own turns, and a pass without turns runs at once."""

    def slow() -> Turns:
        time.sleep(0.05)
        yield
        time.sleep(0.05)
        return Outcome()

    metered = [Metered(slow()), Metered(slow())]
    in_turns([one.turns() for one in metered], random.Random(0), lambda: time.sleep(0.3))

    assert all(0.1 <= one.own_s < 0.3 for one in metered)
    assert alone(at_once(lambda: Outcome(reason="done"))).reason == "done"


def test_a_failure_counts_its_time_too() -> None:
    """What a pass took before it failed is counted, and its failure comes through."""

    def failing() -> Turns:
        yield
        time.sleep(0.02)
        raise WorkerError(codes.CRASH, "gone")

    metered = Metered(failing())
    with pytest.raises(WorkerError, match="gone"):
        alone(metered.turns())
    assert metered.own_s >= 0.02


def _planned(workload: str, task: str = "train", lane: str = "matched") -> Any:
    return SimpleNamespace(cell=SimpleNamespace(workload=workload, task=task, lane=lane))


def _sizes(found: list[Group]) -> list[tuple[str, int]]:
    return [(group.name, len(group.members)) for group in found]


def test_rows_that_are_compared_take_turns() -> None:
    """One task of one workload in one lane is a group; nothing else is compared, so nothing else need wait."""
    members = [_planned("a"), _planned("b"), _planned("a"), _planned("a", "infer"), _planned("a", lane="tuned")]
    found = groups(members, lambda _: 1, free_bytes=lambda: 100)

    assert _sizes(found) == [
        ("a, train, matched", 2),
        ("b, train, matched", 1),
        ("a, infer, matched", 1),
        ("a, train, tuned", 1),
    ]
    assert found[0].members == (members[0], members[2])


@pytest.mark.parametrize(
    ("peak", "free", "sizes"),
    [(10, 100, [5, 2]), (60, 100, [1] * 7), (10, None, [1] * 7), (None, 100, [1] * 7)],
    ids=["half of the memory holds five", "too large for two", "memory unknown", "a card"],
)
def test_no_more_processes_than_memory_holds(peak: int | None, free: int | None, sizes: list[int]) -> None:
    """Processes that wait may take half of the free memory; on a card, or where memory is unknown, each is alone."""
    size = None if peak is None else lambda _: peak
    found = groups([_planned("a")] * 7, size, free_bytes=lambda: free)

    assert [len(group.members) for group in found] == sizes


def test_free_memory_is_read(tmp_path: Path) -> None:
    """The kernel's own figure is taken, in bytes; where there is none, none is made up."""
    (tmp_path / "meminfo").write_text("MemTotal: 100 kB\nMemAvailable:      70 kB\n", encoding="ascii")

    assert memory_bytes("MemAvailable", tmp_path / "meminfo") == 70 * 1024
    assert memory_bytes("MemAvailable", tmp_path / "missing") is None


def _timed(run_: Run) -> list[dict[str, Any]]:
    return [record for record in run_.records if record["pass"] == "speed"]


def test_windows_of_real_processes_alternate(request_for: Request, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows of a run are alive together and timed one at a time, window by window; the run folder verifies."""
    monkeypatch.setattr(foreign, "read", lambda *args, **kwargs: None)
    options = request_for("faulty:honest", "reference:numpy", blocks=2)
    options = replace(options, protocol=replace(options.protocol, windows=4, window_steps=40, window_s=0.0))
    _, run_ = do(options)
    timed = [record for record in _timed(run_) if record["block"] == 1]
    spans = sorted(
        (window["start_ns"], window["stop_ns"], record["cell"]["adapter"])
        for record in timed
        for window in record["payload"]["windows"]
    )

    assert [record["status"] for record in timed] == ["ok", "ok"], [record["reason"] for record in timed]
    assert [len(record["payload"]["windows"]) for record in timed] == [4, 4]
    assert {window["steps"] for record in timed for window in record["payload"]["windows"]} == {10}
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans)), "never two at once"
    assert all({spans[place][2], spans[place + 1][2]} == {"faulty", "reference"} for place in range(0, 8, 2))
    processes = [record["payload"]["process"] for record in timed]
    assert max(one["started_ns"] for one in processes) < min(one["ended_ns"] for one in processes)
    assert all(record["payload"]["parked"]["turns"] == 5 for record in timed)
    assert verify_run(options.out).intact


def test_a_process_that_is_alone_has_one_window(request_for: Request) -> None:
    """Nothing is cut where there is nobody to take turns with."""
    options = request_for("faulty:honest")
    _, run_ = do(replace(options, protocol=replace(options.protocol, windows=4, window_steps=40)))

    assert [len(record["payload"]["windows"]) for record in _timed(run_)] == [1]


def test_one_that_dies_between_turns_leaves_the_others_alone(request_for: Request) -> None:
    """A worker killed in its windows has its record, and the processes that it took turns with are timed."""
    options = request_for("faulty:honest", "faulty:dies_later")
    _, run_ = do(replace(options, protocol=replace(options.protocol, windows=4, window_steps=400)))
    found = {record["cell"]["mode"]: (record["status"], record["code"]) for record in _timed(run_)}

    assert found == {"honest": ("ok", ""), "dies_later": ("failed", "KILLED")}


@LINUX
def test_a_waiting_process_is_at_rest_first() -> None:
    """The wait lasts as long as threads spin, and no longer than its limit."""
    spin = "import time\nprint('on', flush=True)\nend = time.monotonic() + 0.3\nwhile time.monotonic() < end: pass\n"
    took = []
    for program in (spin + "input()", "print('on', flush=True)\nwhile True: pass"):
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            began = time.monotonic()
            rest.settle(process.pid, limit_s=2.0)
            took.append(time.monotonic() - began)
            process.kill()

    assert 0.2 < took[0] < 2.0
    assert took[1] >= 2.0


@LINUX
@pytest.mark.parametrize(
    ("environment", "accused", "unclaimed"),
    [("None", 1, 0), ("{}", 0, 1)],
    ids=["bears its worker's mark", "bears no mark"],
)
def test_what_one_of_several_workers_left_behind(
    environment: str, accused: int, unclaimed: int, tmp_path: Path
) -> None:
    """It is told by its mark whose it was; one without a mark is ended, and nobody is accused for another."""
    leave = (
        "import subprocess, sys\n"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True,"
        f" env={environment})\n"
    )
    leaver, other = tmp_path / "leaver.py", tmp_path / "other.py"
    leaver.write_text(leave + "input()", encoding="utf-8")
    other.write_text("import time\ntime.sleep(60)", encoding="utf-8")
    take_unclaimed()
    workers = [
        WorkerProcess(
            Path(sys.executable), environment={}, log=tmp_path / "log", folder=tmp_path, cores=(), deadline_s=30,
            program=program,
        )
        for program in (other, leaver)
    ]  # fmt: skip
    workers[1]._process.wait()  # it has ended by itself: nobody answers its input
    workers[1].close()
    workers[0].close()

    assert [worker.survivors for worker in workers] == [0, accused]
    assert take_unclaimed() == unclaimed


@LINUX
def test_the_mark_is_read_from_the_kernel() -> None:
    """A descendant's mark is what it was started with; a process without one, or one that is gone, has none."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={**os.environ, MARK: "abc"}
    ) as process:
        deadline = time.monotonic() + 10
        while mark_of(process.pid) != "abc" and time.monotonic() < deadline:
            time.sleep(0.01)  # until it runs the new program
        assert mark_of(process.pid) == "abc"
        process.kill()
    assert mark_of(process.pid) is None
    assert mark_of(os.getpid()) is None
