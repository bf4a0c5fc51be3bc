"""What turns buy is measured on real processes, and the committed figures follow from their samples."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.benchmarks.programs import BENCHMARKS, program

FILE = BENCHMARKS / "turns.json"
turns = program("turns")


def test_the_deviation_is_that_within_blocks() -> None:
    """What a block's processes have in common does not count, and blocks are pooled."""
    assert turns.deviation([[1.0, math.e], [100.0, 100 * math.e]]) == pytest.approx(math.sqrt(0.5))
    assert turns.deviation([[5.0, 5.0], [1.0, 1.0]]) == 0.0


@pytest.mark.slow
def test_both_designs_are_run(tmp_path: Path) -> None:
    """The reference, two processes in each design: a row with the samples of both, and a second run adds its own."""
    out = tmp_path / "turns.json"
    asked = ["--adapter", "reference", "--workload", "mnist-mlp", "--blocks", "1", "--processes", "2"]
    cache = ["--cache-dir", str(tmp_path / "cache"), "--out", str(out)]

    assert turns.main([*asked, *cache]) == 0
    (row,) = json.loads(out.read_text(encoding="utf-8"))["rows"]
    ((alone, in_turns),) = row["samples"]
    assert len(alone) == len(in_turns) == 2
    assert all(value > 0 for value in alone + in_turns)


def test_the_committed_figures_follow_from_their_samples() -> None:
    """Each row's deviations are those of its samples, and the text quotes them."""
    text = (BENCHMARKS.parent / "docs" / "method.md").read_text(encoding="utf-8")
    for row in json.loads(FILE.read_text(encoding="utf-8"))["rows"]:
        for place, name in enumerate(("alone", "turns")):
            assert row[name] == pytest.approx(turns.deviation([block[place] for block in row["samples"]]), abs=1e-4)
        quoted = f"{row['adapter']} {row['workload']} {row['alone']:.1%} and {row['turns']:.1%}"
        assert quoted in " ".join(text.split()), quoted
