"""Timed requests: what the clock covers, and whose memory the answers lie in."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest

from frameworkbench.errors import WorkerError
from frameworkbench.worker.inference import one_by_one, queued


class Recorder:
    """An adapter that notes what is asked of it; answers are views of one buffer that it overwrites."""

    def __init__(self, shapes: dict[int, tuple[int, ...]] | None = None) -> None:
        self.calls: list[str] = []
        self._buffer = np.zeros((1, 2), np.float32)
        self._shapes = shapes or {}

    def infer(self, batch: int) -> int:
        self.calls.append(f"infer {batch}")
        return batch

    def fetch(self, handle: int) -> Any:
        self.calls.append(f"fetch {handle}")
        self._buffer[...] = handle
        return self._buffer if handle not in self._shapes else np.zeros(self._shapes[handle])

    def drain(self) -> None:
        self.calls.append("drain")


def ticks(recorder: Recorder) -> Callable[[], int]:
    """A clock that advances by one at each look and is seen in the adapter's notes."""
    numbers = count()

    def look() -> int:
        recorder.calls.append("clock")
        return next(numbers)

    return look


def mark(recorder: Recorder) -> Callable[[str], None]:
    """Notes the marks that the parent stamps."""
    return recorder.calls.append


def test_a_queued_window_ends_with_the_last_answer() -> None:
    """All requests are queued before the first answer is awaited, and the clock covers every answer."""
    adapter: Any = Recorder()
    answers, reply = queued(adapter, [3, 4], drain=adapter.drain, mark=mark(adapter), clock=ticks(adapter))
    assert adapter.calls == [
        "drain", "start", "clock", "infer 3", "infer 4", "fetch 3", "fetch 4", "drain", "clock", "stop",
    ]  # fmt: skip
    assert answers.tolist() == [[[3, 3]], [[4, 4]]]
    assert reply["claimed_ns"] == 1


def test_single_requests_are_timed_to_their_answer() -> None:
    """Each latency covers exactly one request and its answer."""
    adapter: Any = Recorder()
    answers, reply = one_by_one(adapter, [3, 4], drain=adapter.drain, mark=mark(adapter), clock=ticks(adapter))
    assert adapter.calls == [
        "drain", "start", "clock", "clock", "infer 3", "fetch 3", "clock", "clock", "infer 4", "fetch 4", "clock",
        "clock", "stop",
    ]  # fmt: skip
    assert answers.tolist() == [[[3, 3]], [[4, 4]]]
    assert reply["latencies_ns"] == [1, 1]
    assert reply["claimed_ns"] == 5


def test_answers_of_different_shapes_are_no_answers() -> None:
    """An answer of another shape fails the pass and names the shapes."""
    adapter: Any = Recorder({4: (2, 2)})
    with pytest.raises(WorkerError, match=r"\(1, 2\), \(2, 2\)"):
        queued(adapter, [3, 4], drain=adapter.drain, mark=mark(adapter))
