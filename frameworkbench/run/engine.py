"""The way of a run: prepare, plan, prove, train, time in randomised paired blocks, and account for it.

Every stage first looks at the records and does only what is missing, so the same command resumes. With a time
budget the session stops between units, never inside a block.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..device.monitor import open_monitor
from ..errors import UsageError
from ..provenance.statement import discard_statement, write_statement
from ..store.atomic import write_json_atomic
from ..store.lock import run_lock
from ..store.records import load_run
from ..store.run import MANIFEST, PLANS
from . import codes, passes
from .aims import Aims, stored_more, with_more
from .blocks import Blocks
from .events import Event, Report
from .fingerprints import available_cores, machine, machine_sha256
from .link import Setting
from .noise import Watch, limits_note, stored_limits
from .options import RunOptions
from .passes import Outcome
from .plan import Planned, choose, make_plan
from .prepare import differences, open_manifest, prepare_all
from .progress import Progress
from .resolution import resolution
from .sentinel import Sentinel, make_probe
from .session import Books, Session
from .weigh import Scales
from .work import proof_of

MakeSentinel = Callable[[Sequence[int]], Sentinel]

_MAX_TRIES = 2


@dataclass(frozen=True, slots=True)
class Result:
    """How a session ended.

    Attributes:
        out: the run folder.
        complete: whether everything planned is recorded.
        open_text: what is still open.
        wall_s: seconds of this session.
        resolution: which difference the blocks so far resolve, in a sentence.
        noisy_reason: why the run is noisy; empty if it is not.
    """

    out: Path
    complete: bool
    open_text: str
    wall_s: float
    resolution: str
    noisy_reason: str


def make_sentinel(cores: Sequence[int]) -> Sentinel:
    """The sentinel of a real run, at work on the cores that the run uses."""
    return Sentinel(make_probe(cores))


def run(options: RunOptions, report: Report, *, sentinel: MakeSentinel = make_sentinel) -> Result:
    """Do (or go on with) a run.

    Args:
        options: the request.
        report: receives news.
        sentinel: makes the sentinel for these cores; tests pass a fake one.

    Raises:
        UsageError: the request names something unknown, or the folder holds another run.
        SpecError: a workload or adapter file is wrong.
        DataError: real data was asked for and is missing or damaged.
        StoreError: a record cannot be written, or another process is working in this folder.
        EnvironmentProblem: a card is asked for and there is none.
    """
    choice = choose(options)
    cores = _cores(options.threads)
    if options.fresh:
        _set_aside(options)
    books = Books()
    options.out.mkdir(parents=True, exist_ok=True)
    with run_lock(options.out), open_monitor(options.device) as monitor:
        ready = prepare_all(options, choice, report)
        books.environment_s = ready.environment_s
        open_manifest(options, choice, ready, len(cores), monitor)
        identity = machine_sha256(machine() | monitor.machine)
        plan = make_plan(options, choice, ready.datasets, ready.interpreters, len(cores), identity)
        discard_statement(options.out)
        session = Session(options, choice, ready, plan, cores, report, books, monitor)
        progress = Progress(session)
        aims = _aims(options, progress, plan)
        watch = _watch(session, progress, sentinel)

        def keep_plan(blocks: Mapping[str, int], note: str) -> None:
            _write_plan(options, plan, aims, blocks, note)
            session.sign_off()

        blocks = Blocks(progress, aims, watch, keep_plan)
        keep_plan(blocks.planned, "as the suite says")
        report(Event("note", f"as planned: {_resolution(progress, max((aims.of(p) for p in plan), default=0))}"))
        scales = Scales(progress)
        interrupted = True
        try:
            _do_stages(_Stages(progress, aims, watch), blocks, scales)
            interrupted = False
        finally:
            books.sentinel_s = watch.spent_s
            complete = not interrupted and not progress.left
            session.append_books(interrupted, complete=complete, noisy_reason=blocks.noisy_reason)
            write_statement(options.out)
    wall_s = time.monotonic() - books.started
    resolved = _resolution(progress, blocks.done)
    return Result(options.out, not progress.left, "; ".join(progress.left), wall_s, resolved, blocks.noisy_reason)


def _resolution(progress: Progress, blocks: int) -> str:
    return resolution(progress.protocol, blocks=blocks, rows=progress.rows).sentence


def _do_stages(stages: _Stages, blocks: Blocks, scales: Scales) -> None:
    """All stages in order.

    Rounds of one training seed and a share of the blocks: so blocks spread over the whole session, and a session that
    its budget cuts short has some of both. Memory comes last and never shares a process with a timing.
    """
    stages.answer_at_once()
    stages.prove()
    stages.pilot()
    seeds = stages.seeds
    for round_, seed in enumerate(seeds, start=1):
        stages.train(seed)
        blocks.time(round_ / len(seeds))
    scales.weigh()
    scales.search_capacity()


def _aims(options: RunOptions, progress: Progress, plan: Sequence[Planned]) -> Aims:
    """Blocks wanted: the suite's, those added by earlier sessions, and those added now.

    Nothing is added to a run that still has something open: the first thing to do there is to finish it.
    """
    found = progress.run
    sessions = [record["payload"] for record in found.records if record["kind"] == "run"]
    finished = bool(sessions and sessions[-1].get("complete"))
    if options.more is not None and not finished:
        progress.tell("note", "this run is not finished yet: it is finished first, and no blocks are added now")
    return with_more(options.protocol, stored_more(found.plan.aims), options.more if finished else None, plan)


def _watch(session: Session, progress: Progress, sentinel: MakeSentinel) -> Watch:
    """The watch over this session's blocks, with the limits of the run if an earlier session drew them."""
    readings = session.options.protocol.sentinel_readings
    if not readings:
        return Watch()
    return Watch(
        sentinel(session.cores),
        stored_limits(progress.run.records),
        readings,
        keep=lambda limits: session.append_note(limits_note(limits)),
    )


