"""The generated page of what adapters declare."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from frameworkbench.kit.declared import VOCABULARY
from frameworkbench.kit.matrix import matrix_page
from frameworkbench.registry import BUILT_IN, load_adapters

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_is_up_to_date() -> None:
    """docs/matrix.md is what the declarations of the shipped adapters give today; `make matrix` writes it anew."""
    shipped = [info for info in load_adapters().values() if info.origin == BUILT_IN]

    assert (ROOT / "docs" / "matrix.md").read_text(encoding="utf-8") == matrix_page(shipped)


def test_what_is_not_declared_shows() -> None:
    """A layer that is not declared is a dash, one that a mode refuses has a numbered reason, others name devices."""
    info = load_adapters()["reference"]
    mode = dataclasses.replace(info.modes["numpy"], unsupported={"lstm": "it loops | and loops"})
    changed = dataclasses.replace(info, layers=info.layers - {"gelu"}, modes={"numpy": mode}, devices=("cpu", "cuda"))

    lines = matrix_page([changed]).splitlines()

    assert "| `gelu` | – |" in lines
    assert "| `lstm` | (1) |" in lines
    assert "1. `reference:numpy`: it loops | and loops" in lines
    assert "| `dense` | cpu, cuda |" in lines
    assert sum(line.startswith("| `") and line.split("`")[1] in VOCABULARY for line in lines) == len(VOCABULARY)
