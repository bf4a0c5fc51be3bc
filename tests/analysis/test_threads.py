"""What a report says about the threads of a row."""

from __future__ import annotations

from typing import Any

import pytest

from frameworkbench.analysis.threads import thread_use

CENSUS = {
    "threads": 16, "busy_threads": 3, "processes": 1, "cpus": "0-1", "cpu_s": 3.0, "cpu_error_s": 0.02, "wall_s": 2.0,
    "throttled": 0,
}  # fmt: skip


def _proof(threads: int | None) -> dict[str, Any]:
    return {"payload": {"effective": {"threads": threads}}}


def _timed(*censuses: dict[str, Any] | None) -> dict[str, Any]:
    return {"payload": {"windows": [{"census": census} for census in censuses]}}


def test_nothing_is_said_without_a_proof() -> None:
    """A cell that never ran has no threads to speak of."""
    assert thread_use(None, [], 2) is None


def test_unreadable_threads_are_answered_by_the_census() -> None:
    """The sentence names what the census saw: most threads, and CPU-seconds summed over windows and processes."""
    found = thread_use(_proof(None), [_timed(CENSUS), _timed(CENSUS, {**CENSUS, "threads": 18})], 2)

    assert found is not None
    assert not found["equalised"]
    assert found["note"] == "threads not readable: census saw 18 threads (3 busy), used 9.0 of 12.0 CPU-seconds"


@pytest.mark.parametrize(("read_back", "equalised"), [(2, True), (1, False)])
def test_equal_means_read_back_and_equal(read_back: int, equalised: bool) -> None:
    """Only a number that was read back and is the one asked for counts as equalised."""
    found = thread_use(_proof(read_back), [_timed(CENSUS)], 2)

    assert found is not None
    assert found["equalised"] is equalised
    assert found["note"].startswith(f"{read_back} thread")


@pytest.mark.parametrize("timed", [[], [_timed(None)], [_timed(CENSUS, None)], [{"payload": {}}]])
def test_old_and_partial_records_have_no_census(timed: list[dict[str, Any]]) -> None:
    """Where any window lacks a census none is shown, and the sentence says so."""
    found = thread_use(_proof(None), timed, 2)

    assert found is not None
    assert found["census"] is None
    assert found["note"] == "threads not readable; no census was taken"


def test_throttling_and_children_are_named() -> None:
    """A quota that stopped the row, and processes beside the worker, appear in the sentence."""
    found = thread_use(_proof(2), [_timed({**CENSUS, "throttled": 7, "processes": 3})], 2)

    assert found is not None
    assert "in 3 processes" in found["note"]
    assert "a CPU quota stopped it in 7 periods" in found["note"]
