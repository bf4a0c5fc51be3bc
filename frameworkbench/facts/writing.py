"""Ease of writing as measured facts: the lines an adapter needs, and what a framework says when a shape is wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..content import content_dir
from ..spec.fields import Fields
from ..written_files import read_json

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class WrongShape:
    """What one mode said when a dense layer was given too few numbers (``benchmarks/wrong_shape.py``).

    Attributes:
        mode: the mode.
        version: of the framework.
        where: what stopped: "stage", "step" or "loss" (only when the result was waited for); empty if nothing did.
        type: the exception.
        characters: length of its message.
        lines: lines of it that are not blank.
        first_lines: the first of them; long ones are cut.
        last_line: the last of them, where a traceback ends in what is wrong.
        names_expected: whether the message names the width that the layer has.
        names_received: whether it names the one that it was given.
    """

    mode: str
    version: str
    where: str
    type: str
    characters: int
    lines: int
    first_lines: tuple[str, ...]
    last_line: str
    names_expected: bool
    names_received: bool


@dataclass(frozen=True, slots=True)
class Writing:
    """How much one adapter takes, and what its framework's modes say to a wrong shape."""

    lines: int
    wrong_shapes: tuple[WrongShape, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        said = [{**asdict(found), "first_lines": list(found.first_lines)} for found in self.wrong_shapes]
        return {"lines": self.lines, "wrong_shapes": said}


@cache
def shipped_writing() -> dict[str, Writing]:
    """Every shipped adapter's, by its name.

    Raises:
        SpecError: a declaration or the measurement is wrong.
    """
    from ..registry import load_adapters

    said = read_wrong_shapes(content_dir("claims") / "measured" / "wrong-shape.json")
    adapters = load_adapters().items()
    return {name: Writing(code_lines(info.folder), said.get(name, ())) for name, info in adapters}


def code_lines(folder: Path) -> int:
    """Lines of an adapter's modules that are not blank; comments and docstrings count."""
    texts = (file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.py")))
    return sum(bool(line.strip()) for text in texts for line in text.splitlines())


def read_wrong_shapes(file: Path) -> dict[str, tuple[WrongShape, ...]]:
    """What ``benchmarks/wrong_shape.py`` recorded, by adapter; nothing where it did not run.

    Raises:
        SpecError: the file cannot be read, or a key is missing, unknown or of the wrong type.
    """
    if not file.is_file():
        return {}
    fields = Fields(read_json(file), str(file))
    fields.schema(SCHEMA)
    for width in ("expected", "received"):  # for readers
        fields.positive(width)
    found: dict[str, list[WrongShape]] = {}
    for number, value in enumerate(fields.required("rows", list)):
        adapter, said = _row(value, f"{file}: rows[{number}]")
        found.setdefault(adapter, []).append(said)
    fields.done()
    return {adapter: tuple(rows) for adapter, rows in found.items()}


def _row(value: Any, where: str) -> tuple[str, WrongShape]:
    fields = Fields(value, where)
    said = WrongShape(
        mode=fields.required("mode", str),
        version=fields.required("version", str),
        where=fields.choice("where", ("stage", "step", "loss", "")),
        type=fields.required("type", str),
        characters=fields.not_negative("characters", 0),
        lines=fields.not_negative("lines", 0),
        first_lines=tuple(str(line) for line in fields.required("first_lines", list)),
        last_line=fields.required("last_line", str),
        names_expected=fields.required("names_expected", bool),
        names_received=fields.required("names_received", bool),
    )
    adapter = fields.required("adapter", str)
    fields.done()
    return adapter, said
