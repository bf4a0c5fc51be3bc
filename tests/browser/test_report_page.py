"""The report's page in a real browser: readable, quiet, harmless and self-contained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import open_page, page_of
from tests.report.planted_run import PlantedRun

SCRIPT = "<script>document.title = 'taken over'; fetch('https://example.org/')</script>"

pytestmark = [
    pytest.mark.browser,
    # Playwright's driver is a process with pipes of its own, which it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_the_answer_is_on_the_page(browser: Any, report: Path) -> None:
    """Title, the question and a verdict are visible; a self-run report says unverified."""
    seen = open_page(browser, report)

    assert seen.page.title().startswith("frameworkbench report")
    assert seen.page.locator("h1").is_visible()
    verdict = seen.page.locator(".verdicts .say").first
    assert verdict.is_visible()
    assert len(verdict.inner_text()) > 20
    assert seen.page.get_by_text("unverified", exact=True).first.is_visible()


def test_the_page_is_quiet_and_self_contained(browser: Any, report: Path) -> None:
    """Opening the page asks for nothing but the file and puts nothing on the console."""
    seen = open_page(browser, report)

    assert seen.requests == [report.as_uri()]
    assert seen.problems == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_the_page_fits_the_screen(width: int, browser: Any, report: Path) -> None:
    """At any width the page scrolls downwards only; wide tables scroll within themselves."""
    seen = open_page(browser, report, viewport={"width": width, "height": 844})

    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_both_colour_schemes(scheme: str, dark: bool, browser: Any, report: Path) -> None:
    """The page follows the reader's colour scheme: text and background swap which of them is dark."""
    seen = open_page(browser, report, color_scheme=scheme)

    def brightness(name: str) -> float:
        value = seen.page.evaluate(f"getComputedStyle(document.body).{name}")
        return sum(map(float, value[value.index("(") + 1 : -1].split(",")[:3])) / 3

    assert (brightness("backgroundColor") < 80) is dark
    assert abs(brightness("backgroundColor") - brightness("color")) > 120


def test_every_jump_has_a_target(browser: Any, report: Path) -> None:
    """Each link within the page leads to an element that exists."""
    seen = open_page(browser, report)

    missing = seen.page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
        ".filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))"
    )

    assert missing == []


def test_without_javascript_the_tables_are_there(browser: Any, report: Path) -> None:
    """A reader without JavaScript gets the first screen, the tables and the words, and nothing that does not work."""
    seen = open_page(browser, report, java_script_enabled=False)

    assert seen.page.locator("#first-screen .verdicts .say").first.is_visible()
    assert seen.page.locator("#static table").first.is_visible()
    assert seen.page.get_by_text("practically tied").first.is_visible()
    assert seen.page.locator("#words dt").first.is_visible()
    assert not seen.page.locator("#languages").is_visible()
    assert not seen.page.locator("#tools-place").is_visible()


def test_scripts_in_records_are_text(browser: Any, tmp_path: Path) -> None:
    """Text of a framework or a log that looks like a script is shown as it is and never run."""
    planted = PlantedRun(tmp_path / "run")
    good, bad = planted.cell("alpha"), planted.cell("beta")
    planted.proof(good)
    planted.append(bad, "proof", {}, status="failed", code="CRASHED", reason=f"says {SCRIPT}", log_end=f"end {SCRIPT}")
    planted.timed({good: 1000.0}, blocks=2)
    planted.adapters["beta"]["title"] = planted.adapters["alpha"]["title"] = SCRIPT
    page = page_of(planted.plan())

    seen = open_page(browser, page)
    for opener in seen.page.locator("button.open").all():
        opener.click()
        assert seen.page.locator("dialog[open]").count() == 1
        seen.page.locator("dialog .close").click()

    assert seen.page.title().startswith("frameworkbench report")
    assert SCRIPT in seen.page.locator("#groups").inner_text()
    assert SCRIPT in seen.page.locator("#failures").inner_text()
    assert seen.page.evaluate("[...document.scripts].filter(one => one.type !== 'application/json').length") == 1
    assert seen.requests == [page.as_uri()]
    assert seen.problems == []
