"""What identifies an adapter: everything that can change a measurement, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from frameworkbench.content import content_dir
from frameworkbench.run.fingerprints import folder_sha256

FACT = '\n[facts.community]\nvalue = "large"\nsource = "https://example.org"\nchecked = 2026-11-26\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of a shipped adapter that may be changed."""
    return shutil.copytree(content_dir("adapters") / "reference", tmp_path / "reference")


def test_facts_do_not_identify_an_adapter(folder: Path) -> None:
    """Stating, changing and withdrawing a fact, or a comment, keeps the identity of what was measured."""
    before, file = folder_sha256(folder), folder / "adapter.toml"
    text = file.read_text("utf-8")

    file.write_text("# a comment\n" + text + FACT, "utf-8")
    stated = folder_sha256(folder)
    file.write_text(text + FACT.replace("large", "small"), "utf-8")

    assert before == stated == folder_sha256(folder)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("adapter.toml", 'OMP_NUM_THREADS = "{threads}"', 'OMP_NUM_THREADS = "1"'),
        ("adapter.toml", '"focal", "mean_squared_error"', '"mean_squared_error", "focal"'),
        ("adapter.toml", "[modes.numpy]", "[environment]\nX = 1\n[modes.numpy]"),
        ("adapter.py", '"""', '""" '),
    ],
)
def test_everything_else_does(folder: Path, file: str, old: str, new: str) -> None:
    """What is declared to the harness, and each byte of an adapter's code, is part of its identity."""
    before, path = folder_sha256(folder), folder / file
    text = path.read_text("utf-8")
    assert old in text

    path.write_text(text.replace(old, new, 1), "utf-8")

    assert folder_sha256(folder) != before


def test_facts_elsewhere_count(folder: Path) -> None:
    """Only the adapter's own declaration has facts; another file that looks alike counts by its bytes."""
    (folder / "more").mkdir()
    other = folder / "more" / "adapter.toml"
    other.write_text(FACT, "utf-8")
    before = folder_sha256(folder)

    other.write_text(FACT.replace("large", "small"), "utf-8")

    assert folder_sha256(folder) != before
