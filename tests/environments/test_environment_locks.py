"""Locks: how they are read and compared, and that the committed ones are portable."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from frameworkbench.environments import ENVIRONMENT_FAILED, EnvironmentSpec
from frameworkbench.environments.lockfile import differences, read_lock
from frameworkbench.environments.versions import in_range, minor, normal_name, public
from frameworkbench.errors import EnvironmentProblem

ADAPTERS = Path(__file__).parents[2] / "adapters"
LOCKS = sorted(ADAPTERS.glob("*/requirements-*.lock"))


def spec_for(lock: Path) -> EnvironmentSpec:
    """Describe an environment for a lock."""
    return EnvironmentSpec("demo", "cpu", lock, ">=3.11", (), "fbdemo", "fbdemo")


def lock_of(tmp_path: Path, text: str) -> EnvironmentSpec:
    """Write a lock and describe an environment for it."""
    path = tmp_path / "requirements-cpu.lock"
    path.write_text(text)
    return spec_for(path)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_committed_lock_is_portable(lock: Path) -> None:
    """A committed lock has only exact public versions: no path, address, local build or option."""
    lines = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]

    assert lines
    for line in lines:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.-]*==[0-9][0-9a-z.]*", line), line
    assert "://" not in lock.read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_committed_lock_keeps_its_input(lock: Path) -> None:
    """What the input file pins is in the lock with the same version."""
    pins = read_lock(spec_for(lock)).pins
    wanted = [line for line in lock.with_suffix(".in").read_text().splitlines() if not line.startswith("#")]

    for line in wanted:
        name, _, version = line.partition("==")
        pinned = pins[normal_name(name.partition("[")[0])]
        assert not version or [pin.version for pin in pinned] == [version]


def test_every_framework_has_a_lock_for_the_cpu() -> None:
    """Each input for the CPU has its lock."""
    inputs = sorted(ADAPTERS.glob("*/requirements-cpu.in"))

    assert inputs
    assert all(file.with_suffix(".lock").is_file() for file in inputs)


def test_lines_of_a_lock(tmp_path: Path) -> None:
    """Comments, extras, hashes, continued lines and markers are understood."""
    spec = lock_of(
        tmp_path,
        "# head\nFb_Demo[big]==1.0 \\\n    --hash=sha256:abc \\\n    --hash=sha256:def\n"
        'fbdep==2.0 ; python_version < "3.11"  # via fbdemo\nfbdep==2.1 ; python_version >= "3.11"\n',
    )

    pins = read_lock(spec).pins

    assert [pin.version for pin in pins["fb-demo"]] == ["1.0"]
    assert [(pin.version, pin.conditional) for pin in pins["fbdep"]] == [("2.0", True), ("2.1", True)]


@pytest.mark.parametrize("line", ["fbdemo>=1.0", "fbdemo", "--find-links /wheels", "fbdemo @ file:///x.whl"])
def test_line_that_is_no_pin(tmp_path: Path, line: str) -> None:
    """Anything but an exact version is refused and quoted."""
    with pytest.raises(EnvironmentProblem, match=re.escape(line)) as caught:
        read_lock(lock_of(tmp_path, line + "\n"))

    assert caught.value.code == ENVIRONMENT_FAILED


def test_differences_are_named(tmp_path: Path) -> None:
    """Changed, absent and additional packages are named; a local build of the same version is none."""
    lock = read_lock(lock_of(tmp_path, "a==1.0\nb==2.0\nc==3.0\nd==4.0 ; sys_platform == 'win32'\n"))
    packages = {"a": "1.0+cpu", "b": "2.1", "e": "5"}

    assert differences(lock, packages, complete=True) == [
        "b: the lock says 2.0, installed is 2.1",
        "c: the lock says 3.0, not installed",
        "e: not in the lock, installed is 5",
    ]
    assert len(differences(lock, packages, complete=False)) == 2


@pytest.mark.parametrize(
    ("left", "right"),
    [("1.0", "1.0.0"), ("2024.02.01", "2024.2.1"), ("1.0+cpu", "1"), ("v1.2", "1.2"), ("1.0-rc1", "1.0rc1")],
)
def test_equal_versions(left: str, right: str) -> None:
    """Spellings of one version compare equal."""
    assert public(left) == public(right)


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("3.11.7", ">=3.10,<3.14", True),
        ("3.14.0", ">=3.10,<3.14", False),
        ("3.9.18", ">=3.10,<3.14", False),
        ("3.11.7", "==3.11.*", True),
        ("3.11.7", "!=3.11.*", False),
        ("3.12.0", "~=3.10", True),
        ("3.12.0", "~=3.10.2", False),
        ("3.10", ">=3.10.0", True),
        ("3.11.0", ">3.11,<=3.12", False),
        ("3.11.7", "", True),
    ],
)
def test_range_of_python(version: str, wanted: str, expected: bool) -> None:
    """A range of versions means what PEP 440 says."""
    assert in_range(version, wanted) is expected


def test_range_that_is_none() -> None:
    """A clause that is not understood is refused and quoted."""
    with pytest.raises(ValueError, match="three"):
        in_range("3.11.7", "three")


def test_minor_version() -> None:
    """The minor version has two numbers."""
    assert minor("3.13.0rc1") == "3.13"
