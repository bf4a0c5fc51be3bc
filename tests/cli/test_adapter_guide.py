"""docs/adding-a-framework.md, followed to the letter: its code blocks are applied and its commands are run."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ROOT, Answer, Command

GUIDE = ROOT / "docs" / "adding-a-framework.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)

# Commands that end with something else than 0, by their place in the guide.
FAILS = {1: "the first check of an empty adapter"}
QUICK = 3  # commands of the first three sections


def _blocks() -> list[tuple[str, str]]:
    """The blocks up to the part about other frameworks: what somebody does who follows the page."""
    walk = GUIDE.read_text(encoding="utf-8").split("## A framework of its own")[0]
    return [(found[1], found[2]) for found in BLOCK.finditer(walk)]


def _commands(block: str) -> list[list[str]]:
    lines = [line.removeprefix("$ ").split() for line in block.splitlines() if line.startswith("$ ")]
    assert all(words[0] == "frameworkbench" for words in lines)
    return [words[1:] for words in lines]


def _apply_toml(file: Path, block: str) -> None:
    """Each key of the block takes the place of the same key in the file."""
    text = file.read_text(encoding="utf-8")
    for entry in re.split(r"\n(?=\w)", block.strip()):
        key = entry.partition(" ")[0]
        text, count = re.subn(rf"^{key} = .*$", lambda _, new=entry: new, text, flags=re.M)
        assert count == 1, key
    file.write_text(text, encoding="utf-8")


def _apply_python(file: Path, block: str) -> None:
    """Imports go below the others, methods and constants take the place of those with their name."""
    for node in ast.parse(block).body:
        new = ast.get_source_segment(block, node) or ""
        source = file.read_text(encoding="utf-8")
        if isinstance(node, ast.Import | ast.ImportFrom):
            changed = source.replace("\nfrom frameworkbench.adapter", f"\n{new}\nfrom frameworkbench.adapter", 1)
        else:
            old = next(found for found in ast.walk(ast.parse(source)) if _name(found) == _name(node))
            indent = " " * old.col_offset
            lines = source.splitlines()
            lines[old.lineno - 1 : old.end_lineno] = textwrap.indent(new, indent).splitlines()
            changed = "\n".join(lines) + "\n"
        assert changed != source, new
        file.write_text(changed, encoding="utf-8")


def _name(node: ast.AST) -> str | None:
    if isinstance(node, ast.FunctionDef):
        return node.name
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return target.id if isinstance(target, ast.Name) else None


def _follow(command: Command, folder: Path) -> Iterator[tuple[list[str], Answer]]:
    """Do what the guide says, block by block."""
    for kind, block in _blocks():
        if kind == "toml":
            _apply_toml(folder / "handmade" / "adapter.toml", block)
        elif kind == "python":
            _apply_python(folder / "handmade" / "adapter.py", block)
        elif kind == "console":
            for words in _commands(block):
                yield words, command(*words)


def test_the_first_sections(command: Command, tmp_path: Path) -> None:
    """From an empty folder to an adapter with one layer: each command ends as the guide says."""
    answers = []
    for number, (words, answer) in enumerate(_follow(command, tmp_path)):
        answers.append(answer)
        assert answer.code == (1 if number in FAILS else 0), f"{words}\n{answer.out}\n{answer.err}"
        if number + 1 == QUICK:
            break

    assert "FAIL build: not written yet\n     → write `build`: make the model's layers" in answers[1].out
    assert "ok   step moves weights: every parameter moves and is kept in float32" in answers[2].out
    assert "model imdb-lstm: needs the layer embedding (not declared)" in answers[2].out


@pytest.mark.slow
def test_the_whole_guide(command: Command, tmp_path: Path) -> None:
    """Every command of the walk works in its order, and the report at its end shows the new row as proved."""
    for number, (words, answer) in enumerate(_follow(command, tmp_path)):
        assert answer.code == (1 if number in FAILS else 0), f"{words}\n{answer.out}\n{answer.err}"

    report = (tmp_path / "reports" / "handmade" / "report.md").read_text(encoding="utf-8")
    assert "handmade:eager" in report
    assert "✓ proved" in report


def test_the_guide_quotes_what_is_there() -> None:
    """The groups of checks and every key of adapter.toml that the registry reads are on the page."""
    from frameworkbench.kit.checking import GROUPS

    text = GUIDE.read_text(encoding="utf-8")
    registry = (ROOT / "frameworkbench" / "registry.py").read_text(encoding="utf-8")
    keys = set(re.findall(r'(?:required|choice|optional|_texts|_environment)\((?:fields, )?"(\w+)"', registry))

    assert [name for name in GROUPS if f"`{name}`" not in text] == []
    assert len(keys) > 10
    assert sorted(key for key in keys - {"class", "lock"} if f"`{key}`" not in text and f"[{key}]" not in text) == []
