"""What passes say to a worker: settings, weights and batches in, losses, logits and weights out.

Arrays travel as files in a scratch folder; nothing is unpickled.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
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
from ..spec.protocol import Protocol
from ..spec.training import Loss, Optimizer
from ..spec.workload import Workload
from . import codes
from .judge import input_options
from .tree_memory import Footprint
from .worker_process import WorkerProcess

Array = npt.NDArray[Any]

_EPOCH_CHUNK = 100  # batches on the device at a time while training: 80 MB of CIFAR images


@dataclass(frozen=True, slots=True)
class Setting:
    """All that the passes of one cell need, gathered once.

    ``card`` is the index of the card for a CUDA cell, ``footprint`` reads what processes hold on it; ``weighed`` is set
    for processes whose memory is measured and that are never timed.
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
    card: int = 0
    footprint: Footprint | None = None
    weighed: bool = False


class Link:
    """A worker with a private folder: sends arrays as files, reads arrays back, keeps the books.

    Args:
        setting: the cell.
        worker: its process.
        folder: scratch folder that both sides can reach.
    """

    def __init__(self, setting: Setting, worker: WorkerProcess, folder: Path) -> None:
        self._setting = setting
        self._folder = folder
        self._count = 0
        self.worker = worker

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
        }
        self.worker.ask("start", adapter_file=str(setting.adapter.folder / "adapter.py"), settings=settings)
        self.worker.ask(
            "data",
            inputs=str(setting.dataset.train_inputs),
            labels=str(setting.dataset.train_labels),
            spec=input_options(setting.workload),
        )

    def build(self, weights: Mapping[str, Array], loss: Loss, optimizer: Optimizer) -> None:
        """Build the workload's model from these weights."""
        file = self._file("npz")
        np.savez(file, **weights)  # type: ignore[arg-type]
        model = self._setting.workload.model.to_json()
        self.worker.ask("build", model=model, loss=loss.to_json(), optimizer=optimizer.to_json(), weights=str(file))

    def load(self, weights: Mapping[str, Array]) -> None:
        """Give the built model other weights and forget the optimizer's state."""
        file = self._file("npz")
        np.savez(file, **weights)  # type: ignore[arg-type]
        self.worker.ask("load", weights=str(file))

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

    def stage(self, order: Array, *, keep: bool = True) -> None:
        """Put these batches on the device; without ``keep`` the worker holds no host copy and cannot predict."""
        self.worker.ask("stage", indices=self._save(order), keep=keep)

    def steps(self, count: int) -> list[float]:
        """Run ordinary steps; their losses."""
        return [float(loss) for loss in self.worker.ask("steps", count=count)["losses"]] if count else []

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
        check_settings(self._setting.cell, self._setting.cores, reply["effective"], reply["observed"])
        return {**reply["effective"], "observed": reply["observed"]}

    def _requests(self, op: str, count: int) -> tuple[dict[str, Any], Path]:
        file = self._file("npy")
        reply = self.worker.timed(op, count=count, path=str(file))
        names = ("start_ns", "stop_ns", "claimed_ns", "cpu_s", "census", "latencies_ns")
        return {"steps": count, **{name: reply[name] for name in names if name in reply}}, file

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

    Raises:
        WorkerError: MODE_FALLBACK when another mode ran, FALLBACK when the process has no context on the card that was
            asked for, RESOURCE for more cores than were given, SETTINGS for anything else that differs.
    """
    ran = effective.get("mode")
    if ran != cell.mode:
        raise WorkerError(codes.MODE_FALLBACK, f"asked for mode {cell.mode}; {ran!r} ran")
    for name in ("device", "precision"):
        if effective.get(name) != getattr(cell, name):
            wanted = getattr(cell, name)
            raise WorkerError(codes.SETTINGS, f"asked for {name} {wanted!r}; read back {effective.get(name)!r}")
    if cell.device == "cuda" and observed.get("driver", {}).get("context") is False:
        raise WorkerError(codes.FALLBACK, "asked for the card; the process made no context on it")
    threads = effective.get("threads")
    if threads is not None and threads != cell.threads:
        raise WorkerError(codes.SETTINGS, f"asked for {cell.threads} threads; read back {threads}")
    seen = observed.get("cores")
    if seen and cores and list(seen) != list(cores):
        code = codes.RESOURCE if set(seen) - set(cores) else codes.SETTINGS
        raise WorkerError(code, f"asked for cores {list(cores)}; read back {seen}")


@contextmanager
def open_link(setting: Setting, log: Path) -> Iterator[Link]:
    """A started worker process for a cell, ended on leaving."""
    with tempfile.TemporaryDirectory(prefix="frameworkbench-") as name:
        folder = Path(name)
        setting.compile_cache.mkdir(parents=True, exist_ok=True)
        with WorkerProcess(
            setting.interpreter.path,
            environment=worker_environment(setting),
            log=log,
            folder=folder,
            cores=setting.cores,
            deadline_s=setting.timeout_s,
            memory_limit=setting.memory_limit,
        ) as worker:
            yield Link(setting, worker, folder)


def worker_environment(setting: Setting) -> dict[str, str]:
    """Variables of a worker: caches in the cell's own folder, one card or none, the adapter's own.

    A process that is weighed also gets the adapter's variables against preallocation; a timed one never does.
    """
    cell, cache = setting.cell, setting.compile_cache
    values = {"threads": str(cell.threads), "compile_cache": str(cache)}
    general = {"XDG_CACHE_HOME": str(cache / "xdg")}
    general |= card_environment(cell.device, setting.card, cell.precision, cell.lane, str(cache))
    own = dict(setting.adapter.environment) | (dict(setting.adapter.weighed_environment) if setting.weighed else {})
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
