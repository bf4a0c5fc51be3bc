"""Ease of writing: lines are counted, and what frameworks said to a wrong shape is read as it was recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.errors import SpecError
from frameworkbench.facts import shipped_writing
from frameworkbench.facts.writing import code_lines, read_wrong_shapes
from frameworkbench.registry import load_adapters
from tests.benchmarks.programs import program

ROW: dict[str, Any] = {
    "adapter": "mine",
    "mode": "eager",
    "version": "1.0",
    "where": "step",
    "type": "builtins.ValueError",
    "characters": 30,
    "lines": 1,
    "first_lines": ["expected 784, received 700"],
    "last_line": "expected 784, received 700",
    "names_expected": True,
    "names_received": True,
}


def _file(tmp_path: Path, **changes: Any) -> Path:
    file = tmp_path / "wrong-shape.json"
    content = {"schema": 1, "expected": 784, "received": 700, "rows": [{**ROW, **changes}]}
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_blank_lines_do_not_count(tmp_path: Path) -> None:
    """Lines that hold nothing but spaces are no code; comments are, in every module of the folder."""
    (tmp_path / "adapter.py").write_text("import this\n\n   \n# why\nx = 1\n", encoding="utf-8")
    (tmp_path / "layers.py").write_text("y = 2\n", encoding="utf-8")
    (tmp_path / "adapter.toml").write_text("name = 'x'\n", encoding="utf-8")

    assert code_lines(tmp_path) == 4


def test_what_was_said_is_read(tmp_path: Path) -> None:
    """Rows come back by adapter; without a measurement there are none."""
    (said,) = read_wrong_shapes(_file(tmp_path))["mine"]

    assert (said.mode, said.where, said.first_lines) == ("eager", "step", ("expected 784, received 700",))
    assert read_wrong_shapes(tmp_path / "absent.json") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"where": "lunch"}, r"rows\[0\]: where: unknown value"),
        ({"characters": -1}, r"rows\[0\]: characters: out of range"),
        ({"extra": 1}, r"rows\[0\]: extra: unknown key"),
        ({"adapter": 3}, r"rows\[0\]: adapter: wrong type"),
    ],
)
def test_a_wrong_recording_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """A recording that was tampered with is an error that names row and key."""
    with pytest.raises(SpecError, match=message):
        read_wrong_shapes(_file(tmp_path, **changes))


def test_every_mode_was_asked() -> None:
    """Each mode of each shipped entrant has an answer on record, and none took the wrong shape without a word."""
    writing = shipped_writing()

    for name, info in load_adapters().items():
        if info.role == "entrant":
            assert {said.mode for said in writing[name].wrong_shapes} == set(info.modes), name
            assert all(said.type and said.characters and said.first_lines for said in writing[name].wrong_shapes)
        assert writing[name].lines > 40


def test_messages_are_described_without_paths() -> None:
    """Folders of the machine are cut from a message, long lines are shortened, and named widths are noticed."""
    text = "at /home/somebody/env/lib/site-packages/f/nn.py:3\n\nmat1 has 700 columns " + "x" * 400
    found = program("wrong_shape").describe({"where": "step", "type": "E", "message": text})

    assert found["first_lines"][0] == "at …/nn.py:3"
    assert len(found["first_lines"][1]) == 300
    assert (found["lines"], found["names_expected"], found["names_received"]) == (2, False, True)
    assert "somebody" not in json.dumps(found)


def test_rows_of_adapters_that_were_not_asked_stay(tmp_path: Path) -> None:
    """Asking one adapter anew replaces its rows and nobody else's."""
    file = tmp_path / "wrong-shape.json"
    file.write_text('{"rows": [{"adapter": "b", "mode": "x"}, {"adapter": "a", "mode": "old"}]}', encoding="utf-8")

    rows = program("wrong_shape").merged(file, [{"adapter": "a", "mode": "new"}])

    assert rows == [{"adapter": "a", "mode": "new"}, {"adapter": "b", "mode": "x"}]
