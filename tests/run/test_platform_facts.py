"""Facts about machine and code that go into the manifest."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from frameworkbench.run import platform_facts
from frameworkbench.run.platform_facts import harness_commit
from frameworkbench.run.platform_facts import platform_facts as facts


def test_what_cannot_be_read_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """On a machine without these files each fact is None or empty, and nothing fails."""
    monkeypatch.setattr(platform_facts, "_CPU", tmp_path / "absent")

    found = facts()

    assert found["governor"] is None
    assert found["mitigations"] == {}
    assert set(found) >= {"libc", "microcode", "boost", "smt_active", "numa_nodes", "swap"}


def test_the_commit_of_a_checkout_and_its_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A clean checkout is not dirty; a changed workload makes it so; a folder inside another checkout is none."""
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", "-C", str(tmp_path)]
    (tmp_path / "workloads").mkdir()
    (tmp_path / "workloads" / "w.toml").write_text("a = 1\n", encoding="utf-8")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True, capture_output=True)
    monkeypatch.setattr(platform_facts, "_ROOT", tmp_path.resolve())

    clean = harness_commit()
    (tmp_path / "workloads" / "w.toml").write_text("a = 2\n", encoding="utf-8")
    changed = harness_commit()
    monkeypatch.setattr(platform_facts, "_ROOT", tmp_path.resolve() / "workloads")

    assert clean is not None
    assert changed is not None
    assert (len(clean["id"]), clean["dirty"], changed["dirty"]) == (40, False, True)
    assert harness_commit() is None
