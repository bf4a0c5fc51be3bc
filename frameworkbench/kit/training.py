"""Losses and optimizers by themselves, batches in order, and refusals: on models whose layers have passed.

An optimizer is looked at with the loss scaled until gradients are near its epsilon, where a wrong constant shows, and
on tokens that occur several times in a batch, where some frameworks square before they sum.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import replace
from functools import partial

from ..analysis import parity
from ..analysis.parity import Check, worst
from ..errors import WorkerError
from ..reference import Network
from ..run import codes
from ..run.judge import Expected, host_batch
from ..run.link import Link
from ..spec.training import LOSSES, OPTIMIZERS, OPTIONS, Loss, Optimizer
from .basics import build_probe, open_data
from .bench import REFUSED, Asking
from .declared import VOCABULARY
from .probe_models import LOSS_CASES
from .probe_models import OPTIMIZERS as OPTIMIZER_CASES
from .probe_models import OPTIONS as OPTION_CASES
from .probes import STEPS, Probe, all_probes, loss_probe, training_probes, with_training
from .result import FAIL, Result, closeness, failed, passed, skipped, warned

_SCALES = (1.0, 0.125)  # powers of two: scaling rounds nothing
_UNKNOWN = "no_such_thing"
_EXAMPLE = Optimizer("sgd", 0.05)


def losses(asking: Asking, kinds: Set[str]) -> Iterator[Result]:
    """Every declared loss: its value and the gradients it sends back, at two scales."""
    for kind in LOSSES:
        check = f"loss {kind}"
        if kind not in asking.bench.info.losses:
            continue
        asking.bench.tell(check)
        if "dense" not in kinds:
            yield skipped(check, "waits for a dense layer")
        elif kind not in LOSS_CASES:
            yield warned(check, "the kit has no case for it", "look at it in a workload of your own")
        else:
            yield _loss(asking, loss_probe(kind), check)


def optimizers(asking: Asking, kinds: Set[str]) -> Iterator[Result]:
    """Every declared optimizer: two steps where gradients are near epsilon, and two more after ``load``.

    The options that are declared (penalties, clipping, schedules) are looked at in the same way. Of several forms
    (epsilon inside the root or outside) a framework may refuse some, with a reason, but not all.
    """
    info = asking.bench.info
    declared = [kind for kind in OPTIMIZERS if kind in info.optimizers]
    declared += [option for option in OPTIONS if option in info.optimizer_options]
    for kind in declared:
        found = []
        for name, optimizer in (OPTIMIZER_CASES | OPTION_CASES).get(kind, ()):
            if optimizer.kind in info.optimizers:
                asking.bench.tell(f"optimizer {name}")
                found.append(_optimizer(asking, training_probes(kinds), optimizer, f"optimizer {name}"))
        yield from _some_refused(found)
        if not found:
            yield warned(f"optimizer {kind}", "the kit has no case for it", "look at it in a workload of your own")


def _some_refused(found: list[Result]) -> list[Result]:
    if all(result.state == FAIL for result in found):
        return found
    refused = [result.state == FAIL and result.found.startswith(REFUSED) for result in found]
    return [skipped(one.check, one.found) if no else one for one, no in zip(found, refused, strict=True)]


def order(asking: Asking, kinds: Set[str]) -> Iterator[Result]:
    """Ten plain SGD steps, proved by the layers' gradients, on ten batches: losses, and where the parameters end."""
    check = "batches in order"
    probes = training_probes(kinds)[:1]
    if not probes:
        yield skipped(check, "waits for a dense layer")
        return
    asking.bench.tell(check)
    probe = probes[0]
    expected = asking.bench.expected(probe.workload, probe.source)
    limits = probe.workload.parity
    count = limits.trajectory_steps

    def work(link: Link) -> tuple[list[float], dict[str, parity.Array]]:
        build_probe(asking, link, probe)
        link.stage(expected.order)
        found = link.steps(STEPS)
        after = link.export()
        return found + link.steps(count - STEPS), after

    try:
        seen, after = asking.ask(work)
    except WorkerError as problem:
        yield asking.trouble(check, problem)
        return
    checks = parity.compare_losses(seen, expected.losses[:count], expected.loss_tolerances(probe.workload))
    off = next((one for one in checks if not one.passed), None)
    if off is not None:
        advice = f"the steps before it are right: was batch {off.step} the one that was staged as number {off.step}?"
        yield failed(check, off.sentence, advice)
        return
    updates = expected.updates[STEPS]
    moved = worst(parity.compare_updates("parameters", STEPS, after, expected.weights, updates, limits.parameters))
    if moved.passed:
        yield passed(check, f"{count} losses, and the parameters after {STEPS} steps; {closeness(moved)}")
    else:
        yield failed(check, moved.sentence, "losses agree: look for weights that are changed outside of `step`")


def refusals(asking: Asking, kinds: Set[str]) -> Iterator[Result]:
    """What is not declared is refused with a reason, and not computed as something else."""
    probes = training_probes(kinds)[:1]
    if not probes:
        yield skipped("refusals", "waits for a dense layer")
        return
    asking.bench.tell("refusals")
    probe, info = probes[0], asking.bench.info
    workload, wrong = probe.workload, []
    cases = [
        ("a loss of no known kind", replace(probe, workload=replace(workload, loss=Loss(_UNKNOWN)))),
        (
            "an optimizer of no known kind",
            replace(probe, workload=replace(workload, optimizer=replace(_EXAMPLE, kind=_UNKNOWN))),
        ),
    ]
    cases += [
        (f"the layer {kind}", other)
        for kind in VOCABULARY
        if kind not in info.layers
        for other in all_probes()
        if kind in other.kinds and other.needs <= info.layers
    ]
    for what, case in cases:
        said = _refusal(asking, case)
        if said:
            wrong.append(f"{what}: {said}")
    if wrong:
        advice = 'raise UnsupportedError("UNSUPPORTED_…", reason) in `build`'
        yield failed("refusals", "; ".join(wrong), advice)
    else:
        yield passed("refusals", f"{len(cases)} things that are not declared are refused with a reason")


