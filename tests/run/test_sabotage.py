"""Every sabotage of the model or the training makes the cell not comparable, and the message names where."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from frameworkbench.run.options import RunOptions

from .conftest import do, only_failure

CASES = [
    ("swapped_gates", "tiny-lstm", "lstm.", {"WRONG_RESULT"}),
    ("adam_epsilon", "tiny-mlp", "optimizer of", {"HPARAM"}),
    ("missing_bias", "tiny-mlp", "dense_1.bias", {"GRAD_MISSING"}),
    ("transposed_kernel", "tiny-cnn", "conv_1.kernel", {"WRONG_RESULT"}),
    ("norm_epsilon", "tiny-attention", "norm.", {"WRONG_RESULT"}),
    ("tanh_gelu", "tiny-attention", "", {"WRONG_RESULT"}),
    ("shuffled_order", "tiny-mlp", "trajectory of loss after step", {"WRONG_RESULT"}),
    ("frozen_layer", "tiny-mlp", "dense_1.kernel", {"GRAD_MISSING"}),
    ("bf16_weights", "tiny-mlp", "dense_", {"WRONG_RESULT"}),
]


@pytest.mark.parametrize(("mode", "workload", "named", "codes"), CASES)
def test_sabotage_is_not_comparable(
    mode: str, workload: str, named: str, codes: set[str], request_for: Callable[..., RunOptions]
) -> None:
    """A sabotaged cell is not comparable, names the tensor or step, and is never timed."""
    _, run = do(request_for(f"sabotaged:{mode}", workload=workload))

    record = only_failure(run)
    assert record["code"] in codes
    assert record["status"] == "not_comparable"
    failed = [check for check in record["payload"]["parity"]["checks"] if not check["passed"]]
    sentences = [f"{c['check']} of {c['tensor']} after step {c['step']}" for c in failed]
    assert any(named in sentence for sentence in sentences), sentences
    assert not [r for r in run.records if r["pass"] == "speed"]


@pytest.mark.parametrize("workload", ["tiny-mlp", "tiny-cnn", "tiny-lstm", "tiny-attention"])
def test_honest_twin_passes(workload: str, request_for: Callable[..., RunOptions]) -> None:
    """The same adapter without sabotage is proved and timed on every workload that a sabotage used."""
    _, run = do(request_for("sabotaged:honest", workload=workload))

    assert [f"{r['pass']}: {r['code']}: {r['reason']}" for r in run.records if r["status"] != "ok"] == []
    assert [r for r in run.records if r["pass"] == "speed"]
