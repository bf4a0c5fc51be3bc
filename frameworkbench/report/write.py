"""Writing a report: three files from one summary, byte for byte the same for the same records."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..analysis.summary import Summary
from ..errors import UsageError
from ..store.atomic import canonical_json, write_bytes_atomic
from ..store.run import among_raw
from .markdown import markdown
from .page import page
from .text import clean
from .view import view


def write_report(run_dir: Path, out_dir: Path, *, summary: Summary) -> list[Path]:
    """Write ``report.json``, ``report.md`` and ``report.html``.

    Markdown and HTML are rendered from the content of ``report.json``. No time of generation and no path enters
    a file, so a report can be rebuilt and compared.

    Args:
        run_dir: the run folder; its raw records stay untouched.
        out_dir: where to write; made if missing, may be the run folder itself.
        summary: the facts of the run.

    Returns:
        The three files.

    Raises:
        UsageError: ``out_dir`` lies among the raw records.
        StoreError: a file cannot be written.
    """
    if among_raw(run_dir, out_dir):
        raise UsageError(f"{out_dir}: holds raw results; choose another folder for the report")
    contents = render_report(summary)
    for name, content in contents.items():
        write_bytes_atomic(out_dir / name, content)
    return [out_dir / name for name in contents]


def render_report(summary: Summary) -> dict[str, bytes]:
    """The bytes of every file of a report, by name."""
    report: dict[str, Any] = clean(summary.to_json())
    rows = view(report)
    return {
        "report.json": canonical_json(report),
        "report.md": markdown(rows, report).encode("utf-8"),
        "report.html": page(rows, report).encode("utf-8"),
    }
