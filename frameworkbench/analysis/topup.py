"""How many more blocks would settle what a run left inconclusive, and what no affordable number would settle."""

from __future__ import annotations

from dataclasses import dataclass, field

from .comparison import INCONCLUSIVE, Pair
from .summary import CellResult, Summary


@dataclass(frozen=True, slots=True)
class TopUp:
    """Blocks to add by cell key, and in sentences why these and what stays open."""

    blocks: dict[str, int] = field(default_factory=dict)
    sentences: tuple[str, ...] = ()


def top_up(summary: Summary, most: int) -> TopUp:
    """Blocks that the inconclusive pairs of a run ask for; only the groups that hold such a pair get any.

    Args:
        summary: of a finished run.
        most: no pair gets more blocks in all than this; one that needs more gets none, since a few would not help.
    """
    if summary.run.noisy:
        return TopUp({}, (f"the run is noisy, so no number of blocks follows from it: {summary.run.noisy_reason}",))
    blocks: dict[str, int] = {}
    sentences = []
    for group, ranking in summary.rankings.items():
        cells = [cell for cell in summary.cells if cell.group == group and _takes_part(cell)]
        within = [pair for pair in ranking.pairs if pair.verdict == INCONCLUSIVE and _total(pair) <= most]
        beyond = [pair for pair in ranking.pairs if pair.verdict == INCONCLUSIVE and _total(pair) > most]
        workload = cells[0].axes.get("workload") if cells else ""
        if within:
            count = max(pair.extra_blocks or 0 for pair in within)
            blocks |= {cell.key: count for cell in cells}
            sentences.append(f"{workload}: {count} more blocks for {len(within)} inconclusive pairs")
        sentences += [f"{workload}: {pair.first} against {pair.second} {_need(pair, most)}" for pair in beyond]
    return TopUp(blocks, tuple(sentences) or ("no pair is inconclusive: nothing to add",))


def _need(pair: Pair, most: int) -> str:
    """Why a pair gets no blocks: it needs too many, or something that blocks do not give."""
    if pair.extra_blocks is None and pair.reason:
        return f"stays inconclusive: {pair.reason}: no number of blocks follows"
    needed = "more than 1,000" if pair.extra_blocks is None else f"{_total(pair):g}"
    return f"needs {needed} blocks, beyond {most}: stays inconclusive"


def _total(pair: Pair) -> float:
    """Blocks in all that a pair needs."""
    return float("inf") if pair.extra_blocks is None else pair.blocks + pair.extra_blocks


def _takes_part(cell: CellResult) -> bool:
    """Main modes of entrants, and the twin, whose spread is the group's noise floor."""
    return cell.main and cell.verdict.status == "ok" and cell.axes.get("role") in ("entrant", "twin")
