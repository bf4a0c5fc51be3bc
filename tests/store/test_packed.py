"""Packed rows: the same list in a tenth of the memory."""

from __future__ import annotations

from typing import Any

import pytest

from frameworkbench.store.packed import LEAST_ROWS, PackedRows, packed


def rows(count: int = LEAST_ROWS, **changes: Any) -> list[dict[str, Any]]:
    """Windows as a record holds them; the last one with changes."""
    found: list[dict[str, Any]] = [{"steps": 20, "start_ns": 10**12 + n, "cpu_s": 0.1 * n} for n in range(count)]
    found[-1] |= changes
    return found


def test_packed_rows_are_the_same_list() -> None:
    """Equality, length, order, single rows and the types of the numbers are those of the list."""
    plain = rows(12)

    found = packed(plain)

    assert isinstance(found, PackedRows)
    assert found == plain
    assert plain == found
    assert len(found) == 12
    assert list(found) == plain
    assert found[3] == plain[3]
    assert found[-2:] == plain[-2:]
    assert [list(map(type, row.values())) for row in found] == [[int, int, float]] * 12
    assert found != plain[:-1]


def test_columns_are_read_row_by_row() -> None:
    """Some columns come out in the order asked for, and one that is not there as None."""
    found = packed(rows())

    assert found.columns("cpu_s", "steps")[1] == (0.1, 20)
    assert found.columns("steps", "absent")[0] == (20, None)
    assert found.whole("steps", "start_ns")
    assert not found.whole("steps", "cpu_s")
    assert not found.whole("absent")


@pytest.mark.parametrize(
    "value",
    [
        rows(LEAST_ROWS - 1),
        rows(steps=2**63),
        rows(steps=True),
        rows(steps=1.0),
        rows(cpu_s=1),
        rows(cpu_s=None),
        rows(extra=1),
        [*rows(), "text"],
        [{"census": {"threads": 2}}] * LEAST_ROWS,
        None,
        "text",
        {"steps": 1},
    ],
)
def test_what_cannot_be_packed_exactly_stays_as_it_is(value: Any) -> None:
    """Nothing is rounded, converted or dropped: a list that does not fit is the very same object."""
    assert packed(value) is value


def test_memory_is_saved() -> None:
    """A thousand windows take less than a fifth of the room of their objects."""
    import sys

    plain = rows(1000)
    objects = sum(sys.getsizeof(row) + sum(map(sys.getsizeof, row.values())) for row in plain)
    found = packed(plain)

    assert sys.getsizeof(found._data) < objects / 5
