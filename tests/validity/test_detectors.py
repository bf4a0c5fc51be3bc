"""The detectors as pure functions: what they accept, what they object to, and where the border lies."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.content import content_dir
from frameworkbench.reference import Network, OptimizerState, probe_weights
from frameworkbench.spec.workload import load_workload
from frameworkbench.validity import aftermath, canary, fingerprint, identity, plausibility, quiet, rate, replay
from frameworkbench.validity.aftermath import Aftermath
from frameworkbench.validity.quiet import Quiet


def _rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """Float32 numbers with so many explicit mantissa bits, round half up."""
    with np.errstate(all="ignore"):
        drop = 23 - bits
        whole = values.astype(np.float32).view(np.uint32)
        kept = ((whole + np.uint32(1 << (drop - 1))) >> drop) << drop
    special = ~np.isfinite(values)
    return np.where(special, values, kept.astype(np.uint32).view(np.float32)).astype(np.float32)


def _half(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)


PRECISIONS = {
    "float32": lambda x: x,
    "tf32": lambda x: _rounded(x, 10),
    "bfloat16": lambda x: _rounded(x, 7),
    "float16": _half,
}


@pytest.mark.parametrize("name", PRECISIONS)
def test_probe_tells_precisions_apart(name: str) -> None:
    """A dense layer computed in each precision is named as such, wherever the probe's rows lie in the batch."""
    lower = PRECISIONS[name]
    kernel = lower(fingerprint.probe_weights()["dense_1.kernel"])
    inputs = lower(fingerprint.probe_inputs(32, offset=17))

    with np.errstate(invalid="ignore"):
        found = fingerprint.read(inputs @ kernel.T, offset=17)

    assert found.name == name
    assert fingerprint.judge(found, name) == []
    others = [other for other in PRECISIONS if other != name]
    assert all(fingerprint.judge(found, other)[0].code == "PRECISION" for other in others)


def test_split_scheme_is_seen_in_errors_only() -> None:
    """Three bfloat16 products keep all mantissa bits of the probe and are an order of magnitude off in real sums."""
    generator = np.random.default_rng(0)
    a, b = (generator.standard_normal((512, 512)).astype(np.float32) for _ in range(2))
    exact = {"logits": a.astype(np.float64) @ b.astype(np.float64)}
    high_a, high_b = _rounded(a, 7), _rounded(b, 7)
    low_a, low_b = _rounded(a - high_a, 7), _rounded(b - high_b, 7)
    split = high_a @ high_b + (high_a @ low_b + low_a @ high_b)
    numpy_error = {"logits": fingerprint.relative_error({"logits": a @ b}, exact)}

    errors = {"logits": fingerprint.relative_error({"logits": split}, exact)}

    assert [f.code for f in fingerprint.judge_errors(errors, numpy_error, "float32")] == ["PRECISION"]
    assert fingerprint.judge_errors(numpy_error, numpy_error, "float32") == []
    assert fingerprint.judge_errors(errors, numpy_error, "bfloat16") == []


def test_short_sums_and_fast_math_are_seen() -> None:
    """An accumulator that cannot hold 8193, or code that swallows NaN, is not the declared precision."""
    honest = fingerprint.Fingerprint(bits=23, large_survives=True, long_sum_exact=True, special_values=True)

    assert fingerprint.judge(honest, "float32") == []
    assert fingerprint.judge(replace(honest, long_sum_exact=False), "float32")
    assert fingerprint.judge(replace(honest, special_values=False), "float32")


