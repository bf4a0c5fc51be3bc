"""The three files of a report: same facts, same bytes, nothing unescaped, nothing loaded."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from planted_run import PlantedRun, example

from frameworkbench.analysis.summary import summarise
from frameworkbench.errors import UsageError
from frameworkbench.report import write_report
from frameworkbench.report.chart import chart
from frameworkbench.report.markdown_text import block, code, escape
from frameworkbench.report.text import clean, interval_text, percent, seconds, significant, size, tiny
from frameworkbench.report.view import view
from frameworkbench.store.records import RecordWriter, load_run

EVIL = '<script>alert(1)</script> | `x` "quoted" & ```\n# title\x1b[31m\u202e'


def write(run: Path, out: Path) -> dict[str, str]:
    """Write a report and return the text of its files by name."""
    paths = write_report(run, out, summary=summarise(load_run(run)))
    return {path.name: path.read_text(encoding="utf-8") for path in paths}


class Checker(HTMLParser):
    """Collects what a well-formed page must and must not have."""

    VOID = frozenset({"meta", "br", "link", "img", "hr", "input", "wbr"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.styled: list[str] = []
        self.programs = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            self.ids += [value or ""] if name == "id" else []
            self.links += [value or ""] if name in ("href", "src") else []
            self.handlers += [name] if name.startswith("on") else []
            self.styled += [tag] if name == "style" else []
        self.programs += tag == "script" and not attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag


def checked(page: str) -> Checker:
    """Parse a page; fails on tags that do not nest."""
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


def test_the_same_records_give_the_same_bytes(tmp_path: Path, pictures: None) -> None:
    """A copy of a run folder elsewhere gives byte-identical files."""
    run = example(tmp_path / "one")
    shutil.copytree(run, tmp_path / "two")
    first, second = write(run, tmp_path / "out1"), write(tmp_path / "two", tmp_path / "out2")
    assert first == second
    assert {name for name in first if not name.endswith(".svg")} == {"report.json", "report.md", "report.html"}
    assert len(first) > 8


def test_report_json_has_the_promised_fields(tmp_path: Path) -> None:
    """Every cell has the fields that the documentation promises, and the file is strict JSON."""
    report = json.loads(write(example(tmp_path), tmp_path / "out")["report.json"])
    axes = "task workload adapter role mode mode_class device lane precision threads batch_size data"
    numbers = "throughput_samples_per_s time_to_first_step_s peak_memory_bytes accuracy"
    promised = f"{axes} framework_version status code reason parity {numbers}".split()
    for cell in report["cells"]:
        assert set(promised) <= set(cell)
    timed = next(cell for cell in report["cells"] if cell["throughput_samples_per_s"])
    assert {"mean", "low", "high", "processes"} <= set(timed["throughput_samples_per_s"])
    assert {"passed", "tensor", "error", "tolerance"} <= set(timed["parity"])


def test_every_field_is_documented(tmp_path: Path) -> None:
    """docs/report-json.md names every key of the file and of its cells."""
    report = json.loads(write(example(tmp_path), tmp_path / "out")["report.json"])
    text = (Path(__file__).parents[2] / "docs" / "report-json.md").read_text(encoding="utf-8")
    cell = report["cells"][0]
    memory = cell["memory"]
    nested = [cell["throughput_samples_per_s"], cell["parity"], cell["blocks"], cell["accuracy"], cell["capacity"]]
    nested += [memory, memory["growth"], memory["phases"], memory["phases"]["steady"]]
    comparison = report["comparisons"][0]
    tables = [report, cell, comparison, comparison["pairs"][0], comparison["pairs"][0]["break_even"]]
    tables += [comparison["modes"][0], comparison["control"], report["noise"], report["harness"], cell["excluded"]]
    keys = {key for found in (*tables, *nested, report["run"]) for key in found}
    assert sorted(key for key in keys if f"`{key}`" not in text) == []


def test_the_page_loads_nothing_and_runs_its_own_program_only(tmp_path: Path) -> None:
    """One file: only the program and the style whose hashes the policy names, no link away, no handler, unique ids."""
    page = write(example(tmp_path), tmp_path / "out")["report.html"]
    found = checked(page)
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', page)[0])
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    styles = re.findall(r"<style>(.*?)</style>", page, re.S)
    assert [sha256(text) for text in scripts] == re.findall(r"script-src '(.*?)'", policy)
    assert [sha256(text) for text in styles] == re.findall(r"style-src '(.*?)'", policy)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert found.tags.isdisjoint({"img", "link", "iframe", "object", "base"})
    assert found.styled == []
    assert all(link.startswith("#") for link in found.links)
    assert found.handlers == []
    assert len(found.ids) == len(set(found.ids))
    markup = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.S)
    assert set(re.findall(r"https?://[^\s<)\"';]+", markup)) == {"http://www.w3.org/2000/svg"}


def sha256(text: str) -> str:
    """A text's hash as a content policy names it."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def test_the_first_screen_says_what_matters(tmp_path: Path) -> None:
    """Question, verdicts, gaps, badges, machine, date, lane and command come before the first table."""
    files = write(example(tmp_path), tmp_path / "out")
    for text in (files["report.html"].split("<table")[0], files["report.md"].split("## ")[0]):
        for wanted in (
            "how do I know",
            "practically tied",
            "is the fastest",
            "unverified",
            "synthetic",
            "not measured",
        ):
            assert wanted in text
        for wanted in ("Example CPU", "2026-11-21", "lane matched", "frameworkbench run --suite standard"):
            assert wanted in text


