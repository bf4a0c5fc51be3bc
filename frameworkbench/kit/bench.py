"""What all checks of one adapter share: its interpreter, its mode, scratch folders, and how a worker is asked.

The workers are those of a run (``run/link.py``), so that what passes here passes there.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from ..data import PreparedDataset
from ..environments import Interpreter
from ..errors import WorkerError
from ..registry import AdapterInfo
from ..run import codes
from ..run.judge import Expected
from ..run.link import Link, Setting, open_link
from ..run.tree_memory import Footprint
from ..run.worker_process import read_log_end
from ..spec.cell import Cell
from ..spec.lanes import MATCHED
from ..spec.protocol import SUITES, Protocol
from ..spec.workload import Workload
from ..validity.findings import ALL
from .probes import STEPS, Probe
from .result import Result, failed
from .samples import write_samples
from .wellposed import fit_answers

T = TypeVar("T")
Tell = Callable[[str], None]

# Half a second of work that `drain` does not wait for is seen on any machine.
PROTOCOL: Protocol = replace(SUITES["smoke"], suite="adapter check", entrants=True, window_s=0.5, staged_batches=24)
STAGED = PROTOCOL.staged_batches
_SEED = 0
_LIMIT_S = 600.0

REFUSED = "declared, and refused"
# The worker is gone after these; after all others it goes on listening.
_DEAD = frozenset({codes.CRASH, codes.KILLED, codes.TIMEOUT, codes.BAD_OUTPUT, codes.OUT_OF_MEMORY})


@dataclass(slots=True)
class Bench:
    """One adapter in one mode, ready to be asked.

    Attributes:
        info: what the adapter declares.
        mode: the mode that is looked at.
        interpreter: Python of its environment.
        folder: scratch.
        cache_dir: prepared data, shared with runs; logs of workers.
        cores: CPU numbers of the workers.
        tell: receives what is being done, for the progress display.
        device: "cpu" or "cuda".
        card: which card, in NVML's order.
        footprint: reads what processes hold on the card; None on the CPU.
    """

    info: AdapterInfo
    mode: str
    interpreter: Interpreter
    folder: Path
    cache_dir: Path
    cores: tuple[int, ...]
    tell: Tell
    device: str = "cpu"
    card: int = 0
    footprint: Footprint | None = None
    _datasets: dict[str, PreparedDataset] = field(default_factory=dict)
    _expected: dict[str, Expected] = field(default_factory=dict)
    _logs: int = 0

    def dataset(self, source: str) -> PreparedDataset:
        """The probes' samples of one source."""
        if source not in self._datasets:
            self._datasets[source] = write_samples(source, self.folder / "samples" / source)
        return self._datasets[source]

    def expected(self, workload: Workload, source: str) -> Expected:
        """The reference's answers for a probe, from weights that rounding does not decide about."""
        if workload.sha256 not in self._expected:
            self._expected[workload.sha256] = fit_answers(
                workload, self.dataset(source), steps=[STEPS], batches=STAGED, cache_dir=self.folder
            )
        return self._expected[workload.sha256]

    def setting(
        self,
        workload: Workload,
        dataset: PreparedDataset,
        *,
        mode: str | None = None,
        task: str = "train",
        cores: tuple[int, ...] | None = None,
        detectors: frozenset[str] = ALL,
    ) -> Setting:
        """A cell of this adapter as a run would have it, in the lane that is ranked."""
        chosen = self.info.modes[mode or self.mode]
        used = self.cores if cores is None else cores
        cell = Cell(
            task=task,
            workload=workload.name,
            data="synthetic",
            adapter=self.info.name,
            role=self.info.role,
            mode=chosen.name,
            mode_class=chosen.mode_class,
            lane=MATCHED,
            device=self.device,
            precision=self.info.precisions[0],
            threads=len(used),
            batch_size=workload.batch_size,
        )
        return Setting(
            cell=cell,
            adapter=self.info,
            interpreter=self.interpreter,
            workload=workload,
            dataset=dataset,
            protocol=PROTOCOL,
            seed=_SEED,
            cores=used,
            compile_cache=self.folder / "compile" / chosen.name,
            timeout_s=_LIMIT_S,
            memory_limit=None,
            warmup_steps=PROTOCOL.warmup_steps,
            detectors=detectors,
            card=self.card,
            footprint=self.footprint,
        )

    def log(self) -> Path:
        """A log file for the next worker; those of the last check of an adapter are kept in the cache."""
        kept = self.cache_dir / "adapter-check" / self.info.name
        if not self._logs:
            shutil.rmtree(kept, ignore_errors=True)
            kept.mkdir(parents=True)
        self._logs += 1
        return kept / f"worker-{self._logs:02d}.log"


