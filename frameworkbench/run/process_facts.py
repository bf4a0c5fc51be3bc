"""What one worker process really ran with, kept in its record: variables as set, libraries as loaded.

The parent looks from outside, at what it hands over and at the kernel's map of the process, so that an adapter has
no say in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

# Inherited variables that can change what a worker computes or which compiler it finds.
_COMPUTING = ("LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "CXX", "CC")
_LIBRARY = re.compile(r"\.so(\.\d+)*$")
_PYTHONS_OWN = "/lib-dynload/"  # extension modules of the standard library: the interpreter's version says it all
# An ELF note of type 3 (NT_GNU_BUILD_ID) with a name of 4 bytes and 20 bytes of SHA-1.
_BUILD_ID = b"\x04\x00\x00\x00\x14\x00\x00\x00\x03\x00\x00\x00GNU\x00"
# Linkers put the notes right behind the headers.
_HEAD_BYTES = 8192


def recorded_environment(given: Mapping[str, str]) -> dict[str, str]:
    """A worker's variables as its record keeps them, so that a change between processes of a row can be named.

    Folders are private: the harness's own are left out, the user's are kept as a hash.

    Args:
        given: what the harness sets for this worker.
    """
    inherited = {name: os.environ[name] for name in _COMPUTING if name in os.environ}
    values = {name: _public(value) for name, value in inherited.items()}
    return values | {name: value for name, value in given.items() if "/" not in value}


def loaded_libraries(process: int) -> dict[str, str | None]:
    """Shared libraries that a process has mapped: file name → build id, or None for a file without one.

    This is what was linked, whatever a package's version says: cuDNN, BLAS, oneDNN. Where the kernel does not tell
    (another system, the process gone) the answer is empty.
    """
    try:
        lines = Path(f"/proc/{process}/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    paths = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    wanted = [path for path in sorted(paths) if _LIBRARY.search(path) and _PYTHONS_OWN not in path]
    return {Path(path).name: build_id(path) for path in wanted}


def libraries_sha256(libraries: Mapping[str, str | None]) -> str:
    """One hash for a set of libraries, for records that need not list them again."""
    return hashlib.sha256(json.dumps(dict(libraries), sort_keys=True).encode()).hexdigest()


@lru_cache(maxsize=4096)
def build_id(path: str) -> str | None:
    """The build id in an ELF file's notes, in hex; None where there is none or the file cannot be read.

    Source:
        ELF notes: gABI, "Note Section"; NT_GNU_BUILD_ID: GNU ld manual, option ``--build-id``.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return None
    start = head.find(_BUILD_ID)
    found = head[start + len(_BUILD_ID) : start + len(_BUILD_ID) + 20]
    return found.hex() if start >= 0 and len(found) == 20 else None


def _public(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}" if "/" in value else value
