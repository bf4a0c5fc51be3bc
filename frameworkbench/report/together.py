"""A large report by several processes: each reads the records of its share of the cells and writes their pieces.

The first process is the command itself. The others are started by it, tell it what binds their records to its own
(``store.sharing``), hear which records hold, and send what their cells contribute to ``report.json`` and the pieces
written of them. What comes out is byte for byte what one process alone makes. Between them goes JSON, and blocks of
bytes with their lengths.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from ..analysis.digest import digest
from ..analysis.summary import summarise
from ..collector import paused
from ..errors import StoreError
from ..run.fingerprints import available_cores
from ..store.chain import Chain
from ..store.parsing import compact_json, parse_json
from ..store.reading import MisleadingError, Share, in_order, read_files, records_of, settle
from ..store.run import Damage, Plan, Run, read_manifest, read_plan
from ..store.sharing import add, forget_foreign, kept, leave, shares_of, told
from .messages import SOURCE
from .page import EACH
from .page_data import MOST_INSIDE
from .pieces import LISTS, Pieces, joined, pieces_of
from .text import clean, is_clean
from .write import content_of, write_content

MOST_PROCESSES = 4
"""Each one lists and opens all files, so that more would not be faster."""

_LENGTH = 8
_BATCH = 500
_MISLEADING = {"misleading": True}

Table = dict[str, Any]


def write_run(run_dir: Path, out_dir: Path, languages: Sequence[str] = (SOURCE,)) -> list[Path]:
    """``write_report`` of a run folder, a large one by as many processes as there are cores to use.

    Raises:
        UsageError, StoreError: as ``load_run`` and ``write_report``; StoreError too if another process ended early.
    """
    with paused():
        try:
            return _write(run_dir, out_dir, languages, _cores())
        except MisleadingError:  # a record that was made to look like another cell's: one process reads them all
            return _write(run_dir, out_dir, languages, 1)


class _Texts:
    """Whether all texts of the files that were read are clean as they stand, so that nobody has to look at each."""

    def __init__(self) -> None:
        self.clean = True

    def see(self, document: bytes) -> None:
        """Take one more file into account."""
        self.clean = self.clean and is_clean(document)


@dataclass(frozen=True)
class _Work:
    """What one process does: its place among all, and its share of the cells."""

    plan: Plan
    places: Sequence[range]
    number: int
    texts: _Texts = field(default_factory=_Texts)

    def read(self, run_dir: Path) -> dict[str, Chain]:
        """The records of this share, each file judged by itself only."""
        return read_files(run_dir, self.share, digest, self.texts.see)

    @property
    def share(self) -> Share | None:
        """Whose records are read here; None for all."""
        if len(self.places) == 1:
            return None
        mine = self.places[self.number]
        keys = [cell.key for cell in self.plan.cells]
        others = frozenset(keys[: mine.start] + keys[mine.stop :])
        return Share(frozenset(keys[mine.start : mine.stop]), others, first=self.number == 0)

    def part(self, run: Run) -> Table:
        """What the cells of this share contribute to the content.

        Args:
            run: with the records of this share.
        """
        mine = self.places[self.number]
        cells = self.plan.cells[mine.start : mine.stop]
        found = summarise(replace(run, plan=replace(self.plan, cells=cells))).part()
        known = self.texts.clean and all(map(_is_clean, (run.manifest, *(cell.axes for cell in cells))))
        return found if known else clean(found)

    def pieces(self, part: Table, run_id: str) -> Pieces:
        """What is written of these cells."""
        return pieces_of(part, run_id, self.places[self.number].start)


def _write(run_dir: Path, out_dir: Path, languages: Sequence[str], processes: int) -> list[Path]:
    damaged: list[Damage] = []
    manifest, plan = read_manifest(run_dir), read_plan(run_dir, damaged)
    places = _places(plan, processes)
    run_id = clean(str(manifest["run_id"]))
    with ExitStack() as stack:
        helpers = [stack.enter_context(_helper(run_dir, number, len(places))) for number in range(1, len(places))]
        work = _Work(plan, places, 0)
        chains = work.read(run_dir)
        seen = [helper.hear() for helper in helpers]
        if _MISLEADING in seen:
            raise MisleadingError
        for each in seen:
            add(chains, each)
        damaged += settle(chains)
        order = in_order(chains)
        for helper, each in zip(helpers, seen, strict=True):
            helper.tell({"order": order, "kept": kept(chains, each)})
        forget_foreign(chains)
        run = Run(run_dir, manifest, plan, records_of(chains, order), tuple(damaged))
        del chains, seen
        own = work.part(run)
        run = _without_cells(run)  # from here on the records may go
        large = len(plan.cells) > MOST_INSIDE
        own_pieces = [work.pieces(own, run_id)] if large else []
        report = content_of(run, [own, *(helper.hear_part() for helper in helpers)])

        def written() -> Pieces:
            return joined([*own_pieces, *(helper.hear_pieces() for helper in helpers)])

        return write_content(run_dir, out_dir, report, languages, written if large else None)


def _help(run_dir: Path, number: int, count: int, say: Callable[[bytes], None], hear: Callable[[], bytes]) -> None:
    """What a further process does."""
    manifest, plan = read_manifest(run_dir), read_plan(run_dir, [])
    work = _Work(plan, _places(plan, count), number)
    try:
        chains = work.read(run_dir)
    except MisleadingError:
        say(compact_json(_MISLEADING))
        return
    say(compact_json(told(chains)))
    heard = parse_json(hear())
    leave(chains, heard["kept"])
    run = Run(run_dir, manifest, plan, records_of(chains, heard["order"]), ())
    del chains
    part, run_id = work.part(run), clean(str(manifest["run_id"]))
    del run
    _say_part(part, say)
    pieces = work.pieces(part, run_id)
    for blocks in ({name: block for name, (block,) in pieces.members.items()}, pieces.rows, pieces.files):
        say(compact_json(list(blocks)))
        for block in blocks.values():
            say(block)


def _say_part(part: Table, say: Callable[[bytes], None]) -> None:
    """The members of long lists go in batches, so that neither side holds the text of all at once."""
    batches = {name: [part[name][at : at + _BATCH] for at in range(0, len(part[name]), _BATCH)] for name in LISTS}
    say(compact_json({**part, **{name: len(found) for name, found in batches.items()}}))
    for found in batches.values():
        for batch in found:
            say(compact_json(batch))


def _places(plan: Plan, count: int) -> list[range]:
    """Shares of the cells; a single one where the run is small or cannot be divided."""
    return shares_of(plan.cells, count if len(plan.cells) > MOST_INSIDE else 1, EACH)


def _is_clean(value: object) -> bool:
    return clean(value) is value


def _without_cells(run: Run) -> Run:
    return replace(run, records=tuple(record for record in run.records if record["cell_key"] is None))


def _cores() -> int:
    return min(len(available_cores()), MOST_PROCESSES)


class _Helper:
    """The first process's end of the pipes to another one; a thread takes in what it sends, so that it never waits."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._blocks: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._take_in, daemon=True)
        self._thread.start()

    def hear(self) -> Any:
        """The next thing that it says, as plain data."""
        return parse_json(self._next())

    def hear_part(self) -> Table:
        """What its cells contribute to the content."""
        part: Table = self.hear()
        for name in LISTS:
            part[name] = [one for _ in range(part[name]) for one in self.hear()]
        return part

    def hear_pieces(self) -> Pieces:
        """What is written of its cells."""
        members, rows, files = ({name: self._next() for name in self.hear()} for _ in range(3))
        return Pieces({name: [found] for name, found in members.items()}, rows, files)

    def tell(self, value: object) -> None:
        """Say something to it."""
        assert self._process.stdin is not None
        try:
            _write_block(self._process.stdin, compact_json(value))
        except BrokenPipeError:
            raise self._ended() from None

    def _next(self) -> bytes:
        found = self._blocks.get()
        if found is None:
            raise self._ended()
        return found

    def _take_in(self) -> None:
        assert self._process.stdout is not None
        for block in _blocks(self._process.stdout):
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


@contextmanager
def _helper(run_dir: Path, number: int, count: int) -> Iterator[_Helper]:
    command = [sys.executable, "-m", __name__, str(run_dir), str(number), str(count)]
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment) as process:
        try:
            yield _Helper(process)
        finally:
            process.kill()


def _write_block(stream: IO[bytes], content: bytes) -> None:
    stream.write(len(content).to_bytes(_LENGTH, "big"))
    stream.write(content)
    stream.flush()


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Whole blocks until the stream ends."""
    while len(head := stream.read(_LENGTH)) == _LENGTH:
        length = int.from_bytes(head, "big")
        content = stream.read(length)
        if len(content) < length:
            return
        yield content


def _say(content: bytes) -> None:
    _write_block(sys.stdout.buffer, content)


def _main() -> None:
    folder, number, count = sys.argv[1:]
    incoming = _blocks(sys.stdin.buffer)
    with paused():
        _help(Path(folder), int(number), int(count), _say, lambda: next(incoming))


if __name__ == "__main__":
    _main()
