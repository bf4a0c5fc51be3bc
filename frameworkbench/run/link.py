"""What passes say to a worker: settings, weights and batches in, losses, logits and weights out.

Arrays travel as files in a scratch folder; nothing is unpickled.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data import PreparedDataset
from ..device.choice import card_environment
from ..environments import Interpreter
from ..errors import WorkerError
from ..registry import AdapterInfo
from ..spec.cell import Cell
from ..spec.lanes import DEFAULT, MATCHED, TUNED, Tuning
from ..spec.model import Model
from ..spec.protocol import Protocol
from ..spec.training import Loss, Optimizer
from ..spec.workload import Workload
from ..validity.canary import Canaries, plant
from ..validity.findings import ALL, Finding
from ..validity.parked import Parked
from . import census, codes, rest
from .judge import input_options
from .process_facts import loaded_libraries
from .tree_memory import Footprint
from .variation import Variation, draw
from .worker_process import WorkerProcess

Array = npt.NDArray[Any]

_EPOCH_CHUNK = 100  # batches on the device at a time while training: 80 MB of CIFAR images


@dataclass(frozen=True, slots=True)
class Setting:
    """All that the passes of one cell need, gathered once.

    ``warmup_steps`` is what the cell's pilot came to; ``detectors`` are those whose findings count (all, outside the
    self-test); ``ceiling`` is the machine's matrix product in operations per second, None where it was not measured.
    ``card`` is the index of the card for a CUDA cell, ``footprint`` reads what processes hold on it; ``weighed`` is set
    for processes whose memory is measured and that are never timed. ``windows`` are the pieces of a timed window,
    between which other processes have their turns; a process that is alone has one.
    """

    cell: Cell
    adapter: AdapterInfo
    interpreter: Interpreter
    workload: Workload
    dataset: PreparedDataset
    protocol: Protocol
    seed: int
    cores: tuple[int, ...]
    compile_cache: Path
    timeout_s: float
    memory_limit: int | None
    warmup_steps: int
    detectors: frozenset[str] = ALL
    ceiling: float | None = None
    card: int = 0
    footprint: Footprint | None = None
    weighed: bool = False
    windows: int = 1

    @property
    def own_loop(self) -> bool:
        """Whether a window is one call of the framework's own loop, which costs something by itself."""
        return self.adapter.modes[self.cell.mode].own_loop

    @property
    def tunings(self) -> tuple[Tuning, ...]:
        """What the cell sets beyond the matched settings; empty outside the lane tuned."""
        cell = self.cell
        if cell.lane != TUNED:
            return ()
        return self.adapter.tunings(cell.mode, cell.device, self.workload.model.kinds)


