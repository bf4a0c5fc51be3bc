"""Choosing in the report's page: filters, order, comparisons, the address, one cell; with and without a mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import Seen, open_page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


def rows(seen: Seen, group: str = "#w1") -> list[str]:
    """Names of a group's rows as they stand."""
    return [one.split("\n")[0] for one in seen.page.locator(f"{group} .rows button.open").all_inner_texts()]


def titles(seen: Seen) -> list[str]:
    """Headings of the groups that are shown."""
    return [one.split()[0] for one in seen.page.locator("section.group h2").all_inner_texts()]


def test_filters_leave_what_is_chosen(browser: Any, report: Path) -> None:
    """A workload and a framework chosen leave their rows only; the count says so; one button brings all back."""
    seen = open_page(browser, report)
    assert len(titles(seen)) == 2

    seen.page.locator('details.filter[data-axis="workload"] summary').click()
    seen.page.get_by_role("checkbox", name="text-lstm", exact=True).check()
    assert titles(seen) == ["text-lstm"]
    seen.page.locator('details.filter[data-axis="adapter"] summary').click()
    seen.page.get_by_role("checkbox", name="Alpha", exact=True).check()
    seen.page.get_by_role("checkbox", name="Gamma", exact=True).check()

    assert rows(seen, "#w2") == ["alpha:usual", "gamma:usual"]
    assert "2 of 11 rows" in seen.page.locator("#count").inner_text()
    assert "Alpha, Gamma" in seen.page.locator('details.filter[data-axis="adapter"] summary').inner_text()
    seen.page.locator("#reset").click()
    assert len(titles(seen)) == 2
    assert seen.problems == []


def test_headings_sort_the_rows(browser: Any, report: Path) -> None:
    """A heading sorts by its column, fastest first; again turns the order; the heading says which order holds."""
    seen = open_page(browser, report)

    heading = seen.page.locator('#w1 button.sort[data-sort="speed"]')
    heading.click()
    fastest = rows(seen)
    assert fastest[0] == "alpha:fused"
    assert seen.page.locator('#w1 th[aria-sort="descending"]').inner_text().startswith("Samples/s")
    heading.click()
    slowest = rows(seen)

    assert slowest[0] == "oracle:usual"
    assert [one for one in slowest if one in fastest[:5]] == list(reversed(fastest[:5]))
    assert seen.page.locator('#w1 th[aria-sort="ascending"]').count() == 1


def test_any_row_can_be_compared_to(browser: Any, report: Path) -> None:
    """The chosen row becomes the reference of ratios and verdicts; significance is in words, not in colour alone."""
    seen = open_page(browser, report)

    seen.page.locator('#w1 tr[data-row="gamma:usual"] button.compare').click()

    def verdict(row: str) -> str:
        found: str = seen.page.locator(f'#w1 tr[data-row="{row}"] .verdict').inner_text()
        return found

    assert "▲ faster" in verdict("alpha:usual")
    assert "†" not in verdict("alpha:usual")
    assert "▲ faster †" in verdict("alpha:fused")
    assert "not compared" in verdict("oracle:usual")
    assert "compared to" in seen.page.locator('#w1 tr[data-row="gamma:usual"] button.compare').inner_text()
    assert "1.55×" in seen.page.locator('#w1 tr[data-row="alpha:usual"] td[data-measure="speed"]').inner_text()
    assert "≈ practically tied" not in verdict("beta:usual")
    seen.page.locator('#w1 tr[data-row="beta:usual"] button.compare').click()
    assert "≈ practically tied" in verdict("alpha:usual")


def test_numbers_are_absolute_relative_or_both(browser: Any, report: Path) -> None:
    """The pivot and the rows show the measured number, the ratio, or both."""
    seen = open_page(browser, report, "#compare=alpha%3Ausual")
    cell = seen.page.locator('#w1 tr[data-row="gamma:usual"] td[data-measure="speed"]')
    figure = seen.page.locator("#w1 .pivot .pivot-cell").filter(has_text="rank 2").locator(".figure")

    seen.page.locator('input[name="show"][value="absolute"]').check()
    assert cell.inner_text().startswith("8,0")
    assert "×" not in cell.inner_text()
    seen.page.locator('input[name="show"][value="relative"]').check()

    assert cell.inner_text().startswith("0.65×")
    assert figure.inner_text() == "0.65×"


