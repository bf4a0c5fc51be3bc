"""What the code offers is documented, so that a new command or hook cannot stay a secret."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from frameworkbench.adapter import Adapter
from frameworkbench.analysis.summary import summarise
from frameworkbench.cli import app
from frameworkbench.registry import load_adapters
from frameworkbench.spec.layers import KINDS
from frameworkbench.spec.protocol import SUITES
from frameworkbench.store.records import load_run
from tests.report.planted_run import example

ROOT = Path(__file__).resolve().parent.parent


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def _docs() -> str:
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


def _commands(group: Any = None, before: str = "") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, such as "env create"."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _options(command: Any) -> list[str]:
    """Long options of a command, without --help."""
    return [opt for param in command.params for opt in param.opts if opt.startswith("--") and opt != "--help"]


COMMANDS = dict(_commands())


def test_the_commands_are_found() -> None:
    """The list that the other tests here go through is not empty by accident."""
    assert {"run", "report", "list", "doctor", "env create", "env list", "env remove", "data check"} <= set(COMMANDS)
    assert "--budget" in _options(COMMANDS["run"])


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_is_in_the_readme(name: str) -> None:
    """The README names each command as a person types it."""
    assert f"frameworkbench {name}" in _text("README.md")


@pytest.mark.parametrize(
    ("command", "option"), [(name, option) for name, command in COMMANDS.items() for option in _options(command)]
)
def test_every_option_is_explained(command: str, option: str) -> None:
    """Each option has a help text, so that --help is a full reference."""
    params = {opt: param for param in COMMANDS[command].params for opt in param.opts}

    assert (params[option].help or "").strip()


def test_every_suite_is_in_the_readme() -> None:
    """The README says what each suite does."""
    assert [name for name in SUITES if f"`{name}`" not in _text("README.md")] == []


def test_every_adapter_is_in_the_readme() -> None:
    """The README lists each shipped adapter with all its modes."""
    readme = _text("README.md")
    rows = {line.split("|")[1].strip(" `"): line for line in readme.splitlines() if line.startswith("| `")}

    missing = [
        f"{info.name}: {mode}"
        for info in load_adapters().values()
        for mode in info.modes
        if mode not in rows.get(info.name, "")
    ]

    assert missing == []


def test_every_adapter_method_is_explained() -> None:
    """Whoever writes an adapter finds each method that must be written in CONTRIBUTING or the docs."""
    wanted = [name for name, _ in inspect.getmembers(Adapter, inspect.isfunction) if not name.startswith("_")]

    assert wanted
    assert [name for name in wanted if f"`{name}`" not in _docs()] == []


def test_every_layer_is_defined() -> None:
    """docs/semantics.md has a row for each layer kind."""
    semantics = _text("docs/semantics.md")

    assert [kind for kind in (*KINDS, "residual") if f"| `{kind}` |" not in semantics] == []


def test_every_cell_field_is_documented(tmp_path: Path) -> None:
    """docs/report-json.md has a row for each key of a cell and of the top level."""
    report = summarise(load_run(example(tmp_path / "run"))).to_json()
    text = _text("docs/report-json.md")

    keys = sorted({*report, *(key for cell in report["cells"] for key in cell)})

    assert len(keys) > 30
    assert [key for key in keys if f"| `{key}` |" not in text] == []


def test_every_marker_is_in_contributing() -> None:
    """CONTRIBUTING says what each test marker needs."""
    markers = tomllib.loads(_text("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]
    names = [marker.partition(":")[0] for marker in markers]

    assert [name for name in names if f"`{name}`" not in _text("CONTRIBUTING.md")] == []
