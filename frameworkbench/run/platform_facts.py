"""What else about this machine and this code can change a measurement: kept in the manifest, for whoever asks later.

Everything is read from files or by one short command; what cannot be read is None, never a guess.
"""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parent.parent.parent
_CPU = Path("/sys/devices/system/cpu")
_MEMINFO = Path("/proc/meminfo")
# What of a checkout takes part in measuring.
_PARTS = ("frameworkbench", "adapters", "workloads")


def platform_facts() -> dict[str, Any]:
    """C library, microcode, clock policy, sibling threads, memory nodes, swap and the kernel's mitigations."""
    libc, version = platform.libc_ver()
    return {
        "libc": f"{libc} {version}".strip() or None,
        "microcode": _field(Path("/proc/cpuinfo"), "microcode"),
        "governor": _text(_CPU / "cpu0" / "cpufreq" / "scaling_governor"),
        "boost": _text(_CPU / "cpufreq" / "boost"),
        "smt_active": _text(_CPU / "smt" / "active"),
        "numa_nodes": len(list(Path("/sys/devices/system/node").glob("node[0-9]*"))) or None,
        "swap": _field(_MEMINFO, "SwapTotal"),
        "mitigations": {path.name: _text(path) for path in sorted((_CPU / "vulnerabilities").glob("*"))},
    }


def memory_bytes(name: str, meminfo: Path = _MEMINFO) -> int | None:
    """One of the kernel's figures of memory ("MemTotal"), in bytes; None where it does not tell."""
    value = _field(meminfo, name)
    return int(value.split()[0]) * 1024 if value else None


def harness_commit() -> dict[str, Any] | None:
    """Commit of the checkout that measures, and whether its files differ from it; None for an installed package."""
    top = _git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != _ROOT:
        return None
    changes = _git("status", "--porcelain", "--", *_PARTS)
    return {"id": _git("rev-parse", "HEAD"), "dirty": None if changes is None else bool(changes)}


def _git(*args: str) -> str | None:
    try:
        answer = subprocess.run(["git", *args], cwd=_ROOT, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()


def _field(file: Path, name: str) -> str | None:
    """The first "name: value" of a file in /proc."""
    for line in (_text(file) or "").splitlines():
        key, separator, value = line.partition(":")
        if separator and key.strip() == name:
            return value.strip()
    return None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return None
