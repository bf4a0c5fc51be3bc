"""Columns of some cells, joined, are the columns of all."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.report.page_columns import cell_columns, joined_columns
from frameworkbench.store.parsing import compact_json, parse_json

ROOT = Path(__file__).resolve().parents[2]
REPORTS = sorted(path.parent.name for path in (ROOT / "reports").glob("*/report.json"))


@pytest.mark.parametrize("name", REPORTS)
@pytest.mark.parametrize("shares", [2, 3])
def test_shares_join_to_the_whole(name: str, shares: int) -> None:
    """Whatever rows a real report has, its shares' columns, sent as JSON, join to those of all its cells."""
    cells: list[Any] = json.loads((ROOT / "reports" / name / "report.json").read_bytes())["cells"]
    edges = [len(cells) * number // shares for number in range(shares + 1)]
    parts = [cell_columns(cells[start:stop]) for start, stop in itertools.pairwise(edges)]

    joined = joined_columns([parse_json(compact_json(part)) for part in parts])

    assert json.dumps(joined) == json.dumps(cell_columns(cells)), "the same order of keys and texts, too"
