"""The regression gate on real runs: an honest adapter, the same one slowed down, and every reason not to compare."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.analysis.gate import compare_runs
from frameworkbench.analysis.summary import Summary, summarise
from frameworkbench.run import prepare
from frameworkbench.run.engine import run
from frameworkbench.run.options import RunOptions
from frameworkbench.spec.protocol import SUITES
from frameworkbench.store.records import RecordWriter, load_run
from tests.run.conftest import silent, workload_text

from .conftest import FAKES, Command

Measure = Callable[..., Path]


@pytest.fixture(scope="session")
def measure(tmp_path_factory: pytest.TempPathFactory) -> Measure:
    """Makes a small real run of the paced adapter: measure("slow", pace_s=0.012, blocks=3)."""
    folder = tmp_path_factory.mktemp("gate")

    def make(name: str, *, pace_s: float = 0.004, blocks: int = 3, source: str = "", **changes: Any) -> Path:
        place = folder / name
        shutil.copytree(FAKES / "paced", place / "adapters" / "paced")
        adapter = place / "adapters" / "paced" / "adapter.py"
        text = adapter.read_text().replace("PACE_S = 0.004", f"PACE_S = {pace_s}")
        adapter.write_text(text.replace("return super().step(batch)", source or "return super().step(batch)"))
        workload = place / "tiny-mlp.toml"
        workload.write_text(changes.pop("workload_text", workload_text("tiny-mlp")), encoding="utf-8")
        protocol = replace(
            SUITES["smoke"],
            **{"suite": "test", "entrants": True, "main_blocks": blocks, "window_s": 0.05}
            | changes.pop("protocol", {}),
        )
        options = RunOptions(
            protocol=protocol,
            out=place / "run",
            cache_dir=folder / "cache",
            workloads=(str(workload),),
            adapters=("paced",),
            adapter_paths=(place / "adapters",),
        )
        run(replace(options, **changes), silent)
        return place / "run"

    return make


@pytest.fixture(scope="session")
def baseline(measure: Measure) -> Path:
    """The run that the others are compared with."""
    return measure("baseline")


@pytest.fixture(scope="session")
def slow(measure: Measure) -> Path:
    """The same adapter with a step that takes three times as long."""
    return measure("slow", pace_s=0.012)


def compare(command: Command, *args: str | Path) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON of one comparison."""
    answer = command("compare", *map(str, args), "--json")
    return answer.code, json.loads(answer.out)


def test_no_regression(command: Command, baseline: Path, measure: Measure) -> None:
    """Two runs of the same adapter end with 0, with one row, its ratio and an interval around it."""
    code, found = compare(command, baseline, measure("again"), "--fail-over", "50%")

    row = found["rows"][0]
    assert (code, found["outcome"], found["exit_code"]) == (0, "no regression", 0)
    assert row["name"] == "tiny-mlp paced:honest"
    assert row["low"] <= row["ratio"] <= row["high"]
    assert (row["baseline_processes"], row["new_processes"]) == (3, 3)


def test_regression(command: Command, baseline: Path, slow: Path, tmp_path: Path) -> None:
    """A planted slow-down ends with 1; the table on the screen and in Markdown names the row."""
    code, found = compare(command, baseline, slow)
    answer = command("compare", str(baseline), str(slow), "--markdown", "gate.md")

    row = found["rows"][0]
    assert (code, row["verdict"], answer.code) == (1, "regression", 1)
    assert row["high"] < 1 / 1.05
    assert "regression beyond 5 %: tiny-mlp paced:honest" in answer.out
    text = (tmp_path / "gate.md").read_text()
    assert text.startswith("**regression beyond 5 %: tiny-mlp paced:honest**")
    assert "| ✕ | tiny-mlp paced:honest |" in text


def test_improvement_is_no_regression(command: Command, baseline: Path, slow: Path) -> None:
    """The other way round the same two runs end with 0 and say so."""
    code, found = compare(command, slow, baseline)

    assert (code, found["rows"][0]["verdict"]) == (0, "improvement")


def test_a_slow_down_within_the_limit(command: Command, baseline: Path, slow: Path) -> None:
    """What --fail-over allows is named as slower and ends with 0."""
    code, found = compare(command, baseline, slow, "--fail-over", "900%")

    assert (code, found["rows"][0]["verdict"]) == (0, "slower, within the limit")


@pytest.mark.parametrize("limit", ["5", "-1%", "five", "5%%", "1.5", ""])
def test_an_unclear_limit_is_wrong_usage(command: Command, baseline: Path, limit: str) -> None:
    """A limit that could mean two things, or nothing, ends with 2."""
    answer = command("compare", str(baseline), str(baseline), f"--fail-over={limit}")

    assert answer.code == 2
    assert "--fail-over" in answer.err


def test_wrong_usage(command: Command, baseline: Path, tmp_path: Path) -> None:
    """A folder without a run, a missing argument and a misspelt name end with 2 and say what is known."""
    for args in ([str(baseline), str(tmp_path)], [str(baseline)], [str(baseline), str(tmp_path / "absent")]):
        assert command("compare", *args).code == 2
    misspelt = command("compare", str(baseline), str(baseline), "-w", "tiny-mpl")
    assert misspelt.code == 2
    assert "tiny-mlp" in misspelt.err
    assert command("compare", str(baseline), str(baseline), "-a", "paced:fast").code == 2


def test_another_protocol_is_not_comparable(command: Command, baseline: Path, measure: Measure) -> None:
    """Runs of different protocols end with 3 and name the setting."""
    code, found = compare(command, baseline, measure("protocol", blocks=2, protocol={"warmup_steps": 3}))

    assert code == 3
    assert "different protocol: warmup_steps was 2, is 3" in found["reasons"]
    assert found["rows"] == []


