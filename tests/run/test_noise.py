"""A noisy machine is noticed without looking at the entrants: blocks are repeated, or the run says that it is noisy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from frameworkbench.run import foreign
from frameworkbench.run.engine import run
from frameworkbench.run.events import Event
from frameworkbench.run.noise import Watch
from frameworkbench.run.options import RunOptions
from frameworkbench.run.sentinel import (
    LEAST_LIMIT,
    MOST_LIMIT,
    REPEATS,
    Around,
    Limits,
    Reading,
    Sentinel,
    disturbances,
    make_probe,
)
from frameworkbench.store.records import load_run
from frameworkbench.store.run import Run

from .conftest import silent

Request = Callable[..., RunOptions]

QUIET_NS = 1_000_000
READINGS = 4


class Scripted(Sentinel):
    """Readings as a test wants them: slow(n) says whether the n-th one since the limits were drawn is slow."""

    def __init__(self, slow: Callable[[int], bool], quiet_ns: int = QUIET_NS) -> None:
        super().__init__(lambda: None)
        self._slow, self._quiet_ns = slow, quiet_ns
        self.count = -1  # none yet

    def calibrate(self, readings: int, earlier: Sequence[Reading] = ()) -> Limits:
        limits = super().calibrate(readings, earlier)
        self.count = 0
        return limits

    def read(self) -> Reading:
        if self.count < 0:
            return Reading(self._quiet_ns, self._quiet_ns)
        self.count += 1
        return Reading(self._quiet_ns * (2 if self._slow(self.count) else 1), self._quiet_ns)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accounts of other processes are left out: what else this machine does must not decide a test."""
    monkeypatch.setattr(foreign, "read", lambda *args, **kwargs: None)


def _watched(options: RunOptions, **changes: Any) -> RunOptions:
    return replace(options, protocol=replace(options.protocol, sentinel_readings=READINGS, **changes))


def _blocks(run_: Run) -> list[tuple[int, int, bool]]:
    return [(block.block, block.attempt, block.flagged) for block in run_.signed_blocks()]


def _drawn(run_: Run) -> list[dict[str, Any]]:
    """Limits that sessions of this run drew."""
    notes = [record["payload"] for record in run_.records if record["kind"] == "note"]
    return [note["sentinel"] for note in notes if "sentinel" in note]


@pytest.mark.usefixtures("alone")
def test_a_block_that_was_disturbed_once_is_repeated(request_for: Request) -> None:
    """The disturbed attempt is kept and flagged with a reason, the block is measured again, and only that counts."""
    options = _watched(request_for("faulty:honest", blocks=3))
    # Two readings around the one worker of each block: the third and fourth are those of the second block.
    result = run(options, silent, sentinel=lambda cores: Scripted(lambda n: n == 4))
    run_ = load_run(options.out)

    assert _blocks(run_) == [(1, 1, False), (2, 1, True), (3, 1, False), (2, 2, False)]
    counted = {(r["block"], r["attempt"]) for r in run_.counted_speed_records(run_.plan.cells[0].key)}
    assert counted == {(1, 1), (2, 2), (3, 1)}
    flagged = next(r for r in run_.records if r["kind"] == "block" and r["payload"]["noise"]["flagged"])
    assert "2.00 times as long" in flagged["payload"]["noise"]["reasons"][0]
    assert len(run_.disturbed_speed_records()) == 1
    assert run_.torn_speed_records() == []
    assert (result.complete, result.noisy_reason, run_.noisy) == (True, "", False)


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_a_machine_that_is_never_quiet_makes_the_run_noisy(blocks: int, request_for: Request) -> None:
    """Where more blocks are disturbed than may be repeated, the run ends noisy and says why; each block counts once."""
    options = _watched(request_for("faulty:honest", blocks=blocks))
    result = run(options, silent, sentinel=lambda cores: Scripted(lambda n: True))
    run_ = load_run(options.out)

    assert all(flagged for _, _, flagged in _blocks(run_))
    assert [block for block, _, _ in _blocks(run_)] == list(range(1, blocks + 1))
    assert result.complete
    assert run_.noisy
    assert "disturbed" in result.noisy_reason
    assert run_.noisy_reason == result.noisy_reason
    assert [r["block"] for r in run_.counted_speed_records(run_.plan.cells[0].key)].count(1) == 1
    assert len(run_.complete_blocks()) == blocks


