"""What a person sees before anything runs: help, and a sentence for every mistake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from frameworkbench import __version__
from frameworkbench.cli import app

from .conftest import Command


def _all_commands() -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        found[words] = command
        for name, inner in getattr(command, "commands", {}).items():
            walk(inner, (*words, name))

    walk(typer.main.get_command(app), ())
    return found


COMMANDS = _all_commands()


@pytest.mark.parametrize("words", list(COMMANDS), ids=" ".join)
def test_help(words: tuple[str, ...], command: Command) -> None:
    """--help of each command says what it does and mentions each of its options and sub-commands."""
    answer = command(*words, "--help")

    assert (answer.code, answer.err) == (0, "")
    found = COMMANDS[words]
    assert (found.help or "").split("\n")[0] in " ".join(answer.out.split())
    names = [name for param in found.params for name in param.opts if name.startswith("-")]
    names += list(getattr(found, "commands", {}))
    assert [name for name in names if name not in answer.out] == []


def test_version(command: Command) -> None:
    """--version prints name and version."""
    answer = command("--version")

    assert (answer.code, answer.out) == (0, f"frameworkbench {__version__}\n")


WRONG_RUNS = {
    "workload": (["-w", "no-such"], r"unknown workload 'no-such'; known: .*mnist-mlp"),
    "workload file": (["-w", "absent.toml"], r"absent\.toml: cannot be read"),
    "adapter": (["-a", "caffe"], r"unknown adapter 'caffe'; known: .*reference"),
    "mode": (["-a", "reference:fast"], r"reference has no mode 'fast'; its modes: numpy"),
    "suite": (["--suite", "huge"], r"unknown suite 'huge'; known: smoke, quick, standard"),
    "device": (["--device", "tpu"], r"unknown device 'tpu'; known: cpu, cuda"),
    "data": (["--data", "fake"], r"--data: expected real or synthetic; received 'fake'"),
    "lane": (["--lane", "matched", "--lane", "best"], r"--lane: expected default, matched, tuned; received 'best'"),
    "budget": (["--budget", "soon"], r"--budget: not a duration; expected such as 90s.*'soon'"),
    "timeout": (["--timeout", "0"], r"--timeout: not a duration"),
    "memory limit": (["--memory-limit", "8T"], r"--memory-limit: not a size; .*'8T'"),
    "threads": (["--threads", "0"], r"--threads 0: expected 1 to \d+"),
    "too many threads": (["--threads", "4096"], r"--threads 4096: expected 1 to \d+"),
    "threads in words": (["--threads", "two"], r"Invalid value for '--threads'"),
    "seed": (["--seed", "x"], r"Invalid value for '--seed'"),
    "python without path": (["--python", "reference"], r"--python: expected adapter=/path/to/python; .*'reference'"),
    "python with empty path": (["--python", "reference="], r"--python: expected adapter=/path"),
    "python without adapter": (["--python", "=python3"], r"--python: expected adapter=/path"),
    "python of nobody": (["--python", "caffe=/usr/bin/python3"], r"--python caffe=…: unknown adapter; known: "),
    "adapter path": (["--adapter-path", "nowhere"], r"--adapter-path .*nowhere: no adapter\.toml"),
    "option": (["--bogus"], r"--bogus"),
}


@pytest.mark.parametrize("mistake", list(WRONG_RUNS))
def test_a_wrong_run_is_refused(mistake: str, command: Command, tmp_path: Path) -> None:
    """A wrong request ends with 2 and one message on standard error, before anything is written."""
    args, says = WRONG_RUNS[mistake]

    answer = command("run", "--suite", "smoke", "--out", "out", *args)

    assert answer.code == 2
    assert re.search(says, answer.err, re.S)
    assert "Traceback" not in answer.err
    assert answer.out == ""
    assert not (tmp_path / "out").exists()


def test_a_wrong_workload_file_is_named(command: Command, tmp_path: Path) -> None:
    """A mistake in a workload file is told with file and key, and ends with 2."""
    (tmp_path / "mine.toml").write_text('schema = 1\nname = "mine"\n', encoding="utf-8")

    answer = command("run", "--suite", "smoke", "-w", "mine.toml", "--out", "out")

    assert answer.code == 2
    assert "mine.toml: data: missing" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["env", "create", "caffe"], "unknown adapter 'caffe'"),
        (["env", "remove", "caffe"], "unknown adapter 'caffe'"),
        (["data", "prepare", "no-such"], "unknown workload 'no-such'"),
        (["data", "prepare", "--data", "fake"], "--data: expected real or synthetic"),
        (["report"], "Missing argument"),
        (["nonsense"], "nonsense"),
    ],
    ids=" ".join,
)
def test_other_commands_refuse_what_is_wrong(args: list[str], says: str, command: Command) -> None:
    """The other commands answer a wrong request with 2 and a message, too."""
    answer = command(*args)

    assert answer.code == 2
    assert says in answer.err
    assert "Traceback" not in answer.err


def test_a_report_needs_a_run(command: Command, tmp_path: Path) -> None:
    """A folder that is no run, or is not there, ends with 5 and says what to give instead."""
    (tmp_path / "empty").mkdir()

    for name in ("empty", "absent"):
        answer = command("report", name)

        assert answer.code == 5
        assert answer.err.startswith(f"frameworkbench: {name}: ")
        assert "give the folder" in answer.err
        assert "Traceback" not in answer.err


@pytest.mark.parametrize("folder", ["absent", "empty"])
def test_missing_data_ends_with_advice(folder: str, command: Command, tmp_path: Path) -> None:
    """Real data that is not there ends with 3 and says how to get it, with options that exist."""
    (tmp_path / "empty").mkdir()

    answer = command("run", "--suite", "smoke", "-w", "mnist-mlp", "--out", "out", "--data-dir", folder)

    assert answer.code == 3
    assert "mnist/train-images-idx3-ubyte" in answer.err
    assert "--data-dir DIR" in answer.err
    assert "Traceback" not in answer.err
    known = {name for param in COMMANDS["run",].params for name in param.opts}
    assert set(re.findall(r"(?<!\w)--[a-z][a-z-]*", answer.err)) <= known


def test_data_that_cannot_be_downloaded(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny: str
) -> None:
    """Without network a run with --data real ends with 3 and each mirror's answer."""
    # A proxy that nobody listens at: no test asks the network.
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    answer = command("run", "--suite", "smoke", "-w", tiny, "--data", "real", "--out", "out")

    assert answer.code == 3
    assert "could not be downloaded; every mirror failed" in answer.err
    assert "Traceback" not in answer.err


def test_data_check_tells_what_is_missing(command: Command, tmp_path: Path) -> None:
    """`data check` of an empty folder ends with 3 and lists each file as missing."""
    (tmp_path / "empty").mkdir()

    answer = command("data", "check", "--data-dir", "empty")

    assert answer.code == 3
    assert "train-images-idx3-ubyte" in answer.out
    assert "missing" in answer.out


def test_data_prepare_makes_stand_ins(command: Command) -> None:
    """`data prepare --data synthetic` makes a workload's data and says what it made."""
    answer = command("data", "prepare", "mnist-mlp", "--data", "synthetic")

    assert answer.code == 0
    assert re.search(r"mnist-mlp: synthetic mnist, \d+ train and \d+ test samples", answer.out)
