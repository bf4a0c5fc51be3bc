"""The report as Markdown: narrow tables, an answer at the top, pictures beside it, and nothing that becomes markup."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
import pytest
from planted_run import PlantedRun, example

from frameworkbench.analysis.summary import summarise
from frameworkbench.report import languages_of, render_report, write_report
from frameworkbench.report.glance import glance
from frameworkbench.report.markdown import markdown
from frameworkbench.report.messages import LANGUAGES, language
from frameworkbench.report.pictures import album
from frameworkbench.report.pictures import files as picture_files
from frameworkbench.report.pictures.drawings import _apart
from frameworkbench.report.pictures.points import Dot, dots, group_cells, ratios
from frameworkbench.report.text import clean
from frameworkbench.report.view import view
from frameworkbench.store.records import load_run

EVIL = '<script>alert(1)</script> | `x` $a_b$ "quoted" & ![p](q)'


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of report.json of the example."""
    return dict(clean(summarise(load_run(example(tmp_path_factory.mktemp("run")))).to_json()))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """All files of a report whose names hold markup, in both languages."""
    planted = PlantedRun(tmp_path_factory.mktemp("evil"))
    keys = [planted.cell(name, EVIL, workload=EVIL) for name in ("alpha", EVIL)]
    for key, finals in zip(keys, ((0.95, 0.94), (0.9, 0.91)), strict=True):
        planted.proof(key)
        planted.full_training(key, finals)
        planted.weighing(key)
    planted.timed({keys[0]: 120.0, keys[1]: 80.0}, blocks=3)
    planted.plan()
    return render_report(summarise(load_run(planted.folder)), list(LANGUAGES))


def test_the_answer_comes_first(report: dict[str, Any]) -> None:
    """One line for each workload says who is fastest, who starts soonest and who needs least memory."""
    rows = glance(report, language("en"))

    assert rows[0][:2] == ("small-net", "beta:usual (12,392), alpha:usual (12,385)")
    assert rows[0][2:4] == ("alpha:usual (2.25 s)", "beta:usual (300 MiB)")
    assert rows[1][0] == "text-lstm"
    assert rows[1][1].startswith("alpha:usual (5")


def test_nobody_is_named_where_no_winner_is(tmp_path: Path) -> None:
    """Where verdicts are taken away the table at the top names no winner either."""
    planted = PlantedRun(tmp_path)
    keys = [planted.cell("alpha"), planted.cell("beta")]
    for key in keys:
        planted.proof(key)
    planted.timed({keys[0]: 200.0, keys[1]: 100.0})
    planted.append(None, None, {"wall_s": 1.0, "noisy": True, "noisy_reason": "neighbours"}, kind="run")

    rows = glance(clean(summarise(load_run(planted.plan())).to_json()), language("en"))

    assert rows[0][1] == "no winner named"


@pytest.mark.parametrize("name", ["report.md", "report.zh.md"])
def test_tables_are_narrow(files: dict[str, bytes], name: str) -> None:
    """No table has more than six columns, and each row has as many as its head."""
    text = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", files[name].decode("utf-8"))
    tables = re.findall(r"(?m)(?:^\|.*\n)+", text)

    widths = [{len(re.findall(r"(?<!\\)\|", line)) - 1 for line in table.splitlines()} for table in tables]

    assert len(tables) > 8
    assert all(len(found) == 1 and max(found) <= 6 for found in widths)


@pytest.mark.parametrize("name", ["report.md", "report.zh.md"])
def test_nothing_in_a_name_becomes_markup(files: dict[str, bytes], name: str) -> None:
    """Tags, pipes, backticks, dollars and picture links in names stay text in both languages."""
    text = re.sub(r"(?ms)^(`{3,})text\n.*?\n\1$", "", files[name].decode("utf-8")).replace(
        "`frameworkbench advise`", ""
    )

    assert "<script" not in text
    assert re.search(r"(?<!\\)[`$]", text) is None
    links = {link for link in re.findall(r"(?<!\\)\]\(([^)]*)\)", text) if not link.startswith("#")}
    assert links == {each for each in files if each.startswith("pictures/")}


def test_pictures_are_well_formed_and_keep_their_text(files: dict[str, bytes]) -> None:
    """Each picture is XML without scripts or links, with its names as text that can be searched and read aloud."""
    pictures = {name: content for name, content in files.items() if name.startswith("pictures/")}

    assert sorted(pictures) == [
        f"pictures/w1-{kind}.svg" for kind in ("accuracy", "memory", "ratios", "start", "trade")
    ]
    for name, content in pictures.items():
        root = ElementTree.fromstring(content)
        texts = ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]
        assert any(EVIL in text for text in texts), name
        assert not any(element.tag.endswith(("script", "image", "}a")) for element in root.iter()), name
        assert root.find("{http://www.w3.org/2000/svg}title") is not None, name


