"""The small models: one for every layer, in an order in which none comes before what it leans on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.content import content_dir
from frameworkbench.data import DataSpec
from frameworkbench.kit import wellposed
from frameworkbench.kit.declared import VOCABULARY
from frameworkbench.kit.probe_models import LOSS_CASES
from frameworkbench.kit.probe_models import OPTIMIZERS as CASES
from frameworkbench.kit.probe_models import OPTIONS as OPTION_CASES
from frameworkbench.kit.probes import Probe, all_probes, loss_probe
from frameworkbench.kit.samples import write_samples
from frameworkbench.kit.suspects import explanation
from frameworkbench.kit.tiny import shrink
from frameworkbench.reference import Network, probe_weights
from frameworkbench.run.judge import Array, expected, host_batch
from frameworkbench.spec.training import LOSSES, OPTIMIZERS, OPTIONS
from frameworkbench.spec.workload import load_workloads


def test_every_kind_has_a_probe() -> None:
    """A new layer cannot be added without a model that shows it by itself."""
    shown = {kind for probe in all_probes() for kind in probe.kinds}

    assert sorted(set(VOCABULARY) - shown) == []


def test_every_optimizer_has_a_case() -> None:
    """A new optimizer or option cannot be added without constants to look at it with."""
    assert sorted({*OPTIMIZERS, *OPTIONS} - {*CASES, *OPTION_CASES}) == []


def test_every_loss_has_a_case() -> None:
    """A new loss cannot be added without samples and outputs to look at it with."""
    assert sorted(set(LOSSES) - set(LOSS_CASES)) == []
    assert [kind for kind in LOSSES if loss_probe(kind).workload.loss.kind != kind] == []


def test_probes_stand_behind_what_they_lean_on() -> None:
    """When a probe is looked at, everything that it needs was looked at before."""
    seen: set[str] = set()
    for probe in all_probes():
        assert probe.needs <= seen, probe.name
        seen |= probe.kinds


@pytest.mark.parametrize("probe", all_probes(), ids=lambda probe: probe.name)
def test_logits_depend_on_every_parameter(probe: Probe, tmp_path: Path) -> None:
    """Dropping any tensor of a probe changes its logits far beyond the tolerance, so that none can hide."""
    model, weights = probe.workload.model, probe_weights(probe.workload.model, 0)
    inputs = _inputs(probe, tmp_path)

    logits = Network(model, weights).logits(inputs)

    for name, value in weights.items():
        other = Network(model, {**weights, name: np.zeros_like(value)}).logits(inputs)
        assert np.max(np.abs(other - logits)) > 1e3 * probe.workload.parity.logits * np.max(np.abs(logits)), name


@pytest.mark.parametrize("probe", all_probes(), ids=lambda probe: probe.name)
def test_right_logits_have_no_explanation(probe: Probe, tmp_path: Path) -> None:
    """No slip is suggested where the logits are the reference's own."""
    model, weights = probe.workload.model, probe_weights(probe.workload.model, 0)
    inputs = _inputs(probe, tmp_path)
    logits = Network(model, weights).logits(inputs)

    assert explanation(model, weights, inputs, logits, probe.workload.parity.logits) == ""


def _inputs(probe: Probe, folder: Path) -> Array:
    dataset = write_samples(probe.source, folder / "samples")
    return host_batch(probe.workload, dataset, np.arange(probe.workload.batch_size))[0]


@pytest.mark.parametrize("workload", load_workloads(content_dir("workloads")).values(), ids=lambda found: found.name)
def test_small_workloads_keep_their_layers(workload) -> None:  # type: ignore[no-untyped-def]
    """A shipped workload made small has the same layers, fewer than 30,000 parameters and the same classes."""
    small = shrink(workload)

    assert [layer.kind for layer in small.model.layers] == [layer.kind for layer in workload.model.layers]
    assert small.model.classes == workload.model.classes
    assert sum(parameter.size for parameter in small.model.parameters) < 30_000
    assert isinstance(small.data, DataSpec)
    assert small.parity.trajectory_steps <= 10


def test_small_models_are_fit_to_be_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights are drawn again where float32 cannot follow them; the best draw is taken where none is good."""
    probe = all_probes()[0]
    dataset = write_samples(probe.source, tmp_path / "samples")
    arguments = {"steps": [3], "batches": 12, "cache_dir": tmp_path}

    def drawn(shares: list[float]) -> int:
        left = iter(shares)
        monkeypatch.setattr(wellposed, "used_share", lambda *_: next(left))
        answers = wellposed.fit_answers(probe.workload, dataset, **arguments)
        weights = [probe_weights(probe.workload.model, seed) for seed in range(len(shares))]
        same = [all(np.array_equal(found[name], answers.weights[name]) for name in found) for found in weights]
        return same.index(True)

    assert drawn([0.3, 1.5, 0.01]) == 2
    assert drawn([1.0, 0.4] + [0.9] * 10) == 1


def test_the_share_is_that_of_rounding(tmp_path: Path) -> None:
    """Rounding uses up a small part of a probe's tolerance, and all of it after its answers are moved."""
    probe = all_probes()[0]
    dataset = write_samples(probe.source, tmp_path / "samples")
    answers = expected(probe.workload, dataset, seed=0, steps=[3], batches=12, cache_dir=tmp_path)

    assert 0 < wellposed.used_share(probe.workload, dataset, answers) < 0.2
    moved = replace(answers, losses=[loss * 1.001 for loss in answers.losses])
    assert wellposed.used_share(probe.workload, dataset, moved) > 1


@pytest.mark.parametrize("probe", all_probes(), ids=lambda probe: probe.name)
def test_no_probe_hangs_on_rounding(probe: Probe, tmp_path: Path) -> None:
    """Each probe has weights from which rounding uses up a fifth of a tolerance at most."""
    dataset = write_samples(probe.source, tmp_path / "samples")

    answers = wellposed.fit_answers(probe.workload, dataset, steps=[6], batches=12, cache_dir=tmp_path)

    assert wellposed.used_share(probe.workload, dataset, answers) <= 0.2
