"""Frameworks' environments for tests: the managed ones, made on first use, or interpreters that someone names.

``FRAMEWORKBENCH_TEST_PYTHON="name=/path/to/python,…"`` uses those instead (handy where nothing can be installed).
A framework that is missing fails its test; with ``FRAMEWORKBENCH_ALLOW_MISSING_FRAMEWORKS`` set it is skipped
with the reason.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench import environments
from frameworkbench.environments import Interpreter
from frameworkbench.errors import EnvironmentProblem
from frameworkbench.registry import load_adapters
from frameworkbench.run.engine import run
from frameworkbench.run.options import RunOptions
from frameworkbench.run.prepare import environment_spec
from frameworkbench.spec.protocol import SUITES
from frameworkbench.store.records import load_run
from frameworkbench.store.run import Run

Measure = Callable[..., Run]


@pytest.fixture(autouse=True)
def one_framework_at_a_time(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Files of tests run side by side, and two frameworks' thread pools on the same cores slow a step twentyfold.

    That once looked like steps that are slower where their result is checked (``DETECTION``).
    """
    with (tmp_path_factory.getbasetemp().parent / "frameworks.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def marks_of(row: str, *, slow: bool = False) -> list[pytest.MarkDecorator]:
    """The framework that an adapter or adapter:mode needs; and slow, if asked or if the adapter is optional.

    An optional adapter's environment is large, and no suite has it unasked.
    """
    name = row.partition(":")[0]
    return [pytest.mark.framework(name), *([pytest.mark.slow] if slow or load_adapters()[name].optional else [])]


def _named() -> dict[str, Path]:
    pairs = (pair.partition("=") for pair in os.environ.get("FRAMEWORKBENCH_TEST_PYTHON", "").split(",") if pair)
    return {name.strip(): Path(path) for name, _, path in pairs}


def _user_cache() -> Path:
    base = os.environ.get("FRAMEWORKBENCH_CACHE")
    return Path(base) if base else Path.home() / ".cache" / "frameworkbench"


@pytest.fixture(scope="session")
def interpreter_of() -> Callable[[str], Interpreter]:
    """Gives the interpreter of an adapter; asks or makes it once in a session."""
    known: dict[str, Interpreter | EnvironmentProblem] = {}

    def find(name: str) -> Interpreter | EnvironmentProblem:
        info = load_adapters()[name]
        try:
            if name in _named():
                path = _named()[name]
                return environments.use_external(name, path, distribution=info.distribution, module=info.module)
            spec = environment_spec(info, "cpu")
            return environments.ensure(spec, cache_dir=_user_cache(), progress=print)
        except EnvironmentProblem as problem:
            return problem

    def give(name: str) -> Interpreter:
        if name not in known:
            known[name] = find(name)
        found = known[name]
        if isinstance(found, Interpreter):
            return found
        text = f"{name}: {found.code}: {found}"
        if os.environ.get("FRAMEWORKBENCH_ALLOW_MISSING_FRAMEWORKS"):
            pytest.skip(text)
        pytest.fail(text, pytrace=False)

    return give


@pytest.fixture(scope="session")
def frameworks_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of data and reference answers for all framework tests, apart from the user's."""
    return tmp_path_factory.mktemp("frameworks-cache")


@pytest.fixture
def measure(tmp_path: Path, frameworks_cache: Path, interpreter_of: Callable[[str], Interpreter]) -> Measure:
    """Runs tiny workloads on adapters and reads the records back: measure(["jax:jit"], {"tiny": toml})."""

    def do(
        adapters: list[str], workloads: dict[str, str], *, lanes: tuple[str, ...] = ("matched",), **protocol: Any
    ) -> Run:
        files = []
        for name, text in workloads.items():
            file = tmp_path / f"{name}.toml"
            file.write_text(text, encoding="utf-8")
            files.append(str(file))
        smoke = replace(SUITES["smoke"], suite="test", entrants=True, window_s=0.01, window_limit_s=0.5)
        options = RunOptions(
            protocol=replace(smoke, **protocol),
            out=tmp_path / "run",
            cache_dir=frameworks_cache,
            workloads=tuple(files),
            adapters=tuple(adapters),
            # By path, also for managed environments: the run must not make another one in the tests' cache.
            interpreters={name: interpreter_of(name).path for name in {text.partition(":")[0] for text in adapters}},
            timeout_s=600.0,
            lanes=lanes,
        )
        result = run(options, lambda event: None)
        assert result.complete, result.open_text
        return load_run(options.out)

    return do
