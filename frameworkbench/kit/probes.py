"""The smallest model that shows one layer, for each layer of the vocabulary.

A wrong layer is then named by itself, and not as "the model is off". Probes stand in order of what they lean on: one
whose helpers failed is not looked at, because it could only repeat their failure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from ..spec.model import build_model
from ..spec.workload import Workload, read_workload
from .probe_models import EMBEDDING, FLATTEN, HIDDEN, LOSS_CASES, POOL, PROBES, SOURCE_LOSS, Table, dense
from .samples import BINARY, FLAT, IMAGES, LENGTH, PAIRS, TOKENS, VOCABULARY, input_shape

BATCH = 16
STEPS = 6  # after which parameters are compared: enough for state to matter, too few for chaos

_PIXELS: Table = {"scale": 1 / 64, "mean": [1.9, 2.0, 2.1], "std": [1.0, 1.1, 1.2]}
_DATA: Mapping[str, Table] = {
    FLAT: {"dataset": "mnist", "flatten": True, **_PIXELS},
    BINARY: {"dataset": "mnist", "flatten": True, **_PIXELS},
    IMAGES: {"dataset": "cifar10", **_PIXELS},
    TOKENS: {"dataset": "imdb", "vocabulary": VOCABULARY, "length": LENGTH},
    PAIRS: {"dataset": "imdb", "vocabulary": VOCABULARY, "length": LENGTH},
}
_INITIALIZERS = {
    "kernel": "glorot_uniform",
    "recurrent": "orthogonal_gates",
    "gate_bias": "forget_gate_one",
    "table": {"kind": "normal", "std": 0.5},
    "bias": "zeros",
    "scale": "ones",
}
# Those of the tests' tiny workloads, which five frameworks pass in every mode.
_PARITY = {
    "logits": 5e-6,
    "gradient": 5e-5,
    "optimizer": 1e-4,
    "trajectory": {"5": 1e-5, "10": 5e-5},
    "parameters": 1e-4,
    "parameters_steps": [4, 8],
    "parameters_steps_quick": [4, 8],
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One small model.

    Attributes:
        name: of the check.
        kinds: the layer kinds that it judges.
        source: of its samples.
        workload: the model with its training.
        hint: where to look when it is off.
    """

    name: str
    kinds: frozenset[str]
    source: str
    workload: Workload
    hint: str

    @property
    def needs(self) -> frozenset[str]:
        """Kinds that it leans on without judging them."""
        return self.workload.model.kinds - self.kinds


@cache
def all_probes() -> tuple[Probe, ...]:
    """Every probe, in the order in which they are looked at."""
    return tuple(
        Probe(name, frozenset(kinds), source, _workload(name, source, layers), hint)
        for name, kinds, source, layers, hint in PROBES
    )


def probes_for(declared: Iterable[str]) -> list[Probe]:
    """The probes whose own kinds are all declared."""
    known = set(declared)
    return [probe for probe in all_probes() if probe.kinds <= known]


def training_probes(kinds: Iterable[str]) -> list[Probe]:
    """Models on which losses and optimizers are looked at: one smooth one, and one with repeated tokens."""
    able = [probe for probe in all_probes() if probe.workload.model.kinds <= set(kinds)]
    smooth = [probe for probe in able if probe.source != TOKENS][:1]
    return smooth + [probe for probe in able if probe.source == TOKENS][:1]


def loss_probe(kind: str) -> Probe:
    """A smooth model for one loss."""
    loss, source, outputs = LOSS_CASES[kind]
    probe = Probe(kind, frozenset({"dense"}), source, _workload(kind, source, [HIDDEN, dense(outputs)]), "")
    return replace(probe, workload=with_training(probe.workload, loss=loss))


def with_training(workload: Workload, **changes: Any) -> Workload:
    """The same model with another loss or optimizer."""
    changed = replace(workload, **changes)
    return replace(changed, sha256=_hash(changed))


def _workload(name: str, source: str, layers: Sequence[Table]) -> Workload:
    identifier = "probe-" + "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")
    base = _base(source)
    # Dataset names stand for fixed shapes; the probes' own samples are smaller and not square.
    model = build_model(input_shape(source), base.model.input_kind, list(layers), base.model.initializers, identifier)
    loss = SOURCE_LOSS.get(source, base.loss)
    return with_training(base, name=identifier, title=f"Probe of {name}", model=model, loss=loss)


def _base(source: str) -> Workload:
    """A workload on the samples of a source, whose model is exchanged."""
    first = [EMBEDDING, POOL] if source in (TOKENS, PAIRS) else [] if _DATA[source].get("flatten") else [FLATTEN]
    table = {
        "schema": 1,
        "name": "probe",
        "title": "Probe",
        "data": dict(_DATA[source]),
        "training": {
            "batch_size": BATCH,
            "epochs": 1,
            "accuracy_target": 0.0,
            "loss": "softmax_cross_entropy",
            "optimizer": {"kind": "sgd", "learning_rate": 0.05, "momentum": 0.0},
        },
        "initializers": dict(_INITIALIZERS),
        "layers": [*first, dense(10)],
        "parity": dict(_PARITY),
    }
    return read_workload(table, "probe", "")


def _hash(workload: Workload) -> str:
    facts = [workload.model.to_json(), workload.loss.to_json(), workload.optimizer.to_json(), workload.batch_size]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
