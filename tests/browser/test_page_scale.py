"""The page of a large run: drawn at once, filtered without waiting, its raw parts in files beside it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.report.advice import advice_table
from frameworkbench.report.messages import ENGLISH
from frameworkbench.report.page import cell_files, page
from frameworkbench.report_processes import MOST_INSIDE
from tests.browser.conftest import open_page

PAINT_MS = 2000
FILTER_MS = 200

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def multiplied(report: dict[str, Any], cells: int) -> dict[str, Any]:
    """The same report with copies of its groups under other names, until it has so many cells."""
    copies = math.ceil(cells / len(report["cells"]))
    text = json.dumps({"cells": report["cells"], "comparisons": report["comparisons"]})
    keys = [cell["key"] for cell in report["cells"]]
    parts = []
    for copy in range(copies):
        part = text
        for key in keys:
            part = part.replace(key, f"{copy:05d}{key[5:]}")
        part = part.replace('"workload": "small-net"', f'"workload": "small-net-{copy:04d}"')
        parts.append(json.loads(part.replace('"workload": "text-lstm"', f'"workload": "text-lstm-{copy:04d}"')))
    return {**report, **{name: [one for part in parts for one in part[name]] for name in ("cells", "comparisons")}}


def written(report: Path, folder: Path, cells: int) -> Path:
    """Write the page of a multiplied report with the files beside it."""
    found = multiplied(json.loads(report.with_name("report.json").read_text(encoding="utf-8")), cells)
    beside = cell_files(found["cells"], found["run"]["run_id"]) if len(found["cells"]) > MOST_INSIDE else {}
    contents = {"report.html": page(found, ENGLISH, advice_table(found)), **beside}
    for name, content in contents.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder / "report.html"


def test_a_large_page_keeps_its_raw_parts_beside_it(browser: Any, report: Path, tmp_path: Path) -> None:
    """Above 2,000 cells a cell's certificate is one link away, opened at its place, and reads no file by itself."""
    file = written(report, tmp_path, 2_100)
    seen = open_page(browser, file)
    row = seen.page.locator('#w1 tr[data-row="delta:usual"]')
    assert seen.page.locator("section.group").count() < 20

    row.locator("button.open").click()
    seen.page.locator("dialog a").click()
    seen.page.wait_for_selector("details[open]")

    shown = seen.page.locator("details[open]").inner_text()
    assert seen.page.url.startswith((tmp_path / "cells" / "0001.html").as_uri())
    assert shown.startswith("delta:usual, small-net-0000")
    assert "1 of 3 checks are beyond their limits" in shown
    assert len(seen.requests) == 2
    assert seen.problems == []


def test_javascript_can_reach_every_group(browser: Any, report: Path, tmp_path: Path) -> None:
    """Groups that were not drawn yet come with a button, and a search among many workloads finds one."""
    seen = open_page(browser, written(report, tmp_path, 400))
    before = seen.page.locator("section.group").count()

    seen.page.locator("#more").click()
    assert seen.page.locator("section.group").count() > before
    seen.page.locator('details.filter[data-axis="workload"] summary').click()
    seen.page.locator('details.filter[data-axis="workload"] input[type="search"]').fill("lstm-0033")
    seen.page.get_by_role("checkbox", name="text-lstm-0033", exact=True).check()

    assert seen.page.locator("section.group h2").inner_text() == "text-lstm-0033"


@pytest.mark.slow
def test_ten_thousand_cells_are_usable(browser: Any, report: Path, tmp_path: Path) -> None:
    """With 10,000 cells the first paint comes within 2 s and a filter takes less than 200 ms, layout included."""
    seen = open_page(browser, written(report, tmp_path, 10_000))
    paint = seen.page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    filtering = """(value) => {
        const box = [...document.querySelectorAll('input[type="checkbox"]')].find((one) => one.value === value);
        const start = performance.now();
        box.click();
        document.body.getBoundingClientRect();
        return performance.now() - start;
    }"""

    times = [seen.page.evaluate(filtering, value) for value in ("alpha", "usual", "small-net-0007", "beta")]

    assert paint < PAINT_MS
    assert max(times) < FILTER_MS
    assert seen.problems == []