@pytest.mark.usefixtures("alone")
def test_no_more_than_half_as_many_blocks_again(request_for: Request) -> None:
    """Of three blocks one may be repeated; when its repetition is disturbed too, the run is noisy and stops there."""
    options = _watched(request_for("faulty:honest", blocks=3))
    result = run(options, silent, sentinel=lambda cores: Scripted(lambda n: n in (4, 8)))
    run_ = load_run(options.out)

    assert _blocks(run_) == [(1, 1, False), (2, 1, True), (3, 1, False), (2, 2, True)]
    assert run_.noisy
    assert "2 block attempts were disturbed" in result.noisy_reason
    assert [(b.block, b.attempt) for b in run_.complete_blocks()] == [(1, 1), (3, 1), (2, 2)]


@pytest.mark.usefixtures("alone")
def test_the_limits_belong_to_the_run(request_for: Request) -> None:
    """A resumed session is held to the limits of the first: it does not get used to a machine that became slow."""
    options = _watched(request_for("faulty:honest", blocks=2))
    first: list[int] = []

    def stop(event: Event) -> None:
        first.extend([1] if event.kind == "done" and event.text.startswith("speed") else [])
        if len(first) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(options, stop, sentinel=lambda cores: Scripted(lambda n: False))
    run(options, silent, sentinel=lambda cores: Scripted(lambda n: False, quiet_ns=3 * QUIET_NS))
    run_ = load_run(options.out)

    notes = _drawn(run_)
    assert [note["wall_ns"] for note in notes] == [QUIET_NS]
    assert _blocks(run_)[0] == (1, 1, False)
    assert all(flagged for _, _, flagged in _blocks(run_)[1:])
    assert run_.noisy


@pytest.mark.usefixtures("alone")
def test_how_an_entrant_did_flags_no_block(request_for: Request) -> None:
    """A block in which an entrant crashed failed; it was not disturbed, and it is not repeated for that."""
    options = _watched(request_for("faulty:honest", "faulty:wrong_later", blocks=2))
    run(options, silent, sentinel=lambda cores: Scripted(lambda n: False))
    run_ = load_run(options.out)

    assert [r["code"] for r in run_.records if r["status"] != "ok"][:1] == ["WRONG_RESULT"]
    assert [flagged for _, _, flagged in _blocks(run_)] == [False, False]


