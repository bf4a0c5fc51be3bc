"""``run --more``: how many blocks to add to a finished run, asked for by number or by what it left open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import typer

from .errors import UsageError


def blocks_to_add(text: str | None, out: Path) -> int | Mapping[str, int] | None:
    """What ``--more`` asks for: a number for every main mode, or with "auto" a number by cell; None without it.

    Raises:
        UsageError: neither a positive number nor "auto", or there is no run to add to.
    """
    if text is None:
        return None
    if text != "auto" and not (text.isdigit() and int(text) > 0):
        raise UsageError(f'--more: expected a number of blocks or "auto"; received {text!r}')
    from .store.run import MANIFEST

    if not (out / MANIFEST).exists():
        raise UsageError(f"--more: {out} holds no run to add blocks to; run without --more first")
    return int(text) if text != "auto" else _automatic(out)


def _automatic(out: Path) -> Mapping[str, int]:
    from .analysis.summary import summarise
    from .analysis.topup import top_up
    from .run.aims import MOST_BLOCKS
    from .store.records import load_run

    found = top_up(summarise(load_run(out)), MOST_BLOCKS)
    for sentence in found.sentences:
        typer.echo(f"--more auto: {sentence}", err=True)
    return found.blocks
