"""One worker process as the parent sees it: launch, ask, stamp, and end it whatever happens.

Requests and replies travel as JSON lines on two pipes of their own; standard output and error go to the log.
The parent blocks while the child measures.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from ..errors import WorkerError
from . import census, codes, foreign
from .orphans import MARK, adopt_orphans, children, end, mark_of

_PACKAGE = Path(__file__).resolve().parent.parent
_LOG_END = 2000
_LIVE: dict[int, str] = {}  # workers of this process and their marks: any other child was left behind by one
_UNCLAIMED: list[int] = []  # children that might have been left behind by any of several workers
_COUNTING = threading.Lock()
PROGRAM = _PACKAGE / "worker" / "bootstrap.py"

# What a worker inherits; everything else could change a measurement unseen.
_ALLOWED = ("PATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "CXX", "CC", "SSL_CERT_FILE")

Clock = Callable[[], int]
_GO = {"op": "go"}


class WorkerProcess:
    """A running worker; leaving the ``with`` block ends its whole process group.

    Args:
        interpreter: Python of the adapter's environment.
        environment: variables set for this worker, on top of the allow-list.
        log: file that receives its output.
        folder: working folder, private to this process.
        cores: CPU numbers it may run on; empty leaves the mask alone.
        deadline_s: limit for the whole process.
        memory_limit: address-space limit in bytes, or None.
        clock: monotonic clock in nanoseconds; tests pass a fake one.
        program: the file that the interpreter runs; a benchmark may put its own around the ordinary one.
    """

    def __init__(
        self,
        interpreter: Path,
        *,
        environment: Mapping[str, str],
        log: Path,
        folder: Path,
        cores: Sequence[int],
        deadline_s: float,
        memory_limit: int | None = None,
        clock: Clock = time.perf_counter_ns,
        program: Path = PROGRAM,
    ) -> None:
        self._clock = clock
        self.started_ns = clock()
        self._deadline = time.monotonic() + deadline_s
        self._limit_s = deadline_s
        self._log = log
        self._cores = tuple(cores)
        self._buffer = b""
        self.busy_ns: dict[str, int] = {}
        self.ended_ns = 0
        self.survivors = 0
        adopt_orphans()
        self._siblings = children(os.getpid())
        self._own_mark = secrets.token_hex(8)
        request_read, self._request_fd = os.pipe()
        self._reply_fd, reply_write = os.pipe()
        options = {
            "package": str(_PACKAGE),
            "requests": request_read,
            "replies": reply_write,
            "cores": list(cores),
            "memory_limit": memory_limit,
            "parent": os.getpid(),
        }
        command = [str(interpreter), "-u", str(program), json.dumps(options)]
        try:
            with log.open("ab") as output, _COUNTING:
                self._process = self._spawn(command, environment, folder, output, (request_read, reply_write))
                _LIVE[self._process.pid] = self._own_mark
        finally:
            os.close(request_read)
            os.close(reply_write)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._reply_fd, selectors.EVENT_READ)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process id, also the id of the worker's process group."""
        return self._process.pid

    def ask(self, op: str, **args: Any) -> dict[str, Any]:
        """Run one operation and return its reply.

        Raises:
            WorkerError: the worker failed, ended, hung or answered nonsense; carries the verdict code.
        """
        self._write(op, args)
        return self._reply(op)

    def window(self, steps: int) -> dict[str, Any]:
        """One timed window, stamped here: its start before the worker may begin, its stop when the mark arrives.

        Returns:
            steps, start_ns, stop_ns and reply_ns (parent's clock), claimed_ns (worker's clock), cpu_s, the ``census``
            of the worker's threads and CPU time around it, and ``foreign_cpu_share``: what others took of the cores.
        """
        reply = self.timed("window", steps=steps)
        names = ("start_ns", "stop_ns", "reply_ns", "claimed_ns", "cpu_s", "compiled", "census", "foreign_cpu_share")
        return {"steps": steps, **{name: reply[name] for name in names}}

    def timed(self, op: str, **args: Any) -> dict[str, Any]:
        """One operation that marks the start and the stop of a window; both are stamped here.

        The worker waits at its start until this side has read the clock. So the stamps enclose the window whatever
        the scheduler does: a busy machine can make a window look longer, never shorter.

        Returns:
            The operation's reply with start_ns and stop_ns (parent's clock), reply_ns when it came, the census and the
            share of others.
        """
        before = census.take(self.pid)
        busy = foreign.read(before, self._cores)
        self._write(op, args)
        start_ns = self._mark(op, "start")
        self._send(op, _GO)
        stop_ns = self._mark(op, "stop")
        reply = self._reply(op)
        reply_ns = self._clock()
        after = census.take(self.pid)
        return {
            **reply,
            "start_ns": start_ns,
            "stop_ns": stop_ns,
            "reply_ns": reply_ns,
            "census": census.between(before, after),
            "foreign_cpu_share": foreign.share(busy, foreign.read(after, self._cores)),
        }

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Time in which nothing is asked of the worker; it does not count towards its limit."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._deadline += time.monotonic() - began

    def kill(self) -> None:
        """End the whole process group at once; may be called from another thread."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the worker: politely if it still listens, then its whole process group."""
        if self._process.poll() is None:
            self._quit_politely()
        self.kill()
        self._process.wait()
        self.ended_ns = self.ended_ns or self._clock()
        self._end_survivors()
        for descriptor in (self._request_fd, self._reply_fd):
            if descriptor >= 0:
                os.close(descriptor)
        self._request_fd = self._reply_fd = -1
        self._selector.close()

    def _end_survivors(self) -> None:
        """Descendants that left the worker's process group are ours once it is dead: count them and end them.

        While other workers are alive, one that bears another's mark is left to it; one that bears none may be anybody's
        and is ended without an accusation (see ``take_unclaimed``).
        """
        with _COUNTING:
            _LIVE.pop(self.pid, None)
            left = children(os.getpid()) - self._siblings - set(_LIVE) - {self.pid}
            others = set(_LIVE.values())
            marks = {pid: mark_of(pid) for pid in left} if others else {}
            left = {pid for pid in left if marks.get(pid) not in others}
            nobodys = {pid for pid in left if others and marks[pid] != self._own_mark}
            _UNCLAIMED.extend(nobodys)
            self.survivors += len(left - nobodys)
            end(left)

    def log_end(self) -> str:
        """The last part of the worker's output."""
        return read_log_end(self._log)

    def _spawn(
        self,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        output: IO[bytes],
        descriptors: tuple[int, int],
    ) -> subprocess.Popen[bytes]:
        inherited = {name: os.environ[name] for name in _ALLOWED if name in os.environ}
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**inherited, "PYTHONUNBUFFERED": "1", **environment, MARK: self._own_mark},
                cwd=folder,
                pass_fds=descriptors,
                start_new_session=True,
            )
        except OSError as problem:
            raise WorkerError(codes.CRASH, f"the interpreter {command[0]} cannot be started: {problem}") from problem

    def _write(self, op: str, args: dict[str, Any]) -> None:
        self._send(op, {"op": op, "args": args})

    def _send(self, op: str, message: Mapping[str, Any]) -> None:
        try:
            os.write(self._request_fd, (json.dumps(message) + "\n").encode())
        except BrokenPipeError:
            raise self._ended(op) from None

    def _mark(self, op: str, name: str) -> int:
        message = self._read(op)
        stamp = self._clock()
        if message.get("event") != name:
            self._raise_if_failed(message)
            raise WorkerError(codes.BAD_OUTPUT, f"expected the mark {name!r} of a window; received {message!r:.200}")
        return stamp

    def _reply(self, op: str) -> dict[str, Any]:
        message = self._read(op)
        self._raise_if_failed(message)
        if message.get("ok") is not True:
            raise WorkerError(codes.BAD_OUTPUT, f"expected the result of {op}; received {message!r:.200}")
        self.busy_ns[op] = self.busy_ns.get(op, 0) + int(message.get("busy_ns", 0))
        return message

    def _raise_if_failed(self, message: dict[str, Any]) -> None:
        if message.get("ok") is False:
            raise WorkerError(str(message.get("code", codes.CRASH)), str(message.get("message", "")))

    def _read(self, op: str) -> dict[str, Any]:
        while b"\n" not in self._buffer:
            left = self._deadline - time.monotonic()
            if left <= 0 or not self._selector.select(left):
                raise WorkerError(
                    codes.TIMEOUT, f"no answer to {op} within the cell's limit of {self._limit_s:.0f} s; it was ended"
                )
            chunk = os.read(self._reply_fd, 65536)
            if not chunk:
                raise self._ended(op)
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        try:
            message = json.loads(line)
        except ValueError:
            raise WorkerError(codes.BAD_OUTPUT, f"the worker's reply to {op} is not JSON: {line[:120]!r}") from None
        if not isinstance(message, dict):
            raise WorkerError(codes.BAD_OUTPUT, f"the worker's reply to {op} is not an object: {line[:120]!r}")
        return message

    def _ended(self, op: str) -> WorkerError:
        """Why the worker is gone, in a code and a sentence."""
        status = self._process.wait()
        end = self.log_end().lower()
        if "memoryerror" in end or "bad_alloc" in end or "out of memory" in end:
            return WorkerError(codes.OUT_OF_MEMORY, f"the worker ran out of memory during {op}")
        if status == -signal.SIGKILL:
            return WorkerError(
                codes.KILLED, f"the worker was killed during {op} (signal 9; the kernel does this when memory runs out)"
            )
        ending = f"signal {-status} ({signal.Signals(-status).name})" if status < 0 else f"exit status {status}"
        return WorkerError(codes.CRASH, f"the worker ended during {op} with {ending}; the end of its log tells more")

    def _quit_politely(self) -> None:
        with contextlib.suppress(BrokenPipeError, subprocess.TimeoutExpired):
            os.write(self._request_fd, b'{"op": "quit"}\n')
            self._process.wait(timeout=2.0)


def take_unclaimed() -> int:
    """How many processes were ended since the last call that any of several live workers may have left behind."""
    with _COUNTING:
        count = len(_UNCLAIMED)
        _UNCLAIMED.clear()
    return count


def read_log_end(log: Path) -> str:
    """The last part of a log file, undecodable bytes replaced."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - _LOG_END))
            return file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
