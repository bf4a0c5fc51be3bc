"""Adapters from installed packages: found by entry point, without importing anything."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from frameworkbench.errors import SpecError
from frameworkbench.registry import BUILT_IN, find_adapter, load_adapters

PACKAGE = Path(__file__).parent.parent / "packages" / "torch_functional"


def install(site: Path, *, points: str, name: str = "torch-functional") -> None:
    """What an installer leaves: the package's folder and its metadata, in a folder on the path."""
    shutil.copytree(PACKAGE / "torch_functional_adapter", site / "torch_functional_adapter", dirs_exist_ok=True)
    info = site / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[frameworkbench.adapters]\n{points}\n", encoding="utf-8")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for packages, on the path."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_an_installed_adapter_is_listed(site: Path) -> None:
    """An installed package brings its adapter, which says where it came from; the shipped ones stay first."""
    shipped = list(load_adapters())
    install(site, points="torch-functional = torch_functional_adapter")

    known = load_adapters()

    assert list(known) == [*shipped, "torch-functional"]
    assert known["torch-functional"].origin == "package torch-functional 1.0"
    assert known["torch-functional"].folder == site / "torch_functional_adapter"
    assert {known[name].origin for name in shipped} == {BUILT_IN}
    assert find_adapter("torch-functional") == known["torch-functional"]


def test_the_packages_own_entry_point(site: Path) -> None:
    """The entry point in the test package's pyproject.toml is the one that is tested here."""
    text = (PACKAGE / "pyproject.toml").read_text(encoding="utf-8")

    assert '[project.entry-points."frameworkbench.adapters"]\ntorch-functional = "torch_functional_adapter"' in text


def test_nothing_is_imported_to_find_it(site: Path) -> None:
    """A package whose import fails is listed all the same: only its folder is looked for."""
    install(site, points="torch-functional = torch_functional_adapter")
    (site / "torch_functional_adapter" / "__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    before = set(sys.modules)

    assert "torch-functional" in load_adapters()

    assert {name for name in set(sys.modules) - before if "torch" in name} == set()


def test_a_folder_inside_a_package(site: Path) -> None:
    """Dots in an entry point's value lead to folders inside the package."""
    install(site, points="torch-functional = outer.inner.torch_functional_adapter")
    (site / "outer" / "inner").mkdir(parents=True)
    (site / "torch_functional_adapter").rename(site / "outer" / "inner" / "torch_functional_adapter")
    (site / "outer" / "__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")

    folder = load_adapters()["torch-functional"].folder

    assert folder == site / "outer" / "inner" / "torch_functional_adapter"


@pytest.mark.parametrize("value", ["no_such_package_here", "torch_functional_adapter.missing", "json"])
def test_an_entry_point_that_leads_nowhere(value: str, site: Path) -> None:
    """An entry point without adapter.toml is an error that names the package, the value and the next step."""
    install(site, points=f"torch-functional = {value}")

    with pytest.raises(SpecError) as caught:
        load_adapters()

    message = str(caught.value)
    assert f"torch-functional = {value} (package torch-functional 1.0)" in message
    assert "reinstall or uninstall" in message


def test_a_name_that_is_taken(site: Path) -> None:
    """Two packages with one adapter name are an error that names both places, both origins and the way out."""
    install(site, points="torch-functional = torch_functional_adapter")
    second = site.parent / "second"
    shutil.copytree(site / "torch_functional_adapter", second)

    with pytest.raises(SpecError) as caught:
        load_adapters([second])

    message = str(caught.value)
    assert "a second adapter called 'torch-functional'" in message
    assert str(second) in message
    assert "package torch-functional 1.0" in message
    assert "change `name`" in message
