"""A mode whose window is one call of the framework's own loop is timed as its users run it, and watched as closely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from frameworkbench.analysis.summary import summarise
from frameworkbench.registry import read_adapter
from frameworkbench.run.options import RunOptions

from .conftest import FAKES, do

Request = Callable[..., RunOptions]

WINDOW_S = 0.2


@pytest.fixture
def looped(request_for: Request) -> Request:
    """Builds the request of a run of one mode of the fake whose loop takes 60 ms to begin."""

    def build(mode: str) -> RunOptions:
        options = request_for(f"looped:{mode}")
        return replace(options, protocol=replace(options.protocol, window_s=WINDOW_S, windows=8))

    return build


def test_what_a_call_costs_is_no_offence(looped: Request) -> None:
    """One whole window, its start measured, its steps repeated one by one with the same result: a valid row."""
    _, run_ = do(looped("declared"))

    (cell,) = summarise(run_).cells
    assert (cell.verdict.status, cell.verdict.code) == ("ok", "")
    (record,) = run_.cell_records(cell.key, "speed")
    payload = record["payload"]
    assert len(payload["windows"]) == 1
    assert 0.04 < payload["call_s"] < 0.3
    assert payload["replay"]["steps"] > payload["windows"][0]["steps"] >= 20


@pytest.mark.parametrize(
    ("mode", "code"),
    [("undeclared", "NONLINEAR"), ("constant", "NONLINEAR"), ("skips", "DETECTION")],
)
def test_a_loop_of_its_own_hides_nothing(mode: str, code: str, looped: Request) -> None:
    """Undeclared, a start that costs is an objection; declared, steps that are left out are still found."""
    _, run_ = do(looped(mode))

    (cell,) = summarise(run_).cells
    assert (cell.verdict.status, cell.verdict.code) == ("invalid", code)


def test_what_cannot_be_repeated_is_not_timed() -> None:
    """With dropout a loop's window cannot be compared with its steps: the mode refuses it with the reason."""
    modes = read_adapter(FAKES / "looped").modes

    assert "dropout draws others" in modes["declared"].unsupported["dropout"]
    assert "dropout" not in modes["undeclared"].unsupported
