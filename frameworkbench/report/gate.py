"""The regression gate as text: a table of ratios with intervals, and sentences on what was not compared."""

from __future__ import annotations

from ..analysis.gate import NO_REGRESSION, NOTHING_MEASURED, Gate
from ..analysis.regression import INCONCLUSIVE, REGRESSION, RowChange
from .text import NOTHING, clean, interval_text, significant

_GLYPHS = {REGRESSION: "✕", INCONCLUSIVE: "?"}


def gate_heads() -> list[str]:
    """Heads of the table's columns."""
    return ["", "row", "version", "baseline samples/s", "new samples/s", "new / baseline", "95 %", "n", "p", "verdict"]


def gate_rows(gate: Gate) -> list[list[str]]:
    """One line of text for each row, slowest change first."""
    return [_row(row) for row in sorted(gate.rows, key=lambda row: (row.ratio, row.name))]


def gate_sentences(gate: Gate) -> list[str]:
    """What to say below the table: what was not compared and why, and the outcome last."""
    lines = [f"not comparable: {reason}" for reason in gate.reasons]
    lines += [f"not comparable: {name}: {reason}" for name, reason in gate.refused]
    lines += [f"left out: {name}: {reason}" for name, reason in gate.left_out]
    return [clean(line).replace("\n", " ") for line in (*lines, _outcome(gate))]


def gate_markdown(gate: Gate) -> str:
    """The whole result as Markdown, for a comment on a pull request."""
    lines = [f"**{_outcome(gate)}**", ""]
    if gate.rows:
        lines += [_line(gate_heads()), _line(["---"] * len(gate_heads())), *map(_line, gate_rows(gate)), ""]
    lines += [f"- {_escaped(sentence)}" for sentence in gate_sentences(gate)[:-1]]
    return "\n".join(lines).rstrip() + "\n"


def _row(row: RowChange) -> list[str]:
    ratio, interval = interval_text(row.ratio, row.low, row.high)
    versions = [row.baseline_version or NOTHING, row.new_version or NOTHING]
    return [
        _GLYPHS.get(row.verdict, "·"),
        row.name,
        versions[0] if versions[0] == versions[1] else " → ".join(versions),
        significant(row.baseline_mean, 3),
        significant(row.new_mean, 3),
        f"{ratio}×",
        interval or NOTHING,
        f"{row.baseline_processes}, {row.new_processes}",
        "< 0.001" if row.p_value < 0.001 else significant(row.p_value, 2),
        row.verdict,
    ]


def _outcome(gate: Gate) -> str:
    limit = f"{gate.fail_over * 100:g} %"
    slower = [row.name for row in gate.rows if row.verdict == REGRESSION]
    if slower:
        return f"regression beyond {limit}: {', '.join(slower)}"
    if gate.outcome == NOTHING_MEASURED:
        return "nothing measured: no row is in both runs with two or more processes each"
    if gate.outcome != NO_REGRESSION:
        return "not comparable"
    open_rows = sum(row.verdict == INCONCLUSIVE for row in gate.rows)
    doubt = f"; {open_rows} inconclusive: more processes would tell" if open_rows else ""
    return f"no regression beyond {limit} in {len(gate.rows)} row{'s' * (len(gate.rows) != 1)}{doubt}"


def _line(texts: list[str]) -> str:
    return "| " + " | ".join(map(_escaped, texts)) + " |"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
