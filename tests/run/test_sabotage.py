"""Every sabotage of the model or the training makes the cell not comparable, and the message names where."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frameworkbench.run.options import RunOptions

from .conftest import do, only_failure

CASES = [
    ("swapped_gates", "tiny-lstm", "lstm."),
    ("adam_epsilon", "tiny-mlp", "optimizer of"),
    ("missing_bias", "tiny-mlp", "dense_1.bias"),
    ("transposed_kernel", "tiny-cnn", "conv_1.kernel"),
    ("norm_epsilon", "tiny-attention", "norm."),
    ("tanh_gelu", "tiny-attention", ""),
    ("shuffled_order", "tiny-mlp", "trajectory of loss after step"),
    ("frozen_layer", "tiny-mlp", "dense_1.kernel"),
    ("bf16_weights", "tiny-mlp", "dense_"),
]


@pytest.mark.parametrize(("mode", "workload", "named"), CASES)
def test_sabotage_is_not_comparable(
    mode: str, workload: str, named: str, request_for: Callable[..., RunOptions]
) -> None:
    """A sabotaged cell is not comparable, names the tensor or step, and is never timed."""
    _, run = do(request_for(f"sabotaged:{mode}", workload=workload))

    record = only_failure(run)
    assert record["status"] == "not_comparable"
    assert record["code"].startswith("PARITY_")
    failed = [check for check in record["payload"]["parity"]["checks"] if not check["passed"]]
    sentences = [f"{c['check']} of {c['tensor']} after step {c['step']}" for c in failed]
    assert any(named in sentence for sentence in sentences), sentences
    assert not [r for r in run.records if r["pass"] == "speed"]


@pytest.mark.parametrize("workload", ["tiny-mlp", "tiny-cnn", "tiny-lstm", "tiny-attention"])
def test_honest_twin_passes(workload: str, request_for: Callable[..., RunOptions]) -> None:
    """The same adapter without sabotage is proved and timed on every workload that a sabotage used."""
    _, run = do(request_for("sabotaged:honest", workload=workload))

    assert all(record["status"] == "ok" for record in run.records)
    assert [r for r in run.records if r["pass"] == "speed"]
