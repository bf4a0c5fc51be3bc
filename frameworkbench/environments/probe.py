"""Asks an interpreter what it is, without importing any framework.

Importing one costs seconds and may start threads or take a GPU; the metadata of the installed
distributions says all that is needed to accept or refuse an interpreter.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from frameworkbench.environments.model import ENVIRONMENT_MISSING, Interpreter, Kind, fingerprint
from frameworkbench.environments.versions import normal_name, release
from frameworkbench.errors import EnvironmentProblem

OLDEST_WORKER = (3, 10)  # worker code is written for it
PROBE_TIMEOUT_S = 60.0

# Runs on any Python 3, so that an interpreter that is too old can say so itself.
_SCRIPT = """
import json, sys
sys.path = [p for p in sys.path if p]
facts = {"version": "%d.%d.%d" % tuple(sys.version_info[:3]), "packages": {}, "providers": []}
if sys.version_info >= (3, 10):
    from importlib import metadata
    for dist in metadata.distributions():
        if dist.metadata["Name"]:
            facts["packages"].setdefault(dist.metadata["Name"], dist.version)
    if sys.argv[2] and not any(n.lower().replace("_", "-") == sys.argv[1] for n in facts["packages"]):
        facts["providers"] = metadata.packages_distributions().get(sys.argv[2], [])
print()
print(json.dumps(facts))
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """What an interpreter said of itself: packages by normalised name, and who provides the module."""

    version: str
    packages: Mapping[str, str]
    providers: tuple[str, ...]

    def framework_version(self, distribution: str) -> str | None:
        """Give the framework's version, from its distribution or another that provides the module."""
        names = (normal_name(distribution), *self.providers)
        return next((self.packages[name] for name in names if name in self.packages), None)


def probe(adapter: str, path: Path, *, distribution: str, module: str, isolated: bool) -> Probe:
    """Start an interpreter once and read its metadata.

    Args:
        adapter: named in the messages.
        path: the interpreter.
        distribution: the framework's distribution.
        module: the framework's import name, to find a distribution of another name that provides it.
        isolated: whether to leave out the user's own site-packages, as a managed environment does.

    Returns:
        What was found.

    Raises:
        EnvironmentProblem: ENVIRONMENT_MISSING if it is no working interpreter.
    """
    flag = "-I" if isolated else "-E"
    command = [str(path), flag, "-c", _SCRIPT, normal_name(distribution), module]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PROBE_TIMEOUT_S, check=False
        )
        facts = json.loads(done.stdout.strip().splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise _unusable(adapter, path, str(error)) from error
    if not isinstance(facts, dict):
        raise _unusable(adapter, path, f"exit status {done.returncode}: {done.stderr.strip()[-500:]}")
    packages = {normal_name(name): version for name, version in facts["packages"].items()}
    return Probe(facts["version"], packages, tuple(normal_name(name) for name in facts["providers"]))


def describe(
    adapter: str, path: Path, found: Probe, *, kind: Kind, framework_version: str, lock_sha256: str | None
) -> Interpreter:
    """Turn a probe into the interpreter's description, not newly created."""
    mark = fingerprint(kind, found.version, found.packages, lock_sha256)
    return Interpreter(
        adapter, path, kind, found.version, framework_version, dict(found.packages), lock_sha256, 0.0, mark
    )


def use_external(adapter: str, path: Path, *, distribution: str, module: str) -> Interpreter:
    """Accept an interpreter that the user names: a container's, a conda environment's, a vendor's.

    Args:
        adapter: the adapter that will run on it.
        path: the interpreter's executable.
        distribution: the framework's distribution.
        module: the framework's import name; any distribution that provides it will do.

    Returns:
        Its description.

    Raises:
        EnvironmentProblem: ENVIRONMENT_MISSING if it is absent, too old, or lacks the framework or NumPy.
    """
    path = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 - resolve() would leave the environment
    if not path.is_file() or not os.access(path, os.X_OK):
        received = "a folder" if path.is_dir() else "a file that cannot be run" if path.exists() else "nothing"
        problem = f"expected the executable of a Python interpreter, received {received}"
        raise _missing(adapter, path, problem, "give the path of the 'python' inside the environment")
    found = probe(adapter, path, distribution=distribution, module=module, isolated=False)
    if release(found.version) < OLDEST_WORKER:
        problem = f"expected Python 3.10 or newer, received {found.version}"
        raise _missing(adapter, path, problem, "name a newer interpreter")
    framework_version = found.framework_version(distribution)
    if framework_version is None:
        problem = f"expected the distribution {distribution} or another that provides the module {module}, found none"
        raise _missing(adapter, path, problem, "install it there, or leave the interpreter to frameworkbench")
    if "numpy" not in found.packages:
        raise _missing(adapter, path, "expected numpy, which every worker needs, found none", "install it there")
    return describe(adapter, path, found, kind="external", framework_version=framework_version, lock_sha256=None)


def core(adapter: str) -> Interpreter:
    """Describe the interpreter that this very process runs on; the reference runs there.

    Args:
        adapter: the adapter's name.

    Returns:
        Its description; the framework's version is NumPy's.
    """
    packages: dict[str, str] = {}
    for dist in metadata.distributions():
        name = dist.metadata["Name"]
        if name:
            packages.setdefault(normal_name(name), dist.version)
    found = Probe(platform.python_version(), packages, ())
    version = found.framework_version("numpy") or "unknown"
    return describe(adapter, Path(sys.executable), found, kind="core", framework_version=version, lock_sha256=None)


def _unusable(adapter: str, path: Path, received: str) -> EnvironmentProblem:
    problem = f"expected a working Python interpreter, received: {received}"
    return _missing(adapter, path, problem, "try to run it by hand, or name another")


def _missing(adapter: str, path: Path, problem: str, next_step: str) -> EnvironmentProblem:
    return EnvironmentProblem(ENVIRONMENT_MISSING, f"{adapter}: {path}: {problem}; {next_step}")
