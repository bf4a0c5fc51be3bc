"""What the stages of a session share: the records so far, the time left, and the doing of one unit of work."""

from __future__ import annotations

import time
from pathlib import Path

from ..store.run import Run
from .events import Event
from .link import Setting
from .outlook import Outlook
from .passes import Outcome
from .passes.outcome import Turns
from .passes.pilot import warmup_of
from .plan import Planned
from .session import Session
from .turns import alone, at_once
from .work import Timing, Work


class Progress:
    """State of one session's stages; ``left`` says what the budget did not allow.

    Args:
        session: executes units and stores their records.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.protocol = session.options.protocol
        budget = session.options.budget_s
        self.deadline = None if budget is None else session.books.started + budget
        self.run: Run = session.load()
        self.left: list[str] = []
        self._proven: list[Planned] | None = None
        for record in self.run.records:
            if record["kind"] == "cell" and record["status"] == "ok":
                session.estimates.learn_record(record["cell_key"], record["pass"], record["wall_s"], record["payload"])
        self.outlook = Outlook(session.estimates, self.training_steps)

    def reload(self) -> None:
        """Read the records anew."""
        self.run = self.session.load()
        self._proven = None

    def tell(self, kind: str, text: str) -> None:
        """Report one piece of news."""
        self.session.report(Event(kind, text))

    def leave(self, what: str) -> None:
        """Note what the budget did not allow."""
        if what not in self.left:
            self.left.append(what)

    def time_for(self, seconds: float) -> bool:
        """Whether a unit of this length still fits."""
        return self.deadline is None or time.monotonic() + seconds <= self.deadline

    def runnable(self) -> list[Planned]:
        """Cells that have an environment and are not ruled out by a declaration."""
        problems = self.session.ready.problems
        return [p for p in self.session.plan if p.cell.adapter not in problems and p.refusal is None]

    def proven(self) -> list[Planned]:
        """Cells whose newest proof passed."""
        if self._proven is None:
            latest = {planned.key: self.run.latest(planned.key, "proof") for planned in self.runnable()}
            passed = {key for key, record in latest.items() if record is not None and record["status"] == "ok"}
            self._proven = [planned for planned in self.runnable() if planned.key in passed]
        return list(self._proven)

    def piloted(self, planned: Planned) -> bool:
        """Whether the cell's warm-up is fixed; until then none of its processes is timed. Only training has one."""
        if not self.protocol.pilot or planned.cell.task != "train":
            return True
        return self.run.finished(planned.twin_of or planned.key, "pilot")

    @property
    def rows(self) -> int:
        """Most main modes that are compared with each other on one workload, task and lane."""
        able = [p for p in self.session.plan if p.main and p.cell.role == "entrant" and not p.refusal]
        groups = [(planned.cell.workload, planned.cell.task, planned.cell.lane) for planned in able]
        return max((groups.count(group) for group in groups), default=0)

    def training_steps(self, planned: Planned) -> int:
        """Steps of a full training of a cell."""
        workload = self.session.workload(planned)
        return workload.epochs * (self.session.ready.datasets[workload.name].train_size // workload.batch_size)

    def warmup_steps(self, planned: Planned) -> int:
        """The cell's warm-up: what its pilot (a twin's: that of its other half) fixed, else the suite's."""
        record = self.run.latest(planned.twin_of or planned.key, "pilot")
        found = warmup_of(record["payload"]) if record is not None and record["status"] == "ok" else None
        return found or self.protocol.warmup_steps

    def unit(
        self, planned: Planned, pass_: str, work: Work, *, block: int = 0, attempt: int = 1, seed: int | None = None
    ) -> Outcome:
        """Do one pass of one cell to its end: report it, execute it, store its record."""

        def timing(setting: Setting, log: Path) -> Turns:
            return at_once(lambda: work(setting, log))

        return alone(self.turns(planned, pass_, timing, block=block, attempt=attempt, seed=seed))

    def turns(
        self,
        planned: Planned,
        pass_: str,
        timing: Timing,
        *,
        block: int = 0,
        attempt: int = 1,
        seed: int | None = None,
        windows: int = 1,
    ) -> Turns:
        """The same for a pass whose windows, so many of them, lie between those of other processes."""
        name = "process" if pass_ == "memory" else "block"
        suffix = f"{name} {block}" if block else (f"seed {seed}" if seed is not None else "")
        text = f"{pass_} {planned.cell.label} {suffix}".strip()
        outlook, report = self.outlook, self.session.report
        report(Event("start", text, done=outlook.done, total=outlook.total, left_s=outlook.left_s))
        setting = self.session.setting(planned, self.warmup_steps(planned), windows)
        outcome = yield from self.session.execute(
            planned, pass_, lambda log: timing(setting, log), block=block, attempt=attempt, seed=seed
        )
        outlook.finish(planned, pass_, outcome.status == "ok")
        told = text if outcome.status == "ok" else f"{text}: {outcome.code}: {outcome.reason}"
        report(
            Event("done", told, status=outcome.status, done=outlook.done, total=outlook.total, left_s=outlook.left_s)
        )
        return outcome
