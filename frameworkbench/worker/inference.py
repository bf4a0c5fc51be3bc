"""Timed requests: from the staged input to the answer on the host.

A request is finished when its logits lie in the harness's own memory. So the clock cannot stop before the work
is done, whatever the framework queues, postpones or leaves to another thread.

Runs on Python 3.10 and newer with NumPy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..adapter import Adapter, Array
from ..errors import WorkerError

Reply = dict[str, Any]
Clock = Callable[[], int]
Drain = Callable[[], None]
Mark = Callable[[str], None]


def queued(
    adapter: Adapter, batches: Sequence[Any], *, drain: Drain, mark: Mark, clock: Clock = time.perf_counter_ns
) -> tuple[Array, Reply]:
    """Answer all requests as fast as possible: queue them all, then fetch every answer.

    Args:
        adapter: with a built model.
        batches: staged batches of one size.
        drain: blocks until all work of framework and device has finished.
        mark: tells the parent that the window starts or stops; the start returns once the parent has read its clock.
        clock: monotonic clock in nanoseconds; tests pass a fake one.

    Returns:
        Logits ``(requests, B, classes)`` as float32, and the reply with the window's claimed time.
    """
    fetched: list[Array] = []
    drain()
    cpu = time.process_time()
    mark("start")
    started = clock()
    handles = [adapter.infer(batch) for batch in batches]
    for handle in handles:
        fetched.append(_own(adapter.fetch(handle)))
    drain()
    stopped = clock()
    mark("stop")
    return _stacked(fetched), {"claimed_ns": stopped - started, "cpu_s": time.process_time() - cpu}


def one_by_one(
    adapter: Adapter, batches: Sequence[Any], *, drain: Drain, mark: Mark, clock: Clock = time.perf_counter_ns
) -> tuple[Array, Reply]:
    """Answer requests one after the other, as a server with one user does, and time each by itself.

    Args:
        adapter: with a built model.
        batches: staged batches of one size.
        drain: blocks until all work of framework and device has finished.
        mark: tells the parent that the window starts or stops; the start returns once the parent has read its clock.
        clock: monotonic clock in nanoseconds; tests pass a fake one.

    Returns:
        Logits ``(requests, B, classes)`` as float32, and the reply: the window's claimed time and each
        request's nanoseconds.
    """
    fetched: list[Array] = []
    latencies: list[int] = []
    infer, fetch = adapter.infer, adapter.fetch
    drain()
    cpu = time.process_time()
    mark("start")
    opened = clock()
    for batch in batches:
        started = clock()
        answer = _own(fetch(infer(batch)))
        latencies.append(clock() - started)
        fetched.append(answer)
    stopped = clock()
    mark("stop")
    reply = {"claimed_ns": stopped - opened, "cpu_s": time.process_time() - cpu, "latencies_ns": latencies}
    return _stacked(fetched), reply


def _own(answer: Any) -> Array:
    """A copy in the harness's memory: a view that somebody fills later would be seen empty here."""
    return np.array(answer, dtype=np.float32)


def _stacked(fetched: Sequence[Array]) -> Array:
    shapes = {answer.shape for answer in fetched}
    if len(shapes) != 1:
        raise WorkerError("ADAPTER_ERROR", f"answers of different shapes: {sorted(shapes)[:3]}; expected one shape")
    return np.stack(fetched)
