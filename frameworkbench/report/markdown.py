"""The report as Markdown: the answer first, tables narrow enough for a code host, every value escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .advice import writing_facts
from .comparing import Cells
from .glance import glance
from .glossary import LATENCY_NOTE, MEMORY_NOTE, glossary
from .machine_facts import Pairs
from .markdown_answers import claims_section, facts_section, guidance_section, writing_section
from .markdown_text import block, bullets, escape, folded, heading, image, strong, table
from .messages import Language
from .pictures import Picture
from .text import NOTHING
from .view import QUESTION, Group, Row, View

Pictures = Mapping[str, Sequence[Picture]]


def markdown(
    view: View,
    report: dict[str, Any],
    pictures: Pictures,
    advice: Mapping[str, Any] | None = None,
    *,
    all_cells: int | None = None,
) -> str:
    """Render the whole report in the view's language.

    Args:
        view: the rows as text.
        report: the content of ``report.json``.
        pictures: by the anchor of their group; they lie beside the report.
        advice: what guidance is made from (``guidance.guidance_table``); without it there is no guidance and no facts.
        all_cells: of the whole report, where ``report`` holds its first groups only.
    """
    words = view.words
    parts = [
        heading(1, words.say("frameworkbench report")),
        f"> {words.translate(QUESTION)}",
        _first_screen(view, report),
        _where_the_rest_is(len(report["cells"]), all_cells, words),
        _where_pictures_are(len(pictures), len(view.groups), words),
        guidance_section(advice, words) if advice or len(report["cells"]) < (all_cells or 0) else "",
        *(_group(group, words, pictures.get(group.anchor, ())) for group in view.groups),
        _failures(view),
        claims_section(report["claims"], words),
        facts_section(advice, words) if advice else "",
        writing_section(writing_facts(report), words) if advice else "",
        _environment(view, report),
        _glossary(words),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _first_screen(view: View, report: dict[str, Any]) -> str:
    words = view.words
    badges = strong(words.say("unverified"))
    badges += " · " + strong(words.say("synthetic data")) if view.synthetic else ""
    note = words.say("self-run: nobody else has reproduced these numbers yet")
    command = report["run"]["command"]
    parts = [
        words.say("{name} ({note})", name=badges, note=note),
        strong(words.say("The answer")),
        _glance(report, words),
        "\n".join(_verdict(group, words) for group in view.groups),
        strong(words.say("What was not measured")),
        bullets(view.not_measured),
        strong(words.say("Measured on")),
        _pairs_of(view.facts, words),
        *([strong(words.say("Run it again")), block(command)] if command else []),
    ]
    return "\n\n".join(part for part in parts if part)


def _where_the_rest_is(shown: int, count: int | None, words: Language) -> str:
    if count is None or shown >= count:
        return ""
    return words.say(
        "This file shows the first {shown} of {all} rows; all of them are in cells.csv and pairs.csv beside it.",
        shown=f"{shown:,}",
        all=f"{count:,}",
    )


def _where_pictures_are(drawn: int, sections: int, words: Language) -> str:
    if drawn == 0 and sections:
        return words.say("Pictures are in the page only (report.html).")
    if drawn < sections:
        return words.say(
            "Pictures stand in the first {count} of {total} sections; the page (report.html) has all.",
            count=drawn,
            total=sections,
        )
    return ""


def _verdict(group: Group, words: Language) -> str:
    name = f"**{escape(group.title)}**{_synthetic(group, words)}"
    said, conditions = escape(group.sentence), escape(group.conditions)
    return "- " + words.say("{name}: {sentence} ({conditions})", name=name, sentence=said, conditions=conditions)


def _pairs_of(facts: Pairs, words: Language) -> str:
    return "\n".join("- " + words.say("{name}: {value}", name=name, value=escape(value)) for name, value in facts)


def _glance(report: dict[str, Any], words: Language) -> str:
    rows = glance(report, words)
    if not rows:
        return ""
    head = (
        words.say("Workload"),
        words.say("Fastest (samples/s)"),
        words.say("Soonest first step"),
        words.say("Least memory"),
        words.say("Accuracy, all rows"),
    )
    note = words.say(
        "Among the frameworks' main modes. Fastest is tested, and rows that share the first place are named together; "
        "soonest and least are the smallest values measured: whether they differ by more than chance was not tested."
    )
    title = words.say("Words")
    terms = words.say("Terms are explained at the end, under {link}.", link=f"[{title}](#{title.lower()})")
    return f"{table(head, rows)}\n\n{escape(note)} {terms}"


def _synthetic(group: Group, words: Language) -> str:
    note = words.say("synthetic data")
    return f" *({note})*" if group.synthetic else ""


def _group(group: Group, words: Language, pictures: Sequence[Picture]) -> str:
    head = f"## {escape(group.title)}{_synthetic(group, words)}"
    parts = [head, escape(group.conditions), f"**{escape(group.sentence)}**", escape(group.control)]
    parts += _lines(words.say("Remarks:"), group.remarks)
    shown = [image(each.path, words.tell(each.alt), words.tell(each.caption)) for each in pictures]
    parts += shown[:1]
    if group.ranked:
        parts += [heading(3, words.say("Main modes")), *_rows(group.ranked, words, ranked=True)]
    if group.others:
        parts += [heading(3, words.say("Other modes")), *_rows(group.others, words, ranked=False)]
    parts += _lines(group.threads_heading, group.threads)
    parts += _lines(words.say("What these rows set that the matched ones do not:"), group.tuning)
    parts += shown[1:]
    if group.break_even:
        parts += [heading(3, words.say("A slow start that pays")), bullets(group.break_even)]
    if group.latency:
        title = heading(3, words.say("Latency of single requests"))
        parts += [title, words.translate(LATENCY_NOTE), *_latency(group, words)]
    if group.memory:
        parts += [heading(3, words.say("Memory by phase")), words.translate(MEMORY_NOTE), *_memory(group, words)]
    return "\n\n".join([*parts, *_comparisons(group, words)])


def _comparisons(group: Group, words: Language) -> list[str]:
    """Pairs, modes and processes: what a reader looks up."""
    parts = []
    if group.pairs:
        title = words.say(
            "Who is faster than whom: {count} pairs (a difference below {delta} does not count)",
            count=len(group.pairs),
            delta=group.delta,
        )
        parts.append(folded(title, _pairs(group.pairs, words)))
    for family in group.families:
        title = f"{family.title}: {family.sentence}"
        parts.append(folded(title, _pairs(family.pairs, words)))
    if group.processes:
        title = words.say("Processes behind the means, samples/s")
        parts.append(folded(title, _processes(group.processes, words)))
    return parts


def _lines(heading: str, lines: Sequence[str]) -> list[str]:
    """A list under a heading, or nothing."""
    return [f"{escape(heading)}\n\n{bullets(lines)}"] if lines else []


def _pairs(pairs: Sequence[dict[str, str]], words: Language) -> str:
    head = (
        words.say("First"),
        words.say("Second"),
        words.say("Ratio (95 % interval)"),
        words.say("p (Holm)"),
        words.say("Blocks"),
        words.say("Verdict"),
    )
    rows = [
        (
            pair["first"],
            pair["second"],
            _ranged(pair["ratio"], pair["interval"]),
            pair["p_value"],
            pair["blocks"],
            pair["verdict"],
        )
        for pair in pairs
    ]
    return table(head, rows)


def _processes(rows: Sequence[Cells], words: Language) -> str:
    head = (
        words.say("Row"),
        words.say("Mean"),
        words.say("Median"),
        words.say("p5–p95 (IQR)"),
        words.say("Processes and steps"),
        words.say("Left out"),
    )
    return table(head, [(row[0], row[1], row[2], _ranged(row[3], row[4]), row[5], row[6]) for row in rows])


def _rows(rows: Sequence[Row], words: Language, *, ranked: bool) -> list[str]:
    """Three tables: speed, start and memory, accuracy and proof."""
    name = words.say("Framework and mode")
    speed = (name, words.say("Status"), words.say("Samples/s (95 % interval)"), words.say("vs best"), "n")
    start = (
        name,
        words.say("Version"),
        words.say("First step, cold"),
        words.say("First step, warm"),
        words.say("Peak memory"),
    )
    proof = (name, words.say("Accuracy"), words.say("How it was measured"), words.say("Proof: check nearest its limit"))
    return [
        table((words.say("Rank"), *speed), [(row.rank, *_speed(row, words)) for row in rows])
        if ranked
        else table(speed, [_speed(row, words) for row in rows]),
        table(start, [_start(row) for row in rows]),
        table(proof, [(row.name, row.accuracy, row.accuracy_note, row.parity) for row in rows]),
    ]


def _speed(row: Row, words: Language) -> Cells:
    note = {"oracle": words.say("reference"), "twin": words.say("A/A control")}.get(row.fact["role"], "")
    name = f"{row.name} ({note})" if note else row.name
    speed = _ranged(row.throughput, row.interval)
    return (name, f"{row.glyph} {row.status}", speed, row.relative, row.processes)


def _start(row: Row) -> Cells:
    return (row.name, row.version, row.cold, row.warm, _ranged(row.memory, row.memory_remarks))


def _ranged(value: str, range_: str) -> str:
    """A value with what belongs to it in brackets."""
    return f"{value} ({range_})" if range_ and range_ != NOTHING else value


def _latency(group: Group, words: Language) -> list[str]:
    """The quantiles, and what they were made from."""
    name = words.say("Framework and mode")
    quantiles = (name, "p50", "p95", "p99", words.say("Jitter (p99 − p50)"))
    origin = (name, words.say("IQR / median"), words.say("First request"), words.say("Requests"), "n")
    return [
        table(quantiles, [row.cells[:5] for row in group.latency]),
        table(origin, [(row.name, *row.figures[4:]) for row in group.latency]),
    ]


def _memory(group: Group, words: Language) -> list[str]:
    """The phases, and what follows from them."""
    name = words.say("Framework and mode")
    phases = (
        name,
        words.say("Import"),
        words.say("Build"),
        words.say("Staging"),
        words.say("First step"),
        words.say("Steady"),
    )
    rest = (
        name,
        words.say("Peak"),
        words.say("Growth a step"),
        words.say("Largest batch"),
        words.say("Remarks"),
    )
    return [
        table(phases, [(row.name, *row.figures[:5]) for row in group.memory]),
        table(rest, [(row.name, *row.figures[5:], row.remarks) for row in group.memory]),
    ]


def _failures(view: View) -> str:
    words = view.words
    title = heading(2, words.say("Failures"))
    if not view.failures:
        return title + "\n\n" + words.say("None: every planned row was proved and timed.")
    head = (words.say("Row"), words.say("Workload"), words.say("Status"), words.say("Code"), words.say("Reason"))
    rows = [
        (
            f["name"],
            words.say("{name} ({note})", name=f["workload"], note=f["conditions"]),
            f"{f['glyph']} {f['status']}",
            f["code"],
            f["reason"],
        )
        for f in view.failures
    ]
    logs = [
        folded(
            words.say("End of the log: {row}, {workload}", row=f["name"], workload=f["workload"]),
            block(f["log_end"]),
        )
        for f in view.failures
        if f["log_end"]
    ]
    return "\n\n".join([title, table(head, rows), *logs])


def _environment(view: View, report: dict[str, Any]) -> str:
    words = view.words
    keys = ("name", "framework_version", "python_version", "interpreter_kind", "main_mode", "lock")
    head = (
        words.say("Adapter"),
        words.say("Version"),
        "Python",
        words.say("Environment"),
        words.say("Main mode"),
        words.say("Lock"),
    )
    parts = [heading(2, words.say("Environment")), _pairs_of(view.environment, words)]
    parts += [table(head, [[adapter[key] for key in keys] for adapter in view.adapters]), escape(view.harness)]
    damaged = [f"{found['file']}: {found['reason']}" for found in report["damaged"]]
    return "\n\n".join([*parts, *_lines(words.say("Damaged files, left out:"), damaged)])


def _glossary(words: Language) -> str:
    entries = "\n".join(
        "- " + words.say("{name}: {value}", name=strong(word), value=meaning) for word, meaning in glossary(words)
    )
    return heading(2, words.say("Words")) + "\n\n" + entries
