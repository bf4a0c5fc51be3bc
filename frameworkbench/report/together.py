"""A large report by several processes: each reads the records of its share of the cells and writes their pieces.

Each further process tells the first one what binds its records to the others' (``store.sharing``), takes them as they
are and works out what its cells contribute to ``report.json``. The first one meanwhile does the same, then holds all
chains against each other and says which records turned out to be changed; whose records are among them works it out
again. What comes out is byte for byte what one process alone makes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..analysis.digest import digest
from ..analysis.summary import summarise
from ..collector import paused
from ..report_processes import MOST_INSIDE, Helper, blocks, places_of, write_block
from ..store.chain import Chain
from ..store.parsing import compact_json, parse_json
from ..store.reading import MisleadingError, Share, in_order, read_files, records_of, settle
from ..store.run import Damage, Plan, Record, Run, read_manifest, read_plan
from ..store.sharing import add, dropped, forget_foreign, leave, told
from .messages import SOURCE
from .page_columns import cell_columns, joined_columns
from .pieces import LISTS, Pieces, Shared, joined, pieces_of
from .text import clean, is_clean
from .write import content_of, write_content

_BATCH = 500
_MISLEADING = {"misleading": True}

Table = dict[str, Any]


class _Texts:
    """Whether all texts of the files that were read are clean as they stand, so that nobody has to look at each."""

    def __init__(self) -> None:
        self.clean = True

    def see(self, document: bytes) -> None:
        """Take one more file into account."""
        self.clean = self.clean and is_clean(document)


@dataclass(frozen=True)
class Work:
    """What one process does: its place among all, and its share of the cells."""

    run_dir: Path
    manifest: Mapping[str, Any]
    plan: Plan
    places: Sequence[range]
    number: int
    texts: _Texts = field(default_factory=_Texts)

    def read(self) -> dict[str, Chain]:
        """The records of this share, each file judged by itself only."""
        return read_files(self.run_dir, self.share, digest, self.texts.see)

    @property
    def share(self) -> Share | None:
        """Whose records are read here; None for all."""
        if len(self.places) == 1:
            return None
        mine = self.places[self.number]
        keys = [cell.key for cell in self.plan.cells]
        others = frozenset(keys[: mine.start] + keys[mine.stop :])
        return Share(frozenset(keys[mine.start : mine.stop]), others, first=self.number == 0)

    def part(self, records: tuple[Record, ...]) -> Table:
        """What the cells of this share contribute to the content.

        Args:
            records: of this share.
        """
        mine = self.places[self.number]
        cells = self.plan.cells[mine.start : mine.stop]
        found = summarise(Run(self.run_dir, self.manifest, replace(self.plan, cells=cells), records, ())).part()
        known = self.texts.clean and all(map(_is_clean, (self.manifest, *(cell.axes for cell in cells))))
        return found if known else clean(found)

    def pieces(self, part: Table) -> Pieces:
        """What is written of these cells."""
        return pieces_of(part, clean(str(self.manifest["run_id"])), self.places[self.number].start)


def write_together(
    work: Work, out_dir: Path, languages: Sequence[str], helpers: Sequence[Helper], damaged: Sequence[Damage]
) -> list[Path]:
    """The first process: it does its own share, holds all chains against each other and writes the report.

    Args:
        work: its own share.
        out_dir, languages: as for ``write_report``.
        helpers: the further processes, in their order.
        damaged: what is wrong with the plan's files.

    Raises:
        MisleadingError: whose a record is cannot be told without parsing it, and there are helpers.
        UsageError, StoreError: as ``write_report``; StoreError too if another process ended early.
    """
    run, own = _own_part(work, helpers, damaged)
    if len(work.plan.cells) <= MOST_INSIDE:
        return write_content(work.run_dir, out_dir, content_of(run, [own]), languages or (SOURCE,))
    own_columns, own_pieces = cell_columns(own["cells"]), work.pieces(own)
    report = content_of(run, [own, *map(_hear_part, helpers)])
    shared = Shared(
        lambda: joined_columns([own_columns, *(helper.hear() for helper in helpers)]),
        lambda: joined([own_pieces, *map(_hear_pieces, helpers)]),
    )
    return write_content(work.run_dir, out_dir, report, languages or (SOURCE,), shared)


def _own_part(work: Work, helpers: Sequence[Helper], damaged: Sequence[Damage]) -> tuple[Run, Table]:
    """The run without records of cells, and what the cells of this share contribute."""
    chains = work.read()
    taken = records_of(chains, in_order(chains))
    own = work.part(taken)
    seen = [helper.hear() for helper in helpers]
    if _MISLEADING in seen:
        raise MisleadingError
    for each in seen:
        add(chains, each)
    found = [*damaged, *settle(chains)]
    order = in_order(chains)
    for helper, each in zip(helpers, seen, strict=True):
        helper.tell({"order": order, "dropped": dropped(chains, each)})
    forget_foreign(chains)
    records = records_of(chains, order)
    if not _same(records, taken):
        own = work.part(records)
    of_no_cell = tuple(record for record in records if record["cell_key"] is None)
    return Run(work.run_dir, work.manifest, work.plan, of_no_cell, tuple(found)), own


def _help(run_dir: Path, number: int, count: int, say: Callable[[bytes], None], hear: Callable[[], bytes]) -> None:
    """What a further process does."""
    plan = read_plan(run_dir, [])
    work = Work(run_dir, read_manifest(run_dir), plan, places_of(plan, count), number)
    try:
        chains = work.read()
    except MisleadingError:
        say(compact_json(_MISLEADING))
        return
    say(compact_json(told(chains)))
    taken = records_of(chains, in_order(chains))
    part = work.part(taken)
    heard = parse_json(hear())
    leave(chains, heard["dropped"])
    records = records_of(chains, heard["order"])
    if not _same(records, taken):
        part = work.part(records)
    del chains, taken, records
    _say_part(part, say)
    say(compact_json(cell_columns(part["cells"])))
    pieces = work.pieces(part)
    for blocks_ in ({name: block for name, (block,) in pieces.members.items()}, pieces.rows, pieces.files):
        say(compact_json(list(blocks_)))
        for block in blocks_.values():
            say(block)


def _same(some: Sequence[Record], others: Sequence[Record]) -> bool:
    """Whether these are the very same records in the same order."""
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _say_part(part: Table, say: Callable[[bytes], None]) -> None:
    """The members of long lists go in batches, so that neither side holds the text of all at once."""
    batches = {name: [part[name][at : at + _BATCH] for at in range(0, len(part[name]), _BATCH)] for name in LISTS}
    say(compact_json({**part, **{name: len(found) for name, found in batches.items()}}))
    for found in batches.values():
        for batch in found:
            say(compact_json(batch))


def _hear_part(helper: Helper) -> Table:
    """What a further process's cells contribute to the content."""
    part: Table = helper.hear()
    for name in LISTS:
        part[name] = [one for _ in range(part[name]) for one in helper.hear()]
    return part


def _hear_pieces(helper: Helper) -> Pieces:
    """What is written of a further process's cells."""
    members, rows, files = ({name: helper.block() for name in helper.hear()} for _ in range(3))
    return Pieces({name: [found] for name, found in members.items()}, rows, files)


def _is_clean(value: object) -> bool:
    return clean(value) is value


def _say(content: bytes) -> None:
    write_block(sys.stdout.buffer, content)


def _main() -> None:
    folder, number, count = sys.argv[1:]
    incoming = blocks(sys.stdin.buffer)
    with paused():
        _help(Path(folder), int(number), int(count), _say, lambda: next(incoming))


if __name__ == "__main__":
    _main()
