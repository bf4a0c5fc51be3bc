"""Finds a Python that fits an adapter's range, or lets uv fetch one.

The harness's own minor version comes first: the fewer the differences between two environments,
the less there is to explain. Otherwise the newest that fits.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from frameworkbench.environments.model import NO_INTERPRETER, EnvironmentSpec, Progress
from frameworkbench.environments.uv_process import run_uv
from frameworkbench.environments.versions import in_range, release
from frameworkbench.errors import EnvironmentProblem


@dataclass(frozen=True, slots=True)
class Python:
    """An interpreter to make an environment from."""

    path: Path
    version: str


def running_python() -> Python:
    """Describe the interpreter of this process."""
    return Python(Path(sys.executable), platform.python_version())


def fits(spec: EnvironmentSpec, version: str) -> bool:
    """Tell whether a version of Python is in the adapter's range.

    Raises:
        EnvironmentProblem: NO_INTERPRETER if the range itself cannot be read.
    """
    try:
        return in_range(version, spec.python)
    except ValueError as error:
        message = (
            f"{spec.adapter}: the range of Python versions {spec.python!r} in the adapter's description is wrong: "
            f"{error}; expected something like '>=3.11,<3.14'; correct the description"
        )
        raise EnvironmentProblem(NO_INTERPRETER, message) from error


def find_python(spec: EnvironmentSpec, *, environment: Mapping[str, str], folder: Path, progress: Progress) -> Python:
    """Choose the interpreter to make an environment from.

    Args:
        spec: the wanted environment.
        environment: environment variables for uv.
        folder: working directory for uv.
        progress: told when an interpreter has to be fetched.

    Returns:
        The running interpreter if it fits, else the newest installed one, else one that uv fetched.

    Raises:
        EnvironmentProblem: NO_INTERPRETER if none fits and none could be fetched.
    """
    running = running_python()
    if fits(spec, running.version):
        return running
    installed = _newest(spec, [*_listed_by_uv(environment, folder), *_kept_by_pyenv(environment)])
    if installed:
        return installed
    progress(f"{spec.adapter}: no installed Python is in {spec.python}; asking uv to fetch one…")
    fetched = run_uv(["python", "install", spec.python], environment=environment, folder=folder, progress=progress)
    found = _newest(spec, _listed_by_uv(environment, folder)) if fetched.status == 0 else None
    if found:
        return found
    message = (
        f"{spec.adapter}: expected a Python in the range {spec.python}; the running one is {running.version}, no "
        f"installed one fits, and fetching one failed; install such a Python (for example with 'uv python install') "
        f"or name an interpreter of your own. uv said: {fetched.tail}"
    )
    raise EnvironmentProblem(NO_INTERPRETER, message)


def _newest(spec: EnvironmentSpec, candidates: list[Python]) -> Python | None:
    suitable = [python for python in candidates if fits(spec, python.version)]
    return max(suitable, key=lambda python: release(python.version), default=None)


def _listed_by_uv(environment: Mapping[str, str], folder: Path) -> list[Python]:
    command = ["python", "list", "--only-installed", "--output-format", "json"]
    # Warnings about broken interpreters on PATH share the stream; the answer is the line with the list.
    lines = run_uv(command, environment=environment, folder=folder).output.splitlines()
    answer = next((line for line in lines if line.startswith("[{") and line.endswith("]")), "[]")
    return [
        Python(Path(entry["path"]), entry["version"])
        for entry in json.loads(answer)
        if entry["implementation"] == "cpython" and entry["variant"] == "default" and entry["path"]
    ]


def _kept_by_pyenv(environment: Mapping[str, str]) -> list[Python]:
    # pyenv keeps most of its interpreters off PATH, where uv does not look.
    root = environment.get("PYENV_ROOT")
    versions = (Path(root) if root else Path(environment.get("HOME", os.sep)) / ".pyenv") / "versions"
    executables = sorted(versions.glob("*/bin/python")) if versions.is_dir() else []
    return [
        Python(path, path.parts[-3])
        for path in executables
        if re.fullmatch(r"3\.\d+\.\d+", path.parts[-3]) and os.access(path, os.X_OK)
    ]
