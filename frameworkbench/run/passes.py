"""The passes: what the parent asks of one worker process to prove, time or train a cell.

Each pass is one fresh process and gives one outcome. Comparing with the reference happens after the worker
has delivered, so that it never disturbs a timing.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..analysis import parity
from ..analysis.parity import Check
from ..data import PreparedDataset
from ..data.transform import epoch_order, to_inputs
from ..environments import Interpreter
from ..errors import WorkerError
from ..reference import Network, evaluate, initial_weights
from ..registry import AdapterInfo
from ..spec.cell import Cell
from ..spec.protocol import Protocol
from ..spec.training import Loss, Optimizer
from ..spec.workload import Workload
from . import codes
from .judge import Expected, input_options
from .worker_process import WorkerProcess

Array = npt.NDArray[Any]

_EPOCH_CHUNK = 100  # batches on the device at a time while training: 80 MB of CIFAR images
_SNAPSHOT_STEPS = 3  # how many different step counts a run draws its checks from


@dataclass(frozen=True, slots=True)
class Setting:
    """All that the passes of one cell need, gathered once."""

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


@dataclass(slots=True)
class Outcome:
    """What one pass came to; ``busy_s`` says where the worker's time went, by operation."""

    status: str = "ok"
    code: str = ""
    reason: str = ""
    payload: dict[str, Any] = field(default_factory=dict)
    busy_s: dict[str, float] = field(default_factory=dict)
    oracle_s: float = 0.0


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

    def stage(self, order: Array) -> None:
        """Put these batches on the device."""
        self.worker.ask("stage", indices=self._save(order))

    def steps(self, count: int) -> list[float]:
        """Run ordinary steps; their losses."""
        return [float(loss) for loss in self.worker.ask("steps", count=count)["losses"]] if count else []

    def export(self) -> dict[str, Array]:
        """The current weights."""
        file = self._file("npz")
        self.worker.ask("export", path=str(file))
        return _load_export(file)

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
        WorkerError: MODE_FALLBACK when another mode ran, SETTINGS for anything else that differs.
    """
    ran = effective.get("mode")
    if ran != cell.mode:
        raise WorkerError(codes.MODE_FALLBACK, f"asked for mode {cell.mode}; {ran!r} ran")
    for name in ("device", "precision"):
        if effective.get(name) != getattr(cell, name):
            wanted = getattr(cell, name)
            raise WorkerError(codes.SETTINGS, f"asked for {name} {wanted!r}; read back {effective.get(name)!r}")
    threads = effective.get("threads")
    if threads is not None and threads != cell.threads:
        raise WorkerError(codes.SETTINGS, f"asked for {cell.threads} threads; read back {threads}")
    if observed.get("cores") and cores and list(observed["cores"]) != list(cores):
        raise WorkerError(codes.SETTINGS, f"asked for cores {list(cores)}; read back {observed['cores']}")


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
    """Variables of a worker: caches in the cell's own folder, the card hidden from CPU cells, the adapter's own."""
    values = {"threads": str(setting.cell.threads), "compile_cache": str(setting.compile_cache)}
    general = {"XDG_CACHE_HOME": str(setting.compile_cache / "xdg")}
    if setting.cell.device == "cpu":
        general["CUDA_VISIBLE_DEVICES"] = ""
    return general | {name: value.format(**values) for name, value in setting.adapter.environment.items()}


def proof(setting: Setting, expected: Expected, log: Path, *, chooser: random.Random) -> Outcome:
    """Prove a cell: trajectory, parameters, logits, gradients, optimizer; all through the step that is timed.

    The compile cache is emptied first, so this process also gives the cold time to first step.
    """
    shutil.rmtree(setting.compile_cache, ignore_errors=True)
    outcome = Outcome(payload={"cache": "cold"})
    workload = setting.workload
    k = chooser.choice(_proof_steps(workload, setting.protocol, expected))
    checks: list[Check] = []
    with open_link(setting, log) as link:
        link.start()
        link.build(expected.weights, workload.loss, workload.optimizer)
        phases = {"import_s": _seconds(link, "start"), "build_s": _seconds(link, "build")}
        link.stage(expected.order)
        checks += parity.compare_weights(link.export(), expected.weights)
        mismatch = [check for check in checks if check.error == float("inf")]
        if mismatch:
            raise WorkerError(codes.MODEL_MISMATCH, f"parameter {mismatch[0].tensor} is missing or has another shape")
        first = link.worker.ask("steps", count=1)
        phases["first_step_s"] = first["elapsed_ns"] / 1e9
        outcome.payload["phases"] = phases
        losses = [float(first["losses"][0]), *link.steps(k - 1)]
        after_k = link.export()
        losses += link.steps(max(0, workload.parity.trajectory_steps - k))
        outcome.payload["step_s"] = _step_estimate(link, phases["first_step_s"], len(losses))
        final = link.export() if len(losses) > k else after_k
        logits = link.predict(0)
        after_gradient = _one_step(link, expected, workload.loss, expected.gradient_optimizer)
        link.build(expected.weights, expected.optimizer_loss, workload.optimizer)
        probes = {}
        for step in (1, 2):
            link.steps(1)
            probes[step] = link.export()
        outcome.payload["effective"] = link.effective()
        trained = _train_briefly(link, setting, expected)
    checks += _judge(setting, expected, k, losses, after_k, after_gradient, probes)
    checks.append(_logits_check(setting, expected, final, logits))
    _close_books(outcome, link)
    _conclude(outcome, checks)
    if trained is not None and outcome.status == "ok":
        outcome.payload["accuracy"] = _evaluation(setting, trained) | {"steps": setting.protocol.proof_training_steps}
    return outcome


def speed(setting: Setting, expected: Expected, log: Path, *, chooser: random.Random) -> Outcome:
    """Time a cell in one fresh process, which first shows again that it computes the proven thing."""
    protocol, workload = setting.protocol, setting.workload
    outcome = Outcome(payload={"cache": "warm"})
    k = chooser.choice([step for step in sorted(expected.updates) if step <= workload.parity.parameters_steps_quick[1]])
    with open_link(setting, log) as link:
        link.start()
        link.build(expected.weights, workload.loss, workload.optimizer)
        link.stage(expected.order)
        first = link.worker.ask("steps", count=1)
        before = link.worker.ask("steps", count=k - 1)
        snapshot = link.export_later()
        warm = link.worker.ask("steps", count=protocol.warmup_steps)
        # The faster of two looks: a window sized on a disturbed one would come out too short.
        step_ns = min(before["elapsed_ns"] / (k - 1), warm["elapsed_ns"] / protocol.warmup_steps)
        steps = window_steps(protocol, max(step_ns / 1e9, 1e-7))
        windows = [link.worker.window(steps) for _ in range(protocol.windows)]
        outcome.payload |= {
            "phases": {
                "import_s": _seconds(link, "start"),
                "build_s": _seconds(link, "build"),
                "first_step_s": first["elapsed_ns"] / 1e9,
                "warmup_s": warm["elapsed_ns"] / 1e9,
            },
            "windows": windows,
            "effective": link.effective(),
            "memory": {"peak_bytes": link.worker.ask("memory")["peak_bytes"], "source": "speed process"},
            "load_average": round(os.getloadavg()[0], 2),
        }
        link.worker.close()
        exported = _load_export(snapshot)
    check_clocks(windows)
    limit = workload.parity.parameters
    checks = parity.compare_updates("snapshot", k, exported, expected.weights, expected.updates[k], limit)
    worst = parity.worst(checks)
    outcome.payload["snapshot"] = worst.to_json()
    _close_books(outcome, link)
    if not worst.passed:
        outcome.status, outcome.code = "not_comparable", codes.WRONG_RESULT
        outcome.reason = f"in the timed process: {worst.sentence}"
    return outcome


def accuracy(setting: Setting, log: Path, *, seed: int, progress: Callable[[str], None]) -> Outcome:
    """Train for the workload's epochs from a seed; the harness evaluates the exported weights itself."""
    outcome = Outcome()
    workload, dataset = setting.workload, setting.dataset
    epochs: list[dict[str, Any]] = []
    exports: list[dict[str, Array]] = []
    with open_link(setting, log) as link:
        link.start()
        link.build(initial_weights(workload.model, seed), workload.loss, workload.optimizer)
        outcome.payload["effective"] = link.effective()
        for epoch in range(workload.epochs):
            order = epoch_order(seed, epoch, dataset.train_size, workload.batch_size)
            reply = link.epoch(order)
            exports.append(link.export())
            epochs.append({"epoch": epoch + 1, "train_s": reply["train_ns"] / 1e9, "loss": reply["loss"]})
            progress(f"epoch {epoch + 1} of {workload.epochs}, loss {reply['loss']:.3f}")
    for entry, weights in zip(epochs, exports, strict=True):
        result = _evaluation(setting, weights)
        entry |= {"accuracy": result["value"], "total": result["total"]}
        final = {"accuracy": result["value"], "correct": result["correct"], "total": result["total"]}
    outcome.payload |= {"seed": seed, "epochs": epochs, "final": final, "target": workload.accuracy_target}
    _close_books(outcome, link)
    return outcome


