"""The share of the cores that others took, from planted kernel accounts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from frameworkbench.run import census, foreign
from frameworkbench.run.census import Census

TICK = os.sysconf("SC_CLK_TCK")


def _proc(folder: Path, cores: dict[int, int], *, steal: int = 0) -> Path:
    """A process file system that shows busy ticks by core."""
    lines = ["cpu  0 0 0 0 0 0 0 0 0 0"]
    lines += [f"cpu{core} {busy} 0 0 9999 77 0 0 {steal} 0 0" for core, busy in cores.items()]
    folder.mkdir(exist_ok=True)
    (folder / "stat").write_text("\n".join([*lines, "intr 1 2 3"]) + "\n")
    return folder


def _census(ticks: int) -> Census:
    return Census(0, 0, 1, ticks, {}, frozenset(), None, ticks)


def _share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: Path, worker: int) -> float:
    """The share over two seconds on cores 0 and 1, in which the worker used so many ticks."""
    monkeypatch.setattr(foreign.time, "process_time", lambda: 0.0)
    start = _proc(tmp_path / "before", {0: 0, 1: 0, 2: 0})
    before = foreign.read(_census(0), (0, 1), clock=lambda: 10.0, proc=start)
    found = foreign.share(before, foreign.read(_census(worker), (0, 1), clock=lambda: 12.0, proc=after))
    assert found is not None
    return found


def test_a_worker_alone_leaves_nothing_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker used is not foreign, however busy the cores were."""
    after = _proc(tmp_path / "after", {0: 2 * TICK, 1: 2 * TICK, 2: 0})

    assert _share(tmp_path, monkeypatch, after, 4 * TICK) == 0.0


def test_a_neighbour_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One CPU-second of somebody else in two seconds on two cores is a quarter of them."""
    after = _proc(tmp_path / "after", {0: 2 * TICK, 1: TICK, 2: 0})

    assert _share(tmp_path, monkeypatch, after, 2 * TICK) == pytest.approx(0.25)


def test_stolen_time_is_foreign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time that a hypervisor gave to somebody else counts as taken."""
    after = _proc(tmp_path / "after", {0: TICK, 1: TICK, 2: 0}, steal=TICK // 5)

    assert _share(tmp_path, monkeypatch, after, 2 * TICK) == pytest.approx(0.1)


def test_other_cores_are_nobodys_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on cores that the run does not use is not looked at."""
    after = _proc(tmp_path / "after", {0: TICK, 1: TICK, 2: 2 * TICK})

    assert _share(tmp_path, monkeypatch, after, 2 * TICK) == 0.0


def test_without_accounts_there_is_no_answer(tmp_path: Path) -> None:
    """Where the kernel shows nothing, or the worker is gone, the share is unknown and not zero."""
    usage = foreign.Usage(1.0, 2, 0.0, 0.0, 0.0)

    assert foreign.read(_census(1), (0,), proc=tmp_path) is None
    assert foreign.read(None, (0,), proc=_proc(tmp_path / "proc", {0: 5})) is None
    assert foreign.share(None, usage) is None
    assert foreign.share(usage, usage) is None


def test_short_windows_are_given_more_room() -> None:
    """In a window of a few ticks a tick or two of chance is no neighbour."""
    assert foreign.limit(2.0) == foreign.LIMIT
    assert foreign.limit(0.1) == pytest.approx(0.3)


def test_what_others_took_from_all_alike_is_no_disturbance() -> None:
    """A process that was alone is held to the limit; of those that took turns the difference is, up to a bound."""

    def said(*shares: float) -> list[str]:
        return foreign.complaints([foreign.Share(share, 2.0) for share in shares])

    assert said() == []
    assert said(0.049) == []
    assert "6.0% of the cores while a worker" in said(0.06)[0]
    assert said(0.06, 0.08, 0.07) == []
    assert "8.0% of the cores from one worker and 1.0% from another" in said(0.01, 0.08)[0]
    assert "up to 16.0%" in said(0.15, 0.16)[0]


def test_the_real_accounts_are_readable() -> None:
    """On Linux the accounts around a real process can be read."""
    if not Path("/proc/stat").exists():
        pytest.skip("no process file system")
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        found = foreign.read(census.take(process.pid), ())
        process.communicate(b"\n")

    assert found is not None
    assert found.cores == os.cpu_count()
    assert found.all_s > found.worker_s >= 0
