"""What takes a process of its own: settings, inference, determinism, honest timing, memory, other modes, whole models.

These are the passes of a run on a small model; their findings are put into a list for the author.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from functools import partial
from pathlib import Path

import numpy as np

from ..analysis import parity
from ..analysis.memory import MEM_HIDDEN, flags
from ..analysis.parity import worst
from ..content import content_dir
from ..data import prepare
from ..errors import FrameworkbenchError, WorkerError
from ..run import codes, passes
from ..run.judge import Expected
from ..run.link import Link, Setting
from ..run.passes import Outcome, draw_snapshot_steps
from ..run.plan import refusal
from ..run.turns import alone
from ..spec.workload import Workload, load_workloads
from ..validity import identity
from .basics import build_probe
from .bench import PROTOCOL, STAGED, Asking, Bench, trouble
from .probes import STEPS, Probe, training_probes
from .result import Result, failed, passed, skipped, warned
from .tiny import shrink
from .wellposed import fit_answers

Array = parity.Array

_CHOOSER = random.SystemRandom()  # draws that no adapter can foresee

# Those that look at results. The clock is looked at once, by the check of timing.
_RESULTS = frozenset({"weights", "parity", "samples", "precision", "cold", "identity", "finite"})
# Detectors of time accuse nobody on a quiet machine; on a busy one they get another look.
_LOOKS = 3

_REQUIRED = ("version", "mode", "device", "precision", "threads")

# Verdict code → what an author does about it; the code itself is explained in docs/verdicts.md.
_ADVICE: Mapping[str, str] = {
    "RESIDUAL_WORK": "`drain` must wait for everything that `step` has queued",
    "LATE_MUTATION": "weights change after `drain`: it must wait for everything that `step` has queued",
    "FOREIGN_WORK": "something computes after `drain`: wait for it, or end its thread",
    "CONTAMINATION": "a process that the adapter started outlives it",
    "NONLINEAR": "every call of `step` must do one step, no more and no less",
    "RECOMPILE": "shapes are fixed within a cell: find what makes the framework trace or compile again",
    "RESOURCE": "keep to the given cores: set the framework's threads from `settings.threads`",
    "PRECISION": "compute in the declared precision; products in a narrower one show here",
    "IDENTITY": "`effective` reports the version that is imported, and nothing shadows the framework",
    "WARM_CACHE": "keep compiled code in `settings.compile_cache`, which is emptied for a cold start",
    "CLOCK_MISMATCH": "the adapter must not touch clocks",
    "DETECTION": "steps must not depend on who is looking",
    "IMPLAUSIBLE": "more operations than the machine can do: some of the work is missing",
}


def settings(asking: Asking, probe: Probe) -> Iterator[Result]:
    """What holds is read back: version, mode, device, precision and threads, with all cores and with one."""
    bench = asking.bench
    bench.tell("settings")
    try:
        found = asking.ask(lambda link: _effective(asking, link, probe))
    except WorkerError as problem:
        yield asking.trouble("settings", problem, "`effective` reads back what holds; set what was asked for")
        return
    missing = [key for key in _REQUIRED if key not in found]
    if missing:
        yield failed("settings", f"`effective` has no {', '.join(missing)}", "return it, read from the framework")
        return
    other = identity.judge_version(found, bench.interpreter.framework_version)
    if other:
        yield failed("settings", other[0].reason, "`effective` reports the version of the module that is imported")
    else:
        said = ", ".join(f"{key} {found[key]}" for key in _REQUIRED)
        yield passed("settings", said)
    if len(bench.cores) > 1:
        yield _one_core(bench, probe)
    if found["threads"] is None:
        yield warned("threads", "threads cannot be read back: the census of the kernel decides", "None is allowed")


def inference(bench: Bench, kinds: Set[str]) -> Iterator[Result]:
    """The task ``infer``: answers follow inputs and weights, in batches and one by one."""
    check = "task infer"
    if "infer" not in bench.info.tasks:
        yield skipped(check, "not declared (tasks)")
        return
    for probe in training_probes(kinds)[-1:]:
        bench.tell(check)
        setting = bench.setting(probe.workload, bench.dataset(probe.source), task="infer")
        yield _passes(bench, check, partial(passes.prove_inference, setting, chooser=_CHOOSER))


def determinism(asking: Asking, probe: Probe) -> Iterator[Result]:
    """The same steps from the same weights in two processes."""
    check, bench = "determinism", asking.bench
    bench.tell(check)
    try:
        first = asking.ask(lambda link: _trained(asking, link, probe))
        with Asking(bench, probe) as other:
            second = other.ask(lambda link: _trained(other, link, probe))
    except WorkerError as problem:
        yield asking.trouble(check, problem)
        return
    if all(np.array_equal(first[name], second[name]) for name in first):
        yield passed(check, f"{STEPS} steps in two processes give the same bits")
        return
    moved = bench.expected(probe.workload, probe.source).weights
    updates = {name: value.astype(np.float64) - moved[name] for name, value in first.items()}
    limit = probe.workload.parity.parameters
    off = worst(parity.compare_updates("parameters", STEPS, second, moved, updates, limit))
    if off.passed:
        advice = "allowed: rounding depends on the order of sums; say so in the docstring"
        yield warned(check, f"two processes differ in the last bits ({off.error:.0e})", advice)
    else:
        yield failed(check, f"two processes disagree: {off.sentence}", "nothing may be drawn at random in a run")


def timing(bench: Bench, kinds: Set[str]) -> Iterator[Result]:
    """Time follows the steps; a timed process is drained when it says so, on its own cores, and right afterwards."""
    for probe in training_probes(kinds)[:1]:
        bench.tell("timing")
        answers, dataset = bench.expected(probe.workload, probe.source), bench.dataset(probe.source)
        linear = bench.setting(probe.workload, dataset, detectors=frozenset({"scaling"}))
        yield _looks(bench, "time follows steps", partial(passes.proof, linear, answers, chooser=_CHOOSER))
        timed = bench.setting(probe.workload, dataset)
        yield _looks(bench, "timing", partial(_timed, timed, answers))


def _timed(setting: Setting, answers: Expected, log: Path) -> Outcome:
    return alone(passes.speed(setting, answers, log, chooser=_CHOOSER))


def memory(bench: Bench, kinds: Set[str]) -> Iterator[Result]:
    """A weighed process: nothing grows over 200 steps, nothing is held where it does not count."""
    check = "memory"
    for probe in training_probes(kinds)[:1]:
        bench.tell(check)
        setting = bench.setting(probe.workload, bench.dataset(probe.source))
        answers = bench.expected(probe.workload, probe.source)
        log = bench.log()
        try:
            outcome = passes.memory(setting, answers, log, chooser=_CHOOSER)
        except WorkerError as problem:
            yield trouble(bench, check, problem, log)
            continue
        found = flags(outcome.payload["memory"])
        wrong = [flag for flag in found if flag.code != MEM_HIDDEN]
        if outcome.status != "ok" or wrong:
            advice = "let go of what a step has made; docs/verdicts.md explains the code"
            yield failed(check, wrong[0].reason if wrong else outcome.reason, advice)
        elif found:  # all of it is in the figure
            yield warned(check, found[0].reason, "allowed: reports say so beside the figure")
        else:
            peak = outcome.payload["memory"]["peak_bytes"]
            size = "" if peak is None else f"; peak {peak / 2**20:.0f} MiB"
            yield passed(
                check, f"no growth over {len(outcome.payload['memory']['series']['resident_bytes'])} steps{size}"
            )


def modes(bench: Bench, kinds: Set[str]) -> Iterator[Result]:
    """Every other declared mode proves a small model, or refuses with a reason."""
    for probe in training_probes(kinds)[:1]:
        for mode in bench.info.modes.values():
            if mode.name == bench.mode:
                continue
            check = f"mode {mode.name}"
            dataset = bench.dataset(probe.source)
            setting = bench.setting(probe.workload, dataset, mode=mode.name, detectors=_RESULTS)
            answer = refusal(bench.info, mode, probe.workload, setting.cell)
            if answer:
                yield skipped(check, ": ".join(answer))
                continue
            bench.tell(check)
            answers = bench.expected(probe.workload, probe.source)
            yield _passes(
                bench,
                check,
                partial(passes.proof, setting, answers, chooser=_CHOOSER),
            )


def models(bench: Bench, kinds: Set[str]) -> Iterator[Result]:
    """The shipped workloads, made small: the whole proof of a run. Of several that are alike one is enough."""
    for workload in distinct(load_workloads(content_dir("workloads")).values()):
        check = f"model {workload.name}"
        missing = sorted(workload.model.kinds - kinds)
        if missing:
            why = "not declared" if missing[0] not in bench.info.layers else "it did not pass"
            yield skipped(check, f"needs the layer {missing[0]} ({why})")
            continue
        try:
            small = shrink(workload)
        except FrameworkbenchError as problem:
            yield skipped(check, f"cannot be made small: {problem}")
            continue
        mode = bench.info.modes[bench.mode]
        answer = refusal(bench.info, mode, small, bench.setting(small, bench.dataset("flat")).cell)
        if answer:
            yield skipped(check, ": ".join(answer))
            continue
        bench.tell(check)
        yield _model(bench, small, check)


def distinct(workloads: Iterable[Workload]) -> list[Workload]:
    """One of all that have the same kinds of layers, loss, optimizer and options; those in suites come first."""
    found: dict[object, Workload] = {}
    for workload in sorted(workloads, key=lambda one: (one.by_name, one.name)):
        rule = workload.optimizer
        kinds = (workload.model.kinds, workload.loss.kind, rule.kind, rule.options, bool(rule.momentum))
        found.setdefault(kinds, workload)
    return sorted(found.values(), key=lambda one: one.name)


def _model(bench: Bench, small: Workload, check: str) -> Result:
    dataset = prepare(small.data, source="synthetic", data_dir=None, cache_dir=bench.cache_dir, progress=bench.tell)
    answers = fit_answers(
        small,
        dataset,
        steps=draw_snapshot_steps(small, PROTOCOL, random.Random(0)),
        batches=STAGED,
        cache_dir=bench.folder,
    )
    setting = bench.setting(small, dataset, detectors=_RESULTS)
    return _passes(bench, check, partial(passes.proof, setting, answers, chooser=_CHOOSER))


def _looks(bench: Bench, check: str, work: Callable[[Path], Outcome]) -> Result:
    """A pass that reads clocks: what it objects to must be there in every look."""
    for _ in range(_LOOKS - 1):
        found = _passes(bench, check, work)
        if found.state != "fail":
            return found
    return _passes(bench, check, work)


def _passes(bench: Bench, check: str, work: Callable[[Path], Outcome]) -> Result:
    """One pass as a result."""
    log = bench.log()
    try:
        outcome: Outcome = work(log)
    except WorkerError as problem:
        if problem.code in codes.UNSUPPORTED:
            return skipped(check, f"{problem.code}: {problem}")
        return trouble(bench, check, problem, log)
    if outcome.status != "ok":
        advice = _ADVICE.get(outcome.code, "docs/verdicts.md explains the code")
        return failed(check, f"{outcome.code}: {outcome.reason}", advice)
    return passed(check, _figures(outcome))


def _figures(outcome: Outcome) -> str:
    proof = outcome.payload.get("parity")
    if proof is None:  # a timed process
        return "drained, linear, on its own cores, right afterwards"
    checks = [check for check in proof["checks"] if check["tolerance"]]
    closest = max(checks, key=lambda check: float(check["error"]) / check["tolerance"])
    nearest = f"{float(closest['error']):.0e} of {closest['tolerance']:.0e}, in {closest['tensor']}"
    return f"{len(proof['checks'])} comparisons; at most {nearest}"


def _effective(asking: Asking, link: Link, probe: Probe) -> dict[str, object]:
    build_probe(asking, link, probe)
    link.stage(asking.bench.expected(probe.workload, probe.source).order[:2])
    link.steps(1)
    return link.effective()


def _one_core(bench: Bench, probe: Probe) -> Result:
    """Whether the number of threads follows what is asked."""
    with Asking(bench, probe, cores=bench.cores[:1]) as one:
        try:
            found = one.ask(lambda link: _effective(one, link, probe))
        except WorkerError as problem:
            return one.trouble("settings on one core", problem, "threads come from `settings.threads`, not a constant")
    return passed("settings on one core", f"threads {found.get('threads')}")


def _trained(asking: Asking, link: Link, probe: Probe) -> dict[str, Array]:
    build_probe(asking, link, probe)
    link.stage(asking.bench.expected(probe.workload, probe.source).order)
    link.steps(STEPS)
    return link.export()
