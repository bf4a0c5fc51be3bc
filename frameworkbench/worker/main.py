"""The worker's loop: one JSON line in, one operation, one JSON line out, on pipes of its own.

Standard output and standard error belong to the framework and go to a log. Everything that can go wrong
becomes a reply with a code; this is the one place that catches every exception.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import CodedError, FrameworkbenchError

if TYPE_CHECKING:
    from .session import Session

Mark = Callable[[str], None]

_MEMORY_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "bad_alloc", "resource_exhausted")


def serve(request_fd: int, reply_fd: int) -> None:
    """Answer requests until the parent closes its end or asks to quit."""
    with (
        os.fdopen(request_fd, "r", encoding="utf-8") as requests,
        os.fdopen(reply_fd, "w", encoding="utf-8") as replies,
    ):

        def send(message: dict[str, Any]) -> None:
            replies.write(json.dumps(message) + "\n")
            replies.flush()

        def mark(name: str) -> None:
            """Say that a window starts or stops; its start waits until the parent has read its own clock."""
            send({"event": name})
            if name == "start":
                requests.readline()

        worker = _Worker(mark)
        for line in iter(requests.readline, ""):
            request = json.loads(line)
            if request["op"] == "quit":
                send({"ok": True})
                break
            send(_answer(worker, request))
    # Frameworks may hang or crash in their own exit handlers; the result is already with the parent.
    os._exit(0)


class _Worker:
    """Makes the session with the first request: NumPy, which every framework needs, is then imported inside
    that request's time, as it would be for somebody who imports the framework in a fresh interpreter.
    """

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._session: Session | None = None

    def handle(self, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Run one operation."""
        if self._session is None:
            from .session import Session

            self._session = Session(self._mark)
        return self._session.handle(op, args)


def _answer(worker: _Worker, request: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter_ns()
    try:
        reply = worker.handle(request["op"], request.get("args", {}))
    except MemoryError:
        return _failure("OUT_OF_MEMORY", "the process ran out of memory", traceback.format_exc())
    except CodedError as problem:
        return _failure(problem.code, str(problem), traceback.format_exc())
    except FrameworkbenchError as problem:
        return _failure("ADAPTER_ERROR", str(problem), traceback.format_exc())
    except Exception as problem:  # noqa: BLE001 - the worker boundary: a framework may raise anything
        text = f"{type(problem).__name__}: {problem}"
        code = "OUT_OF_MEMORY" if any(sign in text.lower() for sign in _MEMORY_SIGNS) else "ADAPTER_ERROR"
        return _failure(code, text.strip()[:600], traceback.format_exc())
    return {"ok": True, "busy_ns": time.perf_counter_ns() - started, **reply}


def _failure(code: str, message: str, trace: str) -> dict[str, Any]:
    print(trace, flush=True)
    return {"ok": False, "code": code, "message": message}