def _quiet(**changes) -> Quiet:
    seen = Quiet(1.0, 0.02, 0.01, 0.01, None, ("a", "a", "a"), 0.0, 0.0, 0.2, 0)
    return replace(seen, **changes)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"first_export_s": 0.055}, []),  # within 50 ms of the second
        ({"first_export_s": 0.07}, ["RESIDUAL_WORK"]),
        # Seen on a card: the second was quick by chance.
        ({"first_export_s": 0.128, "second_export_s": 0.076, "third_export_s": 0.1}, []),
        ({"first_export_s": 0.4, "window_s": 10.0}, []),  # within 5 % of the window
        ({"first_export_s": 0.4, "export_excess_cpu_s": 0.01}, []),  # it waited for a core and did nothing
        ({"first_export_s": 0.4, "export_excess_cpu_s": 0.35}, ["RESIDUAL_WORK"]),
        ({"sha256": ("a", "a", "b")}, ["LATE_MUTATION"]),
        ({"sha256": ("a", "b", "b")}, ["LATE_MUTATION"]),
        ({"cpu_s": 0.04}, []),
        ({"cpu_s": 0.05}, ["FOREIGN_WORK"]),
        ({"cpu_s": None}, []),
        ({"runnable": 0.6}, []),
        ({"cpu_s": 0.03, "runnable": 0.7}, ["FOREIGN_WORK"]),  # others held the cores; it was ready all the time
    ],
)
def test_what_may_follow_a_window(changes: dict, codes: list[str]) -> None:
    """Slow exports, changing weights and CPU use after a window, on both sides of each limit."""
    assert [finding.code for finding in quiet.judge(_quiet(**changes))] == codes


def test_scaling_law_counts_the_fastest_windows() -> None:
    """Time that never grows is an offence; windows that somebody else made longer are not, short or long."""
    flat, honest = {4: 1.0, 8: 1.0, 16: 1.1}, {4: 1.0, 8: 2.0, 16: 3.9}
    disturbed = {4: 5.0, 8: 2.0, 16: 3.9}

    assert [f.code for f in rate.scaling([flat, flat])] == ["NONLINEAR"]
    assert [f.code for f in rate.scaling([flat, {4: 1.0, 8: 1.0, 16: 9.0}])] == ["NONLINEAR"], (
        "a long one was disturbed"
    )
    assert rate.scaling([disturbed, honest]) == []
    assert rate.scaling([{4: 1.0, 8: 1.4, 16: 2.1}]) == [], "a constant part is allowed"


def test_free_steps() -> None:
    """Every fifteenth step doing all the work is seen; however slow some steps are, the others are not free."""
    skipping, disturbed = [15.0, *[0.01] * 14] * 2, [*[1.0] * 20, 400.0]

    assert [f.code for f in rate.free_steps([skipping, skipping], 1.0)] == ["NONLINEAR"]
    assert rate.free_steps([[1.0] * 20 + [8.0] * 2], 1.0) == []
    assert rate.free_steps([disturbed], 1.0) == []
    assert rate.free_steps([[1.0] * 24], 30.0) == [], "every window was disturbed"
    assert rate.free_steps([skipping, [1.0] * 24], 1.0) == [], "every try must show it"


@pytest.mark.parametrize(("window_step_s", "caught"), [(0.01, False), (0.004, False), (0.002, True)])
def test_windows_against_checked_steps(window_step_s: float, caught: bool) -> None:
    """Draining after a few steps may cost a factor of three; more means other work."""
    found = rate.windows_against_checked(window_step_s, [(8, 0.08), (8, 0.2)])

    assert bool(found) is caught


def test_nobody_beats_the_machine() -> None:
    """Speed above the ceiling is implausible; a ceiling that was not measured judges nobody."""
    assert [f.code for f in plausibility.judge(2.1e6, 1e6, 1e12)] == ["IMPLAUSIBLE"]
    assert plausibility.judge(1.9e6, 1e6, 1e12) == []
    assert plausibility.judge(1e9, 1e9, None) == []
    assert plausibility.measured_ceiling() > 1e8


