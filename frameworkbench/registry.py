"""Finding adapters: an explicit name, a folder, and what its ``adapter.toml`` declares.

Reading an adapter's declaration runs none of its code and imports no framework, so ``list`` and planning
work with nothing installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from .content import content_dir
from .errors import SpecError, UsageError
from .installed_adapters import installed_adapters
from .spec.fields import Fields
from .spec.lanes import DEFAULT, Tuning, read_tunings
from .spec.layers import KINDS
from .spec.precision import PRECISIONS
from .spec.protocol import TASKS
from .spec.training import LOSSES, OPTIMIZERS, OPTIONS
from .written_files import read_toml

MODE_CLASSES = ("eager", "graph", "compiled")
ROLES = ("entrant", "oracle")
BUILT_IN = "built-in"
_NOT_REPEATED = "a window of its own loop must lead to the same weights once more, and dropout draws others"


@dataclass(frozen=True, slots=True)
class Mode:
    """One way in which a framework executes: eager, graph or compiled.

    ``needs_program`` is a compiler of another kind that must be on PATH, or empty. ``unsupported`` maps a layer kind to
    the reason why this mode cannot run it as declared. ``built_on`` names the row ("adapter:mode") of the framework
    that does the work below this one, where there is one: what the layer on top costs is a question of its own.
    ``own_loop`` says that a window is one call of the framework's own loop, which costs something by itself.
    """

    name: str
    mode_class: str
    needs_compiler: bool
    unsupported: Mapping[str, str]
    built_on: str = ""
    needs_program: str = ""
    own_loop: bool = False


@dataclass(frozen=True, slots=True)
class Install:
    """One locked environment variant: the lock file and the extra indexes an ordinary user needs."""

    variant: str
    lock: Path
    indexes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AdapterInfo:
    """What an adapter folder declares about itself.

    ``interpreter`` is "managed" (an environment made from the lock) or "core" (the harness's own Python).
    An ``optional`` adapter takes part only where it is asked for by name.
    ``tasks`` is "train" alone where nothing is declared: nobody's inference is measured unasked.
    ``optimizer_options`` are what any optimizer may be asked for on top of its rule: penalties, clipping, schedules.
    ``unsupported`` says of layers, losses, optimizers and options that are not declared why they are not.
    ``environment`` holds variables set before the worker starts; values may contain ``{compile_cache}``.
    ``matched_environment`` holds those that equalise threads and precision, set in every lane but ``default``; values
    may contain ``{threads}`` too. ``tuned`` is what the lane ``tuned`` sets on top. ``weighed_environment`` holds
    further ones for processes whose memory is measured: they turn preallocation off, so that what is held is what is
    needed. ``origin`` says where the folder came from: "built-in", an ``--adapter-path``, or an installed package.
    """

    name: str
    title: str
    role: str
    folder: Path
    distribution: str
    module: str
    python: str
    interpreter: str
    homepage: str
    main_mode: str
    optional: bool
    modes: Mapping[str, Mode]
    devices: tuple[str, ...]
    precisions: tuple[str, ...]
    layers: frozenset[str]
    tasks: tuple[str, ...]
    losses: frozenset[str]
    optimizers: frozenset[str]
    optimizer_options: frozenset[str]
    unsupported: Mapping[str, str]
    environment: Mapping[str, str]
    matched_environment: Mapping[str, str]
    tuned: tuple[Tuning, ...]
    weighed_environment: Mapping[str, str]
    installs: Mapping[str, Install]
    origin: str = BUILT_IN

    @property
    def second_mode(self) -> str | None:
        """The mode shown beside the main one: eager where the main mode is not, else the first other mode."""
        others = [mode for mode in self.modes.values() if mode.name != self.main_mode]
        eager = [mode for mode in others if mode.mode_class == "eager"]
        return (eager or others)[0].name if others else None

    def tunings(self, mode: str, device: str, kinds: Set[str]) -> tuple[Tuning, ...]:
        """What a cell of the lane ``tuned`` sets beyond the matched settings."""
        return tuple(tuning for tuning in self.tuned if tuning.applies(mode, device, kinds))

    def variables(self, lane: str, tunings: Sequence[Tuning]) -> dict[str, str]:
        """Variables of a worker in a lane, placeholders unfilled; a tuned one outranks a matched one."""
        found = dict(self.environment) | ({} if lane == DEFAULT else dict(self.matched_environment))
        for tuning in tunings:
            found |= tuning.environment
        return found


def load_adapters(extra: Sequence[Path] = ()) -> dict[str, AdapterInfo]:
    """All adapters by name, in the order of their folders.

    Raises:
        SpecError: a declaration is wrong, or two adapters share a name.
        UsageError: an extra path holds no adapter.
    """
    infos: dict[str, AdapterInfo] = {}
    for folder, origin in _sources(extra):
        info = replace(read_adapter(folder), origin=origin)
        other = infos.get(info.name)
        if other is not None:
            raise SpecError(
                str(folder),
                f"a second adapter called {info.name!r} ({origin}); the first is {other.origin}: {other.folder}",
                expected="distinct names: change `name` in one adapter.toml, or leave one of the two out",
            )
        infos[info.name] = info
    return infos


def find_adapter(text: str, extra: Sequence[Path] = ()) -> AdapterInfo:
    """One adapter by its folder or its name.

    Raises:
        SpecError: its declaration is wrong.
        UsageError: there is none.
    """
    folder = Path(text)
    if (folder / "adapter.toml").is_file():
        return replace(read_adapter(folder.absolute()), origin=f"folder {text}")
    known = load_adapters(extra)
    if text not in known:
        raise UsageError(
            f"{text!r}: expected a folder that holds adapter.toml, or one of {', '.join(known)}; "
            f"received neither. A new one: frameworkbench adapter new NAME"
        )
    return known[text]


def _sources(extra: Sequence[Path]) -> list[tuple[Path, str]]:
    """Folders of adapters and where they came from: built-in, installed packages, ``--adapter-path``."""
    found = [(folder, BUILT_IN) for folder in adapter_folders(content_dir("adapters"))]
    found += installed_adapters()
    for path in extra:
        folders = adapter_folders(path)
        if not folders:
            raise UsageError(f"--adapter-path {path}: no adapter.toml found there or one folder below")
        found += [(folder, f"--adapter-path {path}") for folder in folders]
    return found


def adapter_folders(path: Path) -> list[Path]:
    """Folders that hold an ``adapter.toml``: the path itself and those directly below it."""
    candidates = [path, *sorted(path.iterdir())] if path.is_dir() else []
    return [folder for folder in candidates if (folder / "adapter.toml").is_file()]


def read_adapter(folder: Path) -> AdapterInfo:
    """Read one ``adapter.toml``.

    Raises:
        SpecError: a key is missing, unknown or of the wrong type; names file and key.
    """
    file = folder / "adapter.toml"
    table = read_toml(file)
    fields = Fields(table, str(file))
    modes = {name: _read_mode(name, value, f"{file}: modes: {name}") for name, value in fields.table("modes").items()}
    main_mode = fields.required("main_mode", str)
    if main_mode not in modes:
        raise SpecError(f"{file}: main_mode", "not a declared mode", expected=", ".join(modes), received=main_mode)
    has_options = fields.has("optimizer_options")
    info = AdapterInfo(
        name=fields.required("name", str),
        title=fields.required("title", str),
        role=fields.choice("role", ROLES),
        folder=folder,
        distribution=fields.required("distribution", str),
        module=fields.required("module", str),
        python=fields.required("python", str),
        interpreter=fields.choice("interpreter", ("managed", "core"), "managed"),
        homepage=fields.optional("homepage", str, ""),
        main_mode=main_mode,
        optional=fields.optional("optional", bool, False),
        modes=modes,
        devices=_texts(fields, "devices", ("cpu", "cuda")),
        precisions=_texts(fields, "precisions", tuple(PRECISIONS)),
        layers=frozenset(_texts(fields, "layers", (*KINDS, "residual"))),
        tasks=_texts(fields, "tasks", TASKS) if fields.has("tasks") else ("train",),
        losses=frozenset(_texts(fields, "losses", LOSSES)),
        optimizers=frozenset(_texts(fields, "optimizers", OPTIMIZERS)),
        optimizer_options=frozenset(_texts(fields, "optimizer_options", OPTIONS) if has_options else ()),
        unsupported=_reasons(fields, "unsupported"),
        environment=_environment(fields, "environment"),
        matched_environment=_environment(fields, "matched_environment"),
        tuned=read_tunings(fields, "tuned", modes),
        weighed_environment=_environment(fields, "weighed_environment"),
        installs=_installs(fields, folder),
    )
    fields.raw("facts")  # read by facts/, and by nothing that measures
    fields.done()
    for name, value in info.environment.items():
        if "{threads}" in value:
            where = f"{file}: environment: {name}"
            raise SpecError(where, "sets threads in the lane default too", expected="in [matched_environment]")
    return info


def _read_mode(name: str, table: object, where: str) -> Mode:
    fields = Fields(table, where)
    unsupported = fields.table("unsupported") if fields.has("unsupported") else None
    reasons = {kind: str(reason) for kind, reason in unsupported.items()} if unsupported else {}
    own_loop = fields.optional("own_loop", bool, False)
    if own_loop:
        reasons.setdefault("dropout", _NOT_REPEATED)
    mode = Mode(
        name,
        fields.choice("class", MODE_CLASSES),
        fields.optional("needs_compiler", bool, False),
        reasons,
        fields.optional("built_on", str, ""),
        fields.optional("needs_program", str, ""),
        own_loop,
    )
    fields.done()
    return mode


def _texts(fields: Fields, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    values = fields.required(key, list)
    for value in values:
        if value not in allowed:
            raise SpecError(
                f"{fields.where}: {key}",
                "unknown value",
                expected="some of " + ", ".join(allowed),
                received=value,
            )
    return tuple(values)


def _reasons(fields: Fields, key: str) -> dict[str, str]:
    """Why something of the vocabulary is missing: name = "reason"."""
    found = _environment(fields, key)
    known = {*KINDS, "residual", *LOSSES, *OPTIMIZERS, *OPTIONS}
    for name in found:
        if name not in known:
            where = f"{fields.where}: {key}: {name}"
            raise SpecError(where, "unknown name", expected="a layer, loss, optimizer or option", received=name)
    return found


def _environment(fields: Fields, key: str) -> dict[str, str]:
    if not fields.has(key):
        return {}
    return {name: str(value) for name, value in fields.table(key).items()}


def _installs(fields: Fields, folder: Path) -> dict[str, Install]:
    if not fields.has("install"):
        return {}
    installs: dict[str, Install] = {}
    for variant, value in fields.table("install").items():
        inner = Fields(value, f"{fields.where}: install: {variant}")
        indexes = tuple(str(index) for index in inner.raw("indexes", []))
        installs[variant] = Install(variant, folder / inner.required("lock", str), indexes)
        inner.done()
    return installs
