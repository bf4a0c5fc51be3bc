"""The way of a run: prepare, plan, prove, train, time in randomised paired blocks, and account for it.

Every stage first looks at the records and does only what is missing, so the same command resumes. With a time
budget the session stops between units, never inside a block.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..device.monitor import open_monitor
from ..errors import UsageError
from ..store.atomic import write_json_atomic
from ..store.lock import run_lock
from ..store.records import load_run
from ..store.run import MANIFEST, PLANS
from . import codes, passes
from .events import Event, Report
from .fingerprints import available_cores, machine, machine_sha256
from .link import Setting
from .options import RunOptions
from .outlook import Outlook
from .passes import Outcome
from .plan import Planned, choose, make_plan
from .prepare import differences, open_manifest, prepare_all
from .session import Books, Session

Work = Callable[[Setting, Path], Outcome]

_MAX_TRIES = 2
_MAX_SPEED_FAILURES = 2


@dataclass(frozen=True, slots=True)
class Result:
    """How a session ended: the folder, whether everything planned is recorded, and what is still open."""

    out: Path
    complete: bool
    open_text: str
    wall_s: float


def run(options: RunOptions, report: Report) -> Result:
    """Do (or go on with) a run.

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
        session = Session(options, choice, ready, plan, cores, report, books, monitor)
        stages = _Stages(session)
        _write_plan(options, plan, stages.blocks, "as the suite says")
        seeds = [options.seed + number for number in range(max(1, options.protocol.accuracy_seeds))]
        interrupted = True
        try:
            stages.answer_at_once()
            stages.prove()
            # Rounds of one training seed and a share of the blocks: blocks spread over the whole session, and a
            # session that its budget cuts short has some of both.
            for round_, seed in enumerate(seeds, start=1):
                stages.train(seed)
                stages.time_blocks(round_ / len(seeds))
            interrupted = False
        finally:
            session.append_books(interrupted, complete=not interrupted and not stages.left)
    return Result(options.out, not stages.left, "; ".join(stages.left), time.monotonic() - books.started)


