"""Each sabotage of the first release is named by the check of the layer or step that it touches, and by no other."""

from __future__ import annotations

import pytest

from .conftest import FAKES, Check, failures, problems

SUBSTANCE = ("layers", "losses", "optimizers", "order")

# mode → the one check that fails, a text in what it found, and one in its next step
CASES = {
    "swapped_gates": ("layer lstm", "logits off", "gates in the order i,g,f,o"),
    "adam_epsilon": ("optimizer adam", "optimizer of", "epsilon"),
    "missing_bias": ("step moves weights", "dense_1.bias", "trained"),
    "transposed_kernel": ("layer conv2d", "logits off", "height and width of the kernel are exchanged"),
    "norm_epsilon": ("layer layer_norm", "logits off", "100 times the epsilon"),
    "tanh_gelu": ("layer gelu", "logits off", "tanh approximation"),
    "shuffled_order": ("batches in order", "after step 3", "batch 3"),
    "frozen_layer": ("step moves weights", "dense_1.kernel", "frozen"),
    "bf16_weights": ("step moves weights", "7 mantissa bits", "float32"),
}


@pytest.mark.parametrize("mode", list(CASES))
def test_the_right_check_fails(mode: str, check: Check) -> None:
    """The first check that fails names the sabotaged layer or step, with what is wrong and where to look."""
    name, found, advice = CASES[mode]

    results = check(FAKES / "sabotaged", mode=mode, only=SUBSTANCE)

    failed = failures(results)
    assert failed, mode
    assert next(iter(failed)) == name, problems(results)
    assert found in failed[name].found
    assert advice in failed[name].next_step


@pytest.mark.parametrize("mode", ["swapped_gates", "adam_epsilon", "transposed_kernel", "norm_epsilon", "tanh_gelu"])
def test_nothing_else_is_accused(mode: str, check: Check) -> None:
    """A single wrong layer or constant fails a single check; what leans on it waits, and the others pass."""
    results = check(FAKES / "sabotaged", mode=mode, only=SUBSTANCE)

    assert list(failures(results)) == [CASES[mode][0]], problems(results)


def test_the_honest_mode_passes(check: Check) -> None:
    """Without sabotage the same adapter passes every check of substance."""
    results = check(FAKES / "sabotaged", mode="honest", only=SUBSTANCE)

    assert problems(results) == ""
    assert {"layer lstm", "layer conv2d", "optimizer adam", "batches in order"} <= set(results)
