"""A planted difference is planted as said, planned as computed, and reported as the run came out."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frameworkbench.adapter import Settings
from frameworkbench.analysis.comparison import FASTER, Entry, rank
from frameworkbench.analysis.power import blocks_needed
from frameworkbench.analysis.summary import summarise
from frameworkbench.errors import UsageError
from frameworkbench.registry import load_adapters, read_adapter
from frameworkbench.run.events import Event
from frameworkbench.store.records import load_run
from tests.benchmarks.programs import BENCHMARKS, program
from tests.report.planted_run import PlantedRun
from tests.run.conftest import FAKES, workload_text

FILE = BENCHMARKS / "planted.json"
KEYS = [
    "adapter", "workload", "mode", "planted", "as_run", "delta", "plan", "pilot_blocks", "pilot_deviation",
    "planned_blocks", "blocks", "deviation", "ratio", "low", "high", "verdict", "winner", "reason", "noisy", "flagged",
    "neighbour", "outcome", "machine", "framework_version", "code_sha256", "measured", "samples",
]  # fmt: skip


planted = program("planted")
planted_row = program("planted_row")
slowed_copy = program("slowed_copy").slowed_copy
neighbour_module = program("neighbour")
BY_PILOT = planted_row.Asked(planted=0.05, delta=0.03, pilot=6, blocks=None)


class _Clock:
    """A clock that moves when work is done, and by a little each time it is read."""

    def __init__(self) -> None:
        self.now = 0

    def perf_counter_ns(self) -> int:
        self.now += 10
        return self.now


def _adapter(share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, _Clock, list[int]]:
    """The slowed copy of the paced adapter on a clock of the test's, whose steps take the listed nanoseconds."""
    info = slowed_copy(read_adapter(FAKES / "paced"), share, tmp_path)
    spec = importlib.util.spec_from_file_location("slowed_under_test", info.folder / "adapter.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    clock = _Clock()
    steps: list[int] = []
    monkeypatch.setattr(module, "time", clock)

    def step(self: Any, batch: Any) -> str:
        clock.now += steps.pop(0)
        return f"loss of {batch}"

    monkeypatch.setattr(module.Slowed.__mro__[1], "step", step)
    monkeypatch.setattr(module.Slowed.__mro__[1], "effective", lambda self: {"mode": "honest"})
    settings = Settings("honest", "cpu", 1, "float64", "matched", 0, "")
    return module.ADAPTER(settings), clock, steps


@pytest.mark.parametrize("share", [0.0, 0.05, 1.0])
def test_the_planted_share_is_of_the_time_that_the_steps_took(
    share: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over steps of any length the copy takes 1 + share times as long and says so; what they return is untouched."""
    adapter, clock, steps = _adapter(share, tmp_path, monkeypatch)
    steps += [1_000_000, 250_000, 4_000_000, 1_000_000]
    work = sum(steps)

    handles = [adapter.step(number) for number in range(4)]

    assert handles == [f"loss of {number}" for number in range(4)]
    assert clock.now / work == pytest.approx(1 + share, abs=1e-4)
    assert adapter.effective() == {"mode": "honest", "planted_share": pytest.approx(share, abs=1e-4)}


def test_an_interruption_while_it_waits_is_made_up_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A step whose wait was far too long is followed by steps without one, until the share holds again."""
    adapter, clock, steps = _adapter(0.10, tmp_path, monkeypatch)
    steps += [1_000_000] * 40
    adapter._planted_extra_ns = 2_000_000  # as after an interruption of twenty waits
    started = clock.now

    for number in range(40):
        adapter.step(number)

    assert clock.now - started == pytest.approx(40e6 + 2e6, rel=1e-3)
    assert adapter.effective()["planted_share"] == pytest.approx(0.10, abs=1e-3)


def test_the_copy_is_an_adapter_of_its_own(tmp_path: Path) -> None:
    """It differs from the original in name, title and speed, and loads beside it; another copy takes its place."""
    original = load_adapters()["pytorch"]

    first = slowed_copy(original, 0.05, tmp_path)
    second = slowed_copy(original, 0.20, tmp_path)

    assert (first.name, first.title) == ("pytorch-planted", "PyTorch with 5.0% planted")
    assert replace(second, title=first.title, folder=first.folder) == first
    same = {"name": original.name, "title": original.title, "folder": original.folder, "installs": original.installs}
    assert replace(first, **same) == original
    assert "SHARE = 0.2\n" in (second.folder / "adapter.py").read_text(encoding="utf-8")
    assert (second.folder / "original.py").read_bytes() == (original.folder / "adapter.py").read_bytes()
    assert list(load_adapters([tmp_path]))[-1] == "pytorch-planted"


def test_what_cannot_be_planted_is_refused(tmp_path: Path) -> None:
    """The oracle is never ranked, and no step can be made shorter."""
    known = load_adapters()

    with pytest.raises(UsageError, match="never ranked"):
        slowed_copy(known["reference"], 0.05, tmp_path)
    with pytest.raises(UsageError, match="0 or more"):
        slowed_copy(known["pytorch"], -0.05, tmp_path)


def test_the_plan_rests_on_the_deviation_of_processes() -> None:
    """What blocks do to both rows drops out, and the number of blocks is the one that the power asks for."""
    generator = np.random.default_rng(5)
    blocks = generator.normal(0, 0.3, 4000)
    one, other = (100 * np.exp(blocks + generator.normal(0, 0.02, 4000)) for _ in range(2))
    samples = list(zip(range(1, 4001), one.tolist(), other.tolist(), strict=True))

    plan = planted_row.plan_of(samples, 0.05, 0.03)

    assert plan.deviation == pytest.approx(0.02, rel=0.05)
    assert plan.blocks == blocks_needed(1.05, plan.deviation, delta=0.03)
    assert not plan.beyond
    assert f"takes {plan.blocks} blocks for 80%" in plan.sentence
    assert planted_row.plan_of(samples[:1], 0.05, 0.03) is None


@pytest.mark.parametrize(
    ("deviation", "gap", "least", "most"),
    [(0.02, 1.05, 0.85, 1.0), (0.04, 1.05, 0.75, 0.92), (0.02, 1.0, 0.0, 0.05), (0.04, 1.0, 0.0, 0.09)],
)
def test_the_planned_blocks_find_what_is_there(deviation: float, gap: float, least: float, most: float) -> None:
    """The blocks that a pilot plans show a 5 % gap in most runs, and rarely one where there is none."""
    generator = np.random.default_rng(11)
    trials, won = 200, 0
    for _ in range(trials):
        one, other = gap * np.exp(generator.normal(0, deviation, 40)), np.exp(generator.normal(0, deviation, 40))
        samples = [(block, float(one[block]), float(other[block])) for block in range(40)]
        plan = planted_row.plan_of(samples[:6], 0.05, 0.03)
        counted = samples[: max(6, plan.blocks)] if not plan.beyond else []
        entries = [Entry(str(n), str(n), {(sample[0], 1): sample[n] for sample in counted}) for n in (1, 2)]
        for pair in rank(entries, 0.03).pairs:  # none where the plan is beyond what is run
            won += pair.verdict == FASTER and (gap == 1.0 or pair.first == "1")

    assert least <= won / trials <= most


@pytest.mark.parametrize(
    ("blocks", "beyond", "need"),
    [
        (40, False, ""),
        (41, True, "needs 41 blocks, beyond 40"),
        (None, True, "needs more than 1,000 blocks, beyond 40"),
    ],
)
def test_a_plan_beyond_forty_blocks_is_not_run(blocks: int | None, beyond: bool, need: str) -> None:
    """Forty blocks are the most; a plan for more says what it needs."""
    plan = planted_row.Plan(0.05, 0.1, blocks)

    assert plan.beyond is beyond
    assert not need or plan.need == need


def _row(
    tmp_path: Path, rates: Sequence[float], plan: Any, *, blocks: int = 6, spread: float = 0.001
) -> dict[str, Any]:
    """The row of a run whose original and copy had these rates."""
    recorded = PlantedRun(tmp_path)
    keys = [recorded.cell("net"), recorded.cell("net-planted")]
    for key in keys:
        recorded.proof(key)
    for block in range(1, blocks + 1):
        for key, rate in zip(keys, rates, strict=True):
            noise = 1 + recorded.random.uniform(-spread, spread)
            recorded.speed(key, rate * noise, block, extra={"effective": {"planted_share": 0.0501}})
        recorded.complete(block, keys)
    recorded.plan()
    row: dict[str, Any] = planted_row.row_of(summarise(load_run(tmp_path)), "net", "net-planted", BY_PILOT, plan)
    return row


def test_a_planted_difference_that_is_found(tmp_path: Path) -> None:
    """The row holds the run's verdict, who won, the ratio of original to copy, and what was planned."""
    row = _row(tmp_path, [1050.0, 1000.0], planted_row.Plan(0.05, 0.001, 3))

    assert (row["verdict"], row["winner"], row["outcome"]) == ("faster", "net:usual", "found")
    assert row["low"] < row["ratio"] < row["high"]
    assert row["ratio"] == pytest.approx(1.05, rel=0.002)
    assert (row["blocks"], row["pilot_blocks"], row["planned_blocks"], row["as_run"]) == (6, 6, 3, 0.0501)
    assert len(row["samples"]) == 6


def test_a_pilot_that_asks_for_too_much_decides_nothing(tmp_path: Path) -> None:
    """Beyond forty blocks the answer is inconclusive with their number, even where the pilot's blocks look clear."""
    row = _row(tmp_path, [1050.0, 1000.0], planted_row.Plan(0.05, 0.09, 94))

    assert (row["verdict"], row["reason"], row["winner"]) == ("inconclusive", "needs 94 blocks, beyond 40", None)
    assert (row["planned_blocks"], row["outcome"]) == (94, "open")
    assert "inconclusive, needs 94 blocks, beyond 40; ratio 1.05" in planted.text_of(row)


def test_the_wrong_winner_is_called_by_its_name(tmp_path: Path) -> None:
    """A copy that beats its original is a false winner, and the ratio stays that of original to copy."""
    row = _row(tmp_path, [1000.0, 1100.0], planted_row.Plan(0.05, 0.001, 3))

    assert (row["winner"], row["outcome"]) == ("net-planted:usual", "false winner")
    assert row["low"] < row["ratio"] < row["high"] < 1


def test_a_difference_that_is_not_found_is_a_miss(tmp_path: Path) -> None:
    """Where the planned blocks do not show what was planted, the row says so."""
    row = _row(tmp_path, [1000.0, 1000.0], planted_row.Plan(0.05, 0.001, 3))

    assert (row["winner"], row["outcome"]) == (None, "missed")


@pytest.mark.parametrize(
    ("changes", "missed", "expected"),
    [
        ({}, (), "no winner"),
        ({"winner": "net:usual"}, (), "false winner"),
        ({"ratio": None}, (), "no number"),
        ({"noisy": True}, (), "noisy"),
        ({"noisy": True, "neighbour": 2}, (), "no winner"),
        ({"neighbour": 2}, [(2, 1)], "not noticed"),
    ],
)
def test_outcomes_of_a_control(changes: dict[str, Any], missed: Sequence[tuple[int, int]], expected: str) -> None:
    """Without anything planted every winner is a false one, and a neighbour has to be noticed."""
    row = {"planted": 0.0, "winner": None, "ratio": 1.0, "noisy": False, "neighbour": 0, **changes}

    assert planted_row.outcome(row, "net:usual", missed) == expected


def test_a_neighbour_comes_with_the_first_worker_and_goes_with_the_last() -> None:
    """It is busy from the start of the first worker of its attempt until the end of the last, and at no other time."""
    heard = []
    with neighbour_module.Neighbour([], rows=2, attempts=[2]) as neighbour:
        neighbour._cores = (0,) if sys.platform == "linux" else ()
        neighbour.hear(Event("start", "proof net:usual"))
        for _ in range(6):
            for kind in ("start", "done"):
                neighbour.hear(Event(kind, "speed net:usual block 1"))
                heard.append(neighbour.busy)

    assert heard == [False] * 4 + [True] * 3 + [False] * 5


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """The command line of a small measurement of the paced adapter, whose steps need no framework."""
    workload = tmp_path / "tiny-mlp.toml"
    workload.write_text(workload_text("tiny-mlp"), encoding="utf-8")
    places = ["--cache-dir", str(tmp_path / "cache"), "--out", str(tmp_path / "planted.json")]
    what = ["--adapter", "paced", "--adapter-path", str(FAKES), "--workload", str(workload), "--window", "0.2"]
    return [*what, *places]


@pytest.mark.slow
def test_a_slow_copy_is_proved_and_measured_as_slow_as_it_is(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of twice the time passes every check, gets the blocks that are planned, and has half the speed."""
    real = planted.protocol
    # What else this machine does must not decide a test, neither as noise nor as a deviation.
    monkeypatch.setattr(planted, "protocol", lambda *sizes: replace(real(*sizes), sentinel_readings=0))
    monkeypatch.setattr(planted, "plan_of", lambda samples, gap, delta: planted_row.Plan(gap, 0.01, 3))

    planted.main([*arguments, "--planted", "100", "--pilot", "2", "--delta", "10"])

    (row,) = json.loads((tmp_path / "planted.json").read_text(encoding="utf-8"))["rows"]
    assert list(row) == KEYS
    assert (row["plan"], row["pilot_blocks"], row["planned_blocks"], row["blocks"]) == ("pilot", 2, 3, 3)
    assert row["verdict"] not in ("invalid", "not_comparable", "failed")
    assert row["as_run"] == pytest.approx(1, abs=0.1)
    # The fastest window of each: what disturbs one window must not decide a test.
    assert 1.5 < max(one for _, one, _ in row["samples"]) / max(other for *_, other in row["samples"]) < 3
    assert "a gap of 100% takes 3 blocks" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's accounts of other processes are read from /proc")
def test_a_busy_neighbour_is_noticed(arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The attempt during which every core was busy is flagged with a reason, and the row says how the run ended."""
    planted.main([*arguments, "--planted", "0", "--blocks", "2", "--delta", "10", "--neighbour", "1"])

    (row,) = json.loads((tmp_path / "planted.json").read_text(encoding="utf-8"))["rows"]
    assert (row["plan"], row["planned_blocks"], row["neighbour"]) == ("fixed", 2, 1)
    assert any((block, attempt) == (2, 1) and "other processes" in why for block, attempt, why in row["flagged"])
    assert row["outcome"] != "not noticed"
    assert "flagged: block 2, attempt 1: " in capsys.readouterr().out


def test_what_can_never_be_called_faster_is_not_measured(arguments: list[str], tmp_path: Path) -> None:
    """A planted share within delta is refused before anything runs."""
    assert planted.main([*arguments, "--planted", "2", "--delta", "3"]) == 2
    assert not (tmp_path / "planted.json").exists()


def test_the_committed_file_follows_from_its_samples() -> None:
    """Each committed row has the ratio, interval, deviation and verdict that its samples give."""
    if not FILE.is_file():
        pytest.skip("no measurement is committed yet")
    for row in json.loads(FILE.read_text(encoding="utf-8"))["rows"]:
        assert list(row) == KEYS
        if row["ratio"] is None:
            continue
        samples = [tuple(sample) for sample in row["samples"]]
        one, other = ({(block, 1): pair[n] for block, *pair in samples} for n in range(2))
        (pair,) = rank([Entry("one", "one", one), Entry("other", "other", other)], row["delta"]).pairs
        ratio = pair.ratio if pair.first == "one" else 1 / pair.ratio
        assert row["ratio"] == pytest.approx(ratio, abs=2e-6)
        assert row["deviation"] == pytest.approx(planted_row.deviation_of(samples), abs=2e-6)
        if not row["noisy"] and row["outcome"] != "open":
            assert row["verdict"] == pair.verdict
