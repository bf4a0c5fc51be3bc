"""`adapter new`, `adapter check` and `adapter matrix` as a person or a script uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .conftest import FAKES, Command


def test_new_then_check(command: Command, tmp_path: Path) -> None:
    """A new adapter is written and checked at once: the list names the next method, and the code is 1."""
    made = command("adapter", "new", "mine")
    checked = command("adapter", "check", "mine", "--cache-dir", "cache")

    assert made.code == 0
    assert made.out.split() == ["mine/adapter.py", "mine/adapter.toml"]
    assert "adapter check mine" in made.err
    assert checked.code == 1
    assert "FAIL build: not written yet" in checked.out
    assert "→ write `build`" in checked.out
    assert checked.out.splitlines()[-1] == "4 passed, 1 failed, 1 notes, 1 not looked at"


def test_check_as_json(command: Command) -> None:
    """`--json` gives one object with every check, its state and the next step; nothing else on standard output."""
    answer = command("adapter", "check", str(FAKES / "sabotaged"), "--mode", "tanh_gelu", "--only", "layers", "--json")

    found = json.loads(answer.out)
    assert answer.code == 1
    assert found["passed"] is False
    failed = [check for check in found["checks"] if check["state"] == "fail"]
    assert [check["check"] for check in failed] == ["layer gelu"]
    assert set(failed[0]) == {"check", "state", "found", "next_step"}
    assert found["counts"]["fail"] == 1


def test_check_that_passes(command: Command) -> None:
    """A group that passes ends with 0; notes do not count as failures."""
    answer = command("adapter", "check", "reference", "--only", "order")

    assert answer.code == 0
    assert "ok   batches in order: 10 losses" in answer.out
    assert "0 failed" in answer.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "no-such-thing"], "expected a folder that holds adapter.toml, or one of"),
        (["check", "reference", "--mode", "fast"], "--mode: expected one of numpy; received 'fast'"),
        (["check", "reference", "--only", "speed"], "--only: expected one of layers"),
        (["new", "Reference"], "NAME: expected a small letter"),
        (["new", "reference"], "there is an adapter called 'reference' already"),
    ],
)
def test_wrong_usage(words: list[str], message: str, command: Command, tmp_path: Path) -> None:
    """Wrong usage ends with 2 and a message that says what would be right."""
    answer = command("adapter", *words)

    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_a_declaration_that_cannot_be_read(command: Command, tmp_path: Path) -> None:
    """A wrong adapter.toml is a failed check that names file and key, not a crash of the command."""
    command("adapter", "new", "mine")
    file = tmp_path / "mine" / "adapter.toml"
    file.write_text("speed = 3\n" + file.read_text(encoding="utf-8"), encoding="utf-8")

    answer = command("adapter", "check", "mine")

    assert answer.code == 1
    assert "FAIL declaration" in answer.out
    assert "adapter.toml: speed: unknown key" in answer.out
    assert "correct adapter.toml" in answer.out


def test_an_interpreter_that_is_none(command: Command) -> None:
    """A wrong --python is a failed check with what was expected, and nothing is run."""
    answer = command("adapter", "check", "reference", "--python", "nowhere/python")

    assert answer.code == 1
    assert "FAIL interpreter: ENVIRONMENT_MISSING" in answer.out
    assert "not reached" in answer.out


@pytest.mark.parametrize("width", ["60", "20", "1"])
def test_narrow_terminals(width: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal folds the list; at 60 columns every line fits and nothing is cut."""
    command("adapter", "new", "mine")
    monkeypatch.setenv("COLUMNS", width)

    answer = command("adapter", "check", "mine")

    assert answer.code == 1
    assert "…" not in answer.out
    if width == "60":
        assert max(len(line) for line in answer.out.splitlines()) <= 60


def test_matrix(command: Command, tmp_path: Path) -> None:
    """The page of declarations is printed, or written with --out; an adapter of one's own can be added."""
    printed = command("adapter", "matrix")
    written = command("adapter", "matrix", "--out", "matrix.md")
    more = command("adapter", "matrix", "--adapter-path", str(FAKES / "paced"))

    assert printed.code == written.code == more.code == 0
    assert (tmp_path / "matrix.md").read_text(encoding="utf-8") == printed.out
    assert "`reference:numpy`" in printed.out
    assert "paced" not in printed.out
    assert "paced" in more.out


def test_list_says_where_adapters_came_from(command: Command) -> None:
    """`list` names the place of each adapter and the frameworks that are retired, as text and as JSON."""
    text = command("list", "--adapter-path", str(FAKES / "paced")).out
    facts = json.loads(command("list", "--json", "--adapter-path", str(FAKES / "paced")).out)

    assert "built-in" in text
    assert "--adapter-path" in text
    assert "Retired" in text
    origins = {adapter["name"]: adapter["origin"] for adapter in facts["adapters"]}
    assert origins["reference"] == "built-in"
    assert origins["paced"].startswith("--adapter-path")
    assert [entry["name"] for entry in facts["retired"]] == ["cntk", "theano"]
