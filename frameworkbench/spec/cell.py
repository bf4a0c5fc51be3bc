"""A cell: one combination of the axes, and the key that says when its result is still valid."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .lanes import MATCHED

TWIN = "twin"
"""Role of the A/A control: an entrant's main mode once more under another name, proved and timed, never ranked."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The requested axes of one measurement. What really held is read back and recorded apart.

    ``role`` is "entrant", "oracle" or "twin".
    """

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
        """The name of the entrant in tables: adapter and mode, and the lane unless it is matched."""
        return row_name(self.to_json())

    @property
    def label(self) -> str:
        """Workload, task unless it is training, and entrant, for progress and messages."""
        task = "" if self.task == "train" else f" {self.task}"
        return f"{self.workload}{task} {self.row}"

    def to_json(self) -> dict[str, Any]:
        """Plain data for plans and records."""
        return asdict(self)


def row_name(axes: Mapping[str, Any]) -> str:
    """The name of a row in tables, from the axes of its cell: adapter, mode, a lane that is not matched, and twin."""
    name = f"{axes.get('adapter')}:{axes.get('mode')}"
    lane = axes.get("lane", MATCHED)
    name += "" if lane == MATCHED else f" [{lane}]"
    return f"{name} (twin)" if axes.get("role") == TWIN else name


def cell_key(cell: Cell, inputs: Mapping[str, str]) -> str:
    """Hash of the axes and of everything that could change the result and is known before launch.

    Args:
        cell: the requested axes.
        inputs: fingerprints by name (dataset, workload file, adapter folder, interpreter, protocol, code, machine).
    """
    text = json.dumps({"cell": cell.to_json(), "inputs": dict(inputs)}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
