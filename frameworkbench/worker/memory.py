"""Host memory and threads of this process, read from the kernel.

``VmHWM`` and not ``ru_maxrss``: the latter is inherited from a large parent and cannot be set back (method M1).
``VmHWM`` can: writing 5 to ``clear_refs`` puts it back to what is resident now, so that each phase has a peak
of its own (method M2; man proc_pid_clear_refs(5), Linux 4.0 and newer).
"""

from __future__ import annotations

from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR_REFS = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


def peak_bytes() -> int | None:
    """Peak resident set of this process in bytes since its start or the last reset, or None if the kernel is silent."""
    return _bytes("VmHWM")


def resident_bytes() -> int | None:
    """What is resident now, in bytes, or None where the kernel does not tell."""
    return _bytes("VmRSS")


def reset_peak() -> bool:
    """Set the peak back to what is resident now; False where that is not permitted (the peak then goes on)."""
    try:
        _CLEAR_REFS.write_text(_RESET_PEAK, encoding="ascii")
    except OSError:
        return False
    return True


def thread_count() -> int | None:
    """Threads alive in this process, or None where the kernel does not tell."""
    value = _field("Threads")
    return None if value is None else int(value)


def _bytes(name: str) -> int | None:
    value = _field(name)
    return None if value is None else int(value.split()[0]) * 1024


def _field(name: str) -> str | None:
    if not _STATUS.exists():
        return None
    for line in _STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1].strip()
    return None
