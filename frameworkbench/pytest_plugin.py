"""A pytest plugin: mark a test with a workload and an adapter, and get our measurement through ``benchmark``.

    @pytest.mark.frameworkbench(workload="mnist-mlp", adapter="reference:numpy")
    def test_training_speed(benchmark):
        assert benchmark.stats["mean"] < 0.01        # seconds per step

What is measured is a run like any other: a proof, then fresh worker processes with stamped windows. Each process
becomes one round of pytest-benchmark's statistics, so its table, ``--benchmark-json`` and ``--benchmark-compare``
work as they are. A row that is not proved fails its test with the reason.

Nothing of the engine is imported before a marked test runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARK = "frameworkbench"
_FIXTURE = "frameworkbench_result"
_HELP = (
    f"{_MARK}(workload, adapter, processes=5, **options): measure an adapter on a workload in fresh processes; "
    "docs/ci.md lists the options"
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of one marked test.

    Attributes:
        facts: the row's object as in ``report.json``.
        seconds_per_step: one number for each fresh process.
        run_dir: the run folder with all raw records.
        problem: why the row has no number; empty if it has.
    """

    facts: Mapping[str, Any]
    seconds_per_step: tuple[float, ...]
    run_dir: Path
    problem: str

    @property
    def samples_per_s(self) -> float | None:
        """Geometric mean over processes; None for a row without a number."""
        found = self.facts.get("throughput_samples_per_s")
        return float(found["mean"]) if found else None


class ProcessClock:
    """The timer that pytest-benchmark reads: it shows the times that the parent stamped, one for each process.

    A round asks twice, at its start (0) and at its end (seconds of one step in that process), so the duration is
    the measured number to the last bit. Nothing of what happens in this process is timed.
    """

    __name__ = "frameworkbench: stamped by the parent, one process a round"

    def __init__(self) -> None:
        self._readings: Iterator[float] = iter(())

    def show(self, seconds: tuple[float, ...]) -> None:
        """Take the times of the coming rounds."""
        self._readings = iter([reading for value in seconds for reading in (0.0, value)])

    def __call__(self) -> float:
        """The next reading in seconds."""
        return next(self._readings)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where runs of marked tests are kept."""
    parser.getgroup("frameworkbench").addoption(
        "--frameworkbench-results",
        metavar="DIR",
        help="Keep the run folders of marked tests there [default: pytest's temporary folder].",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _HELP)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Give a marked test the measurement, and pytest-benchmark the clock that shows it."""
    names = getattr(item, "fixturenames", None)
    if names is None or item.get_closest_marker(_MARK) is None:
        return
    names.extend(name for name in ("benchmark", _FIXTURE) if name not in names)
    own = item.get_closest_marker("benchmark")
    options = dict(own.kwargs) if own else {}
    item.add_marker(pytest.mark.benchmark(**{**options, "timer": ProcessClock()}), append=False)


@pytest.fixture
def frameworkbench_result(request: pytest.FixtureRequest, benchmark: Any, tmp_path: Path) -> Measured:
    """The measurement that the test's ``frameworkbench`` mark asks for, fed into ``benchmark``."""
    mark = request.node.get_closest_marker(_MARK)
    if mark is None or mark.args:
        raise pytest.UsageError(f"{request.node.nodeid}: expected @pytest.mark.{_MARK}(workload=…, adapter=…)")
    from .pytest_measurement import measure, row_info

    kept = request.config.getoption("--frameworkbench-results")
    folder = Path(kept).absolute() / _folder_name(request.node.name) if kept else tmp_path / "frameworkbench"
    measured = measure(folder, once=bool(benchmark.disabled), **mark.kwargs)
    if measured.problem:
        benchmark.disabled = True  # no time to show; the call below only marks the fixture as used
    else:
        benchmark.extra_info.update(row_info(measured))
        benchmark.group = benchmark.group or f"{measured.facts['task']} {measured.facts['workload']}"
        clock = request.node.get_closest_marker("benchmark").kwargs["timer"]
        clock.show(measured.seconds_per_step)
    benchmark.pedantic(_nothing, rounds=max(1, len(measured.seconds_per_step)), iterations=1)
    return measured


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Fail a test whose row has no number before its body runs: there is nothing it could look at."""
    measured = getattr(item, "funcargs", {}).get(_FIXTURE)
    if measured is not None and measured.problem:
        pytest.fail(measured.problem, pytrace=False)


def _nothing() -> None:
    """What pytest-benchmark calls in each round; the work was done in worker processes."""


def _folder_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name).strip(".-")
