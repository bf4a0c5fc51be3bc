"""The oracle behind the ordinary adapter contract."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from frameworkbench.adapter import Adapter, Settings
from frameworkbench.content import content_dir
from frameworkbench.errors import UnsupportedError
from frameworkbench.reference import Network, probe_weights, run_trajectory
from frameworkbench.registry import read_adapter
from frameworkbench.spec.layers import KINDS
from frameworkbench.spec.training import LOSSES, OPTIMIZERS, OPTIONS, Loss, Optimizer

from .models import WORKLOADS, batch, shrunk

FOLDER = content_dir("adapters") / "reference"
SETTINGS = Settings("numpy", "cpu", 1, "float64", "matched", 0, "")
LOSS = Loss("softmax_cross_entropy")
ADAM = Optimizer("adam", 0.01, beta1=0.9, beta2=0.999, epsilon=1e-8)


def make(settings: Settings = SETTINGS) -> Adapter:
    """Load the adapter by path under a private name, as a worker does."""
    spec = importlib.util.spec_from_file_location("_reference_adapter", FOLDER / "adapter.py")
    assert spec is not None and spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    adapter: Adapter = module.ADAPTER(settings)
    return adapter


def test_the_declaration_is_an_oracle_that_knows_everything() -> None:
    """The oracle needs no environment of its own and supports the whole vocabulary."""
    info = read_adapter(FOLDER)
    assert (info.name, info.role, info.interpreter, info.main_mode) == ("reference", "oracle", "core", "numpy")
    assert info.layers == {*KINDS, "residual"}
    assert info.losses == set(LOSSES)
    assert info.optimizers == set(OPTIMIZERS)
    assert info.optimizer_options == set(OPTIONS)


@pytest.mark.parametrize("name", WORKLOADS)
def test_export_is_the_inverse_of_load(name: str) -> None:
    """Weights come back under the same names, shapes and values, as copies."""
    model, adapter = shrunk(name), make()
    weights = probe_weights(model, 0)
    adapter.build(model, LOSS, ADAM, weights)
    exported = adapter.export()
    np.testing.assert_equal(exported, {key: value.astype(np.float64) for key, value in weights.items()})
    exported[next(iter(exported))][...] = 0
    np.testing.assert_equal(adapter.export(), {key: value.astype(np.float64) for key, value in weights.items()})


@pytest.mark.parametrize("name", WORKLOADS)
def test_steps_follow_the_reference_trajectory(name: str) -> None:
    """Stage, step, loss and export give exactly what run_trajectory gives, and build starts from scratch."""
    model, adapter = shrunk(name), make()
    weights = probe_weights(model, 0)
    batches = [batch(model, 4, seed) for seed in range(3)]
    expected = run_trajectory(model, LOSS, ADAM, weights, batches, snapshot_steps=[3])
    for _ in range(2):
        adapter.build(model, LOSS, ADAM, weights)
        losses = [adapter.loss(adapter.step(staged)) for staged in adapter.stage(batches)]
        adapter.drain()
        assert losses == expected.losses
        np.testing.assert_equal(adapter.export(), expected.snapshots[3])


@pytest.mark.parametrize("name", WORKLOADS)
def test_load_starts_over_without_building(name: str) -> None:
    """After load the adapter steps as after build with the same weights, whatever ran before."""
    model, adapter = shrunk(name), make()
    first, second = probe_weights(model, 0), probe_weights(model, 1)
    batches = adapter.stage([batch(model, 4, seed) for seed in range(3)])
    adapter.build(model, LOSS, ADAM, first)
    expected = [adapter.step(staged) for staged in batches]
    adapter.load(second)
    other = [adapter.step(staged) for staged in batches]
    adapter.load(first)
    assert [adapter.step(staged) for staged in batches] == expected
    assert other != expected


@pytest.mark.parametrize("size", [1, 4])
def test_infer_answers_staged_batches_of_any_size(size: int) -> None:
    """Open handles keep the answers of their own inputs and weights until they are fetched."""
    model, adapter = shrunk("mnist-mlp"), make()
    old, new = probe_weights(model, 0), probe_weights(model, 1)
    pairs = [batch(model, size, seed) for seed in range(2)]
    adapter.build(model, LOSS, ADAM, old)
    staged = adapter.stage(pairs)
    handles = [adapter.infer(staged[0]), adapter.infer(staged[1])]
    adapter.load(new)
    handles.append(adapter.infer(staged[0]))
    answers = [adapter.fetch(handle) for handle in handles]
    assert {answer.dtype for answer in answers} == {np.dtype(np.float32)}
    for answer, weights, (x, _) in zip(answers, (old, old, new), (*pairs, pairs[0]), strict=True):
        np.testing.assert_allclose(answer, Network(model, weights).logits(x), rtol=1e-6, atol=1e-6)


def test_predict_returns_float32_logits_of_the_current_weights() -> None:
    """Predictions follow the weights and are rounded to float32, as the contract says."""
    model, adapter = shrunk("mnist-mlp"), make()
    weights, (x, _) = probe_weights(model, 0), batch(model, 4)
    adapter.build(model, LOSS, ADAM, weights)
    logits = adapter.predict(x.astype(np.float32))
    assert logits.dtype == np.float32
    expected = Network(model, weights).logits(x.astype(np.float32))
    np.testing.assert_allclose(logits, expected, rtol=1e-6, atol=1e-6)


def test_effective_settings_are_complete() -> None:
    """Version, mode, device, precision and threads are reported under the contract's names."""
    effective = make().effective()
    threads = effective.pop("threads")
    assert effective == {"version": np.__version__, "mode": "numpy", "device": "cpu", "precision": "float64"}
    assert threads is None or threads >= 1


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        (replace(SETTINGS, mode="jit"), "UNSUPPORTED_MODE"),
        (replace(SETTINGS, device="cuda"), "UNSUPPORTED_DEVICE"),
        (replace(SETTINGS, precision="float32"), "UNSUPPORTED_PRECISION"),
    ],
)
def test_what_the_oracle_cannot_do_is_refused_with_a_code(settings: Settings, code: str) -> None:
    """Another mode, device or precision is refused and never silently replaced."""
    with pytest.raises(UnsupportedError) as refusal:
        make(settings)
    assert refusal.value.code == code