def test_nothing_escapes(tmp_path: Path) -> None:
    """Markup, pipes, backticks and control characters in names and reasons stay text in every form."""
    planted = PlantedRun(tmp_path)
    good, bad = planted.cell(EVIL, EVIL), planted.cell("beta", workload=EVIL)
    planted.proof(good)
    planted.timed({good: 100.0})
    planted.append(bad, "proof", {}, status="failed", code=EVIL, reason=EVIL, log_end=EVIL)
    planted.append(None, None, {"wall_s": EVIL}, kind="run")
    files = write(planted.plan(command=["run", EVIL], suite=EVIL), tmp_path / "out")
    found = checked(files["report.html"])
    assert found.programs == 1
    assert "title" in found.tags
    assert not any("\x1b" in text or "\u202e" in text for text in files.values())
    outside = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", files["report.md"])
    assert "<script" not in outside
    tables = [line for line in outside.splitlines() if line.startswith("|")]
    widths = {len(re.findall(r"(?<!\\)\|", line)) for line in tables}
    assert max(widths) <= 7
    assert not any(re.search(r"(?<!\\)`", line) for line in tables)


def test_a_fence_cannot_be_closed_from_inside() -> None:
    """Code keeps its backticks inside a longer fence."""
    assert code("a``b") == "```a``b```"
    assert block("x\n````\ny").startswith("`````text\n")
    assert escape("a|b\nc_d") == "a\\|b c\\_d"


def test_rows_of_other_modes_have_no_rank_among_frameworks(tmp_path: Path) -> None:
    """A compiled mode and the oracle stand in a table of their own; the mode is compared within its framework only."""
    report = summarise(load_run(example(tmp_path))).to_json()
    group = view(clean(report)).groups[0]
    assert [row.name for row in group.others] == ["alpha:fused", "oracle:usual"]
    assert [row.rank for row in group.others] == ["–", "–"]
    assert [row.rank for row in group.ranked] == ["1", "1", "2", "–", "–", "–"]
    assert {name for pair in group.pairs for name in (pair["first"], pair["second"])} == {
        "alpha:usual",
        "beta:usual",
        "gamma:usual",
    }
    assert [(family.title, len(family.pairs)) for family in group.families] == [("Modes of alpha", 1)]
    files = write(tmp_path, tmp_path / "out")
    for text in (files["report.md"], files["report.html"]):
        assert "alpha:fused is the fastest mode of alpha: 1.2" in text


def test_memory_is_shown_by_phase_with_its_flags(tmp_path: Path) -> None:
    """Weighed rows have a table of phases in both forms, with growth, capacity and what is odd; others do not."""
    files = write(example(tmp_path), tmp_path / "out")
    for name in ("report.md", "report.html"):
        text = files[name].replace("\\_", "_")
        assert "Memory by phase" in text, name
        assert "LEAK_MEM: resident memory grows by 100.0 kB a step" in text, name
        assert "24,576 within 4.00 GiB" in text, name
    rows = [line for line in files["report.md"].splitlines() if "200 MiB | 240 MiB | 320 MiB | 400 MiB" in line]
    assert [row.split("|")[1].strip() for row in rows] == ["alpha:usual", "gamma:usual"]
    assert "Memory was not weighed in a process of its own" in files["report.md"]


def test_what_takes_verdicts_away_is_shown(tmp_path: Path) -> None:
    """A noisy ending, the missing control, medians and left-out processes are in Markdown and HTML alike."""
    run = example(tmp_path / "run")
    RecordWriter(run, "w2").append(
        {
            **json.loads(next((run / "records" / "w1").glob("*.json")).read_text(encoding="utf-8")),
            **{"kind": "run", "cell_key": None, "pass": None, "block": 0},
            "payload": {"noisy": True, "noisy_reason": "a neighbour"},
        }
    )
    files = write(run, tmp_path / "out")
    for text in (files["report.md"], files["report.html"]):
        for wanted in (
            "The run ended noisy (a neighbour)",
            "inconclusive (noisy run)",
            "No A/A control was run",
            "× (median 1.",
            "its block was not completed",
            "Left out",
        ):
            assert wanted in text