def test_the_address_brings_everything_back(browser: Any, report: Path) -> None:
    """A link copied after choosing shows the same rows, order, reference, numbers and open cell."""
    seen = open_page(browser, report)
    seen.page.locator('details.filter[data-axis="workload"] summary').click()
    seen.page.get_by_role("checkbox", name="small-net", exact=True).check()
    seen.page.keyboard.press("Escape")
    seen.page.locator("#choose-sort").select_option("-name")
    seen.page.locator("#choose-compare").select_option("gamma:usual")
    seen.page.locator('input[name="show"][value="relative"]').check()
    seen.page.locator('#w1 tr[data-row="delta:usual"] button.open').click()
    address, before = seen.page.url, rows(seen)

    again = open_page(browser, report, "#" + address.split("#", 1)[1])

    assert titles(again) == ["small-net"]
    assert rows(again) == before
    assert before[0] == "zeta:usual"
    assert again.page.locator("#choose-compare").input_value() == "gamma:usual"
    assert again.page.locator('input[name="show"][value="relative"]').is_checked()
    assert again.page.locator("dialog[open] #cell-title").inner_text().startswith("delta:usual")
    again.page.locator("dialog .close").click()
    assert "cell=" not in again.page.url
    assert again.problems == seen.problems == []


def test_back_closes_a_cell(browser: Any, report: Path) -> None:
    """Opening a cell is a step in the history, so that the back button closes it."""
    seen = open_page(browser, report)

    seen.page.locator("#w1 button.open").first.click()
    assert seen.page.locator("dialog[open]").count() == 1
    seen.page.go_back()

    seen.page.wait_for_function("!document.getElementById('cell').open")


def test_a_cell_shows_its_certificate(browser: Any, report: Path) -> None:
    """The drill-down holds certificate, settings, phases, samples, end of the log and provenance."""
    seen = open_page(browser, report)

    seen.page.locator('#w1 tr[data-row="delta:usual"] button.open').click()
    wrong = seen.page.locator("dialog").inner_text()
    seen.page.keyboard.press("Escape")
    seen.page.locator('#w1 tr[data-row="epsilon:usual"] button.open').click()
    crashed = seen.page.locator("dialog").inner_text()
    seen.page.keyboard.press("Escape")
    seen.page.locator('#w1 tr[data-row="alpha:usual"] button.open').click()
    good = seen.page.locator("dialog").inner_text()

    assert "1 of 3 checks are beyond their limits" in wrong
    assert wrong.index("conv_2.kernel") < wrong.index("trajectory")
    assert "Segmentation fault" in crashed
    for wanted in ("Parity certificate", "Effective settings", "Phases", "Samples", "Provenance", "Memory by phase"):
        assert wanted in good
    assert good.count("\n1\t1\t") == 1
    assert "frameworkbench verify" in good


def test_everything_works_with_the_keyboard_alone(browser: Any, report: Path) -> None:
    """Tab, Space, Enter and Escape reach a filter, a heading, a comparison and a cell; the focus is kept and shown."""
    seen = open_page(browser, report)
    press = seen.page.keyboard.press

    def focus(selector: str) -> None:
        """Go on with Tab until the element has the focus."""
        target = seen.page.locator(selector).first
        for _ in range(90):
            if target.evaluate("node => node === document.activeElement"):
                return
            press("Tab")
        raise AssertionError(f"{selector} was not reached with Tab")

    seen.page.locator("#results").focus()
    focus('details.filter[data-axis="workload"] > summary')
    press("Enter")
    focus('input[type="checkbox"][value="small-net"]')
    press("Space")
    assert titles(seen) == ["small-net"]
    press("Escape")
    assert seen.page.locator("details.filter[open]").count() == 0
    focus('#w1 button.sort[data-sort="speed"]')
    press("Enter")
    assert rows(seen)[0] == "alpha:fused"
    assert seen.page.evaluate("document.activeElement.dataset.sort") == "speed"
    focus('#w1 tr[data-row="beta:usual"] button.compare')
    press("Space")
    assert seen.page.locator("#choose-compare").input_value() == "beta:usual"
    assert seen.page.evaluate("document.activeElement.className") == "compare"
    assert seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    focus('#w1 tr[data-row="gamma:usual"] button.open')
    press("Enter")
    assert seen.page.locator("dialog[open]").count() == 1
    press("Escape")
    assert seen.page.locator("dialog[open]").count() == 0
    assert seen.page.evaluate("document.activeElement.textContent") == "gamma:usual"


def test_every_picture_has_words_and_a_table(browser: Any, report: Path) -> None:
    """Each picture is an image with title and description, and opens a table with the same rows."""
    seen = open_page(browser, report)
    seen.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    figures = seen.page.locator("#w1 figure")

    assert figures.count() == 6
    for figure in figures.all():
        picture = figure.locator("svg[role=img]")
        names = picture.get_attribute("aria-labelledby").split()
        words = [seen.page.locator(f"#{name}").text_content() for name in names]
        assert "alpha:usual" in words[1]
        figure.locator("details.behind summary").click()
        assert "alpha:usual" in figure.locator("table").inner_text()
    assert seen.problems == []
