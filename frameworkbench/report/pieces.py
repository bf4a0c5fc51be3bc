"""What of a large report is written cell by cell: members of lists in ``report.json``, rows of tables, raw parts.

It is most of the work, and nothing in it depends on other cells, so several processes can share it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..store.canonical import member_bytes
from .page import cell_files

Table = dict[str, Any]

LISTS = ("cells", "comparisons")
"""Lists of ``report.json`` of which each process writes its own members."""

TABLES = ("cells", "pairs")
"""Tables beside the Markdown of a large report, whose own tables show the first groups only."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """Bytes by name.

    Attributes:
        members: of the lists in ``report.json``, in one block or more.
        rows: of the tables, without their heads.
        files: whole files beside the page, by path.
    """

    members: dict[str, list[bytes]]
    rows: dict[str, bytes]
    files: dict[str, bytes]


@dataclass(frozen=True, slots=True)
class Shared:
    """What is made of the cells of a large report by several processes; each is asked for when it is needed.

    Attributes:
        columns: of all cells (``page_columns``).
        pieces: of all cells.
    """

    columns: Callable[[], Table]
    pieces: Callable[[], Pieces]


def pieces_of(part: Table, run_id: str, first: int = 0) -> Pieces:
    """The pieces of some cells.

    Args:
        part: "cells" and "comparisons" as in ``report.json``.
        run_id: name of the run.
        first: place of the first cell among all, a multiple of ``report_processes.EACH``.
    """
    from ..export.files import csv_rows  # which needs this package's own texts
    from ..export.tables import Source

    source = Source(None, part)
    return Pieces(
        {name: [member_bytes(part[name])] for name in LISTS},
        {name: csv_rows(source, name, cleaned=True) for name in TABLES},
        {name: text.encode("utf-8") for name, text in cell_files(part["cells"], run_id, first).items()},
    )


def joined(parts: Sequence[Pieces]) -> Pieces:
    """The pieces of all cells, from those of some in the order of the plan."""
    return Pieces(
        {name: [block for part in parts for block in part.members[name] if block] for name in LISTS},
        {name: b"".join(part.rows[name] for part in parts) for name in TABLES},
        {name: content for part in parts for name, content in part.files.items()},
    )
