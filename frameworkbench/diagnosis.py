"""What works on this machine: the questions behind ``frameworkbench doctor``."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from . import environments
from .device.choice import count_by_driver, visible_card
from .device.nvml import open_nvml
from .errors import EnvironmentProblem, UsageError
from .registry import AdapterInfo, load_adapters
from .run.fingerprints import available_cores, machine
from .run.plan import COMPILERS
from .run.prepare import environment_spec
from .units import format_bytes

_GLYPHS = {"ok": "ok", "note": "note", "problem": "PROBLEM"}
_FREE_BYTES = 8 * 1024**3  # five CPU environments take about 4 GB, prepared data and caches the rest


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: ``state`` is "ok", "note" (limits what can be done) or "problem" (stops it)."""

    state: str
    what: str
    found: str
    advice: str = ""

    @property
    def glyph(self) -> str:
        """The state as a short text."""
        return _GLYPHS[self.state]

    def to_json(self) -> dict[str, Any]:
        """Plain data for scripts."""
        return asdict(self)


def diagnose(adapter_paths: Sequence[Path], cache_dir: Path, device: str) -> list[Finding]:
    """Look at the machine, the tools and every adapter's environment; changes nothing."""
    findings = [_platform(), _cores(), _load(), _disk(cache_dir), _uv(), _compiler()]
    findings += [_card()] if device == "cuda" else []
    adapters = load_adapters(adapter_paths).values()
    return findings + [_adapter(info, cache_dir, device) for info in adapters]


def _platform() -> Finding:
    name = machine()["os"]
    if platform.system() == "Linux":
        return Finding("ok", "platform", name)
    return Finding("note", "platform", name, "rows from here are labelled; ranked results are for Linux")


def _cores() -> Finding:
    return Finding("ok", "cores", f"{len(available_cores())} usable: {machine()['cpu_model']}")


def _load() -> Finding:
    load = os.getloadavg()[0]
    if load <= 0.25 * len(available_cores()):
        return Finding("ok", "load", f"{load:.2f}")
    return Finding("note", "load", f"{load:.2f}", "other programs are busy: timings will be noisy")


def _disk(cache_dir: Path) -> Finding:
    folder = next(parent for parent in (cache_dir, *cache_dir.parents) if parent.exists())
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        return Finding("problem", "cache", f"{cache_dir}: not writable", "choose another with --cache-dir")
    if free < _FREE_BYTES:
        return Finding("note", "cache", f"{format_bytes(free)} free", "five environments need about 8 GiB")
    return Finding("ok", "cache", f"{cache_dir}: {format_bytes(free)} free")


def _uv() -> Finding:
    try:
        import uv

        return Finding("ok", "uv", uv.find_uv_bin())
    except (ImportError, FileNotFoundError):
        return Finding("note", "uv", "not installed", "pip install uv, or name interpreters with --python adapter=PATH")


def _compiler() -> Finding:
    found = next((path for path in map(shutil.which, COMPILERS) if path), None)
    if found:
        return Finding("ok", "C++ compiler", found)
    return Finding("note", "C++ compiler", "none", "modes that need one are unsupported/NO_COMPILER; install g++")


def _card() -> Finding:
    nvml, missing = open_nvml()
    if nvml is None and count_by_driver():
        advice = "what NVML tells is not measured: pip install nvidia-ml-py"
        return Finding("note", "card", f"the driver finds one, but {missing}", advice)
    if nvml is None or nvml.count == 0:
        return Finding("problem", "card", missing or "NVML finds none", "use --device cpu")
    try:
        card = nvml.identity(visible_card(os.environ, nvml))
    except UsageError as problem:
        return Finding("problem", "card", str(problem), "correct CUDA_VISIBLE_DEVICES")
    finally:
        nvml.close()
    return Finding("ok", "card", f"{card['name']}, driver {card['driver']}")


def _adapter(info: AdapterInfo, cache_dir: Path, device: str) -> Finding:
    if info.interpreter == "core":
        return Finding("ok", info.name, f"runs in this Python ({platform.python_version()})")
    try:
        found = environments.find(environment_spec(info, device), cache_dir=cache_dir)
    except EnvironmentProblem as problem:
        return Finding("note", info.name, f"{problem.code}: {problem}")
    if found is None:
        return Finding(
            "note", info.name, "no environment yet", f"made by `run`, or: frameworkbench env create {info.name}"
        )
    return Finding("ok", info.name, f"{info.distribution} {found.framework_version}, Python {found.python_version}")
