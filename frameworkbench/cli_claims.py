"""``claims``: what runs and sourced facts say about published claims."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_output import Json, print_json, print_table

RunDirs = Annotated[
    list[Path] | None, typer.Argument(metavar="[RUN]...", help="Run folders; without one only facts are asked.")
]


def claims(run_dir: RunDirs = None, as_json: Json = False) -> None:
    """Published claims put to the test: supported, contradicted or not decidable here, and why.

    Cells of several runs count together.

    \b
    Example:
      frameworkbench claims results/standard results/claims
    """
    from .analysis.summary import summarise
    from .claims import claims_for
    from .phrase import from_json
    from .store.records import load_run

    reports = [summarise(load_run(folder)).to_json() for folder in run_dir or ()]
    rows = claims_for(None, *reports)
    if as_json:
        print_json(rows)
        return
    shown = [
        [str(row["number"]), *(str(from_json(row[key])) for key in ("claim", "verdict", "reason"))] for row in rows
    ]
    print_table("", ["", "claim", "verdict", "reason"], shown)


CLAIMS_COMMANDS = (claims,)