def window_steps(protocol: Protocol, step_s: float) -> int:
    """Steps of a window: long enough in time and in steps, but no longer than the limit."""
    wanted = max(protocol.window_steps, round(protocol.window_s / step_s))
    longest = max(1, int(protocol.window_limit_s / step_s))
    return min(wanted, longest)


def check_clocks(windows: list[dict[str, Any]]) -> None:
    """The worker's claim may not be shorter than the parent's stamps say (method T4).

    Raises:
        WorkerError: CLOCK_MISMATCH.
    """
    for window in windows:
        seen = window["stop_ns"] - window["start_ns"]
        if seen - window["claimed_ns"] > max(0.03 * seen, 20e6):
            raise WorkerError(
                codes.CLOCK_MISMATCH,
                f"the worker claims {window['claimed_ns'] / 1e6:.1f} ms for a window of {seen / 1e6:.1f} ms",
            )


def draw_snapshot_steps(workload: Workload, protocol: Protocol, chooser: random.Random) -> list[int]:
    """Steps after which parameters are compared: drawn per run, so that no adapter can know them."""
    drawn = chooser.sample(_range(workload.parity.parameters_steps_quick), k=_SNAPSHOT_STEPS)
    if protocol.long_parameters:
        drawn += chooser.sample(_range(workload.parity.parameters_steps), k=_SNAPSHOT_STEPS)
    return sorted(set(drawn))


