"""One browser for all tests of the page, and one page of a run with planted numbers."""

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
from tests.report.planted_run import example

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


@dataclass
class Seen:
    """A page and everything it said or asked for."""

    page: Any
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """One browser for this folder."""
    if CHROMIUM is None:
        pytest.skip("no chromium or google-chrome on PATH")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of Playwright's own imports
        from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run with a winner, a tie, a crash, a wrong result and a missing layer."""
    return page_of(example(tmp_path_factory.mktemp("planted") / "run"))


@pytest.fixture(scope="package", autouse=True)
def _no_sync() -> Iterator[None]:
    """Leave out the sync of hundreds of records, which makes up most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _descriptor: None)
        yield


def page_of(run_dir: Path) -> Path:
    """Write the report of a run and return its page."""
    out = run_dir.parent / "report"
    write_report(run_dir, out, summary=summarise(load_run(run_dir)))
    return out / "report.html"


def open_page(browser: Any, file: Path, address: str = "", **options: Any) -> Seen:
    """Open a page and wait until its program has drawn everything."""
    page = browser.new_page(**options)
    seen = Seen(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("pageerror", lambda error: seen.problems.append(str(error)))
    page.on("console", lambda message: seen.problems.append(message.text))
    page.goto(file.as_uri() + address)
    if options.get("java_script_enabled", True):
        page.wait_for_function("document.documentElement.dataset.ready === 'yes'")
    return seen
