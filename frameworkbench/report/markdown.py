"""The report as Markdown: tables narrow enough for a code host, every value escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from typing import Any

from .comparing import PAIR_COLUMNS, PAIR_HEADINGS, PROCESS_HEADINGS
from .glossary import GLOSSARY, LATENCY_NOTE, MEMORY_NOTE
from .latency_table import LATENCY_HEADINGS
from .memory_table import HEADINGS
from .view import QUESTION, Group, Row, View

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$])")


def markdown(view: View, report: dict[str, Any]) -> str:
    """Render the whole report."""
    parts = [
        "# frameworkbench report",
        f"> {QUESTION}",
        _first_screen(view, report),
        *(_group(group) for group in view.groups),
        _failures(view),
        _environment(view, report),
        _glossary(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(text: str) -> str:
    """Text that Markdown and HTML leave alone, on one line, safe in a table cell."""
    flat = " ".join(str(text).split())
    return _SPECIAL.sub(r"\\\1", html.escape(flat, quote=False))


def code(text: str) -> str:
    """Inline code with a fence longer than any run of backticks inside; pipes are kept out of tables."""
    flat = " ".join(str(text).split())
    fence = "`" * (_longest_run(flat) + 1)
    space = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{fence}{space}{flat}{space}{fence}"


def block(text: str) -> str:
    """A fenced block that nothing inside can close."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text.rstrip()}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; ``head`` is trusted, cells are escaped here."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)


def _first_screen(view: View, report: dict[str, Any]) -> str:
    badges = "**unverified**" + (" · **synthetic data**" if view.synthetic else "")
    verdicts = [
        f"- **{escape(group.title)}**{_synthetic(group)}: {escape(group.sentence)} ({escape(group.conditions)})"
        for group in view.groups
    ]
    facts = [f"- {name}: {escape(value)}" for name, value in view.facts]
    missing = [f"- {escape(sentence)}" for sentence in view.not_measured]
    command = report["run"]["command"]
    again = ["**Run it again**", "", block(command)] if command else []
    lines = [
        f"{badges} (self-run: nobody else has reproduced these numbers yet)",
        "",
        *verdicts,
        "",
        "**What was not measured**",
        "",
        *missing,
        "",
        "**Measured on**",
        "",
        *facts,
        "",
        *again,
    ]
    return "\n".join(lines).rstrip()


def _synthetic(group: Group) -> str:
    return " *(synthetic data)*" if group.synthetic else ""


def _group(group: Group) -> str:
    head = f"## {escape(group.title)}{_synthetic(group)}\n\n{escape(group.conditions)}\n\n{escape(group.sentence)}"
    parts = [head, escape(group.control), *_lines("Remarks:", group.remarks)]
    if group.ranked:
        parts.append(f"### Main modes\n\n{_speed(group.ranked)}\n\n{_quality(group.ranked)}")
    parts += _lines(group.threads_heading, group.threads)
    parts += _lines("What these rows set that the matched ones do not:", group.tuning)
    if group.pairs:
        parts.append(f"Pairs (a difference below {group.delta} does not count):\n\n{_pairs(group.pairs)}")
    if group.others:
        parts.append(f"### Other modes\n\n{_speed(group.others)}\n\n{_quality(group.others)}")
    if group.latency:
        rows = table(LATENCY_HEADINGS, [row.cells for row in group.latency])
        parts.append(f"### Latency of single requests\n\n{LATENCY_NOTE}\n\n{rows}")
    for family in group.families:
        name = f"### Modes of {escape(family.adapter)}"
        parts.append(f"{name}\n\n{escape(family.sentence)}\n\n{_pairs(family.pairs)}")
    if group.break_even:
        lines = "\n".join(f"- {escape(line)}" for line in group.break_even)
        parts.append(f"### A slow start that pays\n\n{lines}")
    if group.processes:
        parts.append(f"### Processes behind the means, samples/s\n\n{table(PROCESS_HEADINGS, group.processes)}")
    if group.memory:
        parts.append(f"### Memory by phase\n\n{MEMORY_NOTE}\n\n{table(HEADINGS, [row.cells for row in group.memory])}")
    return "\n\n".join(parts)


def _lines(heading: str, lines: Sequence[str]) -> list[str]:
    """A list under a heading, or nothing."""
    return [f"{heading}\n\n" + "\n".join(f"- {escape(line)}" for line in lines)] if lines else []


def _pairs(pairs: Sequence[dict[str, str]]) -> str:
    return table(PAIR_HEADINGS, [[pair[column] for column in PAIR_COLUMNS] for pair in pairs])


def _speed(rows: Sequence[Row]) -> str:
    head = ("Rank", "Framework and mode", "Status", "Samples/s", "95 % interval", "n", "vs best")
    cells = [
        (row.rank, row.name, f"{row.glyph} {row.status}", row.throughput, row.interval, row.processes, row.relative)
        for row in rows
    ]
    return table(head, cells)


def _quality(rows: Sequence[Row]) -> str:
    head = ("Framework and mode", "Version", "First step, cold", "warm", "Peak memory", "Accuracy", "Parity")
    cells = [
        (
            _role(row),
            row.version,
            row.cold,
            row.warm,
            f"{row.memory} ({row.memory_remarks})" if row.memory_remarks else row.memory,
            f"{row.accuracy} ({row.accuracy_note})" if row.fact["accuracy"] else row.accuracy_note,
            row.parity,
        )
        for row in rows
    ]
    return table(head, cells)


def _role(row: Row) -> str:
    note = {"oracle": " (reference)", "twin": " (A/A control)"}.get(row.fact["role"], "")
    return f"{row.name}{note}"


def _failures(view: View) -> str:
    if not view.failures:
        return "## Failures\n\nNone: every planned row was proved and timed."
    head = ("Row", "Workload", "Status", "Code", "Reason")
    rows = [
        (f["name"], f"{f['workload']} ({f['conditions']})", f"{f['glyph']} {f['status']}", f["code"], f["reason"])
        for f in view.failures
    ]
    logs = [
        f"<details><summary>End of the log: {escape(f['name'])}, {escape(f['workload'])}</summary>\n\n"
        f"{block(f['log_end'])}\n\n</details>"
        for f in view.failures
        if f["log_end"]
    ]
    return "\n\n".join(["## Failures", table(head, rows), *logs])


def _environment(view: View, report: dict[str, Any]) -> str:
    keys = ("name", "framework_version", "python_version", "interpreter_kind", "main_mode", "lock")
    head = ("Adapter", "Version", "Python", "Environment", "Main mode", "Lock")
    adapters = table(head, [[adapter[key] for key in keys] for adapter in view.adapters])
    facts = "\n".join(f"- {name}: {escape(value)}" for name, value in (*view.facts, *view.environment))
    damaged = "\n".join(f"- {escape(found['file'])}: {escape(found['reason'])}" for found in report["damaged"])
    parts = [f"## Environment\n\n{facts}", adapters, escape(view.harness)]
    return "\n\n".join([*parts, *([f"Damaged files, left out:\n\n{damaged}"] if damaged else [])])


def _glossary() -> str:
    return "## Words\n\n" + "\n".join(f"- **{word}**: {meaning}" for word, meaning in GLOSSARY)
