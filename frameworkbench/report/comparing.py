"""Who is compared with whom, as text: pairs, families, the A/A control, break-even steps, and the processes behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.sentences import verdict_phrase
from ..phrase import Phrase, clauses, from_json, listed, marked, particulars, phrase
from .messages import Language
from .text import NOTHING, interval_text, significant

Table = dict[str, Any]
Cells = tuple[str, ...]

PAIR_COLUMNS = ("first", "second", "ratio", "interval", "p_value", "blocks", "verdict")
PAIR_HEADINGS = (
    marked("First"),
    marked("Second"),
    marked("Ratio"),
    marked("95 % interval"),
    marked("p (Holm)"),
    marked("Blocks"),
    marked("Verdict"),
)
PROCESS_HEADINGS = (
    marked("Row"),
    marked("Mean"),
    marked("Median"),
    "p5–p95",
    "IQR",
    marked("Processes and steps"),
    marked("Left out"),
)
_OUTLIERS = {
    ("mild", True): marked("{count} mild outlier"),
    ("mild", False): marked("{count} mild outliers"),
    ("severe", True): marked("{count} severe outlier"),
    ("severe", False): marked("{count} severe outliers"),
}


@dataclass(frozen=True, slots=True)
class Family:
    """Rows that are compared beside the main modes: the modes of one framework, or a row and what it is built on."""

    title: str
    sentence: str
    pairs: tuple[dict[str, str], ...]


def pair_rows(pairs: Iterable[Table], words: Language) -> tuple[dict[str, str], ...]:
    """Each pair as text by column."""
    return tuple(_pair(pair, words) for pair in pairs)


def families(comparison: Table, words: Language) -> tuple[Family, ...]:
    """The modes of each framework that ran in more than one, and each row with the one that it is built on."""
    return tuple(
        Family(words.tell(title), words.tell(found["sentence_parts"]), pair_rows(found["pairs"], words))
        for title, found in further(comparison)
    )


def further(comparison: Table) -> list[tuple[Phrase, Table]]:
    """The families of a group beside that of the main modes, each with its title."""
    modes = [(phrase("Modes of {adapter}", adapter=found["adapter"]), found) for found in comparison["modes"]]
    built = [
        (phrase("{above} beside {below}, on which it is built", above=found["above"], below=found["below"]), found)
        for found in comparison["built_on"]
    ]
    return modes + built


def break_even_lines(comparison: Table, words: Language) -> tuple[str, ...]:
    """Pairs in which a row that starts later overtakes, and after how many steps."""
    pairs = [*comparison["pairs"], *(pair for _, found in further(comparison) for pair in found["pairs"])]
    return tuple(words.tell(_break_even(pair)) for pair in pairs if pair["break_even"]["overtaker"])


def process_rows(cells: Sequence[Table], words: Language) -> tuple[Cells, ...]:
    """Mean, median and spread of the processes of each timed row, and how many were left out and why."""
    return tuple(_process(cell, words) for cell in cells if cell["throughput_samples_per_s"])


def _pair(pair: Table, words: Language) -> dict[str, str]:
    ratio, interval = interval_text(pair["ratio"], pair["low"], pair["high"])
    median, _ = interval_text(pair["median_ratio"], pair["low"], pair["high"])
    return {
        "first": pair["first"],
        "second": pair["second"],
        "ratio": words.say("{ratio}× (median {median}×)", ratio=ratio, median=median),
        "interval": f"{interval}×" if interval else NOTHING,
        "p_value": "< 0.001" if pair["p_value"] < 0.001 else significant(pair["p_value"], 2),
        "blocks": str(pair["blocks"]),
        "verdict": words.tell(verdict_phrase(pair["verdict"], pair["reason"], pair["extra_blocks"])),
    }


def _break_even(pair: Table) -> Phrase:
    found = pair["break_even"]
    after = []
    if found["cold_steps"] is not None:
        after.append(phrase("{count} steps (cold)", count=f"{found['cold_steps']:,}"))
    if found["warm_steps"] is not None:
        after.append(phrase("{count} steps (warm compile caches)", count=f"{found['warm_steps']:,}"))
    return phrase(
        "{late} starts later than {early} and overtakes it after {steps}.",
        late=found["overtaker"],
        early=pair["second"],
        steps=listed(after),
    )


def _process(cell: Table, words: Language) -> Cells:
    found = cell["throughput_samples_per_s"]
    mean, _ = interval_text(found["mean"], found["low"], found["high"])
    single = found["p5"] is None
    counted = [(kind, count) for kind, count in found["outliers"].items() if count]
    odd = [Phrase(_OUTLIERS[kind, count == 1], {"count": str(count)}) for kind, count in counted]
    steps = phrase(
        "{processes} × {steps} steps",
        processes=found["processes"],
        steps=f"{found['steps'] / found['processes']:,.0f}",
    )
    return (
        cell["label"],
        mean,
        significant(found["median"], 4),
        NOTHING if single else f"{significant(found['p5'], 4)}–{significant(found['p95'], 4)}",
        NOTHING if single else significant(found["iqr"], 2),
        words.tell(particulars([steps, *odd])),
        words.tell(_left_out(cell["excluded"])),
    )


def _left_out(found: Table) -> Phrase:
    if not found["processes"]:
        return phrase("none")
    each = [
        phrase("{count}: {reason}", count=one["processes"], reason=from_json(one["reason_parts"]))
        for one in found["reasons"]
    ]
    return clauses(each)
