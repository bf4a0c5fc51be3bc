"""Does a training end where the reference's trainings end?

The proof shows that single steps are the reference's, within tolerances. What stays within them and yet adds up over
thousands of steps shows in what a training reaches: too little, or too much too soon, which is other mathematics as
well. So final accuracies are held against those that the reference itself reached from other seeds.

A flag is a remark and not a verdict: seeds have tails, and five reference runs are few. The figure stands, and the
reader knows that it needs an explanation.
"""

from __future__ import annotations

import math
import statistics as plain
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from scipy import special

from ..phrase import UNSAID, Phrase, enumerated, from_json, phrase, spoken

CONVERGENCE = "CONVERGENCE"

INSIDE = "inside"
BELOW = "below"
ABOVE = "above"
FASTER = "faster"
NOT_CHECKED = "not checked"
NOT_TRAINED = phrase("no full training")

LEAST_RUNS = 5
CONFIDENCE = 0.999
"""A run holds some twenty rows: at 99 % one honest row in every fifth run would be flagged."""


@dataclass(frozen=True, slots=True)
class Band:
    """What the reference reached on one workload.

    Attributes:
        workload: its name.
        workload_sha256: hash of the workload file that was trained.
        dataset_fingerprint: of the data it was trained on.
        seeds: one for each run.
        curves: accuracy after each epoch, 0 to 1, ``(runs, epochs)``.
        total: test samples.
    """

    workload: str
    workload_sha256: str
    dataset_fingerprint: str
    seeds: tuple[int, ...]
    curves: tuple[tuple[float, ...], ...]
    total: int

    @property
    def epochs(self) -> int:
        """Epochs of each run; 0 without runs."""
        return len(self.curves[0]) if self.curves else 0


@dataclass(frozen=True, slots=True)
class Training:
    """A row's full trainings and what they were trained on: accuracy after each epoch, ``(seeds, epochs)``."""

    data: str
    workload_sha256: str
    dataset_fingerprint: str
    curves: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the mean of so many new seeds lies after one epoch, if they are trained as the reference was.

    ``mean`` and ``deviation`` are the reference's over its runs.
    """

    epoch: int
    low: float
    high: float
    mean: float
    deviation: float
    runs: int
    seeds: int
    confidence: float = CONFIDENCE


@dataclass(frozen=True, slots=True)
class Convergence:
    """Outcome of the check: ``value`` is the row's mean after ``limits.epoch``; both None where nothing was checked."""

    verdict: str
    said: Phrase
    value: float | None = None
    limits: Limits | None = None

    @property
    def reason(self) -> str:
        """Why, in English words."""
        return str(self.said)

    @property
    def code(self) -> str:
        """``CONVERGENCE`` for a flagged row, else empty."""
        return CONVERGENCE if self.verdict in (BELOW, ABOVE, FASTER) else ""

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        band = asdict(self.limits) if self.limits else None
        why = spoken("reason", self.said)
        return {"verdict": self.verdict, "code": self.code, **why, "value": self.value, "band": band}


def limits(band: Band, epoch: int, seeds: int) -> Limits:
    """Prediction interval for the mean accuracy of new seeds after one epoch.

    With reference runs x₁ … xₙ of mean x̄ and deviation s (divided by n − 1), the mean of m further runs lies within

        x̄ ± t(n − 1, 1 − α/2) · s · √(1/n + 1/m)

    with probability 1 − α. Both sides are counted on the same test set: what its choice adds is common to both and
    cancels, and what single answers vary by is in s already, so no binomial term is added. Accuracy counts whole
    samples, so s is never taken as less than one of them.

    Args:
        band: the reference's runs, at least two.
        epoch: counted from 1.
        seeds: m, at least 1.

    Source:
        Meeker, Hahn and Escobar 2017, Statistical Intervals, chapter 4 (mean of m future observations). That
        convergence faster than a reference's is other mathematics too: MLPerf Training rules, section 13.
    """
    values = [curve[epoch - 1] for curve in band.curves]
    mean, deviation = plain.fmean(values), max(plain.stdev(values), 1 / band.total)
    half = _quantile(len(values) - 1) * deviation * math.sqrt(1 / len(values) + 1 / seeds)
    low, high = max(0.0, mean - half), min(1.0, mean + half)
    return Limits(epoch, low, high, mean, deviation, len(values), seeds)