def _proof_steps(workload: Workload, protocol: Protocol, expected: Expected) -> list[int]:
    first = workload.parity.parameters_steps[0] if protocol.long_parameters else 0
    return [step for step in sorted(expected.updates) if step >= first]


def _range(bounds: tuple[int, int]) -> list[int]:
    steps = list(range(bounds[0], bounds[1] + 1))
    return steps * _SNAPSHOT_STEPS if len(steps) < _SNAPSHOT_STEPS else steps


def _one_step(link: Link, expected: Expected, loss: Loss, optimizer: Optimizer) -> dict[str, Array]:
    link.build(expected.weights, loss, optimizer)
    link.steps(1)
    return link.export()


def _train_briefly(link: Link, setting: Setting, expected: Expected) -> dict[str, Array] | None:
    """A few dozen ordinary steps on distinct batches, for an accuracy that shows that learning happens."""
    steps = setting.protocol.proof_training_steps
    is_main = setting.cell.mode == setting.adapter.main_mode
    if not steps or not is_main:
        return None
    link.build(initial_weights(setting.workload.model, setting.seed), setting.workload.loss, setting.workload.optimizer)
    link.steps(steps)
    return link.export()


def _judge(
    setting: Setting,
    expected: Expected,
    k: int,
    losses: list[float],
    after_k: dict[str, Array],
    after_gradient: dict[str, Array],
    probes: Mapping[int, dict[str, Array]],
) -> list[Check]:
    limits = setting.workload.parity
    length = limits.trajectory_steps
    checks = parity.compare_losses(
        losses[:length], expected.losses[:length], expected.loss_tolerances(setting.workload)
    )
    checks += parity.compare_gradients(
        after_gradient, expected.weights, expected.gradient_optimizer.learning_rate, expected.gradients, limits.gradient
    )
    for step, exported in probes.items():
        reference = expected.optimizer_updates[step]
        checks += parity.compare_updates("optimizer", step, exported, expected.weights, reference, limits.optimizer)
    checks += parity.compare_updates("parameters", k, after_k, expected.weights, expected.updates[k], limits.parameters)
    return checks


def _logits_check(setting: Setting, expected: Expected, weights: dict[str, Array], logits: Array) -> Check:
    """Logits against the reference's logits for the very weights that the adapter exported."""
    inputs = np.load(setting.dataset.train_inputs, mmap_mode="r", allow_pickle=False)[expected.order[0]]
    reference = Network(setting.workload.model, weights).logits(to_inputs(inputs, **input_options(setting.workload)))
    return Check("logits", 0, "logits", parity.max_error(logits, reference), setting.workload.parity.logits)


def _conclude(outcome: Outcome, checks: list[Check]) -> None:
    worst = parity.worst(checks)
    passed = all(check.passed for check in checks)
    outcome.payload["parity"] = {"passed": passed, "checks": [check.to_json() for check in checks]}
    if not passed:
        outcome.status, outcome.code = "not_comparable", f"PARITY_{worst.check.upper()}"
        outcome.reason = worst.sentence


def _evaluation(setting: Setting, weights: Mapping[str, Array]) -> dict[str, Any]:
    inputs = np.load(setting.dataset.test_inputs, mmap_mode="r", allow_pickle=False)
    labels = np.load(setting.dataset.test_labels, mmap_mode="r", allow_pickle=False)
    options = input_options(setting.workload)
    result = evaluate(setting.workload.model, weights, inputs, labels, to_inputs=lambda raw: to_inputs(raw, **options))
    return {"value": result.accuracy, "correct": result.correct, "total": result.total}


def _load_export(file: Path) -> dict[str, Array]:
    try:
        with np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError) as problem:
        raise WorkerError(codes.BAD_OUTPUT, f"the exported weights cannot be read: {problem}") from problem


def _seconds(link: Link, op: str) -> float:
    return link.worker.busy_ns.get(op, 0) / 1e9


def _step_estimate(link: Link, first_step_s: float, steps: int) -> float:
    return max(1e-6, _seconds(link, "steps") - first_step_s) / max(steps - 1, 1)


def _close_books(outcome: Outcome, link: Link) -> None:
    outcome.busy_s = {op: ns / 1e9 for op, ns in link.worker.busy_ns.items()}


__all__ = ["Outcome", "Setting", "accuracy", "draw_snapshot_steps", "proof", "speed", "window_steps"]
