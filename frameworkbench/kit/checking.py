"""The conformance checks in order: what an author runs until the list is clean.

The order is that in which an adapter is written. A check without which nothing else could pass ends the list there, so
that its next step stands last and alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..device.monitor import open_monitor
from ..errors import UsageError
from ..registry import AdapterInfo
from ..run.fingerprints import available_cores
from . import basics, declared, layerwise, processes, training
from .bench import Asking, Bench, Tell
from .probes import Probe, all_probes
from .result import PASS, WARN, Result, any_failed, failed, skipped

_MOST_CORES = 2  # two show that threads are shared; more only add noise

Emit = Callable[[Result], None]


@dataclass(frozen=True, slots=True)
class _State:
    """What the later checks need to know: the kinds of layers that passed."""

    bench: Bench
    asking: Asking
    probe: Probe
    kinds: set[str]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be looked at, and with which Python."""

    info: AdapterInfo
    mode: str
    device: str
    python: Path | None
    cache_dir: Path
    tell: Tell


Check = Callable[[_State], Iterator[Result]]

# Groups that need everything before them: the first failure ends the list.
_PLUMBING: tuple[tuple[str, Check], ...] = (
    ("contract", lambda s: basics.contract(s.asking)),
    ("set-up", lambda s: basics.setting_up(s.asking)),
    ("build", lambda s: basics.build(s.asking, s.probe)),
    ("load and export", lambda s: basics.weights(s.asking, s.probe)),
    ("answers", lambda s: basics.answers(s.asking, s.probe)),
    ("step", lambda s: basics.step(s.asking, s.probe)),
)
# Groups that say something each, whatever the others found.
_SUBSTANCE: dict[str, Check] = {
    "layers": lambda s: layerwise.layers(s.asking),
    "order": lambda s: training.order(s.asking, s.kinds),
    "losses": lambda s: training.losses(s.asking, s.kinds),
    "optimizers": lambda s: training.optimizers(s.asking, s.kinds),
    "refusals": lambda s: training.refusals(s.asking, s.kinds),
    "settings": lambda s: processes.settings(s.asking, s.probe),
    "inference": lambda s: processes.inference(s.bench, s.kinds),
    "determinism": lambda s: processes.determinism(s.asking, s.probe),
    "timing": lambda s: processes.timing(s.bench, s.kinds),
    "memory": lambda s: processes.memory(s.bench, s.kinds),
    "modes": lambda s: processes.modes(s.bench, s.kinds),
    "models": lambda s: processes.models(s.bench, s.kinds),
}
GROUPS = tuple(_SUBSTANCE)


def check_adapter(
    info: AdapterInfo,
    *,
    cache_dir: Path,
    emit: Emit,
    tell: Tell,
    python: Path | None = None,
    mode: str | None = None,
    device: str = "cpu",
    only: Sequence[str] = (),
) -> list[Result]:
    """Run the conformance checks of one adapter.

    Args:
        info: its declaration.
        cache_dir: environments and prepared data.
        emit: receives each result as soon as it is there.
        tell: receives what is being done.
        python: interpreter to use instead of the declared environment.
        mode: the mode to look at; the main one by default. The others are then looked at once.
        device: one of those that the adapter declares; a card is locked while it is looked at.
        only: of ``GROUPS``; all by default. What they lean on is checked in any case.

    Raises:
        UsageError: an unknown mode, device or group.
        EnvironmentProblem: NO_DEVICE, a card is asked for and there is none.
    """
    _known("--mode", [mode] if mode else [], tuple(info.modes))
    _known("--device", [device], info.devices)
    _known("--only", only, GROUPS)
    results: list[Result] = []
    asked = _Asked(info, mode or info.main_mode, device, python, cache_dir, tell)
    for result in _check(asked, [*only] or [*GROUPS], others=mode is None):
        results.append(result)
        emit(result)
    return results


def unreadable(problem: str) -> Result:
    """The one result of an adapter whose declaration cannot be read."""
    return failed("declaration", problem, "correct adapter.toml")


def _check(asked: _Asked, groups: list[str], *, others: bool) -> Iterator[Result]:
    info, tell = asked.info, asked.tell
    found = list(declared.declaration(info))
    yield from found
    yield from declared.documents(info)
    with open_monitor(asked.device) as monitor, tempfile.TemporaryDirectory(prefix="frameworkbench-check-") as name:
        tell("interpreter")
        interpreter, result = declared.find_interpreter(info, asked.python, asked.device, asked.cache_dir, tell)
        yield result
        if interpreter is None or any_failed(found):
            yield _not_reached(groups)
            return
        bench = Bench(
            info, asked.mode, interpreter, Path(name), asked.cache_dir, tuple(available_cores()[:_MOST_CORES]), tell,
            device=asked.device, card=monitor.index, footprint=monitor.meter,
        )  # fmt: skip
        yield from _with_workers(bench, groups, others)


def _with_workers(bench: Bench, groups: list[str], others: bool) -> Iterator[Result]:
    """What asks the adapter itself."""
    probe = next(probe for probe in all_probes() if probe.workload.model.kinds <= bench.info.layers)
    with Asking(bench, probe) as asking:
        state = _State(bench, asking, probe, set())
        for number, (_, check) in enumerate(_PLUMBING):
            results = list(check(state))
            yield from results
            if any_failed(results):
                yield _not_reached([*(name for name, _ in _PLUMBING[number + 1 :]), *groups])
                return
        yield from _substance(state, groups, others)


def _substance(state: _State, groups: Sequence[str], others: bool) -> Iterator[Result]:
    """Layers first and in any case: what the other groups may lean on is known from them."""
    results = list[Result]()
    for result in _SUBSTANCE["layers"](state):
        results.append(result)
        if "layers" in groups:
            yield result
    state.kinds.update(_sound_kinds(results))
    for name in GROUPS:
        if name in groups and name != "layers" and (others or name != "modes"):
            yield from _SUBSTANCE[name](state)


def _sound_kinds(results: Sequence[Result]) -> set[str]:
    """Kinds of which every probe passed."""
    states = {result.check: result.state for result in results}
    kinds = {kind for probe in all_probes() for kind in probe.kinds if f"layer {probe.name}" in states}
    bad = {
        kind
        for probe in all_probes()
        for kind in probe.kinds
        if states.get(f"layer {probe.name}", PASS) not in (PASS, WARN)
    }
    return kinds - bad


def _not_reached(names: Sequence[str]) -> Result:
    return skipped("the rest", f"not reached: {', '.join(names)}")


def _known(option: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            raise UsageError(f"{option}: expected one of {', '.join(known)}; received {name!r}")