def test_a_slow_start_that_pays_is_a_sentence(tmp_path: Path) -> None:
    """A row that starts later and overtakes is said in words with its steps."""
    planted = PlantedRun(tmp_path)
    late, early = planted.cell("alpha"), planted.cell("beta")
    phases = {"import_s": 1.5, "build_s": 0.25, "first_step_s": 15.7}
    planted.append(late, "proof", {"phases": phases, "parity": {"passed": True, "checks": []}})
    planted.proof(early)
    planted.timed({late: 64.0, early: 32.0}, spread=0.0)
    files = write(planted.plan(), tmp_path / "out")
    sentence = "alpha:usual starts later than beta:usual and overtakes it after 32 steps (cold)."
    assert all(sentence in files[name] for name in ("report.md", "report.html"))


def test_failures_have_their_reasons(tmp_path: Path) -> None:
    """Every row without a number appears under failures with status, code, reason and the end of its log."""
    text = write(example(tmp_path), tmp_path / "out")["report.md"].split("## Failures")[1]
    for wanted in (
        "not comparable",
        "gradient of conv\\_2.kernel off by",
        "CRASHED",
        "Segmentation fault",
        "NO\\_LAYER",
    ):
        assert wanted in text


def test_synthetic_is_marked_where_its_numbers_are(tmp_path: Path) -> None:
    """Each section with synthetic data carries the badge, sections with real data do not."""
    page = write(example(tmp_path), tmp_path / "out")["report.html"]
    sections = re.findall(r'<section class="card" id="w\d".*?</section>', page, re.S)
    assert ['class="badge">synthetic' in section for section in sections] == [True, False]


def test_an_empty_run_still_makes_a_page(tmp_path: Path) -> None:
    """Nothing planned is a readable report, not an error."""
    files = write(PlantedRun(tmp_path).plan(machine={}, data={}), tmp_path / "out")
    assert "Nothing was planned" in files["report.html"]
    checked(files["report.html"])


def test_odd_payloads_still_make_a_page(tmp_path: Path) -> None:
    """Missing keys, non-finite texts and an unfinished row are printed as what they are."""
    planted = PlantedRun(tmp_path)
    key = planted.cell("alpha", workload="odd")
    checks = [{"check": "loss", "error": "inf", "passed": False}]
    planted.append(key, "proof", {"parity": {"passed": True, "checks": checks}, "effective": {"x": [1]}})
    planted.append(key, "accuracy", {"epochs": [{}, {"loss": "nan"}], "final": {"accuracy": 0.5}}, seed=2)
    planted.cell("beta", workload="odd", mode_class=None)
    page = write(planted.plan(), tmp_path / "out")["report.html"]
    checked(page)
    assert "inf" in page


def test_the_report_never_lands_among_raw_records(tmp_path: Path) -> None:
    """Records, plans and logs are refused as an output folder."""
    run = example(tmp_path)
    for name in ("records", "plans", "logs", "records/w1"):
        with pytest.raises(UsageError, match="raw results"):
            write_report(run, run / name, summary=summarise(load_run(run)))


def test_the_chart_has_words_and_its_marks_stay_inside(tmp_path: Path) -> None:
    """A chart has title and description, marks between 0 and 100 %, and a logarithmic axis only for wide ranges."""
    groups = view(clean(summarise(load_run(example(tmp_path))).to_json())).groups
    first, second = chart(groups[0]), chart(groups[1])
    assert first is not None
    assert second is not None
    assert "alpha:usual 12," in first.description
    assert (first.ticks[0].text, first.ticks[0].at) == ("0", 0.0)
    assert "logarithmic" not in first.axis
    assert "logarithmic" in second.axis
    for mark in (*first.marks, *second.marks):
        assert mark.low is not None
        assert mark.high is not None
        assert 0 <= mark.low <= mark.at <= mark.high <= 100


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((12_345.678, 12_100.0, 12_600.0), ("12,350", "12,100–12,600")),
        ((1.23456, 1.2, 1.27), ("1.235", "1.200–1.270")),
        ((500.0, 10.0, 25_000.0), ("500", "10–25,000")),
        ((0.98765, None, None), ("0.988", "")),
        ((100.0, 100.0, 100.0), ("100.0", "100.0–100.0")),
    ],
)
def test_digits_follow_the_interval(numbers: tuple[float, float | None, float | None], text: tuple[str, str]) -> None:
    """Mean and bounds are rounded where the interval has its second digit, without losing the lower end."""
    assert interval_text(*numbers) == text


def test_units_read_well() -> None:
    """Durations, sizes, shares and plain numbers have units and a sensible number of digits."""
    assert [seconds(0.0123), seconds(2.0), seconds(None)] == ["12.3 ms", "2.00 s", "–"]
    assert [tiny(3.0e-2), tiny(1e-12), tiny("nan"), tiny(0.0)] == ["3.0×10⁻²", "1.0×10⁻¹²", "nan", "0"]
    assert [size(314_572_800), size(5 * 2**30), size(12), size(None)] == ["300 MiB", "5.00 GiB", "12 B", "–"]
    assert [percent(0.9512, 10_000), percent(0.9512, 256), percent(1.0, 100)] == ["95.1 %", "95 %", "100.0 %"]
    assert [significant(1234567.0, 3), significant(0.0, 3)] == ["1,230,000", "0"]
