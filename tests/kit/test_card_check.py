"""`adapter check --device cuda` on a scripted card: the fake driver in the workers, a fake NVML in this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworkbench.device.choice import NO_DEVICE
from frameworkbench.errors import EnvironmentProblem, UsageError
from frameworkbench.kit import checking
from frameworkbench.kit.checking import check_adapter
from frameworkbench.kit.result import Result
from frameworkbench.registry import read_adapter
from tests.device.conftest import fake_libcuda  # noqa: F401 - a fixture
from tests.device.fake_nvml import Card, scripted_monitor

from .conftest import FAKES, silent


def _check(cache: Path, *, device: str = "cuda") -> dict[str, Result]:
    results = check_adapter(
        read_adapter(FAKES / "carded"),
        cache_dir=cache, emit=silent, tell=silent, device=device, only=("settings",),
    )  # fmt: skip
    return {result.check: result for result in results}


def test_the_workers_of_a_check_get_the_card(
    monkeypatch: pytest.MonkeyPatch, kit_cache: Path, tmp_path: Path, fake_libcuda: Path  # noqa: F811
) -> None:  # fmt: skip
    """Cells of the check are cells of the card, so what `effective` reads back is held against cuda."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(fake_libcuda.parent))
    monkeypatch.setattr(checking, "open_monitor", scripted_monitor(Card(), tmp_path))

    results = _check(kit_cache)

    assert results["step"].state == "pass"
    assert "device cuda" in results["settings"].found


def test_a_check_without_a_card(monkeypatch: pytest.MonkeyPatch, kit_cache: Path, tmp_path: Path) -> None:
    """Where there is no card nothing is looked at and nothing installed: the reason comes at once."""
    monkeypatch.setattr(checking, "open_monitor", scripted_monitor(None, tmp_path))

    with pytest.raises(EnvironmentProblem, match="no NVML here") as caught:
        _check(kit_cache)

    assert caught.value.code == NO_DEVICE


def test_a_device_that_is_not_declared(kit_cache: Path) -> None:
    """A device that the adapter does not declare is a usage error that names those it does."""
    with pytest.raises(UsageError, match="--device: expected one of cpu, cuda; received 'tpu'"):
        _check(kit_cache, device="tpu")