class Asking:
    """One worker process for many questions; where one kills it, the next question starts another.

    Args:
        bench: the adapter.
        probe: gives the first process its data; each question may open other data.
        cores: CPU numbers; by default those of the bench.
    """

    def __init__(self, bench: Bench, probe: Probe, cores: tuple[int, ...] | None = None) -> None:
        self.bench = bench
        self._setting = bench.setting(probe.workload, bench.dataset(probe.source), cores=cores)
        self._open = ExitStack()
        self._link: Link | None = None
        self._started = False
        self._log = bench.log()

    def ask(self, work: Callable[[Link], T], *, start: bool = True) -> T:
        """Do some work with the worker, which is started first if there is none.

        Args:
            work: what to ask.
            start: whether the framework is to be imported and set up before.

        Raises:
            WorkerError: it failed; a worker that is gone is forgotten.
        """
        try:
            if self._link is None:
                self._log = self.bench.log()
                self._link = self._open.enter_context(open_link(self._setting, self._log))
            if start and not self._started:
                self._link.start()
                self._started = True
            return work(self._link)
        except WorkerError as problem:
            if problem.code in _DEAD or not self._started:
                self.close()
            raise

    def close(self) -> None:
        """End the worker if there is one."""
        self._open.close()
        self._link, self._started = None, False

    def trouble(self, check: str, problem: WorkerError, next_step: str = "") -> Result:
        """A failed check out of what a worker said."""
        return trouble(self.bench, check, problem, self._log, next_step)

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def trouble(bench: Bench, check: str, problem: WorkerError, log: Path, next_step: str = "") -> Result:
    """What an adapter raised, where in its file, and what to do about it."""
    found = _in_one_line(str(problem), log)
    place = _place(log, bench.info.folder)
    if found.startswith("NotImplementedError"):
        return failed(check, "not written yet", f"{found.partition(': ')[2]}{place}")
    if problem.code.startswith("UNSUPPORTED_") or problem.code in codes.UNSUPPORTED:
        advice = next_step or "write it, or take it out of adapter.toml"
        return failed(check, f"{REFUSED}: {found}", f"{advice}{place}")
    code = f"{problem.code}: " if problem.code in _DEAD else ""
    return failed(check, f"{code}{found}", f"{next_step or 'see what it said'}{place or f'; its log: {log}'}")


def _in_one_line(text: str, log: Path) -> str:
    """The first line of a long message and the last one of its traceback, where the cause stands."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2:
        return text
    last = [line.strip() for line in read_log_end(log).splitlines() if line.strip()][-1:]
    return " … ".join(dict.fromkeys([lines[0], *last]))


def _place(log: Path, folder: Path) -> str:
    """The last line of the adapter's own files in the last traceback of a log."""
    tail = read_log_end(log).rpartition("Traceback (most recent call last)")[2]
    own = rf'File "{re.escape(str(folder))}/([^"]+)", line (\d+), in (\w+)'
    found = re.findall(own, tail)
    return f" [{found[-1][0]} line {found[-1][1]}, {found[-1][2]}]" if found else ""