def _loss(asking: Asking, probe: Probe, check: str) -> Result:
    bench, workload = asking.bench, probe.workload
    expected = bench.expected(workload, probe.source)
    batch = host_batch(workload, bench.dataset(probe.source), expected.order[0])
    checks: list[Check] = []
    for scale in _SCALES:
        loss = replace(workload.loss, scale=scale)
        value, gradients, _ = Network(workload.model, expected.weights).loss_and_gradients(*batch, loss)

        def work(link: Link, loss: Loss = loss) -> tuple[list[float], dict[str, parity.Array]]:
            open_data(asking, link, probe)
            link.build(expected.weights, loss, expected.gradient_optimizer, workload.model)
            link.stage(expected.order)
            return link.steps(1), link.export()

        try:
            found, after = asking.ask(work)
        except WorkerError as problem:
            return asking.trouble(check, problem)
        limits, rate = workload.parity, expected.gradient_optimizer.learning_rate
        checks += parity.compare_losses(found, [value], {1: limits.loss_tolerance(1)})
        # The rate fits the unscaled gradient; an eighth of it still dwarfs the rounding of the parameters.
        checks += parity.compare_gradients(after, expected.weights, rate, gradients, limits.gradient)
        if not worst(checks).passed:
            advice = "the mean over the batch, times `loss.scale` (docs/semantics.md)"
            return failed(check, f"at scale {scale:g}: {worst(checks).sentence}", advice)
    return passed(check, f"value and gradients at scales 1 and 1/8; {closeness(worst(checks))}")


def _optimizer(asking: Asking, probes: list[Probe], optimizer: Optimizer, check: str) -> Result:
    if not probes:
        return skipped(check, "waits for a dense layer")
    checks: list[Check] = []
    for probe in probes:
        case = _trained_by(probe, optimizer)
        expected = asking.bench.expected(case.workload, case.source)
        try:
            first, again = asking.ask(partial(_two_steps, asking, case, expected))
        except WorkerError as problem:
            return asking.trouble(check, problem)
        tolerance, updates = case.workload.parity.optimizer, expected.optimizer_updates
        for step, after in enumerate(first, start=1):
            checks += parity.compare_updates("optimizer", step, after, expected.weights, updates[step], tolerance)
        if not worst(checks).passed:
            return failed(check, worst(checks).sentence, _optimizer_advice(optimizer, probe, len(probes)))
        fresh = [
            found
            for step, after in enumerate(again, start=1)
            for found in parity.compare_updates("update", step, after, expected.weights, updates[step], tolerance)
        ]
        if not worst(fresh).passed:
            return failed(check, f"after `load`: {worst(fresh).sentence}", "`load` empties the optimizer's state")
        checks += fresh
    return passed(check, f"two steps near epsilon, and after `load`; {closeness(worst(checks))}")


def _two_steps(
    asking: Asking, case: Probe, expected: Expected, link: Link
) -> tuple[list[dict[str, parity.Array]], list[dict[str, parity.Array]]]:
    open_data(asking, link, case)
    workload = case.workload
    link.build(expected.weights, expected.optimizer_loss, workload.optimizer, workload.model)
    link.stage(expected.order)
    first = _step_by_step(link)
    link.load(expected.weights)
    link.stage(expected.order)
    return first, _step_by_step(link)


def _step_by_step(link: Link) -> list[dict[str, parity.Array]]:
    found = []
    for _ in (1, 2):
        link.steps(1)
        found.append(link.export())
    return found


def _optimizer_advice(optimizer: Optimizer, probe: Probe, probes: int) -> str:
    if probes > 1 and "embedding" in probe.kinds:
        return "it is right on dense gradients: gradients of repeated tokens are summed before they are squared"
    if optimizer.kind == "sgd":
        return "v ← momentum·v + g; p ← p − rate·v, from v = 0"
    return "epsilon is added after the bias correction, and every constant comes from the spec (docs/semantics.md)"


def _refusal(asking: Asking, case: Probe) -> str:
    """What happened where a refusal was due; empty if it came."""
    try:
        asking.ask(lambda link: _build_undeclared(asking, link, case))
    except WorkerError as problem:
        if problem.code.startswith("UNSUPPORTED_") or problem.code in codes.UNSUPPORTED:
            return "" if str(problem) else "refused without a reason"
        return f"it raises another error ({problem})"
    return "it builds and steps without a word"


def _build_undeclared(asking: Asking, link: Link, case: Probe) -> None:
    open_data(asking, link, case)
    workload = case.workload
    loss = workload.loss if workload.loss.kind in LOSSES else Loss(LOSSES[0])
    known = with_training(workload, loss=loss, optimizer=_EXAMPLE)
    expected = asking.bench.expected(known, case.source)
    link.build(expected.weights, workload.loss, workload.optimizer, workload.model)
    link.stage(expected.order[:1])
    link.steps(1)


def _trained_by(probe: Probe, optimizer: Optimizer) -> Probe:
    return replace(probe, workload=with_training(probe.workload, optimizer=optimizer))
