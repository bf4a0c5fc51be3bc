"""`adapter check` on real frameworks: the shipped adapters, and one in a package that was written from the guide."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworkbench.environments import Interpreter
from frameworkbench.kit.checking import check_adapter
from frameworkbench.kit.result import Result
from frameworkbench.registry import AdapterInfo, find_adapter, load_adapters

PACKAGE = Path(__file__).parent.parent / "packages" / "torch_functional"
ENTRANTS = [name for name, info in load_adapters().items() if info.role == "entrant"]
OTHER_MODES = [
    pytest.param(name, mode, marks=pytest.mark.framework(name), id=f"{name}:{mode}")
    for name, info in load_adapters().items()
    if info.role == "entrant"
    for mode in info.modes
    if mode != info.main_mode
]
ONE_PROCESS = ("layers", "order", "losses", "optimizers", "refusals", "settings")


@pytest.fixture
def outsider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AdapterInfo:
    """The adapter of the test package, found by name as an installed one."""
    site = tmp_path / "site"
    shutil.copytree(PACKAGE / "torch_functional_adapter", site / "torch_functional_adapter")
    metadata = site / "torch_functional-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: torch-functional\nVersion: 1.0\n", "utf-8")
    points = "[frameworkbench.adapters]\ntorch-functional = torch_functional_adapter\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    monkeypatch.syspath_prepend(str(site))
    return find_adapter("torch-functional")


def _check(
    info: AdapterInfo, python: Path, cache: Path, only: tuple[str, ...] = (), mode: str | None = None
) -> list[Result]:
    def drop(_: object) -> None:
        return None

    return check_adapter(info, cache_dir=cache, emit=drop, tell=drop, python=python, only=only, mode=mode)


def _problems(results: list[Result]) -> str:
    return "\n".join(f"{one.check}: {one.found} → {one.next_step}" for one in results if one.state == "fail")


@pytest.mark.framework("pytorch")
def test_an_outsider_passes_in_one_process(
    outsider: AdapterInfo, interpreter_of: Callable[[str], Interpreter], frameworks_cache: Path
) -> None:
    """A package without any torch.nn module passes every layer, loss and optimizer with the managed environment."""
    results = _check(outsider, interpreter_of("pytorch").path, frameworks_cache, ONE_PROCESS)

    assert _problems(results) == ""
    passed = {one.check for one in results if one.state == "pass"}
    assert {"layer lstm", "layer attention", "layer conv2d", "optimizer adam", "batches in order"} <= passed


@pytest.mark.slow
@pytest.mark.framework("pytorch")
def test_an_outsider_passes_everything(
    outsider: AdapterInfo, interpreter_of: Callable[[str], Interpreter], frameworks_cache: Path
) -> None:
    """The same package passes the whole list, all shipped workloads made small among it."""
    results = _check(outsider, interpreter_of("pytorch").path, frameworks_cache)

    assert _problems(results) == ""
    assert {one.state for one in results if one.check.startswith("model ")} == {"pass"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.framework(name)) for name in ENTRANTS])
def test_shipped_adapters_pass(name: str, interpreter_of: Callable[[str], Interpreter], frameworks_cache: Path) -> None:
    """Each shipped adapter passes its own project's conformance checks."""
    results = _check(load_adapters()[name], interpreter_of(name).path, frameworks_cache)

    assert _problems(results) == ""
    models = [one for one in results if one.check.startswith("model ")]
    assert "model mnist-mlp" in {one.check for one in models if one.state == "pass"}
    # What an adapter does not declare it need not prove; nothing else is left out.
    left_out = [one.found for one in models if one.state != "pass"]
    assert [found for found in left_out if "not declare" not in found] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mode"), OTHER_MODES)
def test_other_modes_pass(
    name: str, mode: str, interpreter_of: Callable[[str], Interpreter], frameworks_cache: Path
) -> None:
    """The modes that are not ranked pass the same list; what a mode refuses, it refuses with a reason."""
    results = _check(load_adapters()[name], interpreter_of(name).path, frameworks_cache, mode=mode)

    assert _problems(results) == ""
    assert "model mnist-mlp" in {one.check for one in results if one.state == "pass"}


def test_the_outsider_uses_no_modules() -> None:
    """The package is what it says: no torch.nn module, no torch.optim, nothing of the shipped adapter."""
    source = (PACKAGE / "torch_functional_adapter" / "adapter.py").read_text(encoding="utf-8")
    code = source.partition('"""\n\n')[2]

    assert [word for word in ("nn.Module", "torch.optim", "from torch import nn", "nn.Linear") if word in code] == []
    assert len([line for line in source.splitlines() if line.strip()]) < 250