def test_pictures_have_the_same_bytes_whoever_draws_them(report: dict[str, Any]) -> None:
    """The user's own settings, the moment and an earlier picture leave no trace in a picture."""
    first = album(report)
    with matplotlib.rc_context({"font.size": 20.0, "svg.hashsalt": None, "axes.facecolor": "red"}):
        second = album(report)

    assert first == second
    assert {len(found) for found in first.values()} == {4, 5}
    for content in (each.content for found in first.values() for each in found):
        assert b"<dc:date>" not in content
        assert b"\xe2\x96\xa1" not in content  # a box that stands for a character


def test_ratios_are_taken_from_pairs(report: dict[str, Any]) -> None:
    """Each row stands against the fastest main mode with the pair's own interval, turned round where it must be."""
    comparison = report["comparisons"][0]

    found = ratios(comparison, group_cells(report, comparison))

    assert [(each.label, each.against, each.shown) for each in found] == [
        ("alpha:usual", "beta:usual", False),
        ("gamma:usual", "beta:usual", True),
        ("alpha:fused", "alpha:usual", True),
    ]
    pair = next(
        each for each in comparison["pairs"] if each["second"] == "gamma:usual" and each["first"] == "beta:usual"
    )
    assert found[1].ratio == pytest.approx(1 / pair["ratio"])
    assert (found[1].low, found[1].high) == pytest.approx((1 / pair["high"], 1 / pair["low"]))
    assert found[2].ratio > 1


def test_the_front_holds_what_nothing_beats() -> None:
    """A row leaves the front only if another is shown to be faster and is no worse in the rest."""
    cells = [
        _cell("quick", 100.0, 0.01, 4.0, 400),
        _cell("small", 50.0, 0.01, 1.0, 100),
        _cell("beaten", 40.0, 0.01, 2.0, 200),
        _cell("unsure", 48.0, 0.10, 2.0, 200),
        _cell("unknown", 10.0, 0.01, None, 900),
    ]

    assert [dot.label for dot in dots(cells) if dot.front] == ["quick", "small", "unsure", "unknown"]


def test_names_beside_marks_never_overlap() -> None:
    """Labels keep their order and distance, and start inside the picture."""
    places = _apart([0.9, 0.89, 0.88, 0.1, 0.05], 0.06)

    gaps = [one - other for one, other in itertools.pairwise(places)]
    assert min(gaps) >= 0.06 - 1e-12
    assert places[0] == pytest.approx(0.9)
    assert min(places) >= 0


def test_languages_lie_side_by_side(tmp_path: Path) -> None:
    """English and Chinese reports of one run share a folder, report.json and pictures."""
    run = example(tmp_path / "run")
    summary = summarise(load_run(run))

    paths = write_report(run, tmp_path / "out", summary=summary, languages=["zh", "en"])

    names = {path.relative_to(tmp_path / "out").as_posix() for path in paths}
    assert {"report.json", "report.md", "report.html", "report.zh.md", "report.zh.html"} <= names
    assert languages_of(tmp_path / "out") == ("en", "zh")
    assert languages_of(tmp_path) == ("en",)


def _cell(label: str, speed: float, spread: float, wait: float | None, memory: int) -> dict[str, Any]:
    rate = {"mean": speed, "low": speed * (1 - spread), "high": speed * (1 + spread)}
    return {
        "adapter": label,
        "label": label,
        "main": True,
        "throughput_samples_per_s": rate,
        "time_to_first_step_s": wait,
        "peak_memory_bytes": memory,
    }


def test_a_dot_is_plain() -> None:
    """A row with one process has a dot without an interval, which beats nothing."""
    cell = {**_cell("one", 100.0, 0.0, 1.0, 1), "throughput_samples_per_s": {"mean": 100.0, "low": None, "high": None}}

    found = dots([cell, _cell("other", 10.0, 0.01, 2.0, 2)])

    assert found[0] == Dot("one", "one", True, 100.0, None, None, 1.0, 1, True)
    assert found[1].front


def test_a_large_report_says_where_its_pictures_are(report: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """With too many sections nothing is drawn, and the report says that the page has the pictures."""
    monkeypatch.setattr(picture_files, "MOST_GROUPS", len(report["comparisons"]) - 1)

    assert album(report) == {}
    assert "Pictures are in the page only" in markdown(view(report), report, {})
    assert "Pictures are" not in markdown(view(report), report, {"w1": ()})
