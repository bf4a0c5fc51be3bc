"""What one worker process was: varied where users cannot hold anything fixed, and looked at from outside.

Where a process lands in memory, how long its environment and working folder are and how its hashes are seeded can
shift a measurement by per cents. Nobody can hold these fixed, so each process draws its own; what was drawn is kept.

Source: Mytkowicz, Diwan, Hauswirth and Sweeney 2009, "Producing wrong data without doing anything obviously wrong",
ASPLOS (environment size); Kalibera and Jones 2013 (randomise what cannot be controlled).
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MOST_PADDING = 4096  # bytes of environment: one page, so that the stack starts anywhere within it
_MOST_SUFFIX = 48  # letters of the working folder's name
_HASH_SEEDS = 2**32 - 1
_PADDING = "PADDING"


@dataclass(frozen=True, slots=True)
class Variation:
    """What was drawn for one process."""

    hash_seed: int
    padding_bytes: int
    folder_suffix: int

    @property
    def environment(self) -> dict[str, str]:
        """Variables that carry it out."""
        return {"PYTHONHASHSEED": str(self.hash_seed), _PADDING: "x" * self.padding_bytes}

    def to_json(self) -> dict[str, int]:
        """Plain data for the record."""
        return {
            "hash_seed": self.hash_seed,
            "padding_bytes": self.padding_bytes,
            "folder_suffix": self.folder_suffix,
        }


def draw(chooser: random.Random) -> Variation:
    """A variation that no adapter can foresee."""
    return Variation(
        hash_seed=chooser.randrange(_HASH_SEEDS),
        padding_bytes=chooser.randrange(_MOST_PADDING),
        folder_suffix=chooser.randrange(1, _MOST_SUFFIX),
    )


@dataclass(frozen=True, slots=True)
class Sight:
    """A process as the kernel showed it shortly before its end.

    Attributes:
        environment: variables it was started with, but for those it inherited; values that are paths are hidden.
        libraries: names of the shared libraries it had mapped.
    """

    environment: dict[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()

    @property
    def libraries_sha256(self) -> str:
        """Hash of the library names; also the name of the file that lists them."""
        return hashlib.sha256(json.dumps(self.libraries).encode()).hexdigest()


def look(pid: int, inherited: Collection[str], *, proc: Path = Path("/proc")) -> Sight:
    """Look at a process from outside; empty where the kernel shows nothing."""
    folder = proc / str(pid)
    return Sight(_environment(folder / "environ", inherited), _libraries(folder / "maps"))


def facts(sight: Sight, variation: Variation, **more: Any) -> dict[str, Any]:
    """What a record says about its process.

    Args:
        sight: the process as it was seen.
        variation: what was drawn for it.
        more: what its launcher knows: pid, stamps, interpreter.
    """
    return {
        **more,
        "environment": sight.environment,
        "libraries": sight.libraries_sha256 if sight.libraries else None,
        "varied": variation.to_json(),
    }


def _environment(file: Path, inherited: Collection[str]) -> dict[str, str]:
    found = {}
    for entry in _read(file).split("\0"):
        name, separator, value = entry.partition("=")
        if separator and name not in inherited and name != _PADDING:
            found[name] = "PATH" if "/" in value else value
    return dict(sorted(found.items()))


def _libraries(file: Path) -> tuple[str, ...]:
    """Names of mapped files that are shared libraries, the interpreter's own extension modules left out."""
    names = set()
    for line in _read(file).splitlines():
        path = Path(line[line.index("/") :]) if "/" in line else None
        if path is not None and ".so" in path.suffixes and "lib-dynload" not in path.parts:
            names.add(path.name)
    return tuple(sorted(names))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
