"""Layer by layer: logits and gradients of the smallest model that shows each layer, against the float64 reference.

Gradients are read off the parameters that one plain SGD step changes (method W2), as the proof does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..analysis import parity
from ..analysis.parity import Check, worst
from ..errors import WorkerError
from ..reference import Network, probe_weights
from ..run import codes
from ..run.judge import Expected, host_batch
from ..run.link import Link
from ..validity.cause import GradientEvidence, parity_findings
from .basics import build_probe
from .bench import Asking
from .declared import VOCABULARY
from .probes import STEPS, Probe, all_probes
from .result import PASS, SKIP, Result, closeness, failed, passed, skipped, warned
from .suspects import explanation

Array = parity.Array
Weights = dict[str, Array]

_OTHER_SEED = 1


@dataclass(slots=True)
class _Seen:
    """What a worker delivered for one probe: exports and logits, for two sets of weights."""

    loaded: Weights
    logits: Array
    loaded_other: Weights
    logits_other: Array
    after_step: Weights
    losses: list[float]
    statistics: Weights


def layers(asking: Asking) -> Iterator[Result]:
    """One result for each probe of a declared layer; those that lean on a wrong layer wait."""
    declared, mode = asking.bench.info.layers, asking.bench.info.modes[asking.bench.mode]
    wrong: dict[str, str] = {}  # kind → the check that it is waiting for
    for probe in all_probes():
        check = f"layer {probe.name}"
        if not probe.kinds <= declared:
            continue
        missing = sorted(probe.needs - declared)
        missing += [] if probe.workload.loss.kind in asking.bench.info.losses else [probe.workload.loss.kind]
        waiting = sorted({wrong[kind] for kind in probe.needs | probe.kinds if kind in wrong})
        refused = sorted(probe.workload.model.kinds & set(mode.unsupported))
        if refused:
            yield skipped(check, f"declared as refused in mode {mode.name}: {mode.unsupported[refused[0]]}")
        elif missing:
            yield warned(check, f"cannot be looked at without {', '.join(missing)}", f"declare {missing[0]} too")
        elif waiting:
            yield skipped(check, f"waits for {', '.join(waiting)}")
        else:
            asking.bench.tell(check)
            result = _judge(asking, probe, check)
            if result.state != PASS:
                wrong |= dict.fromkeys(probe.kinds, check)
            yield result
    yield from _without_probe(asking)


def _judge(asking: Asking, probe: Probe, check: str) -> Result:
    expected = asking.bench.expected(probe.workload, probe.source)
    others = probe_weights(probe.workload.model, _OTHER_SEED)
    try:
        seen = asking.ask(lambda link: _look(asking, link, probe, expected, others))
    except WorkerError as problem:
        if problem.code == codes.MODE_FALLBACK:
            advice = f"declare it under [modes.{asking.bench.mode}.unsupported], so that plans and the matrix know"
            return Result(check, SKIP, f"refused in this mode: {problem}", advice)
        return asking.trouble(check, problem, f"{probe.hint} (docs/semantics.md)")
    return _compare(asking, probe, check, expected, others, seen)


def _look(asking: Asking, link: Link, probe: Probe, expected: Expected, others: Weights) -> _Seen:
    build_probe(asking, link, probe, expected.gradient_optimizer)
    link.stage(expected.order)
    loaded, logits = link.export(), link.predict(0)
    link.load(others)
    loaded_other, logits_other = link.export(), link.predict(0)
    build_probe(asking, link, probe, expected.gradient_optimizer)
    link.stage(expected.order)
    losses = link.steps(1)
    after_step = link.export()
    return _Seen(loaded, logits, loaded_other, logits_other, after_step, losses, _statistics(asking, link, probe))


def _statistics(asking: Asking, link: Link, probe: Probe) -> Weights:
    """What moves without a gradient (running means and variances), after a few ordinary steps."""
    names = {parameter.name for parameter in probe.workload.model.parameters if not parameter.trained}
    if not names:
        return {}
    build_probe(asking, link, probe)
    link.stage(asking.bench.expected(probe.workload, probe.source).order)
    link.steps(STEPS)
    return {name: value for name, value in link.export().items() if name in names}


def _compare(asking: Asking, probe: Probe, check: str, expected: Expected, others: Weights, seen: _Seen) -> Result:
    model, limits = probe.workload.model, probe.workload.parity
    inputs, labels = host_batch(probe.workload, asking.bench.dataset(probe.source), expected.order[0])
    moved = parity.compare_weights(seen.loaded, expected.weights) + parity.compare_weights(seen.loaded_other, others)
    if not worst(moved).passed:
        name = worst(moved).tensor
        return failed(check, f"{name} does not come out of `export` as it went in", probe.hint)
    forward = [
        Check("logits", 0, "logits", parity.max_error(logits, Network(model, given).logits(inputs)), limits.logits)
        for given, logits in ((expected.weights, seen.logits), (others, seen.logits_other))
    ]
    if not worst(forward).passed:
        found = f"forward: logits off by {worst(forward).error:.1e} (allowed {limits.logits:.0e})"
        return failed(check, found, _forward_advice(probe, expected, inputs, seen))
    loss = parity.compare_losses(seen.losses, expected.losses[:1], {1: limits.loss_tolerance(1)})
    rate, reference = expected.gradient_optimizer.learning_rate, expected.gradients
    backward = parity.compare_gradients(seen.after_step, expected.weights, rate, reference, limits.gradient)
    if not worst(loss + backward).passed:
        evidence = _evidence(expected, seen, inputs, labels)
        return failed(check, parity_findings(loss + backward, evidence, probe.workload)[0].reason, probe.hint)
    updates = {name: expected.updates[STEPS][name] for name in seen.statistics}
    kept = parity.compare_updates("statistic", STEPS, seen.statistics, expected.weights, updates, limits.parameters)
    if kept and not worst(kept).passed:
        return failed(check, worst(kept).sentence, probe.hint)
    closest = max(forward + backward, key=lambda one: one.error / one.tolerance)
    return passed(check, f"forward and gradients; {closeness(closest)}")


def _forward_advice(probe: Probe, expected: Expected, inputs: Array, seen: _Seen) -> str:
    guess = explanation(probe.workload.model, expected.weights, inputs, seen.logits, probe.workload.parity.logits)
    return f"{guess}; {probe.hint}" if guess else f"{probe.hint} (docs/semantics.md)"


def _evidence(expected: Expected, seen: _Seen, inputs: Array, labels: Array) -> GradientEvidence:
    measured = parity.gradients_of_step(expected.weights, seen.after_step, expected.gradient_optimizer.learning_rate)
    return GradientEvidence(measured, expected.gradients, expected.weights, inputs, labels)


def _without_probe(asking: Asking) -> Iterator[Result]:
    """A layer that the kit does not know how to show is said to be so, not passed over."""
    shown = {kind for probe in all_probes() for kind in probe.kinds}
    for kind in VOCABULARY:
        if kind in asking.bench.info.layers and kind not in shown:
            yield warned(f"layer {kind}", "the kit has no probe for it", "look at it in a workload of your own")
