"""Who is compared with whom, as text: pairs, families, the A/A control, break-even steps, and the processes behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.sentences import verdict_text
from .text import NOTHING, interval_text, significant

Table = dict[str, Any]
Cells = tuple[str, ...]

PAIR_COLUMNS = ("first", "second", "ratio", "interval", "p_value", "blocks", "verdict")
PAIR_HEADINGS = ("First", "Second", "Ratio", "95 % interval", "p (Holm)", "Blocks", "Verdict")
PROCESS_HEADINGS = ("Row", "Mean", "Median", "p5–p95", "IQR", "Processes and steps", "Left out")


@dataclass(frozen=True, slots=True)
class Family:
    """The modes of one framework, compared with each other."""

    adapter: str
    sentence: str
    pairs: tuple[dict[str, str], ...]


def pair_rows(pairs: Iterable[Table]) -> tuple[dict[str, str], ...]:
    """Each pair as text by column."""
    return tuple(_pair(pair) for pair in pairs)


def families(comparison: Table) -> tuple[Family, ...]:
    """The modes of each framework that ran in more than one."""
    return tuple(
        Family(found["adapter"], found["sentence"], pair_rows(found["pairs"])) for found in comparison["modes"]
    )


def break_even_lines(comparison: Table) -> tuple[str, ...]:
    """Pairs in which a row that starts later overtakes, and after how many steps."""
    pairs = [*comparison["pairs"], *(pair for found in comparison["modes"] for pair in found["pairs"])]
    return tuple(_break_even(pair) for pair in pairs if pair["break_even"]["overtaker"])


def process_rows(cells: Sequence[Table]) -> tuple[Cells, ...]:
    """Mean, median and spread of the processes of each timed row, and how many were left out and why."""
    return tuple(_process(cell) for cell in cells if cell["throughput_samples_per_s"])


def _pair(pair: Table) -> dict[str, str]:
    ratio, interval = interval_text(pair["ratio"], pair["low"], pair["high"])
    median, _ = interval_text(pair["median_ratio"], pair["low"], pair["high"])
    return {
        "first": pair["first"],
        "second": pair["second"],
        "ratio": f"{ratio}× (median {median}×)",
        "interval": f"{interval}×" if interval else NOTHING,
        "p_value": "< 0.001" if pair["p_value"] < 0.001 else significant(pair["p_value"], 2),
        "blocks": str(pair["blocks"]),
        "verdict": verdict_text(pair["verdict"], pair["reason"], pair["extra_blocks"]),
    }


def _break_even(pair: Table) -> str:
    found = pair["break_even"]
    counts = [(found["cold_steps"], "cold"), (found["warm_steps"], "warm compile caches")]
    after = " and ".join(f"{steps:,} steps ({start})" for steps, start in counts if steps is not None)
    return f"{found['overtaker']} starts later than {pair['second']} and overtakes it after {after}."


def _process(cell: Table) -> Cells:
    found = cell["throughput_samples_per_s"]
    mean, _ = interval_text(found["mean"], found["low"], found["high"])
    single = found["p5"] is None
    outliers = found["outliers"]
    odd = [f"{outliers[kind]} {kind} outlier{'s' * (outliers[kind] != 1)}" for kind in outliers if outliers[kind]]
    return (
        cell["label"],
        mean,
        significant(found["median"], 4),
        NOTHING if single else f"{significant(found['p5'], 4)}–{significant(found['p95'], 4)}",
        NOTHING if single else significant(found["iqr"], 2),
        ", ".join([f"{found['processes']} × {found['steps'] / found['processes']:,.0f} steps", *odd]),
        _left_out(cell["excluded"]),
    )


def _left_out(found: Table) -> str:
    if not found["processes"]:
        return "none"
    return "; ".join(f"{one['processes']}: {one['reason']}" for one in found["reasons"])
