"""A device that needs no hardware: NumPy work on a queue of its own, as a GPU's is, honest or cheating by mode."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path


def _load(name: str):
    """A module beside this file, under a private name: adapter folders are never on the path."""
    file = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"_fakedevice_{name}", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


DEVICE = _load("device")


def ADAPTER(settings):
    """The adapter of a mode: honest ones are in device.py, one class for each cheat in cheats.py."""
    if settings.mode in DEVICE.MODES:
        return DEVICE.MODES[settings.mode](settings)
    return _load("cheats").CHEATS[settings.mode](settings)
