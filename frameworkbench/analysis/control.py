"""The A/A control: one framework entered twice under two names must not beat itself.

The twin is in no family. If it wins against its own original, the way of measuring produces winners, and no verdict
of its group counts. What its interval spans is the noise floor: no gap below it means anything on that day.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from ..phrase import Phrase, phrase, sentences, spoken
from .comparison import LEAST_BLOCKS, Entry, decide, shared_blocks
from .sentences import needed, ratio_text
from .statistics import CONFIDENCE, LogDifference, hodges_lehmann, paired_log_difference, pairs_for_half_width
from .verdicts import FASTER, SMALL

TWIN = "twin"
PASSED = "passed"
FAILED = "failed"
NOT_RUN = "not run"

# Level of the control alone: a false alarm costs a whole group its verdicts (method, section 1.4).
ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class Control:
    """Twin against original; the numbers are None when there was nothing to compare.

    Attributes:
        label: the row that ran twice; empty without a twin.
        ratio: throughput of the twin over that of its original.
        low: lower 95 % bound of the ratio.
        high: upper 95 % bound of the ratio.
        noise_floor: δ₀, half the width of that interval as a relative difference.
        p_value: of the paired t-test, in no family.
        blocks: shared complete blocks.
        extra_blocks: further blocks after which δ₀ should be below δ, at the same spread (0: it is).
        verdict: "passed", "failed" or "not run".
        said: the same in words.
    """

    label: str
    ratio: float | None
    low: float | None
    high: float | None
    noise_floor: float | None
    p_value: float | None
    blocks: int
    extra_blocks: int | None
    verdict: str
    said: Phrase

    @property
    def sentence(self) -> str:
        """The outcome in English words."""
        return str(self.said)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``report.json``."""
        plain = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "said"}
        return {**plain, **spoken("sentence", self.said)}

    def resolves(self, delta: float) -> bool:
        """Whether a difference of ``delta`` stands out from the noise; taken for granted where no control ran."""
        return self.noise_floor is None or self.noise_floor < delta


def control(twin: Entry, original: Entry, delta: float) -> Control:
    """Compare a row with itself.

    It fails by *winning*: a difference that is significant at 1 % and beyond delta, which is what would make it a
    false winner. A significant difference within delta names no winner anywhere; it is said in the sentence.

    Args:
        twin: the second entry of the row.
        original: the row itself.
        delta: smallest relative difference that matters.
    """
    shared = shared_blocks(twin, original)
    if len(shared) < LEAST_BLOCKS:
        why = phrase(
            "{row} and its twin share fewer than {count} complete blocks", row=original.label, count=LEAST_BLOCKS
        )
        return absent(why, original.label)
    one, other = [twin.throughput[b] for b in shared], [original.throughput[b] for b in shared]
    found, median = paired_log_difference(one, other), hodges_lehmann(one, other)
    sign = -1.0 if found.mean < 0 else 1.0
    upright = LogDifference(abs(found.mean), found.error, found.pairs, found.p_value)
    decided, _ = decide(upright, sign * median, delta, ALPHA)
    low, high = found.interval(1 - CONFIDENCE)
    numbers = (math.exp(found.mean), math.exp(low), math.exp(high))
    floor = math.expm1((high - low) / 2)
    return Control(
        original.label,
        *numbers,
        noise_floor=floor,
        p_value=found.p_value,
        blocks=found.pairs,
        extra_blocks=pairs_for_half_width(found, math.log1p(delta), 1 - CONFIDENCE),
        verdict=FAILED if decided == FASTER else PASSED,
        said=_sentence(original.label, numbers, floor, found.p_value, decided),
    )


def absent(reason: Phrase, label: str = "") -> Control:
    """The control of a group in which none was run, with the reason."""
    said = phrase("No A/A control was run: {reason}.", reason=reason)
    return Control(label, None, None, None, None, None, 0, None, NOT_RUN, said)


def unresolved_sentence(found: Control, delta: float) -> Phrase:
    """Why no winner is named although the control passed."""
    floor = 0.0 if found.noise_floor is None else found.noise_floor
    why = phrase(
        "This machine cannot resolve {percent} % today: no winner is named. {row} compared with itself is uncertain by "
        "±{floor} %.",
        percent=f"{delta * 100:g}",
        row=found.label,
        floor=f"{floor * 100:.2g}",
    )
    more = phrase("The control needs {blocks}.", blocks=needed(found.extra_blocks))
    return sentences([why, more]) if found.extra_blocks != 0 else why


def _sentence(label: str, numbers: tuple[float, float, float], floor: float, p_value: float, decided: str) -> Phrase:
    start = phrase(
        "A/A control: {row} against itself {ratio}, noise floor δ₀ = {floor} %",
        row=label,
        ratio=ratio_text(*numbers),
        floor=f"{floor * 100:.2g}",
    )
    p_text = f"{p_value:.2g}"
    if decided == FASTER:
        return phrase("{start}; it wins against itself (p = {p}): failed.", start=start, p=p_text)
    if decided == SMALL:
        return phrase(
            "{start}: passed; a difference of its own (p = {p}), but within the one that counts.",
            start=start,
            p=p_text,
        )
    return phrase("{start}: passed.", start=start)
