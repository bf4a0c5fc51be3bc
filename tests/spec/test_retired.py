"""Frameworks that are gone: data with a reason, shown where somebody would look for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from frameworkbench import retired
from frameworkbench.analysis.summary import summarise
from frameworkbench.errors import SpecError
from frameworkbench.registry import load_adapters
from frameworkbench.report import write_report
from frameworkbench.retired import load_retired
from frameworkbench.store.records import load_run
from frameworkbench.store.run import MANIFEST
from tests.report.planted_run import example


def test_older_comparisons_are_answered() -> None:
    """The frameworks of older articles are listed with reason, last release, successor and sources, and are no row."""
    found = {entry.name: entry for entry in load_retired()}

    assert set(found) == {"cntk", "theano"}
    assert not set(found) & set(load_adapters())
    for entry in found.values():
        assert "Python" in entry.reason
        assert entry.successor
        assert any(page.startswith("https://") for page in entry.source)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[retired]]\nname = "old"', r"retired\[0\]: title: missing"),
        ("[[retired]]\n" + "".join(f'{key} = "x"\n' for key in
         ("name", "title", "last_release", "reason", "successor")) + "source = []", "source: empty"),
        ("[[retired]", "cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_named(text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry without reason or source is an error with file and key."""
    (tmp_path / "retired.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(retired, "content_dir", lambda _: tmp_path)

    with pytest.raises(SpecError, match=message):
        load_retired()


def test_a_checkout_without_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file is left out, nothing is listed and nothing fails."""
    monkeypatch.setattr(retired, "content_dir", lambda _: tmp_path)

    assert load_retired() == ()


def test_reports_say_so(tmp_path: Path) -> None:
    """A report of a run whose manifest lists retired frameworks says why they are missing, in every form."""
    folder = example(tmp_path / "run")
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    manifest["retired"] = [entry.to_json() for entry in load_retired()]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")

    files = write_report(folder, tmp_path / "report", summary=summarise(load_run(folder)))

    for file in (file for file in files if file.suffix != ".svg"):
        assert "Theano is retired" in file.read_text(encoding="utf-8"), file.name
