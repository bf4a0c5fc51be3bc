"""The report as one HTML file that loads nothing: its program and style stand inside, allowed by their hashes.

Without JavaScript the page shows the first screen, the tables of the first groups, failures and words. The program
(``page/*.js``) puts the interactive tables and pictures in their place. It builds elements from the data and never
from markup, and the page's policy forbids everything else: no address is loaded, no text can become a script.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from ..phrase import marked
from ..report_processes import EACH, MOST_INSIDE
from .advice import answers_by_case, writing_facts
from .chart import chart
from .comparing import PAIR_HEADINGS, PROCESS_HEADINGS
from .glossary import LATENCY_NOTE, MEMORY_NOTE, glossary
from .latency_table import LATENCY_HEADINGS
from .memory_table import HEADINGS
from .messages import LANGUAGES, Language, catalogue, language
from .page_data import embedded, embedded_line, page_data, raw_parts
from .text import plain, tiny
from .view import QUESTION, view

FOLDER = "cells"
"""Where the raw parts of large reports lie, beside the page."""

STATIC_ROWS = 200
"""Rows that a reader without JavaScript gets as tables, in whole groups; the page says how many there are in all."""

_SOURCES = Path(__file__).with_name("page")
_PROGRAM = (
    "base",
    "numbers",
    "statistics",
    "state",
    "model",
    "filters",
    "figures",
    "tables",
    "plots",
    "cell",
    "drill",
    "words",
    "guidance",
    "panel",
    "facts",
    "main",
)
_SHARD_PROGRAM = ("base", "numbers", "cell", "shard")
_STYLE = ("page", "results", "pictures")
_HEADINGS = {
    "pairs": PAIR_HEADINGS,
    "processes": PROCESS_HEADINGS,
    "latency": LATENCY_HEADINGS,
    "memory": HEADINGS,
}

Table = dict[str, Any]


def page(report: Table, words: Language, advice: Table | None = None, columns: Table | None = None) -> str:
    """Render the page; every value is escaped by the template engine, or as JSON inside a script element.

    Args:
        report: the content of ``report.json``.
        words: the language in which the page starts; the reader can change it.
        advice: what guidance is made from (``guidance.guidance_table``), if there is any.
        columns: of all cells (``page_columns``), if they are made already.
    """
    shown = trimmed(report)
    others = [language(code) for code in LANGUAGES if code != words.code]
    views = [view(shown, each) for each in (words, *others)]
    inside = len(report["cells"]) <= MOST_INSIDE
    data = page_data(report, columns)
    data["writing"] = writing_facts(report)
    if not inside:
        data["beside"] = {"folder": FOLDER, "each": EACH}
    program, style = script(_PROGRAM), stylesheet()
    return _template("page.html.j2").render(
        _=marked,
        policy=policy(program, style),
        script=program,
        style=style,
        views=views,
        start=views[0],
        languages=LANGUAGES,
        report=report,
        all_cells=len(report["cells"]),
        shown_cells=len(shown["cells"]),
        charts={group.anchor: chart(group) for group in views[0].groups},
        question=QUESTION,
        glossaries={each.words.code: glossary(each.words) for each in views},
        notes={"memory": MEMORY_NOTE, "latency": LATENCY_NOTE},
        headings=_HEADINGS,
        data=embedded(data) if inside else embedded_line(data),
        raw=embedded(raw_parts(report["cells"])) if inside else "",
        catalogues=embedded({code: catalogue(code) for code in LANGUAGES}),
        cases=answers_by_case(advice, words) if advice is not None and inside else [],
        advice=embedded(advice, ordered=False) if advice is not None else "",
    )


def cell_files(cells: Sequence[Table], run_id: str, first: int = 0) -> dict[str, str]:
    """Files with the raw parts of the cells of a large report, by path beside the page.

    They are pages of their own, because a page opened from a disk can follow a link, but may not read a file.

    Args:
        cells: of ``report.json``, all or some in a row.
        run_id: name of the run.
        first: place of the first of them among all, a multiple of ``EACH``.
    """
    program, style = script(_SHARD_PROGRAM), stylesheet()
    fixed = {
        "policy": policy(program, style),
        "script": program,
        "style": style,
        "catalogues": embedded({code: catalogue(code) for code in LANGUAGES}),
        "run": run_id,
    }
    files = {}
    for number, start in enumerate(range(0, len(cells), EACH), 1 + first // EACH):
        part = cells[start : start + EACH]
        found = raw_parts(part, rounded=False)
        for raw, cell in zip(found["cells"], part, strict=True):
            axes = (cell["task"], cell["device"], cell["precision"], f"batch {cell['batch_size']}", cell["lane"])
            raw.update(label=cell["label"], workload=cell["workload"], conditions=", ".join(map(str, axes)))
        name = f"{FOLDER}/{number:04d}.html"
        files[name] = _template("cells.html.j2").render(data=embedded_line(found), number=number, **fixed)
    return files


def trimmed(report: Table) -> Table:
    """The report with its first groups only, up to so many rows: what is written out as tables."""
    axes = ("task", "workload", "data", "device", "lane", "precision", "threads", "batch_size")
    if len(report["cells"]) <= STATIC_ROWS:
        return report
    members: dict[tuple[Any, ...], list[Table]] = {}
    for cell in report["cells"]:
        members.setdefault(tuple(cell[axis] for axis in axes), []).append(cell)
    groups: list[Table] = []
    cells: list[Table] = []
    for comparison in report["comparisons"]:
        found = members.get(tuple(comparison[axis] for axis in axes), [])
        if groups and len(cells) + len(found) > STATIC_ROWS:
            break
        groups.append(comparison)
        cells += found
    return {**report, "cells": cells, "comparisons": groups}


def policy(program: str, style: str) -> str:
    """The content policy: this program and this style by their hashes, pictures in the page, and nothing else."""
    return (
        f"default-src 'none'; script-src '{_hash(program)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


@cache
def script(names: tuple[str, ...]) -> str:
    """The parts of a program in order, in one scope of their own."""
    parts = [(_SOURCES / f"{name}.js").read_text(encoding="utf-8") for name in names if _exists(name)]
    return '"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n"


@cache
def stylesheet() -> str:
    """The page's style."""
    return "\n".join((_SOURCES / f"{name}.css").read_text(encoding="utf-8") for name in _STYLE)


def _exists(name: str) -> bool:
    return (_SOURCES / f"{name}.js").is_file()


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("frameworkbench.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(tiny=tiny, plain=plain)
    return environment.get_template(name)
