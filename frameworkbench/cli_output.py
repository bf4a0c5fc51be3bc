"""What the commands share: options that several of them take, tables and JSON on standard output."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
AdapterPaths = Annotated[
    list[Path] | None, typer.Option("--adapter-path", help="A folder with further adapters; may be repeated.")
]
CacheDir = Annotated[
    Path | None,
    typer.Option("--cache-dir", help="Environments, data and reference answers [default: ~/.cache/frameworkbench]."),
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder with the real data sets (docs/datasets.md shows its layout).")
]
Device = Annotated[str, typer.Option("--device", help="cpu or cuda.")]


def cache_folder(folder: Path | None) -> Path:
    """The cache that was named, else the environment's, else the user's."""
    if folder is not None:
        return folder.absolute()
    base = os.environ.get("FRAMEWORKBENCH_CACHE")
    if base:
        return Path(base).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frameworkbench"


def print_table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    """Print rows; long texts fold instead of being cut."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    Console().print(table)


def print_json(value: object) -> None:
    """Print plain data for scripts."""
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
