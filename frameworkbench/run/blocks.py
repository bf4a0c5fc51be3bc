"""The stage of paired blocks: fresh processes in a new random order, watched for noise, repeated where it was noisy."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence

from ..store.run import CompleteBlock
from .aims import Aims, extra_blocks
from .groups import Group, groups
from .noise import Watch
from .plan import Planned
from .progress import Progress
from .resolution import resolution
from .turns import in_turns
from .work import timing_of

_MAX_SPEED_FAILURES = 2

WritePlan = Callable[[dict[str, int], str], None]


class Blocks:
    """Times the proven cells in blocks up to their aims.

    Args:
        progress: the session's state.
        aims: blocks that each cell is to get.
        watch: judges what happened around a block.
        write_plan: keeps what a budget allows, as (blocks by kind of mode, note).
    """

    def __init__(self, progress: Progress, aims: Aims, watch: Watch, write_plan: WritePlan) -> None:
        self._progress = progress
        self._all = self._aims = aims
        self._watch = watch
        self._write_plan = write_plan
        self._limits = {True: self._most(main=True), False: self._most(main=False)}

    @property
    def planned(self) -> dict[str, int]:
        """Blocks of the suite that main and other modes are to get, as far as the budget allows."""
        return {"main": min(self._limits[True], self._all.main), "other": min(self._limits[False], self._all.other)}

    @property
    def done(self) -> int:
        """Blocks that count and hold every main mode that is proved and was not given up."""
        counting = self._counting()
        wanted = [{p.key for p in self._wanted(number) if p.main} for number in range(1, self._most(main=True) + 1)]
        return sum(
            any(block.block == number and keys <= block.cells for block in counting)
            for number, keys in enumerate(wanted, start=1)
            if keys
        )

    @property
    def noisy_reason(self) -> str:
        """Why the run is noisy: more blocks were disturbed than are repeated. Empty while it is not."""
        flagged = [block for block in self._progress.run.signed_blocks() if block.flagged]
        allowed = extra_blocks(self._progress.protocol, self._all, self._progress.session.plan)
        if len(flagged) <= allowed:
            return ""
        return (
            f"{len(flagged)} block attempts were disturbed from outside and at most {allowed} are repeated; "
            "measure again on a quieter machine"
        )

    def time(self, part: float) -> None:
        """Run blocks up to this part of the suite's (1: all of them, and those added on top)."""
        self._aims = self._all.share(part)
        self._fit()
        queue = deque(number for number in range(1, max(self._limits.values()) + 1) if self._open(number))
        if queue:
            self._progress.tell("phase", f"blocks to time: {len(queue)}")
        while queue:
            number = queue.popleft()
            members = self._members(number)
            if not members or self._complete(number):
                continue
            if not self._progress.time_for(self._cost(members)):
                self._progress.leave("blocks are missing")
                break
            reasons = self._block(number, members)
            self._progress.reload()
            if reasons and not self.noisy_reason:
                self._progress.tell("note", f"block {number} was disturbed and will be repeated: {'; '.join(reasons)}")
                queue.append(number)
            elif reasons:
                self._progress.tell("note", f"block {number} was disturbed: {'; '.join(reasons)}")

    def _block(self, number: int, members: list[Planned]) -> list[str]:
        """One attempt at a block; what disturbed it."""
        session = self._progress.session
        attempt = self._progress.run.last_attempt(number) + 1
        started = time.monotonic()
        session.order.shuffle(members)
        self._watch.open()
        together = session.options.device == "cpu"  # a card belongs to one process at a time (method T16)
        for group in groups(members, session.estimates.peak_bytes if together else None):
            self._take(group, number, attempt)
        noise = self._watch.verdict()
        session.append_block(number, attempt, [p.key for p in members], time.monotonic() - started, noise)
        return list(noise["reasons"])

    def _take(self, group: Group, number: int, attempt: int) -> None:
        """Time the processes of a group in turns; one that is alone has a single window."""
        session, several = self._progress.session, len(group.members) > 1
        windows = self._progress.protocol.windows if several else 1
        self._watch.begin(group.name, len(group.members))
        passes = [
            self._progress.turns(
                planned, "speed", timing_of(session, planned), block=number, attempt=attempt, windows=windows
            )
            for planned in group.members
        ]
        for outcome in in_turns(passes, session.order, self._watch.between):
            self._watch.after(outcome.payload)

    def _fit(self) -> None:
        """Settle how many blocks this round aims at: its share, or what is left of the budget if that is less.

        Main modes come first; one block of the others comes before the last main ones, since shown without
        verdict is better than not shown.
        """
        aims = {main: self._most(main) for main in (True, False)}
        self._limits = dict(aims)
        deadline = self._progress.deadline
        if deadline is None:
            return
        left = deadline - time.monotonic()
        first_other = next((cost for _, cost in self._costs(main=False)), 0.0)
        reserve = first_other if first_other <= left else 0.0
        self._limits[True], spent = self._afford(left - reserve, main=True)
        self._limits[False], _ = self._afford(left - spent, main=False)
        if self._limits != aims:
            self._progress.leave("blocks are missing")
        note = (
            f"{left:.0f} s were left for blocks: up to {self._limits[True]} of {aims[True]} blocks of the main modes "
            f"and {self._limits[False]} of {aims[False]} of the others fit; "
            f"{resolution(self._progress.protocol, blocks=self._limits[True], rows=self._progress.rows).sentence}"
        )
        self._write_plan(self.planned, note)
        self._progress.tell("note", f"budget: {note}")

    def _afford(self, seconds: float, *, main: bool) -> tuple[int, float]:
        """(last block number that fits, seconds up to it) of one kind of mode, if blocks come in order."""
        done = max((block.block for block in self._counting() if block.block <= self._most(main)), default=0)
        spent = 0.0
        for number, cost in self._costs(main):
            if spent + cost > seconds:
                return max(number - 1, done), spent
            spent += cost
        return self._most(main), spent

    def _costs(self, main: bool) -> list[tuple[int, float]]:
        """(number, seconds) of the open blocks of one kind of mode."""
        done = {block.block: block.cells for block in self._counting()}
        found = []
        for number in range(1, self._most(main) + 1):
            wanted = [p for p in self._wanted(number) if p.main is main]
            if any(planned.key not in done.get(number, ()) for planned in wanted):
                found.append((number, self._cost(wanted)))
        return found

    def _cost(self, members: Sequence[Planned]) -> float:
        return self._progress.session.estimates.block_s(members)

    def _most(self, main: bool) -> int:
        cells = [p for p in self._progress.session.plan if p.main is main]
        return max((self._aims.of(planned) for planned in cells), default=0)

    def _wanted(self, number: int) -> list[Planned]:
        able = [p for p in self._progress.proven() if number <= self._aims.of(p) and self._progress.piloted(p)]
        return [planned for planned in able if not self._given_up(planned, number)]

    def _members(self, number: int) -> list[Planned]:
        """Cells of a block: proven, wanted that often, affordable, and not failing again and again."""
        return [planned for planned in self._wanted(number) if number <= self._limits[planned.main]]

    def _given_up(self, planned: Planned, number: int) -> bool:
        records = [r for r in self._progress.run.cell_records(planned.key, "speed") if r["block"] != number]
        failures = [r for r in records if r["status"] != "ok"]
        return len(failures) >= _MAX_SPEED_FAILURES and len(failures) == len(records)

    def _counting(self) -> list[CompleteBlock]:
        return self._progress.run.complete_blocks(noisy=bool(self.noisy_reason))

    def _complete(self, number: int) -> bool:
        members = {planned.key for planned in self._members(number)}
        return any(done.block == number and members <= done.cells for done in self._counting())

    def _open(self, number: int) -> bool:
        return bool(self._members(number)) and not self._complete(number)
