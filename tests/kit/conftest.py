"""Checks of fake adapters in this process: results by the name of the check."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from frameworkbench.kit.checking import check_adapter
from frameworkbench.kit.result import Result
from frameworkbench.registry import find_adapter

FAKES = Path(__file__).parent.parent / "fakes"

Check = Callable[..., dict[str, Result]]


def silent(_: object) -> None:
    """Receives news and drops it."""


@pytest.fixture(scope="session")
def kit_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session, so that stand-in data is generated once."""
    return tmp_path_factory.mktemp("kit-cache")


@pytest.fixture
def check(kit_cache: Path) -> Check:
    """Checks an adapter by folder or name: check("reference", only=["layers"])."""

    def run(adapter: Path | str, *, mode: str | None = None, only: tuple[str, ...] = ()) -> dict[str, Result]:
        info = find_adapter(str(adapter))
        results = check_adapter(info, cache_dir=kit_cache, emit=silent, tell=silent, mode=mode, only=only)
        assert len({result.check for result in results}) == len(results)
        return {result.check: result for result in results}

    return run


def failures(results: dict[str, Result]) -> dict[str, Result]:
    """Those that failed, in order."""
    return {name: result for name, result in results.items() if result.state == "fail"}


def problems(results: dict[str, Result]) -> str:
    """Everything that failed, for the message of an assertion."""
    return "\n".join(f"{name}: {result.found} → {result.next_step}" for name, result in failures(results).items())