class Link:
    """A worker with a private folder: sends arrays as files, reads arrays back, keeps the books.

    Args:
        setting: the cell.
        worker: its process.
        folder: scratch folder that both sides can reach.
        variation: what was drawn for this process.
    """

    def __init__(self, setting: Setting, worker: WorkerProcess, folder: Path, variation: Variation) -> None:
        self._setting = setting
        self._folder = folder
        self._variation = variation
        self._count = 0
        self.worker = worker
        self.libraries: dict[str, str | None] = {}
        self.canaries: Canaries | None = None
        self.parked = Parked()
        self.steps_done = 0  # since the last build or load
        self.cursor = 0  # batches taken since they were staged

    def start(self) -> None:
        """Import the framework, apply the settings, open the training data."""
        setting, cell = self._setting, self._setting.cell
        settings = {
            "mode": cell.mode,
            "device": cell.device,
            "threads": cell.threads,
            "precision": cell.precision,
            "lane": cell.lane,
            "seed": setting.seed,
            "compile_cache": str(setting.compile_cache),
            "options": {name: value for tuning in setting.tunings for name, value in tuning.options.items()},
        }
        self.worker.ask("start", adapter_file=str(setting.adapter.folder / "adapter.py"), settings=settings)
        inputs, labels, self.canaries = _lay_out_data(setting, self._folder)
        self.worker.ask("data", inputs=str(inputs), labels=str(labels), spec=input_options(setting.workload))

    def open_data(self, inputs: Array, labels: Array, options: Mapping[str, Any]) -> None:
        """Let batches come from other samples from now on; ``options`` are those of ``to_inputs``."""
        self.worker.ask("data", inputs=self._save(inputs), labels=self._save(labels), spec=dict(options))

    def build(self, weights: Mapping[str, Array], loss: Loss, optimizer: Optimizer, model: Model | None = None) -> None:
        """Build the workload's model (or another one) from these weights."""
        table = (model or self._setting.workload.model).to_json()
        self.worker.ask(
            "build",
            model=table,
            loss=loss.to_json(),
            optimizer=optimizer.to_json(),
            weights=self._save_weights(weights),
        )
        self.steps_done = self.cursor = 0

    def load(self, weights: Mapping[str, Array]) -> None:
        """Put other weights into the model that is built; the optimizer starts afresh."""
        self.load_again(Path(self._save_weights(weights)))

    def load_again(self, exported: Path) -> None:
        """Put weights back that this worker exported; the optimizer starts afresh."""
        self.worker.ask("load", weights=str(exported))
        self.steps_done = self.cursor = 0

    def end_helpers(self) -> None:
        """Let processes end that only building and compiling needed."""
        self.worker.ask("end_helpers")

    def answer(self, count: int) -> tuple[dict[str, Any], Path]:
        """A window of queued requests on staged batches that the current weights have not seen.

        Returns:
            The window as stamped by the parent, with its number of requests as ``steps``; and the file of the answers
            ``(count, B, classes)``, to be read once the worker is gone.
        """
        return self._requests("answer", count)

    def requests(self, count: int) -> tuple[dict[str, Any], Path]:
        """The same one after the other: the window also holds ``latencies_ns`` by the worker's clock."""
        return self._requests("requests", count)

    def stage(self, order: Array, *, keep: bool = True) -> list[Finding]:
        """Put these batches on the device; a finding if fewer arrive.

        Without ``keep`` the worker holds no host copy and cannot predict.
        """
        staged = int(self.worker.ask("stage", indices=self._save(order), keep=keep)["batches"])
        self.cursor = 0
        if staged == len(order):
            return []
        reason = f"{len(order)} batches were handed out and {staged} were staged"
        return [Finding("samples", "SAMPLE_COUNT", reason)]

    def steps(self, count: int) -> list[float]:
        """Run ordinary steps; their losses."""
        return [float(loss) for loss in self.timed_steps(count)["losses"]] if count else []

    def timed_steps(self, count: int) -> dict[str, Any]:
        """Run ordinary steps; losses, the time by the worker's clock, and by the parent's."""
        started = time.perf_counter_ns()
        reply = self.worker.ask("steps", count=count)
        self._count_steps(count)
        return {**reply, "wall_ns": time.perf_counter_ns() - started}

    def window(self, steps: int) -> dict[str, Any]:
        """One timed window, stamped by the parent."""
        window = self.worker.window(steps)
        self._count_steps(steps)
        return window

    def turn(self) -> Generator[None, None, None]:
        """Let other processes have their turns. The worker is at rest before, and what it does meanwhile is seen."""
        rest.settle(self.worker.pid)
        before = census.take(self.worker.pid)
        with self.worker.waiting():
            yield
        self.parked.add(census.between(before, census.take(self.worker.pid)))

    def latencies(self, steps: int) -> list[float]:
        """Seconds of single steps, each drained, by the worker's clock."""
        found = self.worker.ask("latencies", steps=steps)["latencies_ns"]
        self._count_steps(steps)
        return [ns / 1e9 for ns in found]

    def logits(self, inputs: Array) -> Array:
        """Logits of a host batch that is not staged."""
        file = self._file("npy")
        self.worker.ask("logits", inputs=self._save(inputs), path=str(file))
        logits: Array = np.load(file, allow_pickle=False)
        return logits

    def identity(self) -> dict[str, Any]:
        """Where the worker found the framework."""
        return self.worker.ask("identity", module=self._setting.adapter.module)

    def process(self) -> dict[str, Any]:
        """Which process it was and what was drawn for it, once it has ended."""
        return {
            "pid": self.worker.pid,
            "started_ns": self.worker.started_ns,
            "ended_ns": self.worker.ended_ns,
            "interpreter": self._setting.interpreter.fingerprint,
            "varied": self._variation.to_json(),
        }

    def export(self) -> dict[str, Array]:
        """The current weights."""
        file = self._file("npz")
        self.worker.ask("export", path=str(file))
        return load_export(file)

    def export_later(self) -> Path:
        """The current weights as a file, to be read once the worker is gone."""
        file = self._file("npz")
        self.worker.ask("export", path=str(file))
        return file

    def predict(self, batch: int) -> Array:
        """Logits of one staged batch."""
        file = self._file("npy")
        self.worker.ask("predict", batch=batch, path=str(file))
        logits: Array = np.load(file, allow_pickle=False)
        return logits

    def epoch(self, order: Array) -> dict[str, Any]:
        """Train over these batches once."""
        return self.worker.ask("epoch", indices=self._save(order), chunk=_EPOCH_CHUNK)

    def effective(self) -> dict[str, Any]:
        """What holds, checked against what was asked.

        Raises:
            WorkerError: a setting did not take.
        """
        reply = self.worker.ask("effective")
        self.libraries = loaded_libraries(self.worker.pid)
        check_settings(self._setting.cell, self._setting.cores, reply["effective"], reply["observed"])
        return {**reply["effective"], "observed": reply["observed"]}

    def _requests(self, op: str, count: int) -> tuple[dict[str, Any], Path]:
        file = self._file("npy")
        reply = self.worker.timed(op, count=count, path=str(file))
        names = ("start_ns", "stop_ns", "claimed_ns", "cpu_s", "census", "foreign_cpu_share", "latencies_ns")
        return {"steps": count, **{name: reply[name] for name in names if name in reply}}, file

    def _count_steps(self, count: int) -> None:
        self.steps_done += count
        self.cursor += count

    def _save_weights(self, weights: Mapping[str, Array]) -> str:
        file = self._file("npz")
        np.savez(file, **weights)  # type: ignore[arg-type]
        return str(file)

    def _save(self, array: Array) -> str:
        file = self._file("npy")
        np.save(file, array, allow_pickle=False)
        return str(file)

    def _file(self, suffix: str) -> Path:
        self._count += 1
        return self._folder / f"{self._count:03d}.{suffix}"


