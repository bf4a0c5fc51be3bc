"""One session of a run: executes units of work and turns each into a record.

A session may be the first or a resumed one; what is finished is read from the records, never remembered.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..device.monitor import Monitor
from ..errors import WorkerError
from ..spec.precision import PRECISIONS
from ..spec.workload import Workload
from ..store.chain import sha256
from ..store.records import RecordWriter, load_run
from ..store.run import MANIFEST, PLANS, Run, read_manifest
from ..validity.plausibility import measured_ceiling
from . import card, codes
from .estimate import Estimates
from .events import Event, Report
from .judge import Expected, expected
from .link import Setting, worker_environment
from .options import RunOptions
from .passes import Outcome, draw_snapshot_steps
from .passes.outcome import Turns
from .plan import Choice, Planned
from .prepare import Ready, cell_cache
from .process_facts import libraries_sha256, recorded_environment
from .turns import Metered
from .worker_process import read_log_end

_IMPORT_OPS, _BUILD_OPS = ("start",), ("build", "load")
_STEP_OPS = ("steps", "window", "epoch", "answer", "requests")


@dataclass(slots=True)
class Books:
    """Where a session's wall time went, in seconds."""

    started: float = field(default_factory=time.monotonic)
    environment_s: float = 0.0
    import_s: float = 0.0
    build_s: float = 0.0
    steps_s: float = 0.0
    adapter_other_s: float = 0.0
    oracle_s: float = 0.0
    sentinel_s: float = 0.0

    def add(self, busy_s: dict[str, float]) -> None:
        """Book a worker's time by operation."""
        for op, seconds in busy_s.items():
            if op in _IMPORT_OPS:
                self.import_s += seconds
            elif op in _BUILD_OPS:
                self.build_s += seconds
            elif op in _STEP_OPS:
                self.steps_s += seconds
            else:
                self.adapter_other_s += seconds

    def to_json(self, interrupted: bool) -> dict[str, Any]:
        """Plain data for the session's record."""
        names = ("environment_s", "import_s", "build_s", "steps_s", "adapter_other_s", "oracle_s", "sentinel_s")
        values: dict[str, Any] = {name: round(getattr(self, name), 3) for name in names}
        return values | {"wall_s": round(time.monotonic() - self.started, 3), "interrupted": interrupted}


