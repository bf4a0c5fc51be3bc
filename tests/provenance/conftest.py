"""One real run with two sessions, made once; each test works on a copy of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from frameworkbench.cli import _write_report
from frameworkbench.run.engine import run
from frameworkbench.run.options import RunOptions
from frameworkbench.spec.protocol import SUITES
from tests.run.conftest import silent, workload_text


def small_request(folder: Path, **changes: object) -> RunOptions:
    """The oracle on a tiny workload, two blocks."""
    file = folder / "tiny-mlp.toml"
    file.write_text(workload_text("tiny-mlp"), encoding="utf-8")
    protocol = replace(SUITES["smoke"], suite="test", main_blocks=2, window_s=0.01)
    options = RunOptions(
        protocol=protocol, out=folder / "run", cache_dir=folder / "cache", workloads=(str(file),), seed=0
    )
    return replace(options, **changes)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two sessions (the first ended by its budget), with its report beside it."""
    folder = tmp_path_factory.mktemp("original")
    options = small_request(folder)
    run(replace(options, budget_s=0.001), silent)
    run(options, silent)
    _write_report(options.out, folder / "report")
    return folder


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    """A copy of the run folder; the report lies beside it as ``report``."""
    shutil.copytree(original / "run", tmp_path / "run")
    shutil.copytree(original / "report", tmp_path / "report")
    return tmp_path / "run"


Flip = Callable[[Path], None]


def flip_a_byte(file: Path) -> None:
    """Change one bit in the middle of a file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
