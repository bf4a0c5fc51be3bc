"""The operations a parent can ask of a worker, one method each.

The adapter only builds, steps, drains and exports. Batches, weights, clocks and counters are here, in the
harness's hands.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..adapter import Adapter, Array, Batch, Settings
from ..data.transform import to_inputs
from ..device.driver import Driver, NullDriver, open_driver
from ..errors import WorkerError
from ..spec.model import model_from_json
from ..spec.training import Loss, Optimizer
from . import contract, inference, memory
from .watched_steps import run_watched_steps

Reply = dict[str, Any]


class Session:
    """State of one worker process: one adapter, one dataset, the staged batches.

    Args:
        mark: tells the parent that a window starts or stops ("start", "stop"). The start returns once the parent has
            read its clock, so that its stamps always enclose the window.
    """

    def __init__(self, mark: Callable[[str], None]) -> None:
        self._mark = mark
        self._adapter: Adapter | None = None
        self._driver: Driver = NullDriver()
        self._inputs: Array | None = None
        self._labels: Array | None = None
        self._data: dict[str, Any] = {}
        self._host: list[Batch] = []
        self._staged: list[Any] = []
        self._cursor = 0

    def handle(self, op: str, args: dict[str, Any]) -> Reply:
        """Run one operation by name."""
        method = getattr(self, f"op_{op}", None)
        if method is None:
            raise WorkerError("BAD_REQUEST", f"unknown operation {op!r}")
        reply: Reply = method(**args)
        return reply

    @property
    def adapter(self) -> Adapter:
        """The adapter, once ``start`` has made it."""
        if self._adapter is None:
            raise WorkerError("BAD_REQUEST", "no adapter was started")
        return self._adapter

    def op_contract(self, adapter_file: str) -> Reply:
        """Import the framework and look at the adapter's class: that of the adapter if there is one already."""
        made = self._adapter
        return {"problems": contract.problems(type(made) if made else _load_module(Path(adapter_file)).ADAPTER)}

    def op_start(self, adapter_file: str, settings: dict[str, Any]) -> Reply:
        """Import the framework and apply the settings (the import phase)."""
        self._driver = open_driver(settings["device"])  # before any adapter code runs
        module = _load_module(Path(adapter_file))
        self._adapter = module.ADAPTER(Settings(**settings))
        return {}

    def op_data(self, inputs: str, labels: str, spec: dict[str, Any]) -> Reply:
        """Open the training split; the worker never sees the test split."""
        self._inputs = np.load(inputs, mmap_mode="r", allow_pickle=False)
        self._labels = np.load(labels, mmap_mode="r", allow_pickle=False)
        self._data = spec
        return {}

    def op_build(self, model: Reply, loss: Reply, optimizer: Reply, weights: str) -> Reply:
        """Construct the model from its spec and load the weights of an .npz file."""
        self.adapter.build(model_from_json(model), Loss(**loss), Optimizer(**optimizer), _read_weights(weights))
        self._drain()
        self._cursor = 0
        return {}

    def op_load(self, weights: str) -> Reply:
        """Replace the built model's weights by those of an .npz file and forget the optimizer's state."""
        self.adapter.load(_read_weights(weights))
        self._drain()
        self._cursor = 0
        return {}

    def op_stage(self, indices: str, keep: bool = True) -> Reply:
        """Gather batches by index, ``(steps, batch)``, and put them on the device.

        Where memory is measured the harness keeps no host copy of its own (``keep`` false); without one it cannot
        predict.
        """
        order = np.load(indices, allow_pickle=False)
        self._host = [self._batch(row) for row in order]
        self._staged = self.adapter.stage(self._host)
        self._cursor = 0
        if not self._staged:
            raise WorkerError("ADAPTER_ERROR", f"stage returned no batch for the {len(order)} it was given")
        if not keep:
            self._host = []
        return {"batches": len(self._staged)}

    def op_steps(self, count: int) -> Reply:
        """Run ordinary steps from where the last call stopped, then drain and read their losses."""
        adapter = self.adapter
        started = time.perf_counter_ns()
        handles = [adapter.step(self._next()) for _ in range(count)]
        self._drain()
        elapsed = time.perf_counter_ns() - started
        return {"losses": [float(adapter.loss(handle)) for handle in handles], "elapsed_ns": elapsed}

    def op_window(self, steps: int) -> Reply:
        """One timed window: drain, mark, run, drain, mark. The parent stamps both marks."""
        adapter = self.adapter
        batches = [self._next() for _ in range(steps)]
        self._drain()
        compiled = adapter.compilations()
        cpu = time.process_time()
        self._mark("start")
        started = time.perf_counter_ns()
        adapter.run(batches)
        self._drain()
        stopped = time.perf_counter_ns()
        self._mark("stop")
        return {
            "claimed_ns": stopped - started,
            "cpu_s": time.process_time() - cpu,
            "compiled": [compiled, adapter.compilations()],
        }

    def op_latencies(self, steps: int) -> Reply:
        """Ordinary steps, drained one by one; the time of each."""
        adapter, found = self.adapter, []
        self._drain()
        for _ in range(steps):
            batch = self._next()
            started = time.perf_counter_ns()
            adapter.step(batch)
            self._drain()
            found.append(time.perf_counter_ns() - started)
        return {"latencies_ns": found}

    def op_logits(self, inputs: str, path: str) -> Reply:
        """Logits of one host batch that is not staged, in the mode that is timed."""
        logits = np.asarray(self.adapter.predict(np.load(inputs, allow_pickle=False)))
        np.save(path, logits, allow_pickle=False)
        return {}

    def op_identity(self, module: str) -> Reply:
        """The file that a module was really imported from, and the interpreter that runs."""
        found = sys.modules.get(module)
        return {"file": getattr(found, "__file__", None), "python": sys.executable}

    def op_answer(self, count: int, path: str) -> Reply:
        """One timed window of queued requests on staged batches that these weights have not seen."""
        answers, reply = inference.queued(self.adapter, self._unseen(count), drain=self._drain, mark=self._mark)
        np.save(path, answers, allow_pickle=False)
        return reply

    def op_requests(self, count: int, path: str) -> Reply:
        """The same, one request after the other: each waits for its answer, and is timed by itself."""
        answers, reply = inference.one_by_one(self.adapter, self._unseen(count), drain=self._drain, mark=self._mark)
        np.save(path, answers, allow_pickle=False)
        return reply

    def op_predict(self, batch: int, path: str) -> Reply:
        """Logits of one staged batch in the mode that is timed."""
        logits = np.asarray(self.adapter.predict(self._host[batch][0]))
        np.save(path, logits, allow_pickle=False)
        return {}

    def op_export(self, path: str) -> Reply:
        """Write the current weights under canonical names."""
        weights = {name: np.asarray(value) for name, value in self.adapter.export().items()}
        np.savez(path, **weights)  # type: ignore[arg-type]
        return {}

    def op_epoch(self, indices: str, chunk: int) -> Reply:
        """Train over all rows of an index array; only stepping and draining is counted as training time."""
        order = np.load(indices, allow_pickle=False)
        adapter, train_ns, losses = self.adapter, 0, []
        for first in range(0, len(order), chunk):
            staged = adapter.stage([self._batch(row) for row in order[first : first + chunk]])
            self._drain()
            started = time.perf_counter_ns()
            handles = [adapter.step(batch) for batch in staged]
            self._drain()
            train_ns += time.perf_counter_ns() - started
            losses += [float(adapter.loss(handle)) for handle in handles]
        return {"train_ns": train_ns, "steps": len(order), "loss": float(np.mean(losses))}

    def op_end_helpers(self) -> Reply:
        """Let the adapter end what only building and compiling needed."""
        self.adapter.end_helpers()
        return {}

    def op_effective(self) -> Reply:
        """What really holds: the adapter's answer and the harness's own observations."""
        cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        observed: Reply = {"cores": cores, "os_threads": memory.thread_count(), "python": sys.version.split()[0]}
        observed["driver"] = self._driver.facts()
        return {"effective": self.adapter.effective(), "observed": observed}

    def op_memory(self) -> Reply:
        """Peak resident bytes of this process so far."""
        return {"peak_bytes": memory.peak_bytes()}

    def _drain(self) -> None:
        """The framework's drain, then the driver's; clocks are read after both."""
        self.adapter.drain()
        self._driver.drain()

    def op_memory_phase(self) -> Reply:
        """Memory of the phase that ends here: its peak, what stays, and what the framework's allocator says."""
        found = {"peak_bytes": memory.peak_bytes(), "resident_bytes": memory.resident_bytes()}
        return {**found, "device": self.adapter.device_memory(), "reset": memory.reset_peak()}

    def op_memory_steps(self, burst: int, steps: int, limit_s: float) -> Reply:
        """Many ordinary steps with a reading of the resident set after each (the leak gate)."""
        series = run_watched_steps(self.adapter, self._next, self._drain, burst=burst, steps=steps, limit_s=limit_s)
        return {"burst": series.burst, "resident_bytes": series.resident_bytes, "live_bytes": series.live_bytes}

    def _next(self) -> Any:
        batch = self._staged[self._cursor % len(self._staged)]
        self._cursor += 1
        return batch

    def _unseen(self, count: int) -> list[Any]:
        """The next staged batches; each once per weights, so that no answer can be known from an earlier request."""
        first, self._cursor = self._cursor, self._cursor + count
        if self._cursor > len(self._staged):
            raise WorkerError("BAD_REQUEST", f"asked for request {self._cursor} of {len(self._staged)} staged ones")
        return self._staged[first : self._cursor]

    def _batch(self, row: Array) -> Batch:
        if self._inputs is None or self._labels is None:
            raise WorkerError("BAD_REQUEST", "no data was opened")
        return to_inputs(self._inputs[row], **self._data), np.ascontiguousarray(self._labels[row])


def _read_weights(file: str) -> dict[str, Array]:
    with np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _load_module(file: Path) -> ModuleType:
    """Load an adapter by path, once, under a private name that cannot clash with a package.

    The folder counts as that package, so that an adapter may have further modules: ``from .layers import …``.
    """
    name = "_frameworkbench_adapter_" + hashlib.sha256(str(file).encode()).hexdigest()[:12]
    module = sys.modules.get(name) or _execute(name, file)
    if not hasattr(module, "ADAPTER"):
        raise WorkerError("ADAPTER_ERROR", f"{file} does not say which class is the adapter (ADAPTER = …)")
    return module


def _execute(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
    if spec is None or spec.loader is None:
        raise WorkerError("ADAPTER_ERROR", f"{file} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]  # half a module must not be found by the next call
        raise
    return module
