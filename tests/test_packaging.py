"""What travels in the wheel: the package, and adapters and workloads as its data."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Files of a freshly built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        return set(wheel.namelist())


def test_content_is_data_of_the_package(names: set[str]) -> None:
    """All shipped content is inside the package; no top-level package but ours is installed."""
    content = [*ROOT.glob("adapters/*/adapter.*"), *ROOT.glob("adapters/*/*.lock"), *ROOT.glob("workloads/*.toml")]
    content += [*ROOT.glob("workloads/bands/*.json"), *ROOT.glob("claims/*.toml"), *ROOT.glob("claims/measured/*.json")]
    content += [ROOT / "adapters" / "retired.toml", ROOT / "adapters" / "facts.toml"]

    missing = [path for path in content if f"frameworkbench/_content/{path.relative_to(ROOT)}" not in names]

    assert content
    assert missing == []
    assert {name.split("/")[0].split("-")[0] for name in names} == {"frameworkbench"}


def test_templates_travel_and_rubbish_does_not(names: set[str]) -> None:
    """The templates of reports and of new adapters are in the wheel; caches, results and tests are not."""
    assert {"frameworkbench/report/templates/page.html.j2", "frameworkbench/kit/templates/adapter.py.j2"} <= names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "results/"))]
