"""Writing a report: files from one summary, byte for byte the same for the same records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..analysis.content import whole
from ..analysis.summary import Summary
from ..errors import UsageError
from ..report_processes import MOST_INSIDE
from ..store.atomic import canonical_json, write_bytes_atomic
from ..store.run import Run, among_raw
from .advice import advice_table
from .markdown import markdown
from .messages import LANGUAGES, SOURCE, check_languages, language
from .page import page, trimmed
from .page_columns import cell_columns
from .pictures import album
from .pieces import LISTS, Pieces, Shared, pieces_of
from .text import clean
from .view import view

Table = dict[str, Any]


def write_report(run_dir: Path, out_dir: Path, *, summary: Summary, languages: Sequence[str] = (SOURCE,)) -> list[Path]:
    """Write ``report.json``, and ``report.md`` with its pictures and ``report.html`` in each language.

    Markdown and HTML are rendered from the content of ``report.json``. No time of generation and no path enters
    a file, so a report can be rebuilt and compared.

    Args:
        run_dir: the run folder; its raw records stay untouched.
        out_dir: where to write; made if missing, may be the run folder itself.
        summary: the facts of the run.
        languages: codes; files of another language than English have its code in their names (``report.zh.md``).

    Returns:
        The files.

    Raises:
        UsageError: ``out_dir`` lies among the raw records, or there is no such language.
        StoreError: a file cannot be written.
    """
    return write_content(run_dir, out_dir, report_content(summary), languages)


def report_content(summary: Summary) -> dict[str, Any]:
    """The content of ``report.json``: all that a report is made of, so that a large run's records can go."""
    return content_of(summary.run, [clean(summary.part())])


def content_of(run: Run, parts: Sequence[Table]) -> dict[str, Any]:
    """The content of ``report.json`` from what the run's cells contribute (``analysis.content.whole``).

    Args:
        run: manifest, plan, damage, and at least the records that belong to no cell.
        parts: in the order of the plan; their texts are clean.
    """
    found = whole(run, parts)
    return {key: value if key in LISTS else clean(value) for key, value in found.items()}


def write_content(
    run_dir: Path,
    out_dir: Path,
    report: dict[str, Any],
    languages: Sequence[str] = (SOURCE,),
    shared: Shared | None = None,
) -> list[Path]:
    """``write_report`` from the content of ``report.json``.

    Args:
        run_dir, out_dir, languages: as there.
        report: the content.
        shared: what several processes make of a large report's cells; made here otherwise.
    """
    if among_raw(run_dir, out_dir):
        raise UsageError(f"{out_dir}: holds raw results; choose another folder for the report")
    files = render_content(report, languages, shared)
    for name, content in files.items():
        write_bytes_atomic(out_dir / name, content)
    return [out_dir / name for name in files]


def render_report(summary: Summary, languages: Sequence[str] = (SOURCE,)) -> dict[str, bytes]:
    """The bytes of every file of a report, by name."""
    return render_content(report_content(summary), languages)


def render_content(
    report: dict[str, Any], languages: Sequence[str] = (SOURCE,), shared: Shared | None = None
) -> dict[str, bytes]:
    """The bytes of every file of a report, by name.

    Above ``MOST_INSIDE`` cells Markdown shows the first groups, with all rows in CSV files beside it, and nothing is
    advised: a recommendation from thousands of groups takes minutes and says little. The command ``advise`` does it.
    """
    chosen = [language(code) for code in check_languages(languages)]
    large = len(report["cells"]) > MOST_INSIDE
    shown = trimmed(report) if large else report
    pictures, advice = album(report), None if large else advice_table(report)
    columns = cell_columns(report["cells"]) if shared is None else shared.columns()
    files: dict[str, bytes] = {}
    for words in chosen:
        rows = view(shown, words)
        text = markdown(rows, shown, pictures, advice, all_cells=len(report["cells"]))
        files[file_name("md", words.code)] = text.encode("utf-8")
        files[file_name("html", words.code)] = page(report, words, advice, columns).encode("utf-8")
    files |= {each.path: each.content for found in pictures.values() for each in found}
    if not large:
        return {"report.json": canonical_json(report), **files}
    pieces = pieces_of(report, report["run"]["run_id"]) if shared is None else shared.pieces()
    return {"report.json": canonical_json(report, pieces.members), **files, **pieces.files, **_tables(pieces)}


def _tables(pieces: Pieces) -> dict[str, bytes]:
    """All rows and all pairs as CSV, for a report whose Markdown shows the first ones only."""
    from ..export.files import csv_of  # which needs this package's own texts

    return csv_of(pieces.rows)


def file_name(kind: str, code: str) -> str:
    """ "report.md", or "report.zh.md"."""
    return f"report.{kind}" if code == SOURCE else f"report.{code}.{kind}"


def languages_of(report_dir: Path) -> tuple[str, ...]:
    """The languages that a written report has files of; English where there is none."""
    found = [
        code for code in LANGUAGES if any((report_dir / file_name(kind, code)).is_file() for kind in ("md", "html"))
    ]
    return tuple(found) or (SOURCE,)