class Session:
    """State of one session.

    Args:
        options: the request.
        choice: what it selects.
        ready: interpreters and data.
        plan: the cells.
        report: receives news.
        books: accounts of this session, opened before preparation.
        monitor: the card of the run; by default there is none.
    """

    def __init__(
        self,
        options: RunOptions,
        choice: Choice,
        ready: Ready,
        plan: list[Planned],
        cores: tuple[int, ...],
        report: Report,
        books: Books,
        monitor: Monitor | None = None,
    ) -> None:
        self.options, self.choice, self.ready, self.plan = options, choice, ready, plan
        self.report, self.books = report, books
        self._monitor = monitor or Monitor("cpu", None)
        self.estimates = Estimates(options.protocol)
        self._cores = cores
        self._expected: dict[str, Expected] = {}
        # Draws that no adapter can foresee: which step is checked, in which process.
        self.chooser: random.Random = random.SystemRandom()
        self.order = random.Random(options.seed)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        self._writer_id = stamp
        self._writer = RecordWriter(options.out, stamp)
        self._units = 0
        self._ceiling = measured_ceiling() if options.device == "cpu" else None
        self._signed: dict[str, str] = {}
        (options.out / "logs").mkdir(parents=True, exist_ok=True)

    def sign_off(self) -> None:
        """Store the hashes of the manifest and of every plan that this session has not signed yet.

        The first call comes before the first measurement, so that what was planned cannot be changed afterwards.
        """
        out = self.options.out
        files = [out / MANIFEST, *sorted((out / PLANS).glob("*.json"))]
        hashes = {str(file.relative_to(out)): sha256(file.read_bytes()) for file in files}
        new = {name: value for name, value in hashes.items() if self._signed.get(name) != value}
        self._signed |= new
        run_id = read_manifest(out).get("run_id")
        protocol = self.options.protocol.sha256
        payload = {"about": "signed files", "signed": new, "run_id": run_id, "protocol_sha256": protocol}
        self._append_plain("note", payload, 0.0)

    def load(self) -> Run:
        """The run as it stands on disk."""
        return load_run(self.options.out)

    @property
    def cores(self) -> tuple[int, ...]:
        """CPU numbers that workers run on."""
        return self._cores

    def setting(self, planned: Planned, warmup_steps: int | None = None, windows: int = 1) -> Setting:
        """Everything the passes need to know about a cell, with the warm-up that its pilot fixed, else the suite's."""
        options, cell = self.options, planned.cell
        return Setting(
            cell=cell,
            adapter=self.choice.adapters[cell.adapter],
            interpreter=self.ready.interpreters[cell.adapter],
            workload=_held_to(self.workload(planned), cell.precision),
            dataset=self.ready.datasets[cell.workload],
            protocol=options.protocol,
            seed=options.seed,
            cores=self._cores,
            compile_cache=cell_cache(options, planned.key),
            timeout_s=options.timeout_s or options.protocol.cell_timeout_s,
            memory_limit=options.memory_limit,
            warmup_steps=warmup_steps or options.protocol.warmup_steps,
            detectors=options.detectors,
            ceiling=self._ceiling,
            card=self._monitor.index,
            footprint=self._monitor.meter,
            windows=windows,
        )

    def workload(self, planned: Planned) -> Workload:
        """The workload of a cell."""
        return next(workload for workload in self.choice.workloads if workload.name == planned.cell.workload)

    def expected(self, planned: Planned) -> Expected:
        """The reference's answers for a cell's workload, computed when first asked for."""
        name = planned.cell.workload
        if name not in self._expected:
            self.report(Event("detail", f"float64 reference of {name}"))
            started = time.monotonic()
            workload = self.workload(planned)
            protocol = self.options.protocol
            self._expected[name] = expected(
                workload,
                self.ready.datasets[name],
                seed=self.options.seed,
                steps=draw_snapshot_steps(workload, protocol, random.Random(f"{self.options.seed}:{name}")),
                batches=protocol.staged_batches,
                cache_dir=self.options.cache_dir,
            )
            self.books.oracle_s += time.monotonic() - started
        return self._expected[name]

    def execute(
        self,
        planned: Planned,
        pass_: str,
        work: Callable[[Path], Turns],
        *,
        block: int = 0,
        attempt: int = 1,
        seed: int | None = None,
    ) -> Turns:
        """Run one pass and store its record, whatever it came to."""
        self._units += 1
        log = Path("logs") / f"{self._writer_id}-{self._units:05d}-{planned.key[:8]}-{pass_}.log"
        started, metered = datetime.now(UTC), Metered(work(self.options.out / log))
        with self._monitor.watch() as watch:
            try:
                outcome = yield from metered.turns()
            except WorkerError as problem:
                outcome = Outcome(codes.status_of(problem.code), problem.code, str(problem))
        card.note(watch, outcome)
        self._note_process(planned, pass_, outcome)
        wall_s = metered.own_s
        self.books.add(outcome.busy_s)
        self.books.oracle_s += outcome.oracle_s
        self.estimates.learn(planned, pass_, wall_s, outcome)
        self.append(
            planned, pass_, outcome, started=started, wall_s=wall_s, block=block, attempt=attempt, seed=seed, log=log
        )
        return outcome

    def _note_process(self, planned: Planned, pass_: str, outcome: Outcome) -> None:
        """What the process ran with; the proof lists its libraries, the others keep a hash of theirs."""
        setting = self.setting(planned)
        outcome.payload["environment"] = recorded_environment(worker_environment(setting))
        if setting.tunings:
            outcome.payload["tuning"] = [tuning.to_json() for tuning in setting.tunings]
        libraries = outcome.payload.pop("libraries", None)
        if libraries:
            outcome.payload["libraries_sha256"] = libraries_sha256(libraries)
            if pass_ == "proof":
                outcome.payload["libraries"] = libraries

    def append(
        self,
        planned: Planned,
        pass_: str,
        outcome: Outcome,
        *,
        started: datetime,
        wall_s: float,
        block: int = 0,
        attempt: int = 1,
        seed: int | None = None,
        log: Path | None = None,
    ) -> None:
        """Store one record of a cell."""
        file = self.options.out / log if log else None
        self._writer.append(
            {
                "kind": "cell",
                "cell_key": planned.key,
                "cell": planned.cell.to_json(),
                "pass": pass_,
                "block": block,
                "attempt": attempt,
                "seed": seed,
                "status": outcome.status,
                "code": outcome.code,
                "reason": outcome.reason,
                "started": started.isoformat(timespec="milliseconds"),
                "wall_s": round(wall_s, 4),
                "payload": outcome.payload,
                "log": str(log) if log else None,
                "log_sha256": sha256(file.read_bytes()) if file and file.is_file() else None,
                "log_end": read_log_end(file) if file and outcome.status != "ok" else "",
            }
        )

    def append_block(self, block: int, attempt: int, keys: list[str], wall_s: float, noise: dict[str, Any]) -> None:
        """Sign off a block in which every cell has its record, with what disturbed it."""
        payload = {"block": block, "attempt": attempt, "cells": keys, "complete": True, "noise": noise}
        self._append_plain("block", payload, wall_s, block=block, attempt=attempt)

    def append_note(self, payload: dict[str, Any]) -> None:
        """Store a fact about the run that belongs to no cell."""
        self._append_plain("note", payload, 0.0)

    def append_books(self, interrupted: bool, *, complete: bool, noisy_reason: str) -> None:
        """Store where the session's time went, whether it left nothing open or is noisy, and how much it recorded."""
        counts = {"records": self._writer.written + 1, "units": self._units}
        payload = self.books.to_json(interrupted) | counts | {"complete": complete, "noisy": bool(noisy_reason)}
        payload |= {"noisy_reason": noisy_reason} if noisy_reason else {}
        self._append_plain("run", payload, payload["wall_s"])

    def _append_plain(
        self, kind: str, payload: dict[str, Any], wall_s: float, *, block: int = 0, attempt: int = 1
    ) -> None:
        self._writer.append(
            {
                "kind": kind,
                "cell_key": None,
                "cell": None,
                "pass": None,
                "block": block,
                "attempt": attempt,
                "seed": None,
                "status": "ok",
                "code": "",
                "reason": "",
                "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "wall_s": round(wall_s, 4),
                "payload": payload,
                "log": None,
                "log_end": "",
            }
        )


def _held_to(workload: Workload, precision: str) -> Workload:
    """The workload with the tolerances of a precision."""
    return replace(workload, parity=workload.parity.at_least(PRECISIONS[precision].limits))
