"""What a run with a planted difference came to: the plan, the row of planted.json, and whether it is as promised.

The verdict is the run's own. Only one thing is added, before the last blocks are run: where the plan asks for more
blocks than are ever run, the pilot decides nothing, however it happens to look.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frameworkbench.analysis.power import POWER, blocks_needed
from frameworkbench.analysis.statistics import paired_log_difference
from frameworkbench.analysis.summary import CellResult, Summary
from frameworkbench.analysis.verdicts import FASTER, INCONCLUSIVE, Pair
from frameworkbench.run.aims import MOST_BLOCKS

NAMES = ("workload", "adapter", "mode", "planted", "delta", "plan", "neighbour")
READING = (
    "planted: share by which the copy's steps were made longer; as_run: the same by the copy's own account, median of "
    "processes; ratio = throughput of the original / throughput of its copy, low and high: 95 % t-interval over "
    "blocks; deviation: of one process around its mean, block effects taken out (pilot_deviation: in the first "
    "pilot_blocks blocks, from which planned_blocks follows); samples: samples per second by block, [original, copy]"
)
FOUND, NO_WINNER, OPEN = "found", "no winner", "open"
NOISY, MISSED, FALSE_WINNER, UNNOTICED, NO_NUMBER = "noisy", "missed", "false winner", "not noticed", "no number"
AS_PROMISED = (FOUND, NO_WINNER, OPEN)

# No two processes agree better than this; a deviation of zero would ask for no plan at all.
_LEAST_DEVIATION = 1e-6

Sample = tuple[int, float, float]


@dataclass(frozen=True, slots=True)
class Plan:
    """Blocks that find a gap in 80 % of runs at the deviation that a pilot showed; None: more than 1,000."""

    gap: float
    deviation: float
    blocks: int | None

    @property
    def beyond(self) -> bool:
        """Whether that is more than are ever run."""
        return self.blocks is None or self.blocks > MOST_BLOCKS

    @property
    def need(self) -> str:
        """What a pair needs that is not run."""
        count = "more than 1,000" if self.blocks is None else str(self.blocks)
        return f"needs {count} blocks, beyond {MOST_BLOCKS}"

    @property
    def sentence(self) -> str:
        """For people."""
        count = "more than 1,000" if self.blocks is None else str(self.blocks)
        text = f"at a deviation of {self.deviation:.2%} a gap of {self.gap:.0%} takes {count} blocks for {POWER:.0%}"
        return f"{text}; at most {MOST_BLOCKS} are run"


@dataclass(frozen=True, slots=True)
class Asked:
    """What was planted and how it was looked for.

    Attributes:
        planted: share of the step that was added; 0 for a control.
        delta: smallest difference that counts.
        pilot: blocks from which the number of blocks follows; None: ``blocks`` was fixed beforehand.
        blocks: the fixed number; None with a pilot.
        neighbour: which attempts at blocks, counted from 1, somebody else disturbed.
    """

    planted: float
    delta: float
    pilot: int | None
    blocks: int | None
    neighbour: tuple[int, ...] = ()


def plan_of(samples: Sequence[Sample], gap: float, delta: float) -> Plan | None:
    """The plan that a pilot's blocks give; None where fewer than two of them count."""
    found = deviation_of(samples)
    if found is None:
        return None
    deviation = max(found, _LEAST_DEVIATION)
    return Plan(gap, deviation, blocks_needed(1 + gap, deviation, delta=delta))


def deviation_of(samples: Sequence[Sample]) -> float | None:
    """Standard deviation of one process's log throughput, as ``power_of`` means it; None below two blocks.

    Whatever a block does to both rows drops out of their difference, which varies by √2 of one process's deviation.
    """
    if len(samples) < 2:
        return None
    found = paired_log_difference([sample[1] for sample in samples], [sample[2] for sample in samples])
    return found.error * math.sqrt(found.pairs / 2)


def paired_samples(original: CellResult, copy: CellResult) -> list[Sample]:
    """(block, samples per second of the original, of the copy) of every block that counts for both."""
    first, second = _by_block(original), _by_block(copy)
    return [(key[0], first[key], second[key]) for key in sorted(first.keys() & second.keys())]


