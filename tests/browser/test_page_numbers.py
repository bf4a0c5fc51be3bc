"""The page's own arithmetic against the engine's: paired tests, Holm, verdicts, and numbers as text."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.analysis.comparison import decide
from frameworkbench.analysis.statistics import hodges_lehmann, holm, holm_levels, paired_log_difference
from frameworkbench.report.text import factor, interval_text, percent, seconds, significant, size, tiny

PAGE = Path(__file__).parents[2] / "frameworkbench" / "report" / "page"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def ask(browser: Any, expression: str, given: object) -> Any:
    """Evaluate an expression on ``given`` with the page's functions for numbers and statistics in reach."""
    sources = [(PAGE / name).read_text(encoding="utf-8") for name in ("numbers.js", "statistics.js")]
    program = 'const NOTHING = "–";\n' + "\n".join(sources)
    page = browser.new_page()
    try:
        return page.evaluate(f"(given) => {{ {program}\n return {expression}; }}", given)
    finally:
        page.close()


def test_paired_comparisons_are_those_of_the_engine(browser: Any) -> None:
    """Mean, interval, p-value, median, Holm's levels and the verdict agree with the engine's to nine digits."""
    draw = random.Random(3)
    delta = 0.03
    families: list[list[tuple[list[float], list[float]]]] = []
    for blocks in (2, 3, 10, 25):
        base = [100 * math.exp(draw.gauss(0, 0.02)) for _ in range(blocks)]
        shifts = (1.0, 1.005, 1.02, 1.031, 1.3)
        families.append([([value * shift * math.exp(draw.gauss(0, 0.01)) for value in base], base) for shift in shifts])

    expression = """given.map((family) => {
        const found = family.map(([one, other]) => pairedDifference(one, other));
        const { adjusted, levels } = holm(found.map((each) => each.p));
        return found.map((each, n) => ({ ...each, adjusted: adjusted[n], level: levels[n],
            ...(each.mean >= 0 ? decided(each, levels[n], 0.03) : {}) }));
    })"""
    answers = ask(browser, expression, families)

    verdicts = set()
    for family, answer in zip(families, answers, strict=True):
        found = [paired_log_difference(*pair) for pair in family]
        p_values = [each.p_value for each in found]
        for pair, each, told, level, adjusted in zip(
            family, found, answer, holm_levels(p_values), holm(p_values), strict=True
        ):
            assert told["mean"] == pytest.approx(each.mean, rel=1e-9)
            assert told["error"] == pytest.approx(each.error, rel=1e-9)
            assert told["p"] == pytest.approx(each.p_value, rel=1e-9)
            assert told["adjusted"] == pytest.approx(adjusted, rel=1e-9)
            assert told["level"] == pytest.approx(level, rel=1e-12)
            assert told["median"] == pytest.approx(hodges_lehmann(*pair), rel=1e-9, abs=1e-12)
            if each.mean >= 0:
                low, high = each.interval(level)
                assert told["low"] == pytest.approx(low, rel=1e-9, abs=1e-12)
                assert told["high"] == pytest.approx(high, rel=1e-9)
                verdict, reason = decide(each, hodges_lehmann(*pair), delta, level)
                assert (told["verdict"], told["reason"]) == (verdict, reason)
                verdicts.add(verdict)
    assert len(verdicts) >= 3


def test_numbers_are_written_as_in_the_tables(browser: Any) -> None:
    """Digits follow the interval, and units and separators are those of the other forms of the report."""
    draw = random.Random(5)
    values = [10 ** draw.uniform(-6, 9) for _ in range(300)]
    cases = [(value, value * draw.uniform(0.5, 1), value * draw.uniform(1, 1.5)) for value in values]
    expression = """given.map(([mean, low, high]) => [...withInterval(mean, low, high), significant(mean, 3),
        duration(mean), bytes(mean), factor(mean), tiny(mean), percentOf(mean % 1, 1 + Math.floor(high))])"""

    answers = ask(browser, expression, json.loads(json.dumps(cases)))

    for (mean, low, high), told in zip(cases, answers, strict=True):
        share = percent(mean % 1, 1 + math.floor(high))
        wanted = [*interval_text(mean, low, high), significant(mean, 3), seconds(mean), size(mean), factor(mean)]
        assert told == [*wanted, tiny(mean), share]
