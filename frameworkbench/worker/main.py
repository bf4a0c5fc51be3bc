"""The worker's loop: one JSON line in, one operation, one JSON line out, on pipes of its own.

Standard output and standard error belong to the framework and go to a log. Everything that can go wrong
becomes a reply with a code; this is the one place that catches every exception.
"""

from __future__ import annotations

import json
import os
import time
import traceback
from typing import Any

from ..errors import CodedError, FrameworkbenchError
from .session import Session

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

        session = Session(send)
        for line in requests:
            request = json.loads(line)
            if request["op"] == "quit":
                send({"ok": True})
                break
            send(_answer(session, request))
    # Frameworks may hang or crash in their own exit handlers; the result is already with the parent.
    os._exit(0)


def _answer(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter_ns()
    try:
        reply = session.handle(request["op"], request.get("args", {}))
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
