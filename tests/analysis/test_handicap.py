"""The remark HANDICAP, against planted ratios."""

from __future__ import annotations

import pytest

from frameworkbench.analysis.comparison import Entry
from frameworkbench.analysis.handicap import handicaps

BASE = (1000.0, 1010.0, 990.0, 1005.0, 995.0)
WOBBLE = (1.0, 1.004, 0.997, 1.002, 0.998)


def _entry(label: str, values: list[float]) -> Entry:
    return Entry(label, label, {(block, 1): value for block, value in enumerate(values, 1)})


def _times(ratio: float, wobble: tuple[float, ...] = WOBBLE) -> Entry:
    return _entry("one:eager [default]", [ratio * base * odd for base, odd in zip(BASE, wobble, strict=True)])


MATCHED = _entry("one:eager", list(BASE))


def test_a_lane_that_is_far_faster_is_a_handicap() -> None:
    """A planted factor of 1.8 is found in its lane with its interval, and said in words."""
    (remark,) = handicaps(MATCHED, {"default": _times(1.8), "tuned": _times(1.1)})

    assert (remark.code, remark.lane, remark.blocks) == ("HANDICAP", "default", 5)
    assert remark.ratio == pytest.approx(1.8, rel=0.005)
    assert 1.5 < remark.low < remark.ratio < remark.high < 1.85
    assert remark.sentence == (
        "one:eager is 1.8 times (1.8–1.8) as fast in lane default: the matched settings hold it back; "
        "do not cite without that row."
    )


@pytest.mark.parametrize("ratio", [0.5, 1.0, 1.45, 1.5])
def test_ordinary_tuning_is_no_handicap(ratio: float) -> None:
    """A lane that is slower, or faster by no more than half, gives no remark."""
    assert handicaps(MATCHED, {"tuned": _times(ratio)}) == ()


def test_an_interval_that_reaches_the_limit_is_no_handicap() -> None:
    """A mean beyond the limit is not enough where its interval holds 1.5."""
    assert handicaps(MATCHED, {"default": _times(1.7, (1.0, 1.5, 0.7, 1.2, 0.8))}) == ()


def test_blocks_are_paired() -> None:
    """Drift that hits both lanes of a block alike does not hide the factor; blocks of one lane alone do not count."""
    drift = (1.0, 0.2, 5.0, 0.6, 2.0)
    slow = _entry("one:eager", [base * factor for base, factor in zip(BASE, drift, strict=True)])
    fast = _entry("fast", [1.8 * base * factor for base, factor in zip(BASE, drift, strict=True)])
    single = Entry("once", "once", {(1, 1): 9000.0})

    (remark,) = handicaps(slow, {"default": fast, "tuned": single})

    assert remark.low == pytest.approx(1.8)
