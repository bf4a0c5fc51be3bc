"""A run folder of any size for tests of scale: generated, nothing in it was measured.

usage: python benchmarks/many_cells.py --cells 10000 --out FOLDER

For each cell there are ten records (a proof and nine timed processes) with a hundred timed windows in all, shaped as a
real run's, in one chain whose hashes hold: ``frameworkbench verify`` finds nothing. The manifest names the suite
"generated", the machine "no machine", the data are synthetic and the frameworks are called made-a to made-e, so that
no report of it can be taken for a measurement.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from frameworkbench.store.atomic import canonical_json

ADAPTERS = ("made-a", "made-b", "made-c", "made-d", "made-e")
MODES = (("usual", "eager", True), ("fused", "compiled", False))
BLOCKS = 9
WINDOWS = 100
RECORDS = 1 + BLOCKS
"""Of one cell: the proof and one process in each block."""

_BATCHES = (16, 32, 64, 128, 256)
_THREADS = (1, 2, 4, 8)
_WRITER = "20260101T000000000000"
_STARTED = "2026-01-01T00:00:00.000+00:00"
_PROTOCOL = {"delta": 0.03, "main_blocks": BLOCKS, "windows": WINDOWS // BLOCKS, "accuracy_seeds": 0}
_STEPS = 20
_TENSORS = ("conv_1.kernel", "conv_1.bias", "conv_2.kernel", "conv_2.bias", "dense_1.kernel", "dense_1.bias")


class _Chain:
    """Writes records as ``RecordWriter`` does, byte for byte, but without waiting for the disk after each."""

    def __init__(self, run_dir: Path) -> None:
        self._folder = run_dir / "records" / _WRITER
        self._folder.mkdir(parents=True)
        self._previous: str | None = None
        self.written = 0

    def append(self, record: dict[str, Any]) -> None:
        """Write the next record."""
        self.written += 1
        chain = {"schema": 1, "writer": _WRITER, "sequence": self.written, "previous": self._previous}
        first = {"after": []} if self.written == 1 else {}
        bare = canonical_json({**record, **chain, **first})
        # "sha256" sorts right before "started"; one space of indentation is the record's own level.
        own = f'\n "sha256": "{hashlib.sha256(bare).hexdigest()}",\n "started": '.encode()
        content = bare.replace(b'\n "started": ', own, 1)
        self._previous = hashlib.sha256(content).hexdigest()
        descriptor = os.open(self._folder / f"{self.written:06d}.json", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.write(descriptor, content)
        os.close(descriptor)


def make(folder: Path, cells: int) -> dict[str, int]:
    """Write a run of so many cells into a new folder.

    Returns:
        How many ``cells``, ``records`` and ``samples`` (timed windows) it has.
    """
    planned = list(_cells(cells))
    signed = {
        "manifest.json": _write(folder / "manifest.json", _manifest(planned)),
        "plans/0001.json": _write(folder / "plans" / "0001.json", _plan(planned)),
    }
    chain = _Chain(folder)
    run = {"run_id": "generated", "protocol_sha256": _protocol_sha256()}
    chain.append(_record("note", {"about": "signed files", "signed": signed, **run}))
    chance = random.Random(0)
    rates = {cell["key"]: _rate(cell["cell"], chance) for cell in planned}
    for cell in planned:
        chain.append(_cell_record(cell, "proof", _proof(cell["cell"], chance), seed=1))
    samples = 0
    for block in range(1, BLOCKS + 1):
        windows = WINDOWS // BLOCKS + (WINDOWS % BLOCKS if block == 1 else 0)
        drift = 1 + 0.02 * math.sin(block)
        for cell in planned:
            rate = rates[cell["key"]] * drift * math.exp(chance.gauss(0, 0.012))
            chain.append(_cell_record(cell, "speed", _speed(cell["cell"], rate, windows, chance), block=block))
            samples += windows
        keys = [cell["key"] for cell in planned]
        payload = {"block": block, "attempt": 1, "cells": keys, "complete": True}
        chain.append(_record("block", payload, block=block))
    chain.append(_record("run", _books(chain.written + 1)))
    return {"cells": cells, "records": cells * RECORDS, "samples": samples}


def _cells(count: int) -> Iterator[dict[str, Any]]:
    """Ten rows to a group of equal conditions, twenty groups to a workload."""
    for index in range(count):
        group, row = divmod(index, len(ADAPTERS) * len(MODES))
        mode, mode_class, main = MODES[row % len(MODES)]
        axes = {
            "task": "train",
            "workload": f"net-{group // 20:04d}",
            "data": "synthetic",
            "adapter": ADAPTERS[row // len(MODES)],
            "role": "entrant",
            "mode": mode,
            "mode_class": mode_class,
            "lane": "matched",
            "device": "cpu",
            "precision": "float32",
            "threads": _THREADS[group // 5 % 4],
            "batch_size": _BATCHES[group % 5],
        }
        yield {"key": hashlib.sha256(str(index).encode()).hexdigest()[:24], "main": main, "cell": axes}


def _rate(axes: dict[str, Any], chance: random.Random) -> float:
    """Samples per second of one cell: some frameworks are faster, and by how much differs from group to group."""
    place = ADAPTERS.index(axes["adapter"])
    faster = 1.3 if axes["mode"] == "fused" else 1.0
    return 4000.0 * 0.97**place * faster * math.exp(chance.gauss(0, 0.02))


def _proof(axes: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    checks = [_check("gradient", tensor, chance.uniform(1e-7, 5e-6), 1e-4, 1) for tensor in _TENSORS]
    checks += [_check("trajectory", "loss", chance.uniform(1e-7, 5e-6), 1e-3, step) for step in range(1, 5)]
    checks += [_check("logits", "logits", chance.uniform(1e-7, 5e-6), 1e-4, 0)]
    return {
        "cache": "cold",
        "phases": {"import_s": 2.5, "build_s": 0.4, "first_step_s": 1.5 if axes["mode"] == "fused" else 0.2},
        "parity": {"passed": True, "checks": checks},
        "effective": _effective(axes),
        "accuracy": {"value": 0.9, "correct": 900, "total": 1000, "steps": 30},
    }


def _speed(axes: dict[str, Any], rate: float, count: int, chance: random.Random) -> dict[str, Any]:
    clock, windows = 5_000_000_000_000, []
    for number in range(count):
        duration = round(_STEPS * axes["batch_size"] / rate * 1e9 * math.exp(chance.gauss(0, 0.004)))
        windows.append(
            {
                "steps": _STEPS,
                "start_ns": clock,
                "stop_ns": clock + duration,
                "claimed_ns": duration - 200_000,
                "cpu_s": round(duration / 1e9 * axes["threads"] * 0.96, 9),
                "last_loss": 0.7 - 0.01 * number,
            }
        )
        clock += duration + 1_000_000
    return {
        "cache": "warm",
        "phases": {"import_s": 2.3, "build_s": 0.4, "first_step_s": 0.2, "warmup_s": 0.6},
        "snapshot": _check("snapshot", chance.choice(_TENSORS), chance.uniform(1e-6, 1e-4), 1e-3, 8),
        "windows": windows,
        "memory": {"peak_bytes": 700_000_000 + chance.randrange(50_000_000), "source": "speed process"},
        "effective": _effective(axes),
        "load_average": 1.5,
    }


def _effective(axes: dict[str, Any]) -> dict[str, Any]:
    observed = {"cores": list(range(axes["threads"])), "os_threads": axes["threads"] + 4, "python": "3.11.7"}
    same = {name: axes[name] for name in ("mode", "device", "precision", "threads")}
    return {"version": "1.0", **same, "observed": observed}


def _check(name: str, tensor: str, error: float, tolerance: float, step: int) -> dict[str, Any]:
    return {"check": name, "step": step, "tensor": tensor, "error": error, "tolerance": tolerance, "passed": True}


def _record(kind: str, payload: dict[str, Any], **changes: Any) -> dict[str, Any]:
    record = {
        "kind": kind,
        "cell_key": None,
        "cell": None,
        "pass": None,
        "block": 0,
        "attempt": 1,
        "seed": None,
        "status": "ok",
        "code": "",
        "reason": "",
        "started": _STARTED,
        "wall_s": 600.0,
        "payload": payload,
        "log": None,
        "log_end": "",
    }
    return {**record, **changes}


def _cell_record(cell: dict[str, Any], pass_: str, payload: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return _record("cell", payload, **{"cell_key": cell["key"], "cell": cell["cell"], "pass": pass_, **changes})


def _books(records: int) -> dict[str, Any]:
    times = dict.fromkeys(
        ("wall_s", "environment_s", "import_s", "build_s", "steps_s", "adapter_other_s", "oracle_s"), 1.0
    )
    return {**times, "complete": True, "interrupted": False, "noisy": False, "records": records, "units": 0}


def _plan(planned: list[dict[str, Any]]) -> dict[str, Any]:
    budget = {"seconds": None, "note": ""}
    blocks = {"main": BLOCKS, "other": BLOCKS}
    return {"schema": 1, "created": _STARTED, "cells": planned, "blocks": blocks, "aims": {}, "budget": budget}


def _manifest(planned: list[dict[str, Any]]) -> dict[str, Any]:
    workloads = sorted({cell["cell"]["workload"] for cell in planned})
    machine = {"cpu_model": "no machine: generated records, nothing was measured", "cores": 8, "memory_bytes": None}
    data = {"dataset": "generated", "kind": "synthetic", "fingerprint": "0" * 64, "train_size": 1000, "test_size": 1000}
    return {
        "schema": 1,
        "run_id": "generated",
        "created": _STARTED,
        "frameworkbench_version": "generated",
        "code_sha256": "0" * 64,
        "suite": "generated",
        "protocol": _PROTOCOL,
        "protocol_sha256": _protocol_sha256(),
        "command": ["python", "benchmarks/many_cells.py", "--cells", str(len(planned))],
        "seed": 0,
        "machine": machine,
        "lanes": ["matched"],
        "threads": 8,
        "data": dict.fromkeys(workloads, data),
        "workloads": {name: {"sha256": "0" * 64} for name in workloads},
        "adapters": {name: _adapter(name) for name in ADAPTERS},
    }


def _adapter(name: str) -> dict[str, Any]:
    return {
        "title": name.capitalize(),
        "role": "entrant",
        "distribution": name,
        "framework_version": "1.0",
        "python_version": "3.11.7",
        "interpreter_kind": "generated",
        "lock_sha256": "0" * 64,
        "packages": {},
        "main_mode": MODES[0][0],
        "homepage": "",
    }


def _protocol_sha256() -> str:
    return hashlib.sha256(json.dumps(_PROTOCOL, sort_keys=True).encode()).hexdigest()


def _write(path: Path, value: object) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = canonical_json(value)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def main() -> None:
    """Write one run and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    arguments = parser.parse_args()
    if arguments.out.exists():
        parser.error(f"--out: {arguments.out} exists; choose a new folder")
    started = time.perf_counter()
    found = make(arguments.out, arguments.cells)
    size = ", ".join(f"{count:,} {name}" for name, count in found.items())
    print(f"{arguments.out}: {size}, in {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    main()
