"""Datasets: real files with published checksums, and generated stand-ins for working offline.

Names are looked up on first use, because workers on old interpreters import `transform` from here and
nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from frameworkbench.data.model import DATASETS, DataSpec, FileStatus, PreparedDataset
    from frameworkbench.data.preparation import check, prepare
    from frameworkbench.data.transform import epoch_order, to_inputs

__all__ = [
    "DATASETS",
    "DataSpec",
    "FileStatus",
    "PreparedDataset",
    "check",
    "epoch_order",
    "prepare",
    "to_inputs",
]

_HOMES = {
    "DATASETS": "model",
    "DataSpec": "model",
    "FileStatus": "model",
    "PreparedDataset": "model",
    "check": "preparation",
    "epoch_order": "transform",
    "prepare": "preparation",
    "to_inputs": "transform",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
