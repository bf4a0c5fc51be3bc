"""Host memory and threads of this process, read from the kernel.

``VmHWM`` and not ``ru_maxrss``: the latter is inherited from a large parent (method M1).
"""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")


def peak_bytes() -> int | None:
    """Peak resident set of this process in bytes, or None where the kernel does not tell."""
    value = _field("VmHWM")
    return None if value is None else int(value.split()[0]) * 1024


def thread_count() -> int | None:
    """Threads alive in this process, or None where the kernel does not tell."""
    value = _field("Threads")
    return None if value is None else int(value)


def _field(name: str) -> str | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    return None
