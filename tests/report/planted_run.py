"""A run folder with planted numbers: what the report says about it is known beforehand."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from frameworkbench.store.atomic import write_json_atomic
from frameworkbench.store.records import RecordWriter

SECOND = 1_000_000_000


@dataclass
class PlantedRun:
    """Collects cells and writes their records; call ``plan`` last."""

    folder: Path
    delta: float = 0.03
    blocks: dict[str, int] = field(default_factory=lambda: {"main": 6, "other": 1})
    cells: list[dict[str, Any]] = field(default_factory=list)
    adapters: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.writer = RecordWriter(self.folder, "w1")
        self.random = random.Random(7)
        self.noise: dict[tuple[str, int], float] = {}

    def cell(self, adapter: str, mode: str = "usual", **changes: Any) -> str:
        """Add one planned cell and return its key."""
        options = {"main": True, "mode_class": "eager", "role": "entrant", **changes}
        main = options.pop("main")
        axes = {
            "task": "train",
            "workload": "small-net",
            "data": "synthetic",
            "adapter": adapter,
            "mode": mode,
            "lane": "matched",
            "device": "cpu",
            "precision": "float32",
            "threads": 2,
            "batch_size": 32,
            **options,
        }
        key = f"{len(self.cells):064x}"
        self.cells.append({"key": key, "main": main, "cell": axes})
        self.adapters.setdefault(
            adapter,
            {
                "title": adapter.capitalize(),
                "role": axes["role"],
                "distribution": adapter,
                "framework_version": "1.2.3",
                "python_version": "3.11.7",
                "interpreter_kind": "managed",
                "lock_sha256": "ab" * 32,
                "packages": {},
                "main_mode": mode,
                "homepage": "",
            },
        )
        return key

    def append(self, key: str | None, pass_: str | None, payload: dict[str, Any], **changes: Any) -> Path:
        """Write one record."""
        cell = next((found["cell"] for found in self.cells if found["key"] == key), None)
        record: dict[str, Any] = {
            "kind": "cell",
            "cell_key": key,
            "cell": cell,
            "pass": pass_,
            "block": 0,
            "attempt": 1,
            "seed": None,
            "status": "ok",
            "code": "",
            "reason": "",
            "started": "2026-11-21T01:00:00Z",
            "wall_s": 2.0,
            "payload": payload,
            "log": None,
            "log_end": "",
        }
        return self.writer.append({**record, **changes})

    def proof(self, key: str, *, passed: bool = True, accuracy: float | None = 0.912, **changes: Any) -> Path:
        """A proof record; a failed one has a gradient beyond its limit."""
        gradient = 2e-7 if passed else 3e-2
        checks = [
            check("logits", "logits", 1e-7, 2e-5, 0, True),
            check("gradient", "conv_2.kernel", gradient, 1e-4, 1, passed),
            check("trajectory", "loss", 3e-6, 1e-3, 10, True),
        ]
        wrong = {} if passed else {"status": "not_comparable", "code": "WRONG_RESULT"}
        reason = {} if passed else {"reason": "gradient of conv_2.kernel off by 3.0e-02 (limit 1.0e-04)"}
        payload = {
            "phases": {"import_s": 1.5, "build_s": 0.25, "first_step_s": 0.5},
            "cache": "cold",
            "parity": {"passed": passed, "checks": checks},
            "effective": {"version": "1.2.4", "mode": "usual", "device": "cpu", "precision": "float32", "threads": 2},
            "accuracy": None
            if accuracy is None
            else {"value": accuracy, "correct": round(accuracy * 1000), "total": 1000, "steps": 200},
        }
        return self.append(key, "proof", payload, seed=1, **{**wrong, **reason, **changes})

    def speed(
        self, key: str, rate: float, block: int, attempt: int = 1, extra: dict[str, Any] | None = None, **changes: Any
    ) -> Path:
        """A speed record of one process at so many samples per second, exactly."""
        steps = 100
        duration = round(steps * 32 / rate * SECOND)
        payload = {
            "phases": {"import_s": 1.0, "build_s": 0.25, "first_step_s": 0.25, "warmup_s": 0.5},
            "cache": "warm",
            "snapshot": check("weights", "dense_1.kernel", 1e-6, 1e-4, 3, True),
            "windows": [{"steps": steps, "start_ns": 5, "stop_ns": 5 + duration, "claimed_ns": duration, "cpu_s": 1.0}],
            "memory": {"peak_bytes": 300 * 2**20, "source": "speed process"},
            "effective": {},
            "load_average": 0.5,
        }
        return self.append(key, "speed", payload | (extra or {}), block=block, attempt=attempt, **changes)

    def weighing(self, key: str, peak: int = 400 * 2**20, leak: int = 0, **changes: Any) -> Path:
        """A record of the memory pass whose largest phase is the steady one."""
        sizes = {"import": 0.4, "build": 0.5, "stage": 0.6, "first_step": 0.8, "check": 0.85, "steady": 1.0}
        phases = {
            name: {
                "peak_bytes": round(part * peak),
                "own_peak_bytes": round(part * peak),
                "resident_bytes": round(part * peak * 0.9),
                "tree_pss_bytes": round(part * peak * 0.95),
                "own_pss_bytes": round(part * peak * 0.95),
                "children": 0,
                "readings": 30,
            }
            for name, part in sizes.items()
        }
        start = round(peak * 0.9)
        found = {
            "peak_bytes": peak,
            "source": "memory pass",
            "phases": phases,
            "reset": True,
            "readings": 180,
            "series": {"burst": 40, "resident_bytes": [start + leak * n for n in range(200)], "live_bytes": None},
            "cgroup": {"peak_bytes": 5 * 2**30, "counter": "memory.peak", "note": "counts page cache"},
            "device": None,
            "device_note": "not measured on cpu",
        }
        snapshot = check("weights", "dense_1.kernel", 1e-6, 1e-4, 3, True)
        payload = {"memory": found, "snapshot": snapshot, "effective": {}}
        return self.append(key, "memory", payload, **{"block": 1, **changes})

    def capacity(self, key: str, batch: int = 24_576, bound: str = "memory") -> Path:
        """A record of the capacity pass."""
        limits = {"steps": 20, "resolution": 1 / 16, "cap_bytes": 4 * 2**30, "address_space_bytes": None}
        found = {"batch": batch, "too_large": batch + 1024, "bound": bound, "trials": [], "limit_s": 300.0, **limits}
        return self.append(key, "capacity", {"capacity": found})

    def complete(self, block: int, keys: Sequence[str], attempt: int = 1) -> Path:
        """Sign off a block."""
        payload = {"block": block, "attempt": attempt, "cells": list(keys), "complete": True}
        return self.append(None, None, payload, kind="block", block=block, attempt=attempt)

    def timed(self, rates: dict[str, float], blocks: int = 6, spread: float = 0.004) -> None:
        """Complete blocks with a little noise per process, the same on every call."""
        for block in range(1, blocks + 1):
            for key, rate in rates.items():
                self.speed(key, rate * (1 + self.random.uniform(-spread, spread)), block)
            self.complete(block, list(rates))

    def full_training(self, key: str, finals: Sequence[float], target: float = 0.9) -> None:
        """One accuracy record per seed with three epochs of two seconds."""
        for seed, final in enumerate(finals, 1):
            epochs = [
                {"epoch": n, "train_s": 2.0, "loss": 1.0 / n, "accuracy": final - 0.05 * (3 - n), "total": 10_000}
                for n in (1, 2, 3)
            ]
            ending = {"accuracy": final, "correct": round(final * 10_000), "total": 10_000}
            payload = {"seed": seed, "epochs": epochs, "final": ending, "target": target}
            self.append(key, "accuracy", payload, seed=seed)

    def session(self) -> None:
        """The record of one session of 100 seconds, 20 of them harness."""
        parts = {"environment_s": 10.0, "import_s": 10.0, "build_s": 10.0, "steps_s": 50.0}
        extra = {"adapter_other_s": 5.0, "oracle_s": 8.0, "interrupted": False}
        self.append(None, None, {"wall_s": 100.0, **parts, **extra}, kind="run")

    def plan(self, **manifest: Any) -> Path:
        """Write manifest and plan, and return the run folder."""
        workloads = {cell["cell"]["workload"]: cell["cell"]["data"] for cell in self.cells}
        base = {
            "schema": 1,
            "run_id": "20261121-010000",
            "created": "2026-11-21T01:00:00Z",
            "frameworkbench_version": "0.1.0",
            "code_sha256": "cd" * 32,
            "suite": "standard",
            "protocol": {"delta": self.delta, "blocks": self.blocks["main"]},
            "protocol_sha256": "ef" * 32,
            "command": ["frameworkbench", "run", "--suite", "standard", "--out", "my results"],
            "seed": 1,
            "machine": {
                "hostname_sha256": "00" * 32,
                "os": "Some Linux 12",
                "kernel": "6.18",
                "cpu_model": "Example CPU @ 2.80GHz",
                "cores": 2,
                "memory_bytes": 8 * 2**30,
                "python": "3.11.7",
                "gpu": [],
            },
            "lane": "matched",
            "threads": 2,
            "data": {
                name: {"dataset": name, "kind": kind, "fingerprint": "12" * 32, "train_size": 60_000, "test_size": 1000}
                for name, kind in workloads.items()
            },
            "adapters": self.adapters,
        }
        write_json_atomic(self.folder / "manifest.json", {**base, **manifest})
        plan = {"created": "2026-11-21T01:00:00Z", "cells": self.cells, "blocks": self.blocks}
        budget = {"seconds": None, "note": ""}
        write_json_atomic(self.folder / "plans" / "0001.json", {"schema": 1, **plan, "budget": budget})
        return self.folder


def check(name: str, tensor: str, error: Any, tolerance: float, step: int, passed: bool) -> dict[str, Any]:
    """One parity check."""
    return {"check": name, "step": step, "tensor": tensor, "error": error, "tolerance": tolerance, "passed": passed}


def example(folder: Path) -> Path:
    """A full example: a winner, a tie, a compiled mode, the oracle, a wrong result, a crash and an unsupported row."""
    planted = PlantedRun(folder)
    fast, twin, slow = planted.cell("alpha"), planted.cell("beta"), planted.cell("gamma", mode_class="graph")
    compiled = planted.cell("alpha", "fused", main=False, mode_class="compiled")
    oracle = planted.cell("oracle", role="oracle")
    wrong, crashed, absent = planted.cell("delta"), planted.cell("epsilon"), planted.cell("zeta")
    for key in (fast, twin, slow, compiled, oracle):
        planted.proof(key, accuracy=None if key == compiled else 0.912)
    planted.proof(wrong, passed=False)
    crash = {"status": "failed", "code": "CRASHED", "reason": "killed by signal 11"}
    planted.append(crashed, "proof", {}, log_end="step 3\nSegmentation fault", **crash)
    missing = {"status": "unsupported", "code": "NO_LAYER", "reason": "zeta has no layer 'lstm'"}
    planted.append(absent, "environment", {}, **missing)
    planted.timed({fast: 12_400.0, twin: 12_420.0, slow: 8_000.0, oracle: 900.0, compiled: 15_000.0})
    planted.full_training(fast, (0.951, 0.955, 0.948))
    planted.weighing(fast)
    planted.weighing(slow, leak=100_000, code="LEAK_MEM", reason="resident memory grows")
    planted.capacity(fast)
    lstm = {"workload": "text-lstm", "data": "real"}
    one, two, far = planted.cell("alpha", **lstm), planted.cell("beta", **lstm), planted.cell("gamma", **lstm)
    for key in (one, two, far):
        planted.proof(key)
    planted.timed({one: 512.0, two: 231.0, far: 12.0}, spread=0.03)
    planted.speed(one, 500.0, 7)
    planted.session()
    return planted.plan()
