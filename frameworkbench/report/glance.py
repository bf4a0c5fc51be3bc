"""The answer in one table: for each workload who is fastest, who starts soonest, who needs least memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .messages import Language
from .text import NOTHING, interval_text, percent, seconds, size
from .view import GROUP_AXES, title

Table = dict[str, Any]
Cells = tuple[str, str, str, str, str]


def glance(report: Table, words: Language) -> tuple[Cells, ...]:
    """One row of text for each comparison: title, fastest with samples/s, first step, memory, accuracy.

    Only proved main modes of entrants count.
    """
    found: dict[tuple[Any, ...], list[Table]] = {}
    for cell in report["cells"]:
        if cell["main"] and cell["role"] == "entrant" and cell["status"] == "ok":
            found.setdefault(tuple(cell[axis] for axis in GROUP_AXES), []).append(cell)
    return tuple(
        _row(comparison, found.get(tuple(comparison[axis] for axis in GROUP_AXES), []), words)
        for comparison in report["comparisons"]
    )


def _row(comparison: Table, cells: list[Table], words: Language) -> Cells:
    best = sorted((cell for cell in cells if cell["rank"] == 1), key=lambda cell: (-_speed(cell), str(cell["label"])))
    return (
        words.tell(title(comparison)),
        ", ".join(f"{cell['label']} ({_written(cell)})" for cell in best) or words.say("no winner named"),
        _smallest(cells, "time_to_first_step_s", seconds),
        _smallest(cells, "peak_memory_bytes", size),
        _accuracy(cells),
    )


def _speed(cell: Table) -> float:
    return float(cell["throughput_samples_per_s"]["mean"])


def _written(cell: Table) -> str:
    found = cell["throughput_samples_per_s"]
    return interval_text(found["mean"], found["low"], found["high"])[0]


def _smallest(cells: Iterable[Table], key: str, written: Callable[[float], str]) -> str:
    known = [(cell[key], str(cell["label"])) for cell in cells if cell[key] is not None]
    if not known:
        return NOTHING
    value, label = min(known)
    return f"{label} ({written(value)})"


def _accuracy(cells: Iterable[Table]) -> str:
    """Lowest and highest mean of the rows; one figure where they are the same as far as the test set can tell."""
    found = [cell["accuracy"] for cell in cells if cell["accuracy"]]
    texts = [percent(each["mean"], each["total"]) for each in sorted(found, key=lambda each: float(each["mean"]))]
    if not texts:
        return NOTHING
    return texts[0] if texts[0] == texts[-1] else f"{texts[0].removesuffix(' %')}–{texts[-1]}"
