"""``frameworkbench advise``: answers on standard output, a sentence for every mistake, and nothing written."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from frameworkbench import cli_advise
from frameworkbench.registry import load_adapters

from .conftest import ROOT, Command, Finished

STANDARD = str(ROOT / "reports" / "standard")


def test_facts_alone(command: Command, tmp_path: Path) -> None:
    """Without a run the answer rests on stated facts, says so, and leaves the folder empty."""
    answer = command("advise", "--deployment", "browser")

    assert (answer.code, answer.err) == (0, "")
    said = " ".join(answer.out.split())
    assert "Nothing that bears on it was measured, so none is put first." in said
    entrants = sum(info.role == "entrant" for info in load_adapters().values())
    assert f"Because you said “in a browser”, 3 of {entrants} frameworks remain" in said
    assert "Not stated, so not checked: Deployment of tinygrad." in said
    assert "checked 20" in answer.out
    assert list(tmp_path.iterdir()) == []


def test_a_report_folder(command: Command) -> None:
    """A report's folder will do; the first sentences, reasons, cautions and cells behind them are shown."""
    answer = command("advise", STANDARD, "--family", "attention", "--priority", "speed", "--ecosystem", "active")

    assert answer.code == 0
    for part in ("Because measured", "What weakens this answer", "Left out", "unverified", "attention-block: cell "):
        assert part in answer.out


def test_a_run_folder_without_entrants(command: Command, finished: Finished) -> None:
    """A run of the reference alone has nobody to name."""
    answer = command("advise", str(finished.out))

    assert answer.code == 0
    assert "none is put first" in " ".join(answer.out.split())


def test_json(command: Command) -> None:
    """--json is one object with the answers that were used; a flag outranks the preset."""
    answer = command("advise", STANDARD, "--preset", "course", "--priority", "speed", "--json")

    found = json.loads(answer.out)
    assert found["answers"]["priority"] == ["speed"]
    assert found["answers"]["team"] == ["layers"]
    assert len(found["headlines"]) <= 3
    assert sum(found["weights"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize("preset", ["research", "server", "mobile", "course", "scale", "legacy"])
def test_a_narrow_terminal(preset: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 60 columns no line is longer."""
    monkeypatch.setenv("COLUMNS", "60")

    answer = command("advise", STANDARD, "--preset", preset)

    assert answer.code == 0
    assert max(map(len, answer.out.splitlines())) <= 60


def test_in_chinese(command: Command) -> None:
    """--lang zh says everything in Chinese: no English sentence is left."""
    answer = command("advise", STANDARD, "--preset", "server", "--lang", "zh")

    assert answer.code == 0
    assert "因为你说了“在服务器上”" in answer.out
    assert [word for word in ("Because", "Left out", "checked", "weakens") if word in answer.out] == []


def test_questions_are_asked_on_a_terminal(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without flags a person is asked, may leave questions out, and is asked again after a wrong number."""
    monkeypatch.setattr(cli_advise, "_on_terminal", lambda: True)
    lines = ["9", "5", "1", "2", "", "1, 2", *[""] * 7]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))

    answer = command("advise", STANDARD)

    assert answer.code == 0
    assert "What kind of model is it?" in answer.out
    assert "Expected one number from 1 to 5, or Enter." in answer.out
    assert "Because you said “speed in long runs”" in answer.out
    assert "Because you said “NVIDIA GPU”" in answer.out


WRONG = {
    "preset": (["--preset", "huge"], "--preset: expected research, server, mobile, course, scale or legacy; received"),
    "option": (["--family", "tree"], "--family: expected any, dense, convolution, recurrent or attention; received"),
    "weight": (["--weight", "memory"], "--weight: expected CRITERION=NUMBER such as memory=3; received 'memory'"),
    "weight text": (["--weight", "memory=much"], "--weight: expected CRITERION=NUMBER"),
    "weight name": (["--weight", "beauty=1"], "--weight: unknown criterion 'beauty'; known: throughput"),
    "weight below": (["--weight", "memory=-1"], "--weight memory: expected a number from 0 up; received -1.0"),
    "weight nan": (["--weight", "memory=nan"], "--weight memory: expected a number from 0 up; received nan"),
    "zeros": (["--weight", "memory=0", "--weight", "throughput=0"], "--weight: expected at least one above 0"),
    "day": (["--today", "yesterday"], "--today: expected a day such as 2026-11-26; received 'yesterday'"),
    "language": (["--lang", "tlh"], "--lang: expected en or zh; received 'tlh'"),
    "no run": (["absent"], "absent"),
}


@pytest.mark.parametrize("name", list(WRONG))
def test_wrong_usage(name: str, command: Command) -> None:
    """What cannot be is refused with one sentence and code 2."""
    args, message = WRONG[name]

    answer = command("advise", *args)

    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 99, "cells": []}', '{"schema": 2, "cells": 3}'])
def test_a_file_that_is_no_report(text: str, command: Command, tmp_path: Path) -> None:
    """A file that holds something else is refused by its name."""
    (tmp_path / "report.json").write_text(text, encoding="utf-8")

    answer = command("advise", "report.json")

    assert answer.code == 2
    assert "report.json: not a report.json" in answer.err
