"""From request to cells: which combinations are asked for, and which of them can be answered at once.

Planning runs no adapter code. A combination that an adapter's declaration rules out becomes a cell of its
own with the reason, so that nothing that was asked for goes missing.
"""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..content import content_dir
from ..data import PreparedDataset
from ..environments import Interpreter
from ..errors import UsageError
from ..registry import AdapterInfo, Mode, load_adapters
from ..spec.cell import TWIN, Cell, cell_key
from ..spec.lanes import DEFAULT, TUNED, check_lanes, control_lane
from ..spec.precision import ENTRANT_PRECISIONS, PRECISIONS
from ..spec.protocol import Protocol
from ..spec.workload import Workload, load_workload, load_workloads, select_workloads
from . import codes
from .fingerprints import code_sha256, folder_sha256
from .options import RunOptions

COMPILERS = ("c++", "g++", "clang++")


@dataclass(frozen=True, slots=True)
class Planned:
    """One cell of the plan.

    Attributes:
        cell: its axes.
        key: hash of the axes and of ``inputs``.
        main: whether it is timed in every block: a framework's main mode, or a twin.
        refusal: a (code, reason) known before any process is started.
        inputs: fingerprints that are part of the key.
        named: whether its mode was asked for by name.
        twin_of: key of the cell that this one repeats under another name; empty for all others.
    """

    cell: Cell
    key: str
    main: bool
    refusal: tuple[str, str] | None
    inputs: Mapping[str, str] = field(default_factory=dict, compare=False)
    twin_of: str = ""
    named: bool = False

    @property
    def trains(self) -> bool:
        """Whether it is trained for an accuracy: a main mode, in the task that trains, that is no twin of another."""
        return self.main and self.cell.task == "train" and not self.twin_of


@dataclass(frozen=True, slots=True)
class Choice:
    """The adapters and modes, and the workloads, that a request selects."""

    workloads: tuple[Workload, ...]
    modes: tuple[tuple[AdapterInfo, Mode], ...]

    @property
    def adapters(self) -> dict[str, AdapterInfo]:
        """Each chosen adapter once."""
        return {info.name: info for info, _ in self.modes}


def choose(options: RunOptions) -> Choice:
    """Resolve names of workloads and adapters.

    Raises:
        UsageError: an unknown name; lists the known ones.
        SpecError: a workload or adapter file is wrong.
    """
    adapters = load_adapters(options.adapter_paths)
    unknown = sorted(set(options.interpreters) - set(adapters))
    if unknown:
        raise UsageError(f"--python {unknown[0]}=…: unknown adapter; known: {', '.join(adapters)}")
    modes = _chosen_modes(options, adapters)
    if options.device not in ("cpu", "cuda"):
        raise UsageError(f"unknown device {options.device!r}; known: cpu, cuda")
    if options.precision not in (None, *ENTRANT_PRECISIONS):
        raise UsageError(f"unknown precision {options.precision!r}; known: {', '.join(ENTRANT_PRECISIONS)}")
    check_lanes(options.lanes)
    return Choice(_chosen_workloads(options.workloads), tuple(modes))


