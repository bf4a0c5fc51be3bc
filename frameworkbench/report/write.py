"""Writing a report: files from one summary, byte for byte the same for the same records."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..analysis.summary import Summary
from ..errors import UsageError
from ..store.atomic import canonical_json, write_bytes_atomic
from ..store.run import among_raw
from .advice import advice_table
from .markdown import markdown
from .messages import LANGUAGES, SOURCE, check_languages, language
from .page import cell_files, page
from .pictures import album
from .text import clean
from .view import view


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
    if among_raw(run_dir, out_dir):
        raise UsageError(f"{out_dir}: holds raw results; choose another folder for the report")
    contents = render_report(summary, languages)
    for name, content in contents.items():
        write_bytes_atomic(out_dir / name, content)
    return [out_dir / name for name in contents]


def render_report(summary: Summary, languages: Sequence[str] = (SOURCE,)) -> dict[str, bytes]:
    """The bytes of every file of a report, by name."""
    report: dict[str, Any] = clean(summary.to_json())
    chosen = [language(code) for code in check_languages(languages)]
    files = {"report.json": canonical_json(report)}
    pictures, advice = album(report), advice_table(report)
    for words in chosen:
        rows = view(report, words)
        files[file_name("md", words.code)] = markdown(rows, report, pictures, advice).encode("utf-8")
        files[file_name("html", words.code)] = page(report, words, advice).encode("utf-8")
    files |= {name: content.encode("utf-8") for name, content in cell_files(report).items()}
    return files | {each.path: each.content for found in pictures.values() for each in found}


def file_name(kind: str, code: str) -> str:
    """ "report.md", or "report.zh.md"."""
    return f"report.{kind}" if code == SOURCE else f"report.{code}.{kind}"


def languages_of(report_dir: Path) -> tuple[str, ...]:
    """The languages that a written report has files of; English where there is none."""
    found = [
        code for code in LANGUAGES if any((report_dir / file_name(kind, code)).is_file() for kind in ("md", "html"))
    ]
    return tuple(found) or (SOURCE,)
