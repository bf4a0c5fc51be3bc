"""Suites, cells and their keys: what a number belongs to."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from frameworkbench.errors import UsageError
from frameworkbench.spec.cell import Cell, cell_key
from frameworkbench.spec.protocol import SUITES, Protocol, suite

CELL = Cell(
    task="train",
    workload="mnist-mlp",
    data="synthetic",
    adapter="some",
    role="entrant",
    mode="eager",
    mode_class="eager",
    lane="matched",
    device="cpu",
    precision="float32",
    threads=2,
    batch_size=64,
)
INPUTS = {name: name * 2 for name in ("dataset", "workload", "adapter", "interpreter", "protocol", "code", "machine")}


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return (*value, "x")
    return value + 1 if isinstance(value, int | float) else value + "x"


@pytest.mark.parametrize("name", [field.name for field in fields(Protocol)])
@pytest.mark.parametrize("preset", list(SUITES))
def test_every_setting_is_part_of_the_protocol_hash(preset: str, name: str) -> None:
    """A suite with any field changed has another hash."""
    protocol = SUITES[preset]

    changed = replace(protocol, **{name: _other(getattr(protocol, name))})

    assert changed.sha256 != protocol.sha256
    assert replace(protocol).sha256 == protocol.sha256


def test_suites_differ_and_know_their_names() -> None:
    """Presets are filed under their own names and no two are the same."""
    assert {name: protocol.suite for name, protocol in SUITES.items()} == {name: name for name in SUITES}
    assert len({protocol.sha256 for protocol in SUITES.values()}) == len(SUITES)


def test_an_unknown_suite() -> None:
    """An unknown suite is a usage error that lists the known ones."""
    with pytest.raises(UsageError, match=r"'huge'; known: smoke, quick, standard, rigorous"):
        suite("huge")


def test_other_tasks() -> None:
    """Tasks that are asked for replace the suite's, in one order however they were named; an unknown one is refused."""
    assert suite("quick", tasks=["infer", "train", "infer"]).tasks == ("train", "infer")
    assert suite("standard", tasks=["infer"]).tasks == ("infer",)
    with pytest.raises(UsageError, match="expected some of train, infer; received 'serve'"):
        suite("quick", tasks=["serve"])


def test_another_data_source() -> None:
    """A suite with another data source is another protocol; without one it is the preset itself."""
    assert suite("quick", data="real").data == "real"
    assert suite("quick", data="real").sha256 != SUITES["quick"].sha256
    assert suite("quick") is SUITES["quick"]


@pytest.mark.parametrize("name", [field.name for field in fields(Cell)])
def test_every_axis_is_part_of_the_key(name: str) -> None:
    """A cell that differs on any axis has another key."""
    changed = replace(CELL, **{name: _other(getattr(CELL, name))})

    assert cell_key(changed, INPUTS) != cell_key(CELL, INPUTS)


@pytest.mark.parametrize("name", list(INPUTS))
def test_every_input_is_part_of_the_key(name: str) -> None:
    """Another dataset, workload file, adapter, interpreter, protocol, code or machine gives another key."""
    assert cell_key(CELL, {**INPUTS, name: "other"}) != cell_key(CELL, INPUTS)
    assert cell_key(CELL, {key: value for key, value in INPUTS.items() if key != name}) != cell_key(CELL, INPUTS)


def test_the_key_does_not_depend_on_order() -> None:
    """The same facts in another order give the same key."""
    backwards = dict(reversed(INPUTS.items()))

    assert cell_key(CELL, backwards) == cell_key(CELL, INPUTS)


def test_names_of_a_cell() -> None:
    """A row is adapter and mode; a label has the workload before it."""
    assert CELL.row == "some:eager"
    assert CELL.label == "mnist-mlp some:eager"