class _Stages:
    """The stages of one session, in order; ``left`` says what the budget did not allow."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._report = session.report
        self._options = session.options
        self._protocol = session.options.protocol
        budget = session.options.budget_s
        self._deadline = None if budget is None else session.books.started + budget
        self._run = session.load()
        self.blocks = {"main": self._protocol.main_blocks, "other": self._protocol.other_blocks}
        self.left: list[str] = []
        for record in self._run.records:
            if record["kind"] == "cell" and record["status"] == "ok":
                session.estimates.learn_record(record["cell_key"], record["pass"], record["wall_s"], record["payload"])
        self._outlook = Outlook(session.estimates, self._training_steps)
        self._expect_all()

    def answer_at_once(self) -> None:
        """Record every cell whose answer is known without starting a process."""
        for planned in self._session.plan:
            problem = self._session.ready.problems.get(planned.cell.adapter)
            pass_ = "environment" if problem else "proof"
            answer = problem or planned.refusal
            if answer and not self._run.finished(planned.key, pass_):
                code, reason = answer
                outcome = Outcome(codes.status_of(code), code, reason)
                self._session.append(planned, pass_, outcome, started=datetime.now(UTC), wall_s=0.0)
                self._report(Event("note", f"{planned.cell.label}: {code}: {reason}", status=outcome.status))

    def prove(self) -> None:
        """Prove every cell that has no proof yet."""
        todo = [p for p in self._runnable() if not self._run.finished(p.key, "proof")]
        self._session.order.shuffle(todo)
        if todo:
            self._report(Event("phase", f"proving {len(todo)} cells against the float64 reference"))
        for planned in todo:
            if not self._time_for(self._session.estimates.proof_s(planned)):
                self._leave("proofs are missing")
                break
            self._prove_one(planned)
        self._run = self._session.load()

    def train(self, seed: int) -> None:
        """Train each main mode from one seed for its accuracy; nothing where the suite has no accuracy pass."""
        if not self._protocol.accuracy_seeds:
            return
        todo = [p for p in self._proven() if p.trains and not self._run.finished(p.key, "accuracy", seed=seed)]
        self._session.order.shuffle(todo)
        if todo:
            self._report(Event("phase", f"training for accuracy with seed {seed}: {len(todo)} runs"))
        for planned in todo:
            if not self._time_for(self._session.estimates.accuracy_s(planned, self._training_steps(planned))):
                self._leave("accuracy trainings are missing")
                break
            self._train_one(planned, seed)
        self._run = self._session.load()

    def time_blocks(self, share: float) -> None:
        """Run paired blocks up to a share of the planned ones: fresh processes, in a new random order each time."""
        self._fit_blocks(share)
        numbers = range(1, max(self.blocks.values(), default=0) + 1)
        todo = [number for number in numbers if self._members(number) and not self._complete(number)]
        if todo:
            self._report(Event("phase", f"blocks to time: {len(todo)}"))
        for number in todo:
            members = self._members(number)
            if not self._time_for(self._session.estimates.block_s(members)):
                self._leave("blocks are missing")
                break
            self._block(number, members)
            self._run = self._session.load()

    def _fit_blocks(self, share: float) -> None:
        """Settle how many blocks this round aims at: its share, or what is left of the budget if that is less.

        Main modes come first; one block of the others comes before the last main ones, since shown without
        verdict is better than not shown.
        """
        aims = {"main": self._protocol.main_blocks, "other": self._protocol.other_blocks}
        self.blocks = {name: math.ceil(count * share) for name, count in aims.items()}
        if self._deadline is None:
            return
        estimates, proven = self._session.estimates, self._proven()
        main = estimates.block_s(p for p in proven if p.main)
        other = estimates.block_s(p for p in proven if not p.main)
        left = self._deadline - time.monotonic()
        done = {name: self._blocks_done(name == "main") for name in aims}
        open_ = {name: max(0, count - done[name]) for name, count in self.blocks.items()}
        main_fit = _fit(left, main, open_["main"])
        if other and open_["other"] and left - main_fit * main < other:
            main_fit = _fit(left - other, main, open_["main"])
        other_fit = _fit(left - main_fit * main, other, open_["other"])
        if main_fit < open_["main"] or other_fit < open_["other"]:
            self._leave("blocks are missing")
        self.blocks = {"main": done["main"] + main_fit, "other": done["other"] + other_fit}
        note = (
            f"{left:.0f} s left; a block of the main modes takes about {main:.0f} s, of the others {other:.0f} s: "
            f"up to {self.blocks['main']} and {self.blocks['other']} of {aims['main']} and {aims['other']} blocks"
        )
        _write_plan(self._options, self._session.plan, self.blocks, note)
        self._report(Event("note", f"budget: {note}"))

    def _leave(self, what: str) -> None:
        if what not in self.left:
            self.left.append(what)

    def _block(self, number: int, members: list[Planned]) -> None:
        attempt = self._run.last_attempt(number) + 1
        started = time.monotonic()
        self._session.order.shuffle(members)
        for planned in members:
            self._unit(planned, "speed", self._timing(planned), block=number, attempt=attempt)
        self._session.append_block(number, attempt, [p.key for p in members], time.monotonic() - started)

    def _unit(
        self, planned: Planned, pass_: str, work: Work, *, block: int = 0, attempt: int = 1, seed: int | None = None
    ) -> Outcome:
        suffix = f"block {block}" if block else (f"seed {seed}" if seed is not None else "")
        text = f"{pass_} {planned.cell.label} {suffix}".strip()
        outlook = self._outlook
        self._report(Event("start", text, done=outlook.done, total=outlook.total, left_s=outlook.left_s))
        setting = self._session.setting(planned)
        outcome = self._session.execute(
            planned, pass_, lambda log: work(setting, log), block=block, attempt=attempt, seed=seed
        )
        outlook.finish(planned, pass_, outcome.status == "ok")
        told = text if outcome.status == "ok" else f"{text}: {outcome.code}: {outcome.reason}"
        self._report(
            Event("done", told, status=outcome.status, done=outlook.done, total=outlook.total, left_s=outlook.left_s)
        )
        return outcome

    def _prove_one(self, planned: Planned) -> None:
        proof = self._proof(planned)
        for attempt in range(1, _MAX_TRIES + 1):
            outcome = self._unit(planned, "proof", proof, attempt=attempt)
            if outcome.code not in codes.RETRY:
                return

    def _proof(self, planned: Planned) -> Work:
        chooser = self._session.chooser
        if planned.cell.task == "infer":
            return lambda setting, log: passes.prove_inference(setting, log, chooser=chooser)
        expected = self._session.expected(planned)
        return lambda setting, log: passes.proof(setting, expected, log, chooser=chooser)

    def _timing(self, planned: Planned) -> Work:
        chooser = self._session.chooser
        if planned.cell.task == "infer":
            return lambda setting, log: passes.time_inference(setting, log, chooser=chooser)
        expected = self._session.expected(planned)
        return lambda setting, log: passes.speed(setting, expected, log, chooser=chooser)

    def _train_one(self, planned: Planned, seed: int) -> None:
        def work(setting: Setting, log: Path) -> Outcome:
            return passes.accuracy(setting, log, seed=seed, progress=lambda text: self._report(Event("detail", text)))

        self._unit(planned, "accuracy", work, seed=seed)

    def _training_steps(self, planned: Planned) -> int:
        workload = self._session.workload(planned)
        return workload.epochs * (self._session.ready.datasets[workload.name].train_size // workload.batch_size)

    def _runnable(self) -> list[Planned]:
        problems = self._session.ready.problems
        return [p for p in self._session.plan if p.cell.adapter not in problems and p.refusal is None]

    def _proven(self) -> list[Planned]:
        proven = []
        for planned in self._runnable():
            record = self._run.latest(planned.key, "proof")
            if record is not None and record["status"] == "ok":
                proven.append(planned)
        return proven

    def _members(self, number: int) -> list[Planned]:
        """Cells of a block: proven, wanted that often, and not failing again and again."""
        return [
            planned
            for planned in self._proven()
            if number <= self.blocks["main" if planned.main else "other"] and not self._given_up(planned, number)
        ]

    def _given_up(self, planned: Planned, number: int) -> bool:
        records = [r for r in self._run.cell_records(planned.key, "speed") if r["block"] != number]
        failures = [r for r in records if r["status"] != "ok"]
        return len(failures) >= _MAX_SPEED_FAILURES and len(failures) == len(records)

    def _complete(self, number: int) -> bool:
        members = {planned.key for planned in self._members(number)}
        return any(done.block == number and members <= done.cells for done in self._run.complete_blocks())

    def _blocks_done(self, main: bool) -> int:
        wanted = {p.key for p in self._proven() if p.main is main}
        return sum(1 for done in self._run.complete_blocks() if wanted and wanted <= done.cells)

    def _time_for(self, seconds: float) -> bool:
        return self._deadline is None or time.monotonic() + seconds <= self._deadline

    def _expect_all(self) -> None:
        """Fill the outlook with everything that has no record yet."""
        run, protocol = self._run, self._protocol
        for planned in self._runnable():
            self._outlook.expect(planned, "proof", 0 if run.finished(planned.key, "proof") else 1)
            blocks = self.blocks["main" if planned.main else "other"]
            counted = {record["block"] for record in run.counted_speed_records(planned.key)}
            self._outlook.expect(planned, "speed", blocks - len(counted))
            seeds = len({record["seed"] for record in run.cell_records(planned.key, "accuracy")})
            self._outlook.expect(planned, "accuracy", protocol.accuracy_seeds - seeds if planned.trains else 0)
        failed = [p for p in self._runnable() if run.finished(p.key, "proof") and p not in self._proven()]
        self._outlook.drop(failed)


def _fit(left_s: float, cost_s: float, wanted: int) -> int:
    return max(0, min(wanted, int(left_s / cost_s))) if cost_s > 0 else max(0, wanted)


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


def _write_plan(options: RunOptions, plan: list[Planned], blocks: dict[str, int], note: str) -> None:
    folder = options.out / PLANS
    number = len(list(folder.glob("*.json"))) + 1 if folder.is_dir() else 1
    table = {
        "schema": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "cells": [{"key": p.key, "main": p.main, "cell": p.cell.to_json()} for p in plan],
        "blocks": blocks,
        "budget": {"seconds": options.budget_s, "note": note},
    }
    write_json_atomic(folder / f"{number:04d}.json", table)