class _Stages:
    """The stages before the blocks, in order."""

    def __init__(self, progress: Progress, aims: Aims, watch: Watch) -> None:
        self._progress = progress
        self._watch = watch
        self._session = progress.session
        self._protocol = progress.protocol
        self._expect_all(aims)

    @property
    def seeds(self) -> list[int]:
        """Seeds of the trainings, one for each round; one round without training if there are none."""
        first = self._session.options.seed
        return [first + number for number in range(max(1, self._protocol.accuracy_seeds))]

    def answer_at_once(self) -> None:
        """Record every cell whose answer is known without starting a process."""
        for planned in self._session.plan:
            problem = self._session.ready.problems.get(planned.cell.adapter)
            pass_ = "environment" if problem else "proof"
            answer = problem or planned.refusal
            if answer and not self._progress.run.finished(planned.key, pass_):
                code, reason = answer
                outcome = Outcome(codes.status_of(code), code, reason)
                self._session.append(planned, pass_, outcome, started=datetime.now(UTC), wall_s=0.0)
                self._session.report(Event("note", f"{planned.cell.label}: {code}: {reason}", status=outcome.status))

    def prove(self) -> None:
        """Prove every cell that has no proof yet."""
        todo = [p for p in self._progress.runnable() if not self._progress.run.finished(p.key, "proof")]
        self._session.order.shuffle(todo)
        if todo:
            self._progress.tell("phase", f"proving {len(todo)} cells against the float64 reference")
        for planned in todo:
            if not self._progress.time_for(self._session.estimates.proof_s(planned)):
                self._progress.leave("proofs are missing")
                break
            self._watch.look()
            self._prove_one(planned)
        self._progress.reload()

    def pilot(self) -> None:
        """Fix the warm-up of every proven cell, before any of them is timed; a twin takes its other half's."""
        proven = [planned for planned in self._progress.proven() if not planned.twin_of]
        todo = [planned for planned in proven if not self._progress.piloted(planned)]
        self._session.order.shuffle(todo)
        if todo:
            self._progress.tell("phase", f"pilots that fix the warm-up: {len(todo)}")
        for planned in todo:
            if not self._progress.time_for(self._session.estimates.pilot_s(planned)):
                self._progress.leave("pilots are missing")
                break
            self._watch.look()
            self._pilot_one(planned)
        self._progress.reload()

    def train(self, seed: int) -> None:
        """Train each main mode from one seed for its accuracy; nothing where the suite has no accuracy pass."""
        if not self._protocol.accuracy_seeds:
            return
        todo = [
            planned
            for planned in self._progress.proven()
            if planned.trains and not self._progress.run.finished(planned.key, "accuracy", seed=seed)
        ]
        self._session.order.shuffle(todo)
        if todo:
            self._progress.tell("phase", f"training for accuracy with seed {seed}: {len(todo)} runs")
        for planned in todo:
            steps = self._progress.training_steps(planned)
            if not self._progress.time_for(self._session.estimates.accuracy_s(planned, steps)):
                self._progress.leave("accuracy trainings are missing")
                break
            self._train_one(planned, seed)
        self._progress.reload()

    def _prove_one(self, planned: Planned) -> None:
        proof = proof_of(self._session, planned)
        for attempt in range(1, _MAX_TRIES + 1):
            outcome = self._progress.unit(planned, "proof", proof, attempt=attempt)
            if outcome.code not in codes.RETRY:
                return

    def _pilot_one(self, planned: Planned) -> None:
        expected = self._session.expected(planned)
        self._progress.unit(planned, "pilot", lambda setting, log: passes.pilot(setting, expected, log))

    def _train_one(self, planned: Planned, seed: int) -> None:
        def work(setting: Setting, log: Path) -> Outcome:
            return passes.accuracy(setting, log, seed=seed, progress=lambda text: self._progress.tell("detail", text))

        self._progress.unit(planned, "accuracy", work, seed=seed)

    def _expect_all(self, aims: Aims) -> None:
        """Fill the outlook with everything that has no record yet."""
        run, protocol, outlook = self._progress.run, self._protocol, self._progress.outlook
        for planned in self._progress.runnable():
            outlook.expect(planned, "proof", 0 if run.finished(planned.key, "proof") else 1)
            outlook.expect(planned, "pilot", 0 if planned.twin_of or self._progress.piloted(planned) else 1)
            counted = {record["block"] for record in run.counted_speed_records(planned.key)}
            outlook.expect(planned, "speed", aims.of(planned) - len(counted))
            seeds = len({record["seed"] for record in run.cell_records(planned.key, "accuracy")})
            outlook.expect(planned, "accuracy", protocol.accuracy_seeds - seeds if planned.trains else 0)
        proven = self._progress.proven()
        outlook.drop(p for p in self._progress.runnable() if run.finished(p.key, "proof") and p not in proven)


