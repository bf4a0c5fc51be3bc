"""The command line in this process (fast) or in one of its own (signals, streams, a plain checkout)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from frameworkbench.cli import main
from tests.run.conftest import workload_text

ROOT = Path(__file__).resolve().parent.parent.parent
FAKES = ROOT / "tests" / "fakes"


@dataclass(frozen=True)
class Answer:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Answer]


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without what would change paths or colours."""
    left_out = {"PYTHONPATH", "FORCE_COLOR", "COLUMNS", "FRAMEWORKBENCH_CACHE"}
    return {name: value for name, value in os.environ.items() if name not in left_out} | changes


def in_own_process(*args: str, cwd: Path, **environment: str) -> subprocess.Popen[str]:
    """Start ``python -m frameworkbench`` of this checkout in a folder."""
    return subprocess.Popen(
        [sys.executable, "-m", "frameworkbench", *args],
        cwd=cwd,
        env=clean_environment(PYTHONPATH=str(ROOT), **environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Answer]:
    """Runs a command in this process, in an empty folder of its own: command("run", "--suite", "smoke")."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FRAMEWORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*args: str) -> Answer:
        monkeypatch.setattr(sys, "argv", ["frameworkbench", *args])
        with pytest.raises(SystemExit) as ended:
            main()
        shown = capsys.readouterr()
        return Answer(int(ended.value.code or 0), shown.out, shown.err)

    return invoke


@pytest.fixture
def tiny(tmp_path: Path) -> str:
    """A workload file that the oracle finishes in a moment."""
    path = tmp_path / "tiny.toml"
    path.write_text(workload_text("tiny-mlp"), encoding="utf-8")
    return path.name


@dataclass(frozen=True)
class Finished:
    """A complete run of the oracle, made by the command line in a process of its own."""

    folder: Path
    answer: Answer

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def report(self) -> Path:
        return self.folder / "report"


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run for all tests that only look at what came of it."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.toml").write_text(workload_text("tiny-mlp"), encoding="utf-8")
    args = ["run", "--suite", "smoke", "-w", "tiny.toml", "--out", "out", "--report", "report", "--cache-dir", "cache"]
    process = in_own_process(*args, cwd=folder)
    out, err = process.communicate()
    return Finished(folder, Answer(process.returncode, out, err))