def test_canaries_do_not_accuse_honest_models() -> None:
    """Models of any skill that never saw the decoy are not accused in 2,000 trainings; one that learnt it is."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 10, 5000)
    accused = 0
    for _ in range(2000):
        skill = generator.uniform(0.2, 0.99)
        planted = canary.plant(labels, 10, generator)
        guess = np.where(generator.random(5000) < skill, labels, generator.integers(0, 10, 5000))
        accused += bool(canary.judge(guess[planted.rows], planted, float(np.mean(guess != labels)), 10))
    learnt = np.where(generator.random(len(planted.rows)) < 0.3, planted.labels, labels[planted.rows])

    assert accused == 0
    assert [f.code for f in canary.judge(learnt, planted, 0.03, 10)] == ["LEAK"]
    assert np.all(planted.decoy[planted.rows] != labels[planted.rows])
    assert np.sum(planted.decoy != labels) == len(planted.rows)


def test_shadow_module_and_version(tmp_path: Path) -> None:
    """The file that the interpreter would import decides, and the public part of the version."""
    import sys

    wanted = identity.installed_file(Path(sys.executable), "numpy")

    assert wanted == np.__file__
    assert identity.judge({"file": np.__file__}, Path(sys.executable), "numpy") == []
    found = identity.judge({"file": str(tmp_path / "numpy.py")}, Path(sys.executable), "numpy")
    assert [f.code for f in found] == ["IDENTITY"]
    assert identity.judge_version({"version": "2.13.0+cpu"}, "2.13.0") == []
    assert [f.code for f in identity.judge_version({"version": "2.13.1"}, "2.13.0")] == ["IDENTITY"]


def test_filled_compile_cache(tmp_path: Path) -> None:
    """An empty or nearly empty cache is cold; compiled kernels are not."""
    assert identity.judge_cache(tmp_path / "missing") == []
    (tmp_path / "lock").write_bytes(b"x" * 100)
    assert identity.judge_cache(tmp_path) == []
    (tmp_path / "kernel").write_bytes(b"x" * 100_000)
    assert [f.code for f in identity.judge_cache(tmp_path)] == ["WARM_CACHE"]


def _two_steps(optimizer_changes: dict, *, stale: bool = False, loss_error: float = 0.0) -> tuple[Aftermath, object]:
    """Forty float32 steps of the smallest shipped workload, then two more as the aftermath sees them."""
    workload = load_workload(content_dir("workloads") / "mnist-mlp.toml")
    workload = replace(workload, optimizer=replace(workload.optimizer, **optimizer_changes))
    generator = np.random.default_rng(3)
    batches = [
        (generator.standard_normal((64, 784)).astype(np.float32), generator.integers(0, 10, 64)) for _ in range(42)
    ]
    network = Network(workload.model, probe_weights(workload.model, 0), np.float32)
    state = OptimizerState(workload.optimizer)
    start = {name: value.copy() for name, value in network.weights.items()}
    exports, losses, gradients = [], [], {}
    for step, (inputs, labels) in enumerate(batches):
        if step in (40, 41):
            exports.append({name: value.copy() for name, value in network.weights.items()})
        value, fresh, _ = network.loss_and_gradients(inputs, labels, workload.loss)
        gradients = gradients if stale and step > 20 else fresh
        losses.append(value * (1 + loss_error))
        state.update(network.weights, gradients)
    exports.append({name: value.copy() for name, value in network.weights.items()})
    return Aftermath(40, start, exports, losses[40:], batches[40:]), workload


_RULES = [
    {},
    {"kind": "sgd", "momentum": 0.9, "learning_rate": 0.01},
    {"kind": "nesterov", "momentum": 0.9, "learning_rate": 0.01},
    {"kind": "rmsprop", "decay": 0.9},
    {"kind": "adagrad", "learning_rate": 0.01},
    {"kind": "adamw", "weight_decay": 0.1},
    {"kind": "sgd", "momentum": 0.9, "learning_rate": 0.01, "l1": 0.001, "l2": 0.01, "clip_norm": 0.5},
    {"schedule": "step", "schedule_steps": 41, "schedule_factor": 0.1},
]


@pytest.mark.parametrize("changes", _RULES, ids=lambda changes: "-".join(map(str, changes.values())) or "adam")
def test_aftermath_follows_the_gradient(changes: dict) -> None:
    """Under every update rule the new part of an honest update points along the reference's gradient."""
    findings, figures = aftermath.judge(*_two_steps(changes))

    assert findings == []
    assert figures["agreement"] > 0.999


