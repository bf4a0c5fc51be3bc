"""Cells are divided among processes without parting what is compared."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from frameworkbench.store.reading import Share
from frameworkbench.store.run import PlannedCell
from frameworkbench.store.sharing import shares_of


def plan(*sizes: int) -> list[PlannedCell]:
    """Workloads of so many cells, one after the other."""
    names = [f"w{place}" for place, size in enumerate(sizes) for _ in range(size)]
    return [PlannedCell(f"k{place}", True, {"workload": name}) for place, name in enumerate(names)]


@pytest.mark.parametrize(
    ("sizes", "count", "bounds"),
    [
        ((10,) * 10, 1, [0, 100]),
        ((10,) * 10, 2, [0, 50, 100]),
        ((100,), 2, [0, 100]),
        ((90, 10), 2, [0, 90, 100]),
        ((45, 55), 2, [0, 100]),
        ((), 2, [0, 0]),
    ],
)
def test_shares_begin_where_they_may(sizes: tuple[int, ...], count: int, bounds: list[int]) -> None:
    """They are about equal; a workload is never parted, nor a file of ten cells; then one process does it."""
    assert shares_of(plan(*sizes), count, 10) == [range(*pair) for pair in pairwise(bounds)]


def test_any_plan_is_divided_whole() -> None:
    """Every cell is in one share, in order, and no workload is in two, also where workloads are mixed."""
    chance = random.Random(2)
    for _ in range(200):
        cells = plan(*(chance.randrange(1, 40) for _ in range(chance.randrange(1, 12))))
        if chance.random() < 0.3:
            swapped = chance.randrange(len(cells)), chance.randrange(len(cells))
            for one, other in (swapped, swapped[::-1]):
                cells[one] = PlannedCell(f"k{one}", True, cells[other].axes)
        shares = shares_of(cells, chance.randrange(1, 5), 5)
        assert [place for share in shares for place in share] == list(range(len(cells)))
        held = [{cells[place].axes["workload"] for place in share} for share in shares]
        assert sum(map(len, held)) == len(set().union(*held))


@pytest.mark.parametrize(
    ("key", "first", "second"), [("a", True, False), ("b", False, True), ("unknown", True, False), (None, True, True)]
)
def test_each_record_has_its_readers(key: str | None, first: bool, second: bool) -> None:
    """A cell's record has one reader, that of an unplanned cell the first process; those of no cell are read by all."""
    shares = Share({"a"}, {"b"}, first=True), Share({"b"}, {"a"}, first=False)
    text = f'{{\n "block": 0,\n "cell_key": {"null" if key is None else chr(34) + key + chr(34)},\n "z": 1\n}}'.encode()

    assert [share.has(key) for share in shares] == [first, second]
    assert [not share.is_foreign(text) for share in shares] == [first, second]
