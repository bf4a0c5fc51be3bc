"""Can everybody read the page: an automated check with axe-core, terms that explain themselves, another language."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import open_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]

# What a newcomer cannot know, if it stands on the first screen.
JARGON = (
    "A/A control",
    "accuracy",
    "batch size",
    "block",
    "float32",
    "inconclusive",
    "lane",
    "main mode",
    "practically tied",
    "reference",
    "seed",
    "suite",
    "synthetic",
    "threads",
    "throughput",
    "unverified",
)


# The second group repeats the first; in the dark only contrasts differ.
PAGE = {"include": [["body"]], "exclude": [["#w2"]]}
EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
RULES: dict[str, Any] = {
    "light": {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": EVERYTHING}},
    "dark": {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}},
}


def violations(page: Any, inside: Any, rules: dict[str, Any]) -> list[str]:
    """Serious and critical findings of axe-core, with the elements."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from axe_playwright_python.sync_playwright import Axe
    found = Axe().run(page, inside, rules).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']][:5]}" for one in grave]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(scheme: str, browser: Any, report: Path) -> None:
    """Neither the page with everything unfolded nor an open cell has a serious or critical violation."""
    seen = open_page(browser, report, color_scheme=scheme, bypass_csp=True)
    seen.page.evaluate("for (const one of document.querySelectorAll('details:not(.filter)')) one.open = true")
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    seen.page.locator('details.filter[data-axis="adapter"] summary').click()

    assert violations(seen.page, PAGE, RULES[scheme]) == []
    seen.page.keyboard.press("Escape")
    seen.page.locator('#w1 tr[data-row="epsilon:usual"] button.open').click()
    assert violations(seen.page, "dialog", RULES[scheme]) == []


def test_terms_explain_themselves(browser: Any, report: Path) -> None:
    """Terms of the first screen show their meaning when pointed at or focused, and lead to the list of words."""
    seen = open_page(browser, report)
    tip = seen.page.locator("#tip")
    term = seen.page.locator('#first-screen [data-lang="en"] a.term', has_text="lane").first

    term.hover()
    assert "as the framework ships" in tip.inner_text()
    seen.page.keyboard.press("Escape")
    assert not tip.is_visible()
    term.focus()
    assert tip.is_visible()
    assert term.get_attribute("aria-describedby") == "tip"
    seen.page.keyboard.press("Enter")

    assert seen.page.evaluate("document.activeElement.textContent") == "lane"


def test_every_term_of_the_first_screen_is_in_the_list_of_words(browser: Any, report: Path) -> None:
    """What a newcomer cannot know is a link to its meaning wherever the first screen uses it."""
    seen = open_page(browser, report)
    shown = seen.page.locator("header, #first-screen").all_inner_texts()
    words = " ".join(shown).lower()
    linked = {one.lower() for one in seen.page.locator("a.term, header a.badge").all_inner_texts()}

    used = [term for term in JARGON if term.lower() in words]

    assert len(used) >= 12
    assert [term for term in used if not any(term.lower() in one for one in linked)] == []


def test_the_language_changes_in_the_page(browser: Any, report: Path) -> None:
    """The switch says the whole page in Chinese, keeps what was chosen, and is kept in the address."""
    seen = open_page(browser, report, "#sort=-name")
    switch = seen.page.locator("#languages button", has_text="中文")

    switch.click()
    seen.page.wait_for_function("document.querySelector('#choose-sort').value === '-name'")

    assert seen.page.evaluate("document.documentElement.lang") == "zh-Hans"
    assert "lang=zh" in seen.page.url
    assert switch.get_attribute("aria-pressed") == "true"
    for place in ("h1", "#first-screen", "#tools-place", "#w1", "#guidance", "#words", "#failures"):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in seen.page.locator(place).inner_text()), place
    assert seen.page.locator("#w1 .rows button.open").first.inner_text() == "zeta:usual"
    seen.page.locator("#languages button", has_text="English").click()
    assert "Which deep-learning framework" in seen.page.locator("h1").inner_text()
    assert seen.problems == []
