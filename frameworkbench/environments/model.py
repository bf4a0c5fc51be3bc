"""What an environment is: the wanted one, the used one, and the codes of what can go wrong.

Kept free of any behaviour, so that the registry and the records can name these types without
pulling in the code that creates environments.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ENVIRONMENT_MISSING = "ENVIRONMENT_MISSING"
ENVIRONMENT_FAILED = "ENVIRONMENT_FAILED"
ENVIRONMENT_MISMATCH = "ENVIRONMENT_MISMATCH"
NO_INTERPRETER = "NO_INTERPRETER"
NO_UV = "NO_UV"

Kind = Literal["managed", "external", "core"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class EnvironmentSpec:
    """The environment that an adapter asks for.

    Attributes:
        adapter: the adapter's name, the first part of a row's name.
        variant: ``cpu`` or ``cuda``.
        lock: the adapter's locked requirements for that variant.
        python: versions of Python that fit, as a PEP 440 range such as ``>=3.11,<3.14``.
        indexes: extra package indexes that an ordinary user needs for this variant.
        distribution: the distribution whose version is the framework's version.
        module: the framework's import name.
    """

    adapter: str
    variant: str
    lock: Path
    python: str
    indexes: tuple[str, ...]
    distribution: str
    module: str


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The interpreter that an adapter's workers really run on.

    Attributes:
        adapter: the adapter's name.
        path: the interpreter's executable; never resolved, because that would leave the environment.
        kind: made by the harness, named by the user, or the harness's own.
        python_version: such as ``3.11.7``.
        framework_version: version of the framework's distribution, local part included.
        packages: version of every installed distribution, by normalised name.
        lock_sha256: hash of the lock's bytes; ``None`` when there is no lock.
        created_s: seconds that creation took; 0.0 when an existing environment was reused.
        fingerprint: hash of everything above that does not depend on a path or on time.
    """

    adapter: str
    path: Path
    kind: Kind
    python_version: str
    framework_version: str
    packages: Mapping[str, str]
    lock_sha256: str | None
    created_s: float
    fingerprint: str


@dataclass(frozen=True, slots=True)
class EnvironmentEntry:
    """One managed environment on disk, as ``list_environments`` shows it.

    Attributes:
        path: its directory.
        adapter: the adapter's name.
        variant: ``cpu`` or ``cuda``.
        lock_hash: first twelve hexadecimal digits of the lock's hash.
        python: minor version, such as ``3.11``.
        size_bytes: sum of its files' sizes; files that share their disk blocks with uv's cache count in full.
        ready: whether its creation was completed.
    """

    path: Path
    adapter: str
    variant: str
    lock_hash: str
    python: str
    size_bytes: int
    ready: bool


def fingerprint(kind: Kind, python_version: str, packages: Mapping[str, str], lock_sha256: str | None) -> str:
    """Hash the facts that make two interpreters interchangeable.

    Paths and times are left out, so that the same environment on two machines has one fingerprint.

    Args:
        kind: how the interpreter came to be.
        python_version: its full version.
        packages: version of every installed distribution.
        lock_sha256: hash of the lock it was made from.

    Returns:
        A SHA-256 in hexadecimal.
    """
    facts = [kind, python_version, sorted(packages.items()), lock_sha256]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
