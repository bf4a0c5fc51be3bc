"""``frameworkbench claims`` as a person types it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.report.planted_run import example

from .conftest import Command


def test_claims_of_a_run(command: Command, tmp_path: Path) -> None:
    """Verdicts of a run are printed as a table and as JSON; a folder that holds no run is an error."""
    run = example(tmp_path / "run")

    rows = command("claims", str(run), "--json")
    table = command("claims")
    missing = command("claims", str(tmp_path / "nothing"))

    assert [row["number"] for row in json.loads(rows.out)] == list(range(1, 13))
    assert (rows.code, table.code) == (0, 0)
    assert "contradicted" in table.out
    assert missing.code == 5
    assert "nothing" in missing.err
