"""A cell: one combination of the axes, and the key that says when its result is still valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cell:
    """The requested axes of one measurement. What really held is read back and recorded apart."""

    task: str
    workload: str
    data: str
    adapter: str
    role: str
    mode: str
    mode_class: str
    lane: str
    device: str
    precision: str
    threads: int
    batch_size: int

    @property
    def row(self) -> str:
        """The name of the entrant in tables: adapter and mode."""
        return f"{self.adapter}:{self.mode}"

    @property
    def label(self) -> str:
        """Workload, task unless it is training, and entrant, for progress and messages."""
        task = "" if self.task == "train" else f" {self.task}"
        return f"{self.workload}{task} {self.row}"

    def to_json(self) -> dict[str, Any]:
        """Plain data for plans and records."""
        return asdict(self)


def cell_key(cell: Cell, inputs: Mapping[str, str]) -> str:
    """Hash of the axes and of everything that could change the result and is known before launch.

    Args:
        cell: the requested axes.
        inputs: fingerprints by name (dataset, workload file, adapter folder, interpreter, protocol, code, machine).
    """
    text = json.dumps({"cell": cell.to_json(), "inputs": dict(inputs)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
