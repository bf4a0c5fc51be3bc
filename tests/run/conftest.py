"""Small workloads and one request builder: run tests start real worker processes, so the work must be tiny."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.run.engine import Result, run
from frameworkbench.run.events import Event
from frameworkbench.run.options import RunOptions
from frameworkbench.run.passes import patience
from frameworkbench.spec.protocol import SUITES
from frameworkbench.store.records import load_run
from frameworkbench.store.run import Run

FAKES = Path(__file__).parent.parent / "fakes"

_HEAD = """
schema = 1
name = "{name}"
title = "Test workload"
[data]
{data}
[training]
batch_size = 16
epochs = 1
accuracy_target = 0.5
loss = "softmax_cross_entropy"
optimizer = {{ kind = "adam", learning_rate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }}
[initializers]
kernel = "glorot_uniform"
recurrent = "orthogonal_gates"
gate_bias = "forget_gate_one"
table = {{ kind = "normal", std = 0.5 }}
bias = "zeros"
scale = "ones"
[parity]
logits = 5e-6
gradient = 5e-5
optimizer = 1e-4
trajectory = {{ "5" = 1e-5, "10" = 5e-5 }}
parameters = 1e-4
parameters_steps = [4, 8]
parameters_steps_quick = [4, 8]
"""

_LAYERS = {
    "tiny-mlp": (
        'dataset = "mnist"\nflatten = true\nscale = 0.004',
        [
            '{ name = "dense_1", kind = "dense", units = 8 }',
            '{ name = "relu_1", kind = "relu" }',
            '{ name = "dense_2", kind = "dense", units = 10 }',
        ],
    ),
    "tiny-cnn": (
        'dataset = "mnist"\nscale = 0.004',
        [
            '{ name = "conv_1", kind = "conv2d", filters = 2, size = 5 }',
            '{ name = "relu_1", kind = "relu" }',
            '{ name = "pool_1", kind = "max_pool2d", size = 4, stride = 4 }',
            '{ name = "flatten", kind = "flatten" }',
            '{ name = "dense_1", kind = "dense", units = 10 }',
        ],
    ),
    "tiny-lstm": (
        'dataset = "imdb"\nvocabulary = 64\nlength = 12',
        [
            '{ name = "embedding", kind = "embedding", vocabulary = 64, width = 6 }',
            '{ name = "lstm", kind = "lstm", units = 5 }',
            '{ name = "dense", kind = "dense", units = 2 }',
        ],
    ),
    "tiny-attention": (
        'dataset = "imdb"\nvocabulary = 64\nlength = 12',
        [
            '{ name = "embedding", kind = "embedding", vocabulary = 64, width = 6 }',
            '{ name = "position", kind = "position_embedding" }',
            '{ name = "block", kind = "residual", layers = ['
            '{ name = "norm", kind = "layer_norm", epsilon = 1e-5 }, '
            '{ name = "attention", kind = "attention", heads = 2 }, '
            '{ name = "gelu", kind = "gelu" }] }',
            '{ name = "pool", kind = "mean_pool" }',
            '{ name = "dense", kind = "dense", units = 2 }',
        ],
    ),
}


def workload_text(name: str) -> str:
    """The TOML of one tiny workload."""
    data, layers = _LAYERS[name]
    return "layers = [\n" + ",\n".join(layers) + ",\n]\n" + _HEAD.format(name=name, data=data)


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the session, so that stand-in data is generated once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def workload_file(tmp_path: Path) -> Callable[[str], str]:
    """Writes a tiny workload and returns its path."""

    def write(name: str) -> str:
        path = tmp_path / f"{name}.toml"
        path.write_text(workload_text(name), encoding="utf-8")
        return str(path)

    return write


@pytest.fixture
def request_for(tmp_path: Path, cache_dir: Path, workload_file: Callable[[str], str]) -> Callable[..., RunOptions]:
    """Builds the request of a small run: request_for("faulty:killed", workload="tiny-mlp", timeout_s=5)."""

    def build(*adapters: str, workload: str = "tiny-mlp", blocks: int = 1, **changes: Any) -> RunOptions:
        protocol = replace(
            SUITES["smoke"], suite="test", entrants=True, main_blocks=blocks, other_blocks=1, window_s=0.01
        )
        options = RunOptions(
            protocol=protocol,
            out=tmp_path / "run",
            cache_dir=cache_dir,
            workloads=(workload_file(workload),),
            adapters=adapters,
            adapter_paths=(FAKES,),
        )
        return replace(options, **changes)

    return build


def silent(_: Event) -> None:
    """Ignores the news of a run."""


def do(options: RunOptions) -> tuple[Result, Run]:
    """Run and read back."""
    result = run(options, silent)
    return result, load_run(options.out)


def only_failure(run_: Run) -> Any:
    """The one record that is not ok."""
    found = [record for record in run_.records if record["status"] != "ok"]
    assert len(found) == 1, [(record["pass"], record["code"]) for record in found]
    return found[0]


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses in which others may leave the cores take no time."""
    monkeypatch.setattr(patience, "sleep", lambda seconds: None)
