"""Is the framework that ran the one that is installed, and did a cold start start cold?

A folder on the path can shadow a framework, and a version is only a string. So the interpreter itself is asked,
in a process that no adapter has touched, where the module lies.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from .findings import Finding

_ASK = (
    "import importlib.util, json, sys; found = importlib.util.find_spec(sys.argv[1]); "
    "print(json.dumps(found.origin if found else None))"
)
# Lock files and empty databases that frameworks create on import; compiled kernels are larger.
_EMPTY_CACHE_BYTES = 64 * 1024


@lru_cache(maxsize=64)
def installed_file(interpreter: Path, module: str) -> str | None:
    """The file that this interpreter would import for a module; None when it cannot say."""
    try:
        answer = subprocess.run(
            [str(interpreter), "-c", _ASK, module],
            cwd="/", env={}, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        origin = json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return str(origin) if origin else None


def judge(observed: Mapping[str, Any], interpreter: Path, module: str) -> list[Finding]:
    """Compare the module that a worker imported with the one that is installed.

    Args:
        observed: ``file`` and ``python`` as the worker reports them.
        interpreter: the interpreter it was started with.
        module: the framework's import name.
    """
    wanted, found = installed_file(interpreter, module), observed.get("file")
    if wanted is None or found == wanted:
        return []
    reason = f"the worker imported {module} from another file than the one its interpreter has installed"
    return [Finding("identity", "IDENTITY", f"{reason} ({Path(str(found)).name} in {Path(str(found)).parent.name}/)")]


def judge_version(effective: Mapping[str, Any], installed: str) -> list[Finding]:
    """The version that the adapter reads from its framework against that of the installed distribution."""
    reported = str(effective.get("version", ""))
    if _public(reported) == _public(installed):
        return []
    reason = f"the framework says it is version {reported!r}; version {installed!r} is installed"
    return [Finding("identity", "IDENTITY", reason)]


def judge_cache(folder: Path) -> list[Finding]:
    """A compile cache that was emptied for a cold start must be empty before anything is built."""
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    size = sum(path.stat().st_size for path in files)
    if size <= _EMPTY_CACHE_BYTES:
        return []
    reason = f"the compile cache was emptied and holds {len(files)} files, {size} bytes, before anything was built"
    return [Finding("cold", "WARM_CACHE", reason)]


def _public(version: str) -> str:
    """A version without its local part: 2.13.0 of 2.13.0+cpu."""
    return version.split("+", 1)[0]
