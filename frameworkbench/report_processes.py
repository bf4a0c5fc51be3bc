"""A report of a run folder, a large one by several processes: starting them, and what goes between them.

The first process is the command itself. Others are started before it loads anything that takes a while, so this module
loads little. Between them goes JSON, and blocks of bytes with their lengths; what is said is in ``report.together``.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from .collector import paused
from .errors import StoreError
from .run.fingerprints import available_cores
from .store.parsing import compact_json, parse_json
from .store.reading import MisleadingError
from .store.run import Damage, Plan, read_manifest, read_plan
from .store.sharing import shares_of

MOST_PROCESSES = 4
"""Each one lists and opens all files, so that more would not be faster."""

MOST_INSIDE = 2000
"""Cells up to which a page holds their raw parts itself, and one process makes the report."""

EACH = 250
"""Cells in a file of raw parts beside a page."""

_WORK = "frameworkbench.report.together"
_LENGTH = 8
_PIPE = 2**20
"""Bytes that a pipe holds: the thread that empties it gets its turn only now and then while the process computes."""


def write_run(run_dir: Path, out_dir: Path, languages: Sequence[str] = ()) -> list[Path]:
    """``write_report`` of a run folder, a large one by as many processes as there are cores to use.

    Raises:
        UsageError, StoreError: as ``load_run`` and ``write_report``; StoreError too if another process ended early.
    """
    with paused():
        try:
            return _write(run_dir, out_dir, languages, _cores())
        except MisleadingError:  # a record that was made to look like another cell's: one process reads them all
            return _write(run_dir, out_dir, languages, 1)


def places_of(plan: Plan, count: int) -> list[range]:
    """Shares of the cells; a single one where the run is small or cannot be divided."""
    return shares_of(plan.cells, count if len(plan.cells) > MOST_INSIDE else 1, EACH)


class Helper:
    """The first process's end of the pipes to another one; a thread takes in what it sends, so that it never waits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._blocks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._take_in, daemon=True)
        self._thread.start()

    def hear(self) -> Any:
        """The next thing that it says, as plain data.

        Raises:
            StoreError: it ended before it had said anything more.
        """
        return parse_json(self.block())

    def block(self) -> bytes:
        """The next thing that it says, as bytes.

        Raises:
            StoreError: it ended before it had said anything more.
        """
        found = self._blocks.get()
        if found is None:
            raise self._ended()
        return found

    def tell(self, value: object) -> None:
        """Say something to it.

        Raises:
            StoreError: it has ended.
        """
        assert self._process.stdin is not None
        try:
            write_block(self._process.stdin, compact_json(value))
        except BrokenPipeError:
            raise self._ended() from None

    def _take_in(self) -> None:
        assert self._process.stdout is not None
        for block in blocks(self._process.stdout):
            self._blocks.put(block)
        self._blocks.put(None)

    def _ended(self) -> StoreError:
        assert self._process.stderr is not None
        said = self._process.stderr.read().decode("utf-8", "replace").strip().splitlines()
        return StoreError(
            f"a further process that read this run ended early with {self._process.wait()}"
            f"{': ' + said[-1] if said else ''}; the records are untouched; "
            "start the same command again, or on one core (`taskset -c 0 …`), where one process does it all"
        )


def write_block(stream: IO[bytes], content: bytes) -> None:
    """Send some bytes with their length."""
    stream.write(len(content).to_bytes(_LENGTH, "big"))
    stream.write(content)
    stream.flush()


def blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole blocks until the stream ends."""
    while len(head := stream.read(_LENGTH)) == _LENGTH:
        length = int.from_bytes(head, "big")
        content = stream.read(length)
        if len(content) < length:
            return
        yield content


def _write(run_dir: Path, out_dir: Path, languages: Sequence[str], processes: int) -> list[Path]:
    damaged: list[Damage] = []
    manifest, plan = read_manifest(run_dir), read_plan(run_dir, damaged)
    places = places_of(plan, processes)
    with ExitStack() as stack:
        helpers = [stack.enter_context(_helper(run_dir, number, len(places))) for number in range(1, len(places))]
        from .report.together import Work, write_together  # takes a while, in which the others begin

        return write_together(Work(run_dir, manifest, plan, places, 0), out_dir, languages, helpers, damaged)


def _cores() -> int:
    return min(len(available_cores()), MOST_PROCESSES)


@contextmanager
def _helper(run_dir: Path, number: int, count: int) -> Iterator[Helper]:
    command = [sys.executable, "-m", _WORK, str(run_dir), str(number), str(count)]
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, pipesize=_PIPE) as process:
        try:
            yield Helper(process)
        finally:
            process.kill()
