"""Guidance in the page: cases, questions and weights change the answer at once; facts carry source and day."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Seen, open_page, page_of
from tests.report.planted_run import PlantedRun

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="package")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run in which the fast framework needs eight times the memory of the small one."""
    planted = PlantedRun(tmp_path_factory.mktemp("torn") / "run")
    fast, small = planted.cell("pytorch", data="real"), planted.cell("jax", data="real")
    for key, peak in ((fast, 3200 * 2**20), (small, 400 * 2**20)):
        planted.proof(key)
        planted.weighing(key, peak)
    planted.timed({fast: 2000.0, small: 1000.0})
    return page_of(planted.plan())


def set_weights(seen: Seen, **weights: int) -> None:
    """Move the sliders: the named ones to their values, all others to zero."""
    for slider in seen.page.locator("#sliders input").all():
        name = slider.get_attribute("data-criterion")
        slider.fill(str(weights.get(name, 0)))


def first(seen: Seen) -> str:
    """The framework on top of the ranking."""
    found: str = seen.page.locator("#advice tbody tr th").first.inner_text()
    return found


def test_sliders_change_ranking_and_sentence(browser: Any, torn: Path) -> None:
    """All weight on speed names the fast framework, all on memory the small one; a link brings the weights back."""
    seen = open_page(browser, torn)

    set_weights(seen, throughput=10)
    fast, sentence = first(seen), seen.page.locator("#headlines .say").inner_text()
    set_weights(seen, memory=10)

    assert fast == "Pytorch"
    assert "Pytorch" in sentence
    assert first(seen) == "Jax"
    assert "Jax" in seen.page.locator("#headlines .say").inner_text()
    assert seen.page.locator("#headlines .say").inner_text() != sentence
    again = open_page(browser, torn, "#" + seen.page.url.split("#", 1)[1])
    assert first(again) == "Jax"
    assert again.page.locator('#sliders input[data-criterion="memory"]').input_value() == "10"
    assert again.problems == seen.problems == []


def test_a_slider_follows_the_keyboard(browser: Any, torn: Path) -> None:
    """An arrow key moves a weight, keeps the focus, and the answer follows."""
    seen = open_page(browser, torn)
    set_weights(seen, throughput=5, memory=4)
    slider = seen.page.locator('#sliders input[data-criterion="throughput"]')

    slider.focus()
    for _ in range(5):
        seen.page.keyboard.press("ArrowLeft")

    assert slider.input_value() == "0"
    assert seen.page.evaluate("document.activeElement.dataset.criterion") == "throughput"
    assert first(seen) == "Jax"


def test_each_case_has_an_answer_of_at_most_three_sentences(browser: Any, torn: Path) -> None:
    """Every preset answers on the first screen, and its answers stand in the questions."""
    seen = open_page(browser, torn)
    choice = seen.page.locator("#choose-preset")
    cases = [value for value in choice.locator("option").evaluate_all("all => all.map(one => one.value)") if value]
    assert len(cases) == 6

    told = {}
    for case in cases:
        choice.select_option(case)
        sentences = seen.page.locator("#headlines p").all_inner_texts()
        assert 1 <= len(sentences) <= 3
        told[case] = sentences[0]
        assert seen.page.locator("#q-purpose").input_value() in ("train", "infer")
    assert len(set(told.values())) > 1
    assert f"preset={cases[-1]}" in seen.page.url


def test_a_question_answered_leaves_out_what_does_not_fit(browser: Any, torn: Path) -> None:
    """An answer that a stated fact rules out names the framework that is left out, with the fact and its source."""
    seen = open_page(browser, torn)

    seen.page.locator("#q-team").select_option("functions")
    left_out = seen.page.locator("#advice").inner_text().split("Left out")[1]

    assert "Pytorch" in left_out
    assert "Jax" not in left_out.split("Pytorch")[0]
    seen.page.evaluate("for (const one of document.querySelectorAll('#advice details')) one.open = true")
    seen.page.locator('#advice a[href="#q-team"]').first.click()
    assert seen.page.evaluate("document.activeElement.id") == "q-team"


def test_facts_have_source_day_and_a_mark_when_old(browser: Any, torn: Path) -> None:
    """Each fact links to its source and says when somebody looked; a reader two years later sees it marked as old."""
    seen = open_page(browser, torn)
    fact = seen.page.locator("#fact-pytorch-licence")
    assert fact.locator("a").first.get_attribute("href").startswith("https://")
    assert "older than a year" not in fact.inner_text()

    later = browser.new_page()
    later.clock.set_fixed_time("2029-01-01T00:00:00Z")
    later.goto(torn.as_uri())
    later.wait_for_selector("#fact-pytorch-licence")

    assert "⚠ older than a year" in later.locator("#fact-pytorch-licence").inner_text()


def test_a_framework_alone_is_not_ranked(browser: Any, tmp_path: Path) -> None:
    """With one framework to weigh, the answer says so, and no table shows it first in all trials."""
    planted = PlantedRun(tmp_path / "run")
    alone = planted.cell("pytorch", data="real")
    planted.proof(alone)
    planted.timed({alone: 2000.0})
    seen = open_page(browser, page_of(planted.plan()))

    assert "Only Pytorch has figures to weigh here" in seen.page.locator("#advice .say").inner_text()
    assert seen.page.locator("#advice .share-bar").count() == 0
    assert seen.problems == []
