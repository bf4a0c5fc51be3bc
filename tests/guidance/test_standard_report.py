"""Each preset on the committed standard run and the shipped facts: three sentences at most, and what is behind them."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.facts import VOCABULARY, shipped_facts
from frameworkbench.guidance import PRESETS, advise, guidance_table

ROOT = Path(__file__).resolve().parent.parent.parent
ANSWERS = {"nothing": {}, **{preset.key: preset.answers for preset in PRESETS}}


@pytest.fixture(scope="module")
def table() -> dict[str, Any]:
    """The guidance table of the committed run."""
    report = json.loads((ROOT / "reports" / "standard" / "report.json").read_text(encoding="utf-8"))
    return guidance_table(report, shipped_facts(), topics=VOCABULARY)


@pytest.fixture(scope="module")
def bare() -> dict[str, Any]:
    """The guidance table without a run."""
    return guidance_table(None, shipped_facts(), topics=VOCABULARY, today=date(2026, 11, 26))


@pytest.mark.parametrize("name", list(ANSWERS))
def test_three_sentences_with_links(name: str, table: dict[str, Any]) -> None:
    """Each preset is answered in one to three whole sentences, and every link leads to a cell, a fact or a question."""
    found = advise(table, ANSWERS[name])

    assert 2 <= len(found.headlines) <= 3
    cells = {row["key"] for row in table["rows"]}
    questions = {question["key"] for question in table["questions"]}
    for sentence in (*found.headlines, *found.because, *found.cautions, *(said for _, said in found.left_out)):
        text = str(sentence)
        assert re.fullmatch(r"[^{}]+[.]|[^{}]+frameworkbench run[-a-z0-9 ]*", text, re.S), text
        assert "None" not in text
        for link in sentence.links:
            ((kind, target),) = link.items()
            assert kind in ("cell", "fact", "answer")
            assert kind != "cell" or target in cells
            assert kind != "answer" or target in questions
            assert kind != "fact" or target[1] in table["facts"][target[0]]
    assert all(sentence.links for sentence in found.headlines[:1])


@pytest.mark.parametrize("name", list(ANSWERS))
def test_the_same_table_gives_the_same_answer(name: str, table: dict[str, Any]) -> None:
    """Asked again, also of a table that went through JSON, the answer is the same to the byte."""
    first = json.dumps(advise(table, ANSWERS[name]).to_json())

    assert json.dumps(advise(json.loads(json.dumps(table)), ANSWERS[name]).to_json()) == first


@pytest.mark.parametrize("name", list(ANSWERS))
def test_without_a_run_only_facts_speak(name: str, bare: dict[str, Any]) -> None:
    """Without measurements nobody is named and nothing is ranked; the first sentence says that nothing was measured."""
    found = advise(bare, ANSWERS[name])

    assert (found.pick, found.candidates, found.to_json()["ranking"]) == (None, (), [])
    assert "was measured, so none is put first" in str(found.headlines[0])


def test_a_retired_framework_is_left_out_where_life_is_asked_for(table: dict[str, Any]) -> None:
    """Every preset that asks for active development leaves out what its makers gave up, with the fact behind it."""
    retired = [name for name, facts in table["facts"].items() if facts["maintenance"]["value"] == ["retired"]]

    assert retired
    for preset in PRESETS:
        found = advise(table, preset.answers)
        out = [name for name, _ in found.left_out]
        assert all((name in out) == (preset.key != "legacy") for name in retired)
    legacy = advise(table, ANSWERS["legacy"])
    assert "is retired" in str(legacy.headlines[2])


def test_the_oracle_is_no_alternative(table: dict[str, Any], bare: dict[str, Any]) -> None:
    """The reference and the A/A twins are in no table."""
    for one in (table, bare):
        assert "reference" not in one["adapters"]
        assert all(row["adapter"] in one["adapters"] for row in one["rows"])
