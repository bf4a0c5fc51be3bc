"""The contract, method by method, on the smallest model: whether each does what its docstring says.

Numbers are compared layer by layer afterwards; here it is about plumbing, in the order in which an author writes it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ..analysis import parity
from ..analysis.parity import worst
from ..errors import WorkerError
from ..reference import probe_weights
from ..run.judge import input_options
from ..run.link import Link
from ..spec.training import Optimizer
from ..validity import identity
from .bench import Asking
from .declared import adapter_file
from .probes import Probe
from .result import Result, failed, passed

_OTHER_SEED = 1
_SOME_STEPS = 2
_MANTISSA = 23  # stored bits of IEEE binary32; binary16 has 10, bfloat16 7
_NARROW = 12


def contract(asking: Asking) -> Iterator[Result]:
    """The class is there and its methods take what the harness hands over."""
    info = asking.bench.info
    wrong = adapter_file(info)
    if wrong is not None:
        yield wrong
        return
    try:
        problems = asking.ask(lambda link: _problems(asking, link), start=False)
    except WorkerError as problem:
        yield asking.trouble("contract", problem, "adapter.py must import there, and end with ADAPTER = YourClass")
        return
    if problems:
        yield failed("contract", "; ".join(problems), "the contract is frameworkbench/adapter.py")
    else:
        yield passed("contract", "every method is there and takes what it is given")


def setting_up(asking: Asking) -> Iterator[Result]:
    """The constructor imports the right framework and takes its settings."""
    info, interpreter = asking.bench.info, asking.bench.interpreter
    try:
        seen, problems = asking.ask(lambda link: (link.identity(), _problems(asking, link)))
    except WorkerError as problem:
        yield asking.trouble("set-up", problem, "correct the constructor")
        return
    found = identity.judge(seen, interpreter.path, info.module)
    if problems:
        yield failed("set-up", "; ".join(problems), "the contract is frameworkbench/adapter.py")
    elif found:
        advice = f"nothing may shadow {info.module}; `module` in adapter.toml is its import name"
        yield failed("set-up", found[0].reason, advice)
    else:
        yield passed("set-up", f"{info.module} is imported from its own installation")


def build(asking: Asking, probe: Probe) -> Iterator[Result]:
    """A model is built."""
    try:
        asking.ask(lambda link: build_probe(asking, link, probe))
    except WorkerError as problem:
        yield asking.trouble("build", problem, "correct `build`")
    else:
        yield passed("build", f"a model of {', '.join(sorted(probe.workload.model.kinds))} is built")


def weights(asking: Asking, probe: Probe) -> Iterator[Result]:
    """What is exported is what was given, to the bit; ``load`` replaces it."""
    given = asking.bench.expected(probe.workload, probe.source).weights
    others = probe_weights(probe.workload.model, _OTHER_SEED)

    def work(link: Link) -> list[parity.Check]:
        build_probe(asking, link, probe)
        checks = parity.compare_weights(link.export(), given)
        link.load(others)
        return checks + parity.compare_weights(link.export(), others)

    try:
        off = worst(asking.ask(work))
    except WorkerError as problem:
        yield asking.trouble("load and export", problem, "correct `load` and `export`")
        return
    if off.passed:
        yield passed("load and export", "weights come out as they went in, after `build` and after `load`")
    else:
        advice = "`export` must be the exact inverse of `load`: names, shapes (out, in) and float32 values"
        yield failed("load and export", _weights_sentence(off), advice)


def answers(asking: Asking, probe: Probe) -> Iterator[Result]:
    """``stage``, ``infer`` and ``fetch`` give one vector of logits for each sample."""
    try:
        logits = asking.ask(lambda link: _predicted(asking, link, probe))
    except WorkerError as problem:
        yield asking.trouble("answers", problem, "correct `stage`, `infer` or `fetch`")
        return
    wanted = (probe.workload.batch_size, probe.workload.model.classes)
    if logits.shape != wanted:
        yield failed("answers", f"logits have shape {logits.shape}; expected {wanted}", "`fetch` gives (B, classes)")
    elif logits.dtype != np.float32:
        yield failed("answers", f"logits are {logits.dtype}; expected float32", "`fetch` gives float32 on the host")
    elif not np.isfinite(logits).all():
        yield failed("answers", "logits are not finite", "look at `stage` and `infer`")
    else:
        yield passed("answers", f"logits {wanted} in float32")


def step(asking: Asking, probe: Probe) -> Iterator[Result]:
    """A step returns its loss, moves every weight that has a gradient, and keeps weights in float32."""
    expected = asking.bench.expected(probe.workload, probe.source)

    def work(link: Link) -> tuple[list[float], dict[str, parity.Array]]:
        build_probe(asking, link, probe)
        link.stage(expected.order)
        return link.steps(_SOME_STEPS), link.export()

    try:
        losses, moved = asking.ask(work)
    except WorkerError as problem:
        yield asking.trouble("step", problem, "correct `step`, `loss` or `drain`")
        return
    if not all(math.isfinite(loss) for loss in losses):
        yield failed("step", f"the losses are {losses}", "`step` returns a handle to its loss, `loss` its number")
        return
    yield passed("step", f"losses {losses[0]:.4f}, {losses[1]:.4f}")
    yield _moved(probe, expected.weights, moved)


def _problems(asking: Asking, link: Link) -> list[str]:
    file = str(asking.bench.info.folder / "adapter.py")
    return [str(problem) for problem in link.worker.ask("contract", adapter_file=file)["problems"]]


def build_probe(asking: Asking, link: Link, probe: Probe, optimizer: Optimizer | None = None) -> None:
    """Open a probe's data and build its model from the weights that the reference starts from."""
    open_data(asking, link, probe)
    workload = probe.workload
    given = asking.bench.expected(workload, probe.source).weights
    link.build(given, workload.loss, optimizer or workload.optimizer, workload.model)