def make_plan(
    options: RunOptions,
    choice: Choice,
    datasets: Mapping[str, PreparedDataset],
    interpreters: Mapping[str, Interpreter],
    threads: int,
    machine_hash: str,
) -> list[Planned]:
    """All cells of a run, each with its key.

    Args:
        options: the request.
        choice: what it selects.
        datasets: prepared data by workload name.
        interpreters: by adapter name; an adapter whose environment failed is absent.
        threads: cores each worker may use.
        machine_hash: identity of this machine.
    """
    plan = []
    for workload in choice.workloads:
        dataset = datasets[workload.name]
        cells: list[Planned] = []
        for lane, task, info, mode in _rows(options, choice):
            cell = Cell(
                task=task,
                workload=workload.name,
                data=dataset.kind,
                adapter=info.name,
                role=info.role,
                mode=mode.name,
                mode_class=mode.mode_class,
                lane=lane,
                device=options.device,
                precision=precision_for(info, options),
                threads=threads,
                batch_size=workload.batch_size,
            )
            interpreter = interpreters.get(info.name)
            inputs = {
                "dataset": dataset.fingerprint,
                "workload": workload.sha256,
                "adapter": folder_sha256(info.folder),
                "interpreter": interpreter.fingerprint if interpreter else "unavailable",
                "protocol": options.protocol.sha256,
                "code": code_sha256(),
                "machine": machine_hash,
                "seed": str(options.seed),
            }
            main, named = mode.name == info.main_mode, _named(options, info, mode)
            refused = refusal(info, mode, workload, cell)
            cells.append(Planned(cell, cell_key(cell, inputs), main, refused, inputs, named=named))
        plan += [*cells, *(_twin(cells, interpreters, options.seed) if options.protocol.twin else ())]
    return plan


def _rows(options: RunOptions, choice: Choice) -> Iterator[tuple[str, str, AdapterInfo, Mode]]:
    """Every row of one workload: each chosen mode trains; main modes infer, and others that were asked for by name."""
    for lane, task in itertools.product(options.lanes, options.protocol.tasks):
        for info, mode in choice.modes:
            if task == "train" or mode.name == info.main_mode or _named(options, info, mode):
                yield lane, task, info, mode


def _named(options: RunOptions, info: AdapterInfo, mode: Mode) -> bool:
    return f"{info.name}:{mode.name}" in options.adapters


def _twin(cells: Sequence[Planned], interpreters: Mapping[str, Interpreter], seed: int) -> list[Planned]:
    """One entrant's main mode a second time; whose is drawn from the seed, so that a resumed run finds it again.

    It belongs to the lane that is ranked.
    """
    able = [p for p in cells if p.trains and not p.refusal and p.cell.adapter in interpreters]
    lane = control_lane(planned.cell.lane for planned in cells)
    able = [planned for planned in able if planned.cell.role == "entrant" and planned.cell.lane == lane]
    if not able:
        return []
    ordered = sorted(able, key=lambda planned: planned.cell.row)
    chosen = random.Random(f"twin:{seed}:{ordered[0].cell.workload}").choice(ordered)
    cell = replace(chosen.cell, role=TWIN)
    return [Planned(cell, cell_key(cell, chosen.inputs), True, None, chosen.inputs, twin_of=chosen.key)]


def refusal(info: AdapterInfo, mode: Mode, workload: Workload, cell: Cell) -> tuple[str, str] | None:
    """Why this combination cannot run, by the adapter's own declaration and this machine's tools; None if it can."""
    if cell.device not in info.devices:
        return codes.UNSUPPORTED_DEVICE, f"{info.title} declares {', '.join(info.devices)}; asked for {cell.device}"
    if cell.task not in info.tasks:
        return codes.UNSUPPORTED_TASK, f"{info.title}'s adapter does not declare the task {cell.task}"
    narrow = _no_precision(info, cell)
    if narrow:
        return codes.UNSUPPORTED_PRECISION, narrow
    undeclared = _undeclared(info, workload)
    if undeclared:
        return undeclared
    if cell.lane == TUNED and not info.tunings(mode.name, cell.device, workload.model.kinds):
        return codes.UNSUPPORTED_LANE, (
            f"{info.title}'s adapter declares no setting that helps mode {mode.name} here: it would be the matched row"
        )
    for kind in sorted(workload.model.kinds & set(mode.unsupported)):
        return codes.MODE_FALLBACK, mode.unsupported[kind]
    if mode.needs_compiler and not any(shutil.which(name) for name in COMPILERS):
        return codes.NO_COMPILER, (
            f"mode {mode.name} needs a C++ compiler and none of {', '.join(COMPILERS)} is on PATH; install one (g++)"
        )
    if mode.needs_program and not shutil.which(mode.needs_program):
        return codes.NO_COMPILER, f"mode {mode.name} needs {mode.needs_program}, which is not on PATH; install it"
    return None


