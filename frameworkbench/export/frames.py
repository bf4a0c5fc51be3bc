"""A run as pandas frames: the Python API behind ``frameworkbench.load``."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from ..analysis.summary import Summary, summarise
from ..errors import UsageError
from ..store.records import load_run
from .columns import FLAG, INTEGER, NUMBER, TEXT
from .tables import TABLES, Source

_TYPES = {TEXT: "string", INTEGER: "Int64", NUMBER: "float64", FLAG: "boolean"}


class Results:
    """The results of one run. Each table is a frame that is made when it is first asked for.

    Attributes:
        report: the content of ``report.json``.
    """

    def __init__(self, summary: Summary) -> None:
        self._source = Source.of(summary)
        self.report: dict[str, Any] = self._source.report

    @property
    def run_id(self) -> str:
        """Name of the run."""
        return str(self.report["run"]["run_id"])

    @property
    def verification(self) -> str:
        """``unverified`` until somebody else has reproduced the run."""
        return str(self.report["verification"])

    @property
    def not_measured(self) -> tuple[str, ...]:
        """What the run does not say, in sentences: to be read before any number."""
        return tuple(map(str, self.report["not_measured"]))

    @cached_property
    def cells(self) -> pd.DataFrame:
        """One row for each planned cell: settings, status, proof, speed, memory, accuracy."""
        return self.table("cells")

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """One row for each comparison of two rows under equal conditions, with its verdict."""
        return self.table("pairs")

    @cached_property
    def parity(self) -> pd.DataFrame:
        """One row for each check of a cell against the reference."""
        return self.table("parity")

    @cached_property
    def processes(self) -> pd.DataFrame:
        """One row for each timed process: its phases, its throughput, and whether it counts."""
        return self.table("processes")

    @cached_property
    def samples(self) -> pd.DataFrame:
        """One row for each timed window of each process, as recorded; those that count have ``counted``."""
        return self.table("samples")

    @cached_property
    def requests(self) -> pd.DataFrame:
        """One row for each single request of an inference process."""
        return self.table("requests")

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """One row for each epoch of each full training."""
        return self.table("epochs")

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables above by name, made anew.

        Raises:
            UsageError: there is no table of that name.
        """
        if name not in TABLES:
            raise UsageError(f"no table {name!r}; expected one of {', '.join(TABLES)}")
        table = TABLES[name]
        return pd.DataFrame(
            {
                column.name: pd.Series(found, dtype=_TYPES[column.kind])
                for column, found in zip(table.columns, table.by_column(self._source), strict=True)
            }
        )

    def describe(self, name: str) -> pd.DataFrame:
        """Unit and meaning of each column of a table.

        Raises:
            UsageError: there is no table of that name.
        """
        if name not in TABLES:
            raise UsageError(f"no table {name!r}; expected one of {', '.join(TABLES)}")
        rows = [(column.name, column.unit, column.meaning) for column in TABLES[name].columns]
        return pd.DataFrame(rows, columns=["column", "unit", "meaning"], dtype="string").set_index("column")

    def __repr__(self) -> str:
        return f"Results of run {self.run_id}, {self.verification}: {', '.join(TABLES)}"


def load(run_dir: str | os.PathLike[str]) -> Results:
    """Read a run folder; see ``frameworkbench.load``."""
    return Results(summarise(load_run(Path(run_dir))))
