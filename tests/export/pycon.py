"""Examples in documents, run as a reader would type them.

usage: python -m tests.export.pycon docs/python-api.md

Writes what the examples print today into the document; the test compares.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"(?<=^```pycon\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)


def examples(text: str) -> list[doctest.Example]:
    """All examples of a document in order."""
    parser = doctest.DocTestParser()
    return [example for block in _BLOCK.findall(text) for example in parser.get_examples(block)]


def run_again(text: str) -> str:
    """The document with what its examples print now; names live on from one block to the next."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with contextlib.chdir(ROOT):
        return _BLOCK.sub(lambda block: _run_block(block[0], names), text)


def _run_block(block: str, names: dict[str, Any]) -> str:
    lines = []
    for example in doctest.DocTestParser().get_examples(block):
        first, *rest = example.source.rstrip("\n").split("\n")
        lines += [f">>> {first}", *(f"... {line}".rstrip() for line in rest)]
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(example.source, "<example>", "single"), names)
        lines += [line.rstrip() for line in printed.getvalue().splitlines()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(run_again(document.read_text(encoding="utf-8")), encoding="utf-8")