def _undeclared(info: AdapterInfo, workload: Workload) -> tuple[str, str] | None:
    """The first layer, loss, optimizer or optimizer option that an adapter does not declare, with its reason."""
    optimizer = workload.optimizer
    asked = [
        (codes.UNSUPPORTED_LAYER, "layer", sorted(workload.model.kinds - info.layers)),
        ("UNSUPPORTED_LOSS", "loss", sorted({workload.loss.kind} - info.losses)),
        ("UNSUPPORTED_OPTIMIZER", "optimizer", sorted({optimizer.kind} - info.optimizers)),
        ("UNSUPPORTED_OPTIMIZER", "optimizer option", sorted(optimizer.options - info.optimizer_options)),
    ]
    for code, what, missing in asked:
        if missing:
            reason = f"{info.title}'s adapter does not declare the {what} {missing[0]}"
            why = info.unsupported.get(missing[0])
            return code, f"{reason}: {why}" if why else reason
    return None


def precision_for(info: AdapterInfo, options: RunOptions) -> str:
    """What is asked of an adapter: the request's precision if it is an entrant, else the first it declares."""
    asked = options.precision if info.role == "entrant" else None
    return asked or info.precisions[0]


def _no_precision(info: AdapterInfo, cell: Cell) -> str:
    """Why a precision cannot be had here; empty if it can.

    In the lane default nothing is switched: what may be asked for is what frameworks ship, and the fingerprint tells
    whether this one does. Only training takes a fingerprint.
    """
    shipped = cell.lane == DEFAULT and cell.role == "entrant"
    if shipped and cell.precision == "bfloat16":
        return "the lane default switches no precision on; bfloat16 exists in the lane matched"
    if shipped and cell.precision == "tf32" and cell.task != "train":
        return "the lane default has tf32 in training only, where it is measured"
    if cell.precision not in info.precisions and not (shipped and cell.precision == "tf32"):
        return f"{info.title}'s adapter declares {', '.join(info.precisions)}; asked for {cell.precision}"
    devices = PRECISIONS[cell.precision].devices
    if cell.device not in devices:
        return f"{cell.precision} exists on {', '.join(devices)} only; asked for on {cell.device}"
    return ""


def _chosen_workloads(names: Sequence[str]) -> tuple[Workload, ...]:
    files = [name for name in names if name.endswith(".toml")]
    known = load_workloads(content_dir("workloads"))
    chosen = [load_workload(Path(name)) for name in files]
    plain = [name for name in names if name not in files]
    if plain or not files:
        chosen = [*select_workloads(known, plain), *chosen]
    return tuple(chosen)


def _chosen_modes(options: RunOptions, adapters: Mapping[str, AdapterInfo]) -> list[tuple[AdapterInfo, Mode]]:
    if not options.adapters:
        role = "entrant" if options.protocol.entrants else "oracle"
        chosen = [info for info in adapters.values() if info.role == role and not info.optional]
        return [(info, mode) for info in chosen for mode in _suite_modes(info, options.protocol)]
    found: dict[tuple[str, str], tuple[AdapterInfo, Mode]] = {}
    for text in options.adapters:
        name, _, mode_name = text.partition(":")
        if name not in adapters:
            raise UsageError(f"unknown adapter {name!r}; known: {', '.join(adapters)}")
        info = adapters[name]
        if mode_name and mode_name not in info.modes:
            raise UsageError(f"{name} has no mode {mode_name!r}; its modes: {', '.join(info.modes)}")
        for mode in [info.modes[mode_name]] if mode_name else _suite_modes(info, options.protocol):
            found[name, mode.name] = (info, mode)
    return list(found.values())


def _suite_modes(info: AdapterInfo, protocol: Protocol) -> list[Mode]:
    if protocol.modes == "all":
        return list(info.modes.values())
    names = [info.main_mode, *([info.second_mode] if info.second_mode else [])]
    return [info.modes[name] for name in names]