def judge(training: Training, band: Band | None) -> Convergence:
    """Hold a row against the band of its workload.

    The end is tested on both sides. Earlier epochs are tested from above only, each with the same limits: an honest row
    of E epochs is flagged with a probability of at most (E + 1)/2 · 0.1 %, and of less since the epochs of a training
    agree with each other.

    Args:
        training: the row.
        band: what is known of its workload; None where nothing is.
    """
    hindrance = _hindrance(training, band)
    if hindrance is not None or band is None:
        return Convergence(NOT_CHECKED, hindrance or UNSAID)
    means = [plain.fmean(column) for column in zip(*training.curves, strict=True)]
    tests = [(value, limits(band, epoch, len(training.curves))) for epoch, value in enumerate(means, start=1)]
    end, found = tests[-1]
    if end < found.low:
        said = phrase("ends below what the reference reaches: {values}", values=_against(end, found))
        return Convergence(BELOW, said, end, found)
    if end > found.high:
        said = phrase("ends above what the reference reaches: {values}", values=_against(end, found))
        return Convergence(ABOVE, said, end, found)
    for value, early in tests[:-1]:
        if value > early.high:
            said = phrase(
                "faster than the reference: after epoch {epoch} {values}",
                epoch=early.epoch,
                values=_against(value, early),
            )
            return Convergence(FASTER, said, value, early)
    said = phrase("ends where the reference ends: {values}", values=_against(end, found))
    return Convergence(INSIDE, said, end, found)


def unchecked(cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    """Sentences on full trainings on real data that could not be held against a band, one for each reason.

    Args:
        cells: the cells as in ``report.json``.
    """
    found: dict[str, tuple[Phrase, list[str]]] = {}
    for cell in cells:
        check = (cell["accuracy"] or {}).get("convergence") or {}
        if cell["data"] == "real" and check.get("verdict") == NOT_CHECKED and check["reason"] != str(NOT_TRAINED):
            why = from_json(check["reason_parts"])
            found.setdefault(check["reason"], (why, []))[1].append(str(cell["workload"]))
    return [
        phrase(
            "Accuracy on {workloads} was not held against trainings of the reference: {reason}.",
            workloads=enumerated(list(dict.fromkeys(names))),
            reason=why,
        )
        for why, names in found.values()
    ]


def _hindrance(training: Training, band: Band | None) -> Phrase | None:
    """Why a row cannot be checked; None if it can."""
    if training.data != "real":
        return phrase("bands are of real data")
    if not training.curves:
        return NOT_TRAINED
    if band is None:
        return phrase("no band for this workload")
    if band.workload_sha256 != training.workload_sha256:
        return phrase("the band is stale: it was made from another version of the workload file")
    if band.dataset_fingerprint != training.dataset_fingerprint:
        return phrase("the band is of other data")
    if len(band.curves) < LEAST_RUNS:
        return phrase(
            "the band has {count} of at least {least} reference runs", count=len(band.curves), least=LEAST_RUNS
        )
    if any(len(curve) != band.epochs for curve in training.curves):
        return phrase("the band is of trainings of {count} epochs", count=band.epochs)
    return None


@cache
def _quantile(freedom: int) -> float:
    return float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2))


def _against(value: float, found: Limits) -> Phrase:
    low, high = (f"{bound * 100:.2f}" for bound in (found.low, found.high))
    return phrase("{value} % against band {low}–{high} %", value=f"{value * 100:.2f}", low=low, high=high)