def open_data(asking: Asking, link: Link, probe: Probe) -> None:
    """Let the worker read a probe's samples."""
    dataset = asking.bench.dataset(probe.source)
    inputs, labels = (np.load(file, allow_pickle=False) for file in (dataset.train_inputs, dataset.train_labels))
    link.open_data(inputs, labels, input_options(probe.workload))


def _predicted(asking: Asking, link: Link, probe: Probe) -> parity.Array:
    build_probe(asking, link, probe)
    link.stage(asking.bench.expected(probe.workload, probe.source).order)
    return link.predict(0)


def _moved(probe: Probe, before: dict[str, parity.Array], after: dict[str, parity.Array]) -> Result:
    still = [name for name, value in before.items() if name in after and np.array_equal(after[name], value)]
    if still:
        advice = "every parameter is trained; look for one that is frozen, copied or cut off from the gradient"
        return failed("step moves weights", f"{', '.join(still)} did not move in {_SOME_STEPS} steps", advice)
    bits = _mantissa_bits([after[name] for name in before if name in after])
    if bits < _NARROW:
        advice = "parameters are stored in float32; look for a narrower type in `build`, `load` or the optimizer"
        return failed("step moves weights", f"weights are kept with {bits} mantissa bits of {_MANTISSA}", advice)
    return passed("step moves weights", "every parameter moves and is kept in float32")


def _mantissa_bits(arrays: list[parity.Array]) -> int:
    """Stored mantissa bits that any element uses: 23 in float32, 10 in float16, 7 in bfloat16."""
    used = 0
    for array in arrays:
        used |= int(np.bitwise_or.reduce(array.astype(np.float32).view(np.uint32).ravel(), initial=0))
    used &= (1 << _MANTISSA) - 1
    return _MANTISSA - (used & -used).bit_length() + 1 if used else 0


def _weights_sentence(check: parity.Check) -> str:
    if math.isinf(check.error):
        return f"{check.tensor} came out missing, under another name or in another shape"
    return f"{check.tensor} came out off by {check.error:.1e}"