def row_of(summary: Summary, original: str, copy: str, asked: Asked, plan: Plan | None) -> dict[str, Any]:
    """One row of the file.

    Args:
        summary: of the finished run.
        original: name of the adapter that was copied.
        copy: name of its slower copy.
        asked: what was planted.
        plan: what the pilot gave; None where the number of blocks was fixed or nothing follows from the pilot.
    """
    first, second = cell_of(summary, original), cell_of(summary, copy)
    samples = paired_samples(first, second)
    pairs = [pair for ranking in summary.rankings.values() for pair in ranking.pairs]
    pair = pairs[0] if pairs else None
    verdict, reason = _verdict((first, second), pair, plan)
    winner = pair.first if pair is not None and verdict == FASTER else None
    deviation = deviation_of(samples)
    row = {
        "adapter": original,
        "workload": str(first.axes["workload"]),
        "mode": str(first.axes["mode"]),
        "planted": asked.planted,
        "as_run": _as_run(summary, second),
        "delta": asked.delta,
        "plan": "fixed" if asked.pilot is None else "pilot",
        "pilot_blocks": asked.pilot,
        "pilot_deviation": None if plan is None else _rounded(plan.deviation),
        "planned_blocks": _planned(asked, plan),
        "blocks": len(samples),
        "deviation": None if deviation is None else _rounded(deviation),
        **_ratio(pair, first.label),
        "verdict": verdict,
        "winner": winner,
        "reason": reason,
        "noisy": summary.run.noisy,
        "flagged": [[*key, "; ".join(why)] for key, why in sorted(summary.noise.flagged.items())],
        "neighbour": len(asked.neighbour),
    }
    row["outcome"] = outcome(row, first.label, unnoticed(summary, asked.neighbour))
    return {**row, "samples": [[block, round(one, 3), round(other, 3)] for block, one, other in samples]}


def outcome(row: Mapping[str, Any], original: str, missed: Sequence[tuple[int, int]] = ()) -> str:
    """Whether a row is what the method promises.

    Args:
        row: with everything but this.
        original: label of the row that is truly faster, if anything was planted.
        missed: attempts at blocks that were disturbed on purpose and not flagged.
    """
    if row["winner"] is not None and (not row["planted"] or row["winner"] != original):
        return FALSE_WINNER
    if row["ratio"] is None:
        return NO_NUMBER
    if missed:
        return UNNOTICED
    if row["noisy"]:
        return NO_WINNER if row["neighbour"] else NOISY
    if not row["planted"]:
        return NO_WINNER
    if row["winner"] == original:
        return FOUND
    beyond = row["plan"] == "pilot" and (row["planned_blocks"] is None or row["planned_blocks"] > MOST_BLOCKS)
    return OPEN if beyond else MISSED


def cell_of(summary: Summary, adapter: str) -> CellResult:
    """The one cell of an adapter."""
    return next(cell for cell in summary.cells if cell.axes["adapter"] == adapter)


def unnoticed(summary: Summary, attempts: Sequence[int]) -> list[tuple[int, int]]:
    """(block, attempt) of the attempts, counted over the run from 1, that were signed off and not flagged."""
    signed = summary.run.signed_blocks()
    found = [signed[number - 1] for number in attempts if number <= len(signed)]
    return [(block.block, block.attempt) for block in found if not block.flagged]


def _by_block(cell: CellResult) -> dict[tuple[int, int], float]:
    found = cell.facts["throughput_samples_per_s"]
    return {(one["block"], one["attempt"]): one["value"] for one in found["samples"]} if found else {}


def _verdict(cells: Sequence[CellResult], pair: Pair | None, plan: Plan | None) -> tuple[str, str]:
    wrong = [cell for cell in cells if cell.verdict.status != "ok"]
    if wrong:
        return wrong[0].verdict.status, "; ".join(f"{c.label}: {c.verdict.code}: {c.verdict.reason}" for c in wrong)
    if pair is None:
        return INCONCLUSIVE, "fewer than two blocks count"
    if plan is not None and plan.beyond and pair.reason != "noisy run":
        return INCONCLUSIVE, plan.need
    if pair.verdict == INCONCLUSIVE and not pair.reason:
        more = pair.extra_blocks
        return INCONCLUSIVE, f"needs {'more than 1,000' if more is None else pair.blocks + more} blocks"
    return pair.verdict, pair.reason


def _ratio(pair: Pair | None, original: str) -> dict[str, float | None]:
    """The original over its copy, whichever of them was faster."""
    if pair is None:
        return {"ratio": None, "low": None, "high": None}
    numbers = (pair.ratio, pair.low, pair.high)
    if pair.first != original:
        numbers = (1 / pair.ratio, 1 / pair.high, 1 / pair.low)
    return {name: _rounded(number) for name, number in zip(("ratio", "low", "high"), numbers, strict=True)}


def _planned(asked: Asked, plan: Plan | None) -> int | None:
    if asked.pilot is None:
        return asked.blocks
    return plan.blocks if plan is not None else None


def _as_run(summary: Summary, copy: CellResult) -> float | None:
    counted = [record for record in summary.run.counted_speed_records(copy.key) if record["status"] == "ok"]
    shares = [record["payload"]["effective"]["planted_share"] for record in counted]
    return round(statistics.median(shares), 6) if shares else None


def _rounded(value: float) -> float:
    return round(value, 6)