def test_another_machine_is_not_comparable(
    command: Command, baseline: Path, measure: Measure, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Runs of different machines end with 3."""
    facts = {**prepare.machine(), "hostname_sha256": "0" * 64, "cpu_model": "Abacus"}
    monkeypatch.setattr(prepare, "machine", lambda: facts)

    code, found = compare(command, baseline, measure("machine", blocks=1, protocol={"main_blocks": 3}))

    assert code == 3
    assert any("is Abacus" in reason for reason in found["reasons"])


def test_another_workload_of_the_same_name(command: Command, baseline: Path, measure: Measure) -> None:
    """A workload file that changed is another workload: 3, with both hashes."""
    text = workload_text("tiny-mlp").replace("units = 8", "units = 9")
    code, found = compare(command, baseline, measure("workload", workload_text=text))

    assert code == 3
    assert "another workload file" in found["refused"][0]["reason"]


def test_lanes_are_never_mixed(command: Command, baseline: Path, measure: Measure) -> None:
    """The same row under another setting is refused by the name of the setting, never compared."""
    code, found = compare(command, baseline, measure("threads", threads=1))
    lanes = compare_runs(*_with_axis(baseline, "lane", "tuned"), 0.05)

    if load_run(baseline).manifest["threads"] > 1:
        assert code == 3
        assert "threads was" in found["refused"][0]["reason"]
    assert lanes.outcome == "not comparable"
    assert lanes.refused[0][1] == "lane was matched, is tuned"


def test_a_row_that_is_no_longer_proved_is_no_pass(command: Command, baseline: Path, measure: Measure) -> None:
    """A row that the new run could not measure ends with 3 and the reason, not with a silent 0."""
    code, found = compare(command, baseline, measure("broken", source='raise ValueError("broken")'))

    assert code == 3
    assert "no longer measured: failed/ADAPTER_ERROR" in found["refused"][0]["reason"]


def test_nothing_measured(command: Command, measure: Measure) -> None:
    """Runs with one process for each row have no spread to judge by: 4."""
    single = measure("single", blocks=1)
    code, found = compare(command, single, single)

    assert (code, found["outcome"]) == (4, "nothing measured")
    assert "two or more are needed" in found["left_out"][0]["reason"]


def test_a_noisy_run_decides_nothing(command: Command, baseline: Path, tmp_path: Path) -> None:
    """A run that ended noisy is neither a pass nor a regression: 3, on either side."""
    noisy = tmp_path / "noisy"
    shutil.copytree(baseline, noisy)
    books = next(record for record in load_run(noisy).records if record["kind"] == "run")
    payload = {**books["payload"], "noisy": True, "noisy_reason": "4 of 4 blocks were disturbed"}
    RecordWriter(noisy, "later").append({**books, "payload": payload})

    for pair in ((baseline, noisy), (noisy, baseline)):
        code, found = compare(command, *pair)
        assert code == 3
        assert "ended noisy: 4 of 4 blocks were disturbed" in found["reasons"][0]


def test_a_damaged_run_decides_nothing(command: Command, baseline: Path, tmp_path: Path) -> None:
    """A record that was changed is no basis for a pass: 3 with its name."""
    damaged = tmp_path / "damaged"
    shutil.copytree(baseline, damaged)
    record = sorted(damaged.glob("records/*/*.json"))[3]
    record.write_bytes(record.read_bytes().replace(b'"attempt": 1', b'"attempt": 2'))

    code, found = compare(command, baseline, damaged)

    assert code == 3
    assert record.name in found["reasons"][0]


def test_a_failed_control_decides_nothing(baseline: Path) -> None:
    """A row that differs from its own twin shows that the run sees differences where there are none."""
    summary = summarise(load_run(baseline))
    same, different = (_with_twin(summary, factor) for factor in ([0.99, 1.01, 1.0], [0.800, 0.801, 0.802]))

    assert compare_runs(summary, same, 0.5).outcome == "no regression"
    failed = compare_runs(summary, different, 0.5)
    assert failed.outcome == "not comparable"
    assert "A/A control failed" in failed.reasons[0]


def test_rows_of_one_run_only_are_named(baseline: Path) -> None:
    """A row that only one run has is left out by name, and nothing is compared in its place."""
    summary = summarise(load_run(baseline))
    empty = replace(summary, cells=())

    gate = compare_runs(summary, empty, 0.05)

    assert (gate.outcome, gate.left_out) == ("nothing measured", (("tiny-mlp paced:honest", "in the baseline only"),))
    assert compare_runs(empty, summary, 0.05).left_out == (("tiny-mlp paced:honest", "in the new run only"),)


def _with_axis(folder: Path, axis: str, value: str) -> tuple[Summary, Summary]:
    """A run, and the same run as if it had been measured under another setting."""
    summary = summarise(load_run(folder))
    changed = [replace(cell, facts={**cell.facts, axis: value}) for cell in summary.cells]
    return summary, replace(summary, cells=tuple(changed))


def _with_twin(summary: Summary, factors: list[float]) -> Summary:
    """The run with a second copy of its row, each process faster by a factor."""
    cell = summary.cells[0]
    speed = cell.facts["throughput_samples_per_s"]
    pairs = zip(speed["samples"], factors, strict=True)
    samples = [{**sample, "value": sample["value"] * factor} for sample, factor in pairs]
    facts = {**cell.facts, "role": "twin", "throughput_samples_per_s": {**speed, "samples": samples}}
    return replace(summary, cells=(*summary.cells, replace(cell, facts=facts)))
