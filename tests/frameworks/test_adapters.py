"""Each shipped adapter proves, in its framework's real environment, that it computes the reference's model."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from frameworkbench.registry import load_adapters
from frameworkbench.spec.workload import read_workload
from frameworkbench.store.run import Run
from tests.run.conftest import workload_text

from .conftest import Measure, marks_of

ENTRANTS = {name: info for name, info in load_adapters().items() if info.role == "entrant"}
TINY = ("tiny-cnn", "tiny-lstm", "tiny-attention")

# What the README promises: a new workload of known layers is this file and nothing else.
TWO_HIDDEN_LAYERS = """
schema = 1
name = "two-hidden-layers"
title = "A multilayer perceptron with two hidden layers"

[data]
dataset = "mnist"
flatten = true
scale = 0.00392156862745098

[training]
batch_size = 32
epochs = 1
accuracy_target = 0.9
loss = "softmax_cross_entropy"
optimizer = { kind = "adam", learning_rate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }

[initializers]
kernel = "glorot_uniform"
bias = "zeros"

[[layers]]
name = "dense_1"
kind = "dense"
units = 64

[[layers]]
name = "relu_1"
kind = "relu"

[[layers]]
name = "dense_2"
kind = "dense"
units = 32

[[layers]]
name = "relu_2"
kind = "relu"

[[layers]]
name = "dense_3"
kind = "dense"
units = 10

[parity]
logits = 5e-6
gradient = 5e-5
optimizer = 1e-4
trajectory = { "5" = 1e-5, "10" = 5e-5 }
parameters = 1e-4
# Before the seventh step: there an input of the second ReLU is 1.9e-6 from zero in float64, and float32 code of
# different frameworks falls on different sides (TensorFlow and JAX part from PyTorch by 5e-3, each always alike).
parameters_steps = [4, 6]
parameters_steps_quick = [4, 6]
"""


def _each(names: list[str]) -> list[Any]:
    """One test parameter for each adapter or adapter:mode, marked with the framework that it needs."""
    return [pytest.param(name, marks=marks_of(name)) for name in names]


def _problems(run: Run) -> list[str]:
    """Every record that is not ok, with its reason; and how close the worst check came."""
    return [
        f"{record['cell']['workload']} {record['cell']['adapter']}:{record['cell']['mode']} {record['pass']}: "
        f"{record['status']}/{record['code']}: {record['reason']}\n{record['log_end'][-600:]}"
        for record in run.records
        if record["kind"] == "cell" and record["status"] != "ok"
    ]


def _proofs(run: Run) -> list[dict[str, Any]]:
    return [record for record in run.records if record["pass"] == "proof" and record["status"] == "ok"]


def _worst(run: Run) -> str:
    """For the assertion message: the largest error of each proof in units of its tolerance."""
    lines = []
    for proof in _proofs(run):
        checks = [check for check in proof["payload"]["parity"]["checks"] if check["tolerance"] > 0]
        worst = max(checks, key=lambda check: float(check["error"]) / check["tolerance"])
        lines.append(
            f"{proof['cell']['workload']} {proof['cell']['adapter']}:{proof['cell']['mode']}: worst {worst['check']} "
            f"of {worst['tensor']}: {float(worst['error']):.1e} of {worst['tolerance']:.0e}"
        )
    return "\n".join(lines)


def _assert_proved(run: Run, cells: int) -> None:
    assert _problems(run) == [], "\n".join([*_problems(run), _worst(run)])
    assert len(_proofs(run)) == cells, _worst(run)
    assert len([r for r in run.records if r["pass"] == "speed" and r["status"] == "ok"]) == cells


def _assert_exact_weights(run: Run, parameters: dict[str, set[str]]) -> None:
    """Every parameter of every proof came out bit by bit as it went in."""
    for proof in _proofs(run):
        weights = [check for check in proof["payload"]["parity"]["checks"] if check["check"] == "weights"]
        assert {check["tensor"] for check in weights} == parameters[proof["cell"]["workload"]]
        assert {(check["error"], check["tolerance"]) for check in weights} == {(0.0, 0.0)}


def _parameters(texts: dict[str, str]) -> dict[str, set[str]]:
    models = {name: read_workload(tomllib.loads(text), name, "").model for name, text in texts.items()}
    return {name: {parameter.name for parameter in model.parameters} for name, model in models.items()}


# One framework by default: the test below runs the main modes of all.
ONE_FILE = [pytest.param(name, marks=marks_of(name, slow=name != "pytorch")) for name in ENTRANTS]


@pytest.mark.parametrize("adapter", ONE_FILE)
def test_a_workload_is_one_file(adapter: str, measure: Measure) -> None:
    """A multilayer perceptron written as one TOML file runs, proved, on every framework's main mode."""
    run = measure([f"{adapter}:{ENTRANTS[adapter].main_mode}"], {"two-hidden-layers": TWO_HIDDEN_LAYERS})

    _assert_proved(run, 1)
    _assert_exact_weights(run, _parameters({"two-hidden-layers": TWO_HIDDEN_LAYERS}))


@pytest.mark.parametrize("adapter", _each(list(ENTRANTS)))
def test_main_mode_proves_every_layer(adapter: str, measure: Measure) -> None:
    """The main mode proves small convolution, LSTM and attention models, and gives weights back bit by bit."""
    texts = {name: workload_text(name) for name in TINY}

    run = measure([f"{adapter}:{ENTRANTS[adapter].main_mode}"], texts)

    _assert_proved(run, len(TINY))
    _assert_exact_weights(run, _parameters(texts))


def _other_modes() -> list[str]:
    return [f"{name}:{mode}" for name, info in ENTRANTS.items() for mode in info.modes if mode != info.main_mode]


@pytest.mark.slow
@pytest.mark.parametrize("row", _each(_other_modes()))
def test_other_modes_prove_or_refuse(row: str, measure: Measure) -> None:
    """Every other mode proves the same models; only a loop over time may be refused, with a code and a reason."""
    texts = {name: workload_text(name) for name in ("tiny-mlp", *TINY)}

    run = measure([row], texts)

    refused = {r["cell"]["workload"]: r for r in run.records if r["status"] == "unsupported"}
    assert set(refused) <= {"tiny-lstm"}
    assert {(r["code"], bool(r["reason"])) for r in refused.values()} <= {("MODE_FALLBACK", True)}
    proved = {proof["cell"]["workload"] for proof in _proofs(run)}
    assert proved == set(texts) - set(refused), "\n".join([*_problems(run), _worst(run)])
    _assert_exact_weights(run, _parameters(texts))


@pytest.mark.slow
@pytest.mark.framework("pytorch")
def test_a_compiler_that_falls_back_is_no_compiled_row(measure: Measure) -> None:
    """torch.compile leaves an LSTM to the eager kernels, so that row is unsupported and not shown as compiled."""
    run = measure(["pytorch:compile"], {"tiny-lstm": workload_text("tiny-lstm")})

    cells = [record for record in run.records if record["kind"] == "cell"]
    assert [(record["status"], record["code"]) for record in cells] == [("unsupported", "MODE_FALLBACK")]
    assert "LSTM" in cells[0]["reason"] or "lstm" in cells[0]["reason"]
