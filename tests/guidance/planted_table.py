"""Guidance tables with planted figures: which row is best in what is known beforehand."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from frameworkbench.facts import Fact
from frameworkbench.guidance import guidance_table

DAY = date(2026, 11, 26)

# One comparison as report.json states it.
AXES = {
    "task": "train",
    "workload": "net",
    "data": "real",
    "device": "cpu",
    "lane": "matched",
    "precision": "float32",
    "threads": 2,
    "batch_size": 32,
}


@dataclass
class PlantedReport:
    """Collects rows of a report; ``table`` makes the guidance table of them."""

    cells: list[dict[str, Any]] = field(default_factory=list)
    codes: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, Fact]] = field(default_factory=dict)
    noisy: bool = False

    def row(self, adapter: str, mode: str = "usual", **changes: Any) -> dict[str, Any]:
        """Add one cell: speed with a relative half width, waits, memory; any key of a cell may be changed."""
        options: dict[str, Any] = {"speed": 100.0, "half": 0.02, "warm": 2.0, "cold": 3.0, "memory": 2**29, **changes}
        speed, half = options.pop("speed"), options.pop("half")
        waits = options.pop("warm"), options.pop("cold")
        memory, latency = options.pop("memory"), options.pop("latency", None)
        interval = {"low": None, "high": None} if half is None else _interval(speed, half)
        cell = {
            **AXES,
            "adapter": adapter,
            "mode": mode,
            "mode_class": "eager",
            "role": "entrant",
            "title": adapter.capitalize(),
            "label": f"{adapter}:{mode}",
            "main": True,
            "status": "ok",
            "code": "",
            "reason": "",
            "throughput_samples_per_s": {"mean": speed, **interval, "processes": 10},
            "latency": None if latency is None else {"p99_s": {"mean": latency, **_interval(latency, 0.02)}},
            "time_to_first_step_s": waits[1],
            "time_to_first_step_warm_s": waits[0],
            "peak_memory_bytes": memory,
            "memory": {"processes": 10},
            "accuracy": None,
            "blocks": {"counted": 10},
            **options,
        }
        axes = "-".join(str(cell[axis]) for axis in AXES)
        cell.setdefault("key", f"{axes}-{adapter}-{mode}")
        self.cells.append(cell)
        return cell

    def fact(self, adapter: str, checked: date = DAY, **stated: str | tuple[str, ...]) -> None:
        """State facts about an adapter, all checked on one day."""
        mine = self.facts.setdefault(adapter, {})
        mine |= {key: Fact(key, value, "https://example.org/fact", checked) for key, value in stated.items()}

    def report(self) -> dict[str, Any]:
        """The content of ``report.json`` as far as guidance reads it."""
        groups = {tuple(cell[axis] for axis in AXES): cell for cell in self.cells}
        comparisons = [
            {**dict(zip(AXES, axes, strict=True)), "delta": 0.03, "code": self.codes.get(cell["workload"], "")}
            for axes, cell in groups.items()
        ]
        run = {"run_id": "20261126-010000", "created": "2026-11-26T01:00:00Z"}
        return {
            "schema": 1,
            "run": run,
            "noise": {"noisy": self.noisy},
            "cells": self.cells,
            "comparisons": comparisons,
        }

    def table(self, **changes: Any) -> dict[str, Any]:
        """The guidance table; families: net is dense, pictures a convolution, words recurrent."""
        families = {"net": "dense", "pictures": "convolution", "words": "recurrent"}
        return guidance_table(self.report(), self.facts, **{"families": families, "lines": {}, **changes})


def _interval(mean: float, half: float) -> Mapping[str, float]:
    return {"low": mean * math.exp(-half), "high": mean * math.exp(half)}


def firm() -> PlantedReport:
    """Alpha is twice as fast as the next, with less memory and shorter waits than any: nothing speaks for another."""
    planted = PlantedReport()
    planted.row("alpha", speed=200.0, warm=1.0, cold=1.5, memory=2**28)
    planted.row("beta", speed=100.0)
    planted.row("gamma", speed=90.0, warm=4.0)
    return planted


def traded() -> PlantedReport:
    """Alpha is fast and large, beta slow and small; gamma is worse than beta in everything."""
    planted = PlantedReport()
    planted.row("alpha", speed=200.0, memory=2**30, warm=2.0, cold=2.0)
    planted.row("beta", speed=100.0, memory=2**29, warm=2.0, cold=2.0)
    planted.row("gamma", speed=50.0, memory=2**30, warm=8.0, cold=8.0)
    return planted
