"""The control group's own peak of memory: a cross-check of the memory pass, never the figure itself.

It counts page cache and whoever else is in the group, and it goes back to the group's making; so it can only be too
large. In both versions of the interface it is read, never reset.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

_PROC = Path("/proc")
_MOUNT = Path("/sys/fs/cgroup")
NOTE = "counts page cache and every process of the group since the group was made"


def cgroup_peak(pid: int, *, proc: Path = _PROC, mount: Path = _MOUNT) -> dict[str, Any] | None:
    """Peak bytes of the memory control group of a process, with the counter's name; None where it cannot be read.

    Source:
        Linux Documentation/admin-guide/cgroup-v2.rst (``memory.peak``) and cgroup-v1/memory.rst
        (``memory.max_usage_in_bytes``).
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for file in _candidates(controllers, path.strip("/"), mount):
            value = _number(file)
            if value is not None:
                return {"peak_bytes": value, "counter": file.name, "note": NOTE}
    return None


def _candidates(controllers: str, path: str, mount: Path) -> list[Path]:
    if not controllers:  # version 2; in a container the group may be mounted as the root
        return [mount / path / "memory.peak", mount / "memory.peak"]
    if "memory" in controllers.split(","):
        name = "memory.max_usage_in_bytes"
        return [mount / "memory" / path / name, mount / "memory" / name]
    return []


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