def check_settings(
    cell: Cell, cores: tuple[int, ...], effective: Mapping[str, Any], observed: Mapping[str, Any]
) -> None:
    """Compare requested with effective settings.

    Threads are set in the lane matched alone: elsewhere their number is what the row shows. In the lane default no
    precision is set either; there the fingerprint decides, as it does everywhere beside the settings.

    Raises:
        WorkerError: MODE_FALLBACK when another mode ran, FALLBACK when the process has no context on the card that was
            asked for, RESOURCE for more cores than were given, SETTINGS for anything else that differs.
    """
    ran = effective.get("mode")
    if ran != cell.mode:
        raise WorkerError(codes.MODE_FALLBACK, f"asked for mode {cell.mode}; {ran!r} ran")
    for name in ("device",) if cell.lane == DEFAULT else ("device", "precision"):
        if effective.get(name) != getattr(cell, name):
            wanted = getattr(cell, name)
            raise WorkerError(codes.SETTINGS, f"asked for {name} {wanted!r}; read back {effective.get(name)!r}")
    if cell.device == "cuda" and observed.get("driver", {}).get("context") is False:
        raise WorkerError(codes.FALLBACK, "asked for the card; the process made no context on it")
    threads = effective.get("threads")
    if cell.lane == MATCHED and threads is not None and threads != cell.threads:
        raise WorkerError(codes.SETTINGS, f"asked for {cell.threads} threads; read back {threads}")
    seen = observed.get("cores")
    if seen and cores and list(seen) != list(cores):
        code = codes.RESOURCE if set(seen) - set(cores) else codes.SETTINGS
        raise WorkerError(code, f"asked for cores {list(cores)}; read back {seen}")


def _lay_out_data(setting: Setting, folder: Path) -> tuple[Path, Path, Canaries]:
    """The training split in a folder of its own, beside it a decoy of the test labels (see validity.canary)."""
    place = folder / "data"
    place.mkdir()
    dataset = setting.dataset
    for name, file in (("train_inputs.npy", dataset.train_inputs), ("train_labels.npy", dataset.train_labels)):
        _put(file, place / name)
    _put(dataset.test_inputs, place / "test_inputs.npy")
    labels = np.load(dataset.test_labels, mmap_mode="r", allow_pickle=False)
    canaries = plant(labels, dataset.classes, np.random.default_rng())
    np.save(place / "test_labels.npy", canaries.decoy, allow_pickle=False)
    return place / "train_inputs.npy", place / "train_labels.npy", canaries


def _put(file: Path, place: Path) -> None:
    """A second name for a file: a hard link, which does not tell where the first one is, if the disk allows it."""
    try:
        place.hardlink_to(file)
    except OSError:
        place.symlink_to(file)


@contextmanager
def open_link(setting: Setting, log: Path) -> Iterator[Link]:
    """A started worker process for a cell, ended on leaving."""
    variation = draw(random.SystemRandom())
    with tempfile.TemporaryDirectory(prefix="frameworkbench-", suffix="x" * variation.folder_suffix) as name:
        folder = Path(name)
        setting.compile_cache.mkdir(parents=True, exist_ok=True)
        with WorkerProcess(
            setting.interpreter.path,
            environment=worker_environment(setting) | variation.environment,
            log=log,
            folder=folder,
            cores=setting.cores,
            deadline_s=setting.timeout_s,
            memory_limit=setting.memory_limit,
        ) as worker:
            yield Link(setting, worker, folder, variation)


def worker_environment(setting: Setting) -> dict[str, str]:
    """Variables of a worker: caches in the cell's own folder, one card or none, the adapter's own.

    A process that is weighed also gets the adapter's variables against preallocation; a timed one never does.
    """
    cell, cache = setting.cell, setting.compile_cache
    values = {"threads": str(cell.threads), "compile_cache": str(cache)}
    general = {"XDG_CACHE_HOME": str(cache / "xdg")}
    general |= card_environment(cell.device, setting.card, cell.precision, cell.lane, str(cache))
    own = setting.adapter.variables(cell.lane, setting.tunings)
    own |= dict(setting.adapter.weighed_environment) if setting.weighed else {}
    return general | {name: value.format(**values) for name, value in own.items()}


def load_export(file: Path) -> dict[str, Array]:
    """Weights that a worker exported.

    Raises:
        WorkerError: BAD_OUTPUT, the file is missing or damaged.
    """
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as problem:
        raise WorkerError(codes.BAD_OUTPUT, f"the exported weights cannot be read: {problem}") from problem
