"""Reads an adapter's locked requirements and compares them with what is installed.

The lock is the claim, the installed metadata is the fact. Both are read here without asking the
installer, so that the comparison does not rest on the tool that it checks.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from frameworkbench.environments.model import ENVIRONMENT_FAILED, ENVIRONMENT_MISSING, EnvironmentSpec
from frameworkbench.environments.versions import normal_name, public
from frameworkbench.errors import EnvironmentProblem

_PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;]+)\s*(;.*)?")


@dataclass(frozen=True, slots=True)
class Pin:
    """One locked distribution; ``conditional`` when a marker decides whether it is installed."""

    name: str
    version: str
    conditional: bool


@dataclass(frozen=True, slots=True)
class Lock:
    """A lock's pins by normalised name (several when markers choose) and the hash of its bytes."""

    pins: Mapping[str, tuple[Pin, ...]]
    sha256: str


def read_lock(spec: EnvironmentSpec) -> Lock:
    """Read and check the lock that a spec names.

    Args:
        spec: the wanted environment.

    Returns:
        Its pins and hash.

    Raises:
        EnvironmentProblem: ENVIRONMENT_MISSING without such a file; ENVIRONMENT_FAILED if a line is
            no pin.
    """
    try:
        content = spec.lock.read_bytes()
    except OSError as error:
        message = (
            f"{spec.adapter}: there is no locked {spec.variant} environment; expected the file {spec.lock}, "
            f"received {error.strerror}; use another variant, add the lock, or name an interpreter of your own"
        )
        raise EnvironmentProblem(ENVIRONMENT_MISSING, message) from error
    pins: dict[str, tuple[Pin, ...]] = {}
    for line in _requirement_lines(content.decode()):
        match = _PIN.fullmatch(line)
        if not match:
            message = f"{spec.lock}: expected lines 'name==version', received {line!r}; make the lock again"
            raise EnvironmentProblem(ENVIRONMENT_FAILED, message)
        name = normal_name(match.group(1))
        pins[name] = (*pins.get(name, ()), Pin(name, match.group(2), match.group(3) is not None))
    return Lock(pins, hashlib.sha256(content).hexdigest())


def differences(lock: Lock, packages: Mapping[str, str], *, complete: bool) -> list[str]:
    """Say how the installed packages differ from the lock.

    Args:
        lock: what was promised.
        packages: version of every installed distribution by normalised name.
        complete: whether anything beyond the lock is a difference too; true for environments that
            nobody but the harness fills.

    Returns:
        One sentence fragment per difference, sorted by name; empty when there is none.
    """
    found = []
    for name, pins in sorted(lock.pins.items()):
        versions = " or ".join(pin.version for pin in pins)
        installed = packages.get(name)
        if installed is None:
            if not all(pin.conditional for pin in pins):
                found.append(f"{name}: the lock says {versions}, not installed")
        elif public(installed) not in {public(pin.version) for pin in pins}:
            found.append(f"{name}: the lock says {versions}, installed is {installed}")
    if complete:
        extra = sorted(set(packages) - set(lock.pins))
        found += [f"{name}: not in the lock, installed is {packages[name]}" for name in extra]
    return found


def _requirement_lines(text: str) -> list[str]:
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*", "", line) for line in joined.splitlines())
    bare = (re.sub(r"\s--hash=\S+", "", line).strip() for line in lines)
    return [line for line in bare if line]