def _cores(threads: int | None) -> tuple[int, ...]:
    cores = available_cores()
    if threads is not None and not 1 <= threads <= len(cores):
        raise UsageError(f"--threads {threads}: expected 1 to {len(cores)}, the cores this process may use")
    return tuple(cores[: threads or len(cores)])


def _set_aside(options: RunOptions) -> None:
    """Keep a complete or foreign run under another name; an unfinished one of this request is resumed."""
    out = options.out
    if not (out / MANIFEST).exists():
        return
    found = load_run(out)
    sessions = [record["payload"] for record in found.records if record["kind"] == "run"]
    complete = bool(sessions and sessions[-1].get("complete"))
    if not complete and not differences(options, found.manifest):
        return
    stamp = "".join(letter for letter in str(found.manifest.get("created", "unknown")) if letter.isalnum())
    target = out.with_name(f"{out.name}-{stamp}")
    if target.exists():
        raise UsageError(f"{target} exists already; move it away or choose another folder with --out")
    out.rename(target)


def _write_plan(options: RunOptions, plan: Sequence[Planned], aims: Aims, blocks: Mapping[str, int], note: str) -> None:
    folder = options.out / PLANS
    number = len(list(folder.glob("*.json"))) + 1 if folder.is_dir() else 1
    table = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "cells": [{"key": p.key, "main": p.main, "cell": p.cell.to_json()} for p in plan],
        "blocks": dict(blocks),
        "aims": aims.to_json(),
        "budget": {"seconds": options.budget_s, "note": note},
    }
    write_json_atomic(folder / f"{number:04d}.json", table)
