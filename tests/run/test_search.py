"""The largest size that fits is found in few tries, and an unfinished search says so."""

from __future__ import annotations

import pytest

from frameworkbench.run.search import search


@pytest.mark.parametrize("limit", [1, 7, 63, 64, 65, 100, 1000, 4096, 9999])
def test_the_limit_is_found_within_the_resolution(limit: int) -> None:
    """Whatever the limit, above or below the first size, it lies between the two answers, a sixteenth apart."""
    tried: list[int] = []

    found = search(64, 2**20, lambda size: tried.append(size) or size <= limit)

    assert found.finished
    assert found.failed is not None
    assert found.largest <= limit < found.failed
    assert found.failed - found.largest <= max(1, found.largest // 16)
    assert len(tried) == len(set(tried)) < 20


def test_nothing_fits() -> None:
    """When not even one fits the answer is 0 and the smallest failure is 1."""
    found = search(64, 1024, lambda size: False)

    assert (found.largest, found.failed, found.finished) == (0, 1, True)


def test_everything_fits() -> None:
    """When the ceiling fits it is the answer, and nothing failed."""
    found = search(64, 1000, lambda size: True)

    assert (found.largest, found.failed, found.finished) == (1000, None, True)


def test_time_runs_out() -> None:
    """A try without answer ends the search with what is known by then."""
    answers = iter([True, True, False, None])

    found = search(64, 2**20, lambda size: next(answers))

    assert (found.largest, found.failed, found.finished) == (128, 256, False)
