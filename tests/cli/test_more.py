"""--more and the noisy ending, from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from frameworkbench.run import foreign, sentinel
from frameworkbench.spec.protocol import SUITES

from .conftest import Command


@pytest.mark.parametrize("words", ["0", "-3", "many", "1.5"])
def test_more_wants_a_number_or_auto(words: str, command: Command, tiny: str) -> None:
    """Anything but a positive number or auto ends with 2 and says what was expected."""
    answer = command("run", "--suite", "smoke", "-w", tiny, "--out", "out", f"--more={words}")

    assert answer.code == 2
    assert 'expected a number of blocks or "auto"' in answer.err


def test_more_of_nothing(command: Command, tiny: str) -> None:
    """Without a run there is nothing to add to, and the message says what to do."""
    answer = command("run", "--suite", "smoke", "-w", tiny, "--out", "out", "--more", "2")

    assert answer.code == 2
    assert "run without --more first" in answer.err


def test_more_blocks(command: Command, tiny: str, tmp_path: Path) -> None:
    """--more 2 adds two blocks to a finished run; --more auto adds none where no pair is inconclusive."""
    args = ["run", "--suite", "smoke", "-w", tiny, "--out", "out"]
    command(*args)

    added, automatic = command(*args, "--more", "2"), command(*args, "--more", "auto")

    records = [json.loads(path.read_text()) for path in (tmp_path / "out").glob("records/*/*.json")]
    assert (added.code, automatic.code) == (0, 0)
    assert sorted(record["block"] for record in records if record["kind"] == "block") == [1, 2, 3]
    assert "nothing to add" in automatic.err


def test_a_noisy_run_ends_with_0_and_says_so(command: Command, tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run on a noisy machine says NOISY and why, and ends with 0; with --strict it ends with 6."""
    monkeypatch.setitem(SUITES, "smoke", replace(SUITES["smoke"], sentinel_readings=2))
    monkeypatch.setattr(foreign, "read", lambda *args, **kwargs: None)
    readings = iter([sentinel.Reading(1000, 1000)] * 3)
    monkeypatch.setattr(sentinel.Sentinel, "read", lambda self: next(readings, sentinel.Reading(5000, 1000)))
    args = ["run", "--suite", "smoke", "-w", tiny, "--out", "out"]

    lenient, strict = command(*args), command(*args, "--strict")

    assert (lenient.code, strict.code) == (0, 6)
    assert "NOISY" in lenient.err
    assert "disturbed" in lenient.err


def test_suites_say_what_they_resolve(command: Command) -> None:
    """`list` states for each suite the difference it finds and the deviation at which that holds."""
    suites = json.loads(command("list", "--json").out)["suites"]

    assert suites["smoke"]["resolution"]["ratio"] is None
    ratios = [suites[name]["resolution"]["ratio"] for name in ("quick", "standard", "rigorous")]
    assert ratios == sorted(ratios, reverse=True)
    assert suites["standard"]["resolution"]["deviation"] == 0.02
    assert "20 blocks find a true difference of" in " ".join(command("list").out.split())
