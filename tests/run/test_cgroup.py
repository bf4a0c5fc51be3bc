"""The control group's peak is read in both versions of the interface, and is absent rather than wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworkbench.run.cgroup import cgroup_peak


def _tree(folder: Path, groups: str, counter: str | None) -> tuple[Path, Path]:
    proc, mount = folder / "proc", folder / "mount"
    (proc / "7").mkdir(parents=True)
    (proc / "7" / "cgroup").write_text(groups)
    if counter is not None:
        (mount / counter).parent.mkdir(parents=True)
        (mount / counter).write_text("12345678\n")
    return proc, mount


@pytest.mark.parametrize(
    ("groups", "counter"),
    [
        ("0::/user/run.scope\n", "user/run.scope/memory.peak"),
        ("0::/user/run.scope\n", "memory.peak"),
        ("9:name=systemd:/\n4:memory:/box\n1:cpu:/\n0::/\n", "memory/box/memory.max_usage_in_bytes"),
        ("4:cpu,memory:/box\n", "memory/memory.max_usage_in_bytes"),
    ],
)
def test_the_peak_is_found(groups: str, counter: str, tmp_path: Path) -> None:
    """Version 2, version 1, and a container that sees its own group as the root."""
    proc, mount = _tree(tmp_path, groups, counter)

    found = cgroup_peak(7, proc=proc, mount=mount)

    assert found is not None
    assert (found["peak_bytes"], found["counter"]) == (12345678, Path(counter).name)
    assert "page cache" in found["note"]


@pytest.mark.parametrize("groups", ["0::/\n", "3:cpu:/\n", ""])
def test_no_counter(groups: str, tmp_path: Path) -> None:
    """Without a readable counter there is no figure."""
    proc, mount = _tree(tmp_path, groups, None)

    assert cgroup_peak(7, proc=proc, mount=mount) is None
    assert cgroup_peak(8, proc=proc, mount=mount) is None
