"""What a result depends on, as hashes: the adapter's folder, the measuring code, the machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..written_files import read_toml
from .platform_facts import memory_bytes

_PACKAGE = Path(__file__).resolve().parent.parent

# A change here can change a measurement; a change in reports, guidance or the command line cannot.
_FOLDERS = ("worker", "device", "reference", "spec", "data", "run")
_MEASURING = ("adapter.py", "errors.py", *_FOLDERS, "analysis/parity.py", "analysis/steady.py")


def folder_sha256(folder: Path) -> str:
    """Hash over names and contents of an adapter's own files; lock files count separately.

    Of ``adapter.toml`` counts what it declares to the harness. Its ``[facts]``, comments and layout do not: whoever
    corrects the address of a source has not changed what is measured.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts and path.suffix in {".py", ".toml"}:
            digest.update(f"{path.relative_to(folder)}\0".encode())
            declared = path == folder / "adapter.toml"
            digest.update((_declaration(path) if declared else path.read_bytes()) + b"\0")
    return digest.hexdigest()


def _declaration(file: Path) -> bytes:
    """What an ``adapter.toml`` declares beside its facts, in one form; order counts, it decides on the second mode."""
    table = read_toml(file)
    table.pop("facts", None)
    return json.dumps(table, default=str).encode()


@lru_cache(maxsize=1)
def code_sha256() -> str:
    """Hash of the code that takes part in measuring."""
    digest = hashlib.sha256()
    for part in _MEASURING:
        path = _PACKAGE / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(_PACKAGE)}\0".encode())
            digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()


def machine() -> dict[str, Any]:
    """Facts about this machine that a reader needs; the host's name only as a hash."""
    return {
        "hostname_sha256": hashlib.sha256(platform.node().encode()).hexdigest(),
        "os": _os_name(),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "cpu_model": _cpu_model(),
        "cores": len(available_cores()),
        "memory_bytes": memory_bytes("MemTotal"),
        "python": platform.python_version(),
        "gpu": _gpus(),
        "ranked_platform": platform.system() == "Linux",
    }


def machine_sha256(facts: dict[str, Any]) -> str:
    """Identity of the machine as far as results depend on it."""
    parts = [str(facts[name]) for name in ("hostname_sha256", "cpu_model", "cores", "kernel", "gpu")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def available_cores() -> list[int]:
    """CPU numbers this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _os_name() -> str:
    release = Path("/etc/os-release")
    if release.exists():
        for line in release.read_text(encoding="utf-8").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.split("=", 1)[1].strip('"')
    return f"{platform.system()} {platform.release()}"


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _gpus() -> list[str]:
    """Names of NVIDIA cards by the driver's own tool; empty where there is none."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in answer.stdout.splitlines() if line.strip()]