@pytest.fixture
def neighbours() -> Iterator[Callable[[], None]]:
    """Starts two processes that do nothing but work; they are ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        if not started:
            started.extend(subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2))

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_a_busy_neighbour_is_no_silent_winner(request_for: Request, neighbours: Callable[[], None]) -> None:
    """Blocks timed beside two busy processes are flagged and repeated, or the run is noisy; none counts unseen."""
    options = _watched(request_for("faulty:honest", blocks=3), window_s=0.4, twin=True)
    during: list[int] = []

    def watch(event: Event) -> None:
        if event.kind == "start" and event.text.endswith("block 2"):
            neighbours()
            during.append(2)

    run(options, watch)
    run_ = load_run(options.out)

    beside = [block for block in run_.signed_blocks() if block.block != 1 or block.attempt > 1]
    assert during
    assert len(beside) >= 2
    assert all(block.flagged for block in beside)
    assert run_.noisy
    second = [r for r in run_.records if r["kind"] == "block" and r["block"] == 2]
    shares = [record["payload"]["noise"]["foreign_cpu_share"] for record in second]
    assert max(shares) > foreign.LIMIT


def test_limits_follow_the_quiet_readings() -> None:
    """The limit is three robust deviations of the quiet readings, at least 5 % and never above 50 %."""
    assert _limits([100] * 20).limit == LEAST_LIMIT
    assert _limits([100, 103] * 10).limit == pytest.approx(3 * 1.4826 * 1.5 / 101.5)
    assert _limits([100, 150] * 10).limit == MOST_LIMIT
    assert _limits([100] * 19 + [1000]).wall_ns == 100


@pytest.mark.usefixtures("alone")
def test_readings_are_spread_over_the_time_before_the_blocks(request_for: Request) -> None:
    """Each proof gives one of the quiet readings; only what is then missing is read at once."""
    options = _watched(request_for("faulty:honest", "sabotaged:honest", blocks=1))
    asked: list[int] = []

    class Counting(Scripted):
        def calibrate(self, readings: int, earlier: Sequence[Reading] = ()) -> Limits:
            asked.append(len(earlier))
            return super().calibrate(readings, earlier)

    run(options, silent, sentinel=lambda cores: Counting(lambda n: False))
    run_ = load_run(options.out)

    assert asked == [2]
    notes = _drawn(run_)
    assert [note["readings"] for note in notes] == [READINGS]


def _limits(walls: list[int]) -> Limits:
    """Limits from planted readings, by a clock that moves only while the sentinel works."""
    now = [0]
    durations = iter([duration for wall in [walls[0], *walls] for duration in [wall] * REPEATS])

    def work() -> None:
        now[0] += next(durations)

    return Sentinel(work, clock=lambda: now[0], cpu_clock=lambda: 0).calibrate(len(walls))


def test_what_counts_as_disturbed() -> None:
    """Slower than the limit is disturbed; so are rows of one name where it differs by twice that; faster is not."""
    limits = Limits(wall_ns=1000, deviation=0.01, limit=0.05, readings=20)

    def said(*blocks: tuple[str, int, list[int]]) -> list[str]:
        return disturbances(
            limits, [Around(name, n, [Reading(wall, 0) for wall in walls]) for name, n, walls in blocks]
        )

    assert said(("a", 1, [1000, 1049])) == []
    assert said(("a", 1, [800, 810])) == []
    assert "up to 1.06 times" in said(("a", 1, [1000, 1060]))[0]
    assert "1.25 times as long around one process" in said(("a", 1, [800, 1000]))[0]
    assert "1.25 times as long around one process" in said(("a", 1, [800]), ("a", 1, [1000]))[0]
    assert said(("a", 1, [800]), ("b", 1, [1000])) == [], "rows of two workloads are never compared"


def test_what_disturbs_processes_that_take_turns() -> None:
    """What all of them met alike is no disturbance until it is half of the speed; what came and went at random is."""
    limits = Limits(wall_ns=1000, deviation=0.01, limit=0.05, readings=20)

    def said(*groups: tuple[int, list[int]]) -> list[str]:
        return disturbances(limits, [Around("a", n, [Reading(wall, 0) for wall in walls]) for n, walls in groups])

    drift = [1000 + 50 * number for number in range(9)]
    assert said((3, drift)) == []
    assert "varied by" in said((3, [1000, 1400] * 4))[0]
    assert said((3, [1000, 1400] * 40)) == [], "with many turns chance goes away"
    assert "on average 1.60 times" in said((3, [1600] * 9))[0]
    assert "1.25 times as long around one process" in said((3, [1000] * 9), (3, [1250] * 9))[0]
    assert said((3, []), (3, [])) == [], "without readings nothing is known"


def test_the_real_probe_works_on_every_core() -> None:
    """The shipped sentinel reads a positive time on the cores it is given, and leaves this thread's mask alone."""
    before = os.sched_getaffinity(0)
    reading = Sentinel(make_probe(sorted(before))).read()

    assert reading.wall_ns > 0
    assert reading.cpu_ns > 0
    assert os.sched_getaffinity(0) == before


def test_what_disturbed_the_card_flags_the_block() -> None:
    """A flag that the card's watch left in a record is a reason of its block, once, also where no sentinel reads."""
    watch = Watch()
    watch.open()
    watch.begin("mnist-mlp, train, matched", 1)
    watch.after({"card": {"flags": ["hardware slowdown in 3 of 40 readings"]}})
    watch.after({"card": {"flags": ["hardware slowdown in 3 of 40 readings"]}})
    watch.after({"windows": []})
    disturbed = watch.verdict()
    watch.open()
    quiet = watch.verdict()

    assert disturbed["flagged"] is True
    assert disturbed["reasons"] == ["card: hardware slowdown in 3 of 40 readings"]
    assert (quiet["flagged"], quiet["reasons"]) == (False, [])
