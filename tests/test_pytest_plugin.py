"""The pytest plugin in a pytest of its own, with the real pytest-benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.run.conftest import workload_text

ROOT = Path(__file__).resolve().parent.parent
FAKES = ROOT / "tests" / "fakes"

# The measurement's own settings in each test below: tiny, and nothing outside the test's folder.
_SMALL = (
    f'workload="tiny-mlp.toml", processes=2, suite="smoke", window_s=0.01, cache_dir="cache", adapter_paths=["{FAKES}"]'
)


@dataclass(frozen=True)
class Outcome:
    """How an inner pytest ended and what it printed."""

    code: int
    text: str
    folder: Path

    @property
    def benchmarks(self) -> list[dict[str, object]]:
        """Benchmarks in the JSON that pytest-benchmark wrote."""
        found: list[dict[str, object]] = json.loads((self.folder / "bench.json").read_text())["benchmarks"]
        return found


def inner(folder: Path, source: str, *args: str) -> Outcome:
    """Run pytest with both plugins on one file."""
    (folder / "tiny-mlp.toml").write_text(workload_text("tiny-mlp"), encoding="utf-8")
    (folder / "test_inner.py").write_text(f"import math\n\nimport pytest\n{source}", encoding="utf-8")
    plugins = ["-p", "pytest_benchmark.plugin", "-p", "frameworkbench.pytest_plugin", "-p", "no:cacheprovider"]
    # The inner pytest is nobody's worker: as one, pytest-benchmark would write no JSON.
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    environment = {**outer, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", *plugins, "--strict-markers", "-q", "-rA", "test_inner.py", *args]
    answer = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return Outcome(answer.returncode, answer.stdout + answer.stderr, folder)


def test_a_marked_test_gets_our_measurement(tmp_path: Path) -> None:
    """Processes become rounds of the benchmark fixture, to the last bit, in its table and its JSON."""
    source = f"""
@pytest.mark.benchmark(group="mine")
@pytest.mark.frameworkbench(adapter="reference:numpy", {_SMALL})
def test_speed(benchmark, frameworkbench_result):
    assert benchmark.stats["rounds"] == 2
    assert benchmark.stats.stats.data == list(frameworkbench_result.seconds_per_step)
    mean = math.exp(sum(math.log(second) for second in benchmark.stats.stats.data) / 2)
    assert frameworkbench_result.samples_per_s == pytest.approx(16 / mean, rel=1e-9)
    assert frameworkbench_result.facts["parity"]["passed"] is True
"""
    outcome = inner(tmp_path, source, "--benchmark-json=bench.json", "--frameworkbench-results=kept")

    bench = outcome.benchmarks[0]
    speeds = sorted(
        (record["block"], sum(w["stop_ns"] - w["start_ns"] for w in windows) / 1e9 / sum(w["steps"] for w in windows))
        for path in (tmp_path / "kept" / "test_speed").glob("records/*/*.json")
        if (record := json.loads(path.read_text()))["pass"] == "speed"
        for windows in [record["payload"]["windows"]]
    )
    assert outcome.code == 0, outcome.text
    assert "1 passed" in outcome.text
    assert "benchmark 'mine'" in outcome.text
    assert bench["stats"]["data"] == pytest.approx([seconds for _, seconds in speeds], rel=1e-12)
    assert bench["extra_info"]["worst_check"]
    assert bench["group"] == "mine"
    assert "parent" in bench["options"]["timer"]


def test_the_mark_alone_is_enough(tmp_path: Path) -> None:
    """A marked test that asks for no fixture is measured, too, and unmarked tests are left alone."""
    source = f"""
@pytest.mark.frameworkbench(adapter="reference", {_SMALL})
def test_speed():
    pass

def test_other(benchmark):
    assert benchmark(lambda: 7) == 7
"""
    outcome = inner(tmp_path, source, "--benchmark-json=bench.json")

    assert outcome.code == 0, outcome.text
    assert {bench["name"]: bench["stats"]["rounds"] == 2 for bench in outcome.benchmarks} == {
        "test_speed": True,
        "test_other": False,
    }


def test_a_row_that_is_not_proved_fails_with_the_reason(tmp_path: Path) -> None:
    """A wrong model is no number: the test fails before its body, and the reason names the check and the tensor."""
    source = f"""
@pytest.mark.frameworkbench(adapter="sabotaged:missing_bias", {_SMALL})
def test_speed(benchmark):
    raise SystemError("the body must not run")
"""
    outcome = inner(tmp_path, source, "--benchmark-json=bench.json")

    assert outcome.code == 1
    assert "1 failed" in outcome.text
    assert "has no number: not_comparable/" in outcome.text
    assert "the body must not run" not in outcome.text
    assert "was not used at all" not in outcome.text
    assert not (tmp_path / "bench.json").exists() or outcome.benchmarks == []


def test_a_body_may_still_fail(tmp_path: Path) -> None:
    """The test's own limits are its own: an assertion on the measured time fails as usual."""
    source = f"""
@pytest.mark.frameworkbench(adapter="reference", {_SMALL})
def test_speed(benchmark):
    assert benchmark.stats["mean"] < 1e-9
"""
    outcome = inner(tmp_path, source)

    assert outcome.code == 1
    assert "assert" in outcome.text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('workload="no-such"', "unknown workload"),
        ('workload="tiny-mlp.toml", speed=3', "unknown option 'speed'"),
        ('workload="tiny-mlp.toml", processes=0', "processes: expected"),
        ('workload="tiny-mlp.toml", threads="two"', "option 'threads'"),
    ],
)
def test_a_wrong_mark_says_what_is_wrong(tmp_path: Path, arguments: str, says: str) -> None:
    """A misspelt workload or option is an error with the known ones, never a measurement of something else."""
    source = f"""
@pytest.mark.frameworkbench(adapter="reference", {arguments})
def test_speed():
    pass
"""
    outcome = inner(tmp_path, source)

    assert outcome.code == 1
    assert says in outcome.text


def test_without_timing_one_process_shows_that_it_works(tmp_path: Path) -> None:
    """--benchmark-disable proves the row and times one process, and shows no benchmark."""
    source = f"""
@pytest.mark.frameworkbench(adapter="reference", {_SMALL})
def test_speed(frameworkbench_result):
    assert len(frameworkbench_result.seconds_per_step) == 1
"""
    outcome = inner(tmp_path, source, "--benchmark-disable")

    assert outcome.code == 0, outcome.text


def test_the_plugin_loads_nothing_heavy() -> None:
    """A pytest that has no marked test pays for one small module."""
    code = "import sys, frameworkbench.pytest_plugin; print(*sorted({n.split('.')[0] for n in sys.modules}))"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, env={**os.environ}
    )

    assert set(answer.stdout.split()) & {"numpy", "scipy", "pandas", "matplotlib", "typer", "rich", "uv"} == set()


def test_the_entry_point_is_declared() -> None:
    """An installed package is found by pytest on its own."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["entry-points"]["pytest11"] == {"frameworkbench": "frameworkbench.pytest_plugin"}
