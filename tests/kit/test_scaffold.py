"""A new adapter: a folder that runs at once, whose checks say what to write next."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

from frameworkbench.errors import UsageError
from frameworkbench.kit.scaffold import Choice, new_adapter
from frameworkbench.registry import read_adapter

from .conftest import Check, failures


def test_a_new_folder_is_checked_at_once(tmp_path: Path, check: Check) -> None:
    """Out of the box the declaration, the environment and the contract pass; the first unwritten method is named."""
    folder = new_adapter(Choice("mine"), tmp_path, [])

    results = check(folder)

    assert [results[name].state for name in ("declaration", "interpreter", "contract", "set-up")] == ["pass"] * 4
    assert list(failures(results)) == ["build"]
    assert results["build"].found == "not written yet"
    assert results["build"].next_step.startswith("write `build`")
    assert "adapter.py line" in results["build"].next_step


def test_the_next_method_is_named_in_order(tmp_path: Path, check: Check) -> None:
    """Writing what was asked for brings the next method, in the order of the file."""
    folder = new_adapter(Choice("mine"), tmp_path, [])
    file = folder / "adapter.py"
    text = file.read_text(encoding="utf-8")
    asked = []
    for _ in range(4):
        results = check(folder, only=("layers",))
        (name,) = failures(results)
        asked.append(results[name].next_step.split("`")[1])
        line = next(line for line in text.splitlines() if f'raise NotImplementedError("write `{asked[-1]}`' in line)
        text = text.replace(line, f"        {_WRITTEN[asked[-1]]}")
        file.write_text(text, encoding="utf-8")

    assert asked == ["build", "load", "drain", "export"]


_WRITTEN = {
    "build": "self.load(weights)",
    "load": "self._weights = {name: value.copy() for name, value in weights.items()}",
    "drain": "return None",
    "export": "return dict(self._weights)",
}


def test_a_framework_of_its_own(tmp_path: Path) -> None:
    """With a distribution the adapter has an environment of its own, and its file imports the framework."""
    folder = new_adapter(Choice("my-net", "example-net", "examplenet"), tmp_path, [])

    info = read_adapter(folder)
    assert (info.distribution, info.module, info.interpreter) == ("example-net", "examplenet", "managed")
    assert (folder / "requirements-cpu.in").read_text(encoding="utf-8").split() == ["example-net", "numpy"]
    source = (folder / "adapter.py").read_text(encoding="utf-8")
    assert "import examplenet" in source
    assert ast.parse(source)
    assert "class MyNetAdapter(Adapter):" in source


def test_the_declaration_is_complete(tmp_path: Path) -> None:
    """Every key of a new declaration is one that the registry reads."""
    folder = new_adapter(Choice("mine"), tmp_path, [])

    table = tomllib.loads((folder / "adapter.toml").read_text(encoding="utf-8"))
    assert read_adapter(folder).name == table["name"] == "mine"
    assert not (folder / "requirements-cpu.in").exists()


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice("Mine"), "NAME: expected a small letter"),
        (Choice("../mine"), "NAME: expected a small letter"),
        (Choice("taken"), "there is an adapter called 'taken' already"),
        (Choice("there"), "exists already"),
        (Choice("mine", module="net"), "--module: needs --distribution"),
    ],
)
def test_bad_requests(choice: Choice, message: str, tmp_path: Path) -> None:
    """A name that is no name, is taken or is in the way is wrong usage, and nothing is written."""
    (tmp_path / "there").mkdir()

    with pytest.raises(UsageError, match=message):
        new_adapter(choice, tmp_path, ["taken"])

    assert [path.name for path in tmp_path.iterdir()] == ["there"]
