"""A run in a process of its own, so that a test can kill it."""

from __future__ import annotations

import json
from pathlib import Path

from frameworkbench.run.engine import run
from frameworkbench.run.options import RunOptions
from frameworkbench.spec.protocol import Protocol


def main(request: str) -> None:
    """Do the run that the JSON describes."""
    table = json.loads(request)
    options = RunOptions(
        protocol=Protocol(**{**table["protocol"], "tasks": tuple(table["protocol"]["tasks"])}),
        out=Path(table["out"]),
        cache_dir=Path(table["cache_dir"]),
        workloads=tuple(table["workloads"]),
        adapters=tuple(table["adapters"]),
        adapter_paths=tuple(Path(path) for path in table["adapter_paths"]),
    )
    run(options, lambda event: None)
