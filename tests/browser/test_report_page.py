"""The report's page in a real browser: readable, quiet, harmless and self-contained."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.analysis.summary import summarise
from frameworkbench.report import write_report
from frameworkbench.store.records import load_run
from tests.report.planted_run import PlantedRun, example

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chromium-browser"))), None)
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCRIPT = "<script>document.title = 'taken over'; fetch('https://example.org/')</script>"

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium or google-chrome on PATH"),
    # Playwright's driver is a process with pipes of its own, which it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@dataclass
class Seen:
    """A page and everything it said or asked for."""

    page: Any
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for this file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Playwright's own imports
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with a winner, a tie, a crash, a wrong result and a missing layer."""
    return _page_of(example(tmp_path_factory.mktemp("planted") / "run"))


@pytest.fixture(scope="module", autouse=True)
def _no_sync() -> Iterator[None]:
    """Leave out the sync of hundreds of records, which makes up most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


def _page_of(run_dir: Path) -> Path:
    out = run_dir.parent / "report"
    write_report(run_dir, out, summary=summarise(load_run(run_dir)))
    return out / "report.html"


def _open(browser: Any, file: Path, **options: Any) -> Seen:
    page = browser.new_page(**options)
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("pageerror", lambda error: seen.problems.append(str(error)))
    page.on("console", lambda message: seen.problems.append(message.text))
    page.goto(file.as_uri())
    page.wait_for_load_state("load")
    return seen


def test_the_answer_is_on_the_page(browser: Any, report: Path) -> None:
    """Title, the question and a verdict are visible; a self-run report says unverified."""
    seen = _open(browser, report)

    assert seen.page.title().startswith("frameworkbench report")
    assert seen.page.locator("h1").is_visible()
    verdict = seen.page.locator(".verdicts .say").first
    assert verdict.is_visible()
    assert len(verdict.inner_text()) > 20
    assert seen.page.get_by_text("unverified", exact=True).first.is_visible()


def test_the_page_is_quiet_and_self_contained(browser: Any, report: Path) -> None:
    """Opening the page asks for nothing but the file and puts nothing on the console."""
    seen = _open(browser, report)

    assert seen.requests == [report.as_uri()]
    assert seen.problems == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_the_page_fits_the_screen(width: int, browser: Any, report: Path) -> None:
    """At any width the page scrolls downwards only; wide tables scroll within themselves."""
    seen = _open(browser, report, viewport={"width": width, "height": 844})

    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(("scheme", "dark"), [("light", False), ("dark", True)])
def test_both_colour_schemes(scheme: str, dark: bool, browser: Any, report: Path) -> None:
    """The page follows the reader's colour scheme: text and background swap which of them is dark."""
    seen = _open(browser, report, color_scheme=scheme)

    def brightness(name: str) -> float:
        value = seen.page.evaluate(f"getComputedStyle(document.body).{name}")
        return sum(map(float, value[value.index("(") + 1 : -1].split(",")[:3])) / 3

    assert (brightness("backgroundColor") < 80) is dark
    assert abs(brightness("backgroundColor") - brightness("color")) > 120


def test_every_jump_has_a_target(browser: Any, report: Path) -> None:
    """Each link within the page leads to an element that exists."""
    seen = _open(browser, report)

    missing = seen.page.evaluate(
        "[...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
        ".filter(href => !document.getElementById(decodeURIComponent(href.slice(1))))"
    )

    assert missing == []


def test_scripts_in_records_are_text(browser: Any, tmp_path: Path) -> None:
    """Text of a framework or a log that looks like a script is shown as it is and never run."""
    planted = PlantedRun(tmp_path / "run")
    good, bad = planted.cell("alpha"), planted.cell("beta")
    planted.proof(good)
    planted.append(bad, "proof", {}, status="failed", code="CRASHED", reason=f"says {SCRIPT}", log_end=f"end {SCRIPT}")
    planted.timed({good: 1000.0}, blocks=2)
    planted.adapters["beta"]["title"] = SCRIPT
    page = _page_of(planted.plan())

    seen = _open(browser, page)

    assert seen.page.title().startswith("frameworkbench report")
    assert SCRIPT in (seen.page.locator("body").text_content() or "")
    assert seen.page.evaluate("[...document.scripts].filter(one => one.type !== 'application/json').length") == 1
    assert seen.requests == [page.as_uri()]
    assert seen.problems == []
