"""The report as one HTML file that loads nothing: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from functools import cache
from typing import Any

import jinja2

from .chart import chart
from .comparing import PAIR_HEADINGS, PROCESS_HEADINGS
from .glossary import GLOSSARY, LATENCY_NOTE, MEMORY_NOTE
from .latency_table import LATENCY_HEADINGS
from .memory_table import HEADINGS
from .text import plain, tiny
from .view import QUESTION, View


def page(view: View, report: dict[str, Any]) -> str:
    """Render the page; every value is escaped by the template engine."""
    charts = {group.anchor: chart(group) for group in view.groups}
    return _template().render(view=view, report=report, charts=charts, question=QUESTION, **_WORDS)


_WORDS = {
    "glossary": GLOSSARY,
    "memory_note": MEMORY_NOTE,
    "memory_headings": HEADINGS,
    "latency_note": LATENCY_NOTE,
    "latency_headings": LATENCY_HEADINGS,
    "pair_headings": PAIR_HEADINGS,
    "process_headings": PROCESS_HEADINGS,
}


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("frameworkbench.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(tiny=tiny, plain=plain)
    return environment.get_template("page.html.j2")