@pytest.mark.parametrize("changes", _RULES[:6], ids=lambda changes: "-".join(map(str, changes.values())) or "adam")
def test_aftermath_sees_stale_gradients(changes: dict) -> None:
    """Right losses with gradients of an earlier batch are wrong work."""
    findings, figures = aftermath.judge(*_two_steps(changes, stale=True))

    assert [finding.code for finding in findings] == ["WRONG_RESULT"]
    assert figures["agreement"] < 0.9


def test_aftermath_sees_wrong_losses() -> None:
    """A loss that is one per cent off the weights' own is wrong."""
    findings, _ = aftermath.judge(*_two_steps({}, loss_error=0.01))

    assert [finding.code for finding in findings] == ["WRONG_RESULT"]


def test_aftermath_sees_weights_that_never_moved() -> None:
    """A tensor that is bit for bit where it was before the windows was not trained."""
    seen, workload = _two_steps({})
    still = {**seen.start, "dense_1.bias": seen.exports[0]["dense_1.bias"]}

    findings, _ = aftermath.judge(replace(seen, start=still), workload)

    assert [finding.code for finding in findings] == ["GRAD_MISSING"]


def _ends(*shifts: float) -> list[dict[str, np.ndarray]]:
    """Weights at a start, after a window that moved them by one, and after watched runs that ended so far from it."""
    start = {"kernel": np.zeros(4), "bias": np.full(2, 3.0)}
    moved = {"kernel": np.ones(4), "bias": np.full(2, 4.0)}
    return [start, moved, *({"kernel": np.ones(4) + shift, "bias": np.full(2, 4.0)} for shift in shifts)]


def test_a_window_that_leads_elsewhere_when_watched_is_seen() -> None:
    """Ends that watched runs agree on and the timed window misses are other work."""
    start, window, *watched = _ends(0.3, 0.3)

    findings, figures = replay.judge(start, window, watched, steps=100)

    assert [finding.code for finding in findings] == ["DETECTION"]
    assert (figures["tensor"], figures["distance"]) == ("kernel", pytest.approx(0.3))


def test_drift_of_honest_code_is_measured_by_its_own_repetition() -> None:
    """Watched runs that differ among themselves accuse nobody who differs as much; equal ends need no second run."""
    start, window, *watched = _ends(0.2, -0.1)

    assert replay.needs_another(start, window, watched[:1])
    assert replay.judge(start, window, watched, steps=100)[0] == []
    assert not replay.needs_another(start, window, [window])
    assert replay.judge(start, window, [window], steps=100)[0] == []


def test_weights_that_are_no_numbers_are_no_match() -> None:
    """NaN on one side only is never a small distance."""
    start, window, broken, same = _ends(float("nan"), 0.0)

    assert replay.needs_another(start, window, [broken])
    assert [f.code for f in replay.judge(start, window, [broken, broken], steps=9)[0]] == ["DETECTION"]
    assert replay.judge(start, window, [broken, same], steps=9)[0] == []


@pytest.mark.parametrize(("last", "agreement"), [(-1e-3, 1.0), (-0.8, 1.0), (0.8, 1.0)])
def test_adam_may_carry_over_more_than_a_small_gradient_adds(last: float, agreement: float) -> None:
    """After few steps a gradient near zero drowns in what momentum carries over, and that accuses nobody."""
    optimizer = load_workload(content_dir("workloads") / "mnist-mlp.toml").optimizer
    weights = {"large": np.ones(4), "small": np.ones(2)}
    state, exports = OptimizerState(optimizer), []
    steps = [*[(1.0, 1.0)] * 15, (-0.8, last)]
    for step, (large, small) in enumerate(steps):
        if step >= 14:
            exports.append({name: value.copy() for name, value in weights.items()})
        gradients = {"large": np.full(4, large), "small": np.full(2, small)}
        state.update(weights, gradients)
    exports.append(weights)

    seen = Aftermath(14, {}, exports, [], [])

    assert aftermath.update_agreement(seen, gradients, optimizer) == agreement
    wrong = {name: -value for name, value in gradients.items()}
    assert aftermath.update_agreement(seen, wrong, optimizer) == 0.0
