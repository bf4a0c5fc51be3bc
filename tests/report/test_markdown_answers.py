"""Guidance, claims and facts in the Markdown report: small hooks that take plain rows."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from planted_run import example

from frameworkbench.analysis.summary import summarise
from frameworkbench.facts import VOCABULARY
from frameworkbench.facts.model import Fact
from frameworkbench.guidance import advise, guidance_table
from frameworkbench.report import markdown_answers
from frameworkbench.report.markdown_answers import (
    claims_section,
    facts_section,
    guidance_section,
    writing_section,
)
from frameworkbench.report.messages import LANGUAGES, language
from frameworkbench.report.text import clean
from frameworkbench.store.records import load_run


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of report.json of the example."""
    return dict(clean(summarise(load_run(example(tmp_path_factory.mktemp("run")))).to_json()))


def _advice(report: dict[str, Any], **facts: dict[str, Fact]) -> dict[str, Any]:
    return guidance_table(report, facts, topics=VOCABULARY, families={}, lines={})


def _fact(key: str, value: str | tuple[str, ...], checked: date = date(2026, 11, 1)) -> Fact:
    return Fact(key, value, "https://example.org/a_b", checked)


@pytest.mark.parametrize("code", LANGUAGES)
def test_each_common_case_has_its_answer(report: dict[str, Any], code: str) -> None:
    """Each preset stands with at most three sentences, which are those of the guidance in that language."""
    advice, words = _advice(report), language(code)

    text = guidance_section(advice, words)

    blocks = text.split("\n\n**")[1:]
    assert len(blocks) == len(advice["presets"]) == 6
    for preset, block in zip(advice["presets"], blocks, strict=True):
        assert block.startswith(words.translate(preset["text"]))
        said = [words.tell(one.said) for one in advise(advice, preset["answers"]).headlines]
        assert block.count("\n- ") == len(said) <= 3


def test_a_large_run_is_not_answered_here(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a number of rows the section names the command instead of answering."""
    advice = _advice(report)
    monkeypatch.setattr(markdown_answers, "MOST_ROWS", len(advice["rows"]) - 1)

    text = guidance_section(advice, language("en"))

    assert "too large for ready answers" in text
    assert "`frameworkbench advise`" in text
    assert "**" not in text


def test_claims_stand_with_verdict_and_test(report: dict[str, Any]) -> None:
    """Each claim has a row with its verdict and the reason, and how it is tested stands below."""
    english, chinese = (claims_section(report["claims"], language(code)) for code in ("en", "zh"))

    rows = [line for line in english.splitlines() if line.startswith("| ")]
    assert len(rows) == len(report["claims"]) + 2
    assert all(line.count(" | ") == 2 for line in rows[2:])
    assert "not decidable here" in english
    assert "这里无法判定" in chinese
    assert "not decidable here" not in chinese
    assert claims_section([], language("en")) == ""


def test_facts_have_sources_and_old_ones_a_mark(report: dict[str, Any]) -> None:
    """Frameworks stand side by side, a fact checked more than a year before the run is marked, a missing one a dash."""
    old, new = date(2025, 1, 1), date(2026, 11, 1)
    facts = {
        "alpha": {
            "maintenance": _fact("maintenance", "retired", old),
            "deployment": _fact("deployment", ("edge",), new),
        },
        "beta": {"maintenance": _fact("maintenance", "active", new)},
    }

    english, chinese = (facts_section(_advice(report, **facts), language(code)) for code in ("en", "zh"))

    assert "| Maintenance | retired ⌛ | active |" in english
    assert "| Deployment | edge | – |" in english
    assert "Alpha, Maintenance: https://example.org/a\\_b (checked 2025-01-01)" in english
    assert "| 维护状态 | 已停止维护 ⌛ | 活跃 |" in chinese
    assert facts_section(_advice(report), language("en")) == ""


def test_many_frameworks_make_several_tables(report: dict[str, Any]) -> None:
    """No table of facts has more than six columns, however many frameworks there are."""
    facts = {f"f{n}": {"maintenance": _fact("maintenance", "active")} for n in range(7)}

    heads = [line for line in facts_section(_advice(report, **facts), language("en")).splitlines() if "| Fact" in line]

    assert [head.count("|") - 1 for head in heads] == [6, 3]


def test_what_frameworks_say_to_a_wrong_shape_is_shown(report: dict[str, Any]) -> None:
    """Each mode has where it stops, which widths its message names, and the message cut to one line."""
    said = {"type": "a.b.ShapeError", "first_lines": ["x " * 200], "names_expected": True, "names_received": False}
    writing = {
        "alpha": {"lines": 120, "wrong_shapes": [{**said, "mode": "usual", "where": "step"}]},
        "beta": {"lines": 99, "wrong_shapes": []},
    }

    english, chinese = (writing_section(writing, language(code)) for code in ("en", "zh"))

    assert "| alpha:usual | 120 | in the step | the right width only | ShapeError: x x" in english
    assert "| beta | 99 | not measured | – | – |" in english
    assert max(map(len, english.splitlines())) < 250
    assert "| beta | 99 | 未测量 | – | – |" in chinese
    assert writing_section({}, language("en")) == ""


def test_the_report_has_all_of_them(tmp_path: Path) -> None:
    """A written report holds guidance, claims and facts in this order."""
    from frameworkbench.report import render_report

    text = render_report(summarise(load_run(example(tmp_path))))["report.md"].decode("utf-8")

    titles = [
        "Which one for which case?",
        "small-net",
        "Failures",
        "Published claims",
        "Facts that are stated",
        "Words",
    ]
    places = [text.index(f"\n## {title}") for title in titles]
    assert places == sorted(places)
