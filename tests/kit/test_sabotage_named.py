"""Each sabotage of the first release is named by the check of the layer or step that it touches, and by no other."""

from __future__ import annotations

import pytest

from .conftest import FAKES, Check, failures, problems

SUBSTANCE = ("layers", "losses", "optimizers", "order")

# mode → the check that fails first, a text in what it found, one in its next step, and whether it is the only one
CASES = {
    "swapped_gates": ("layer lstm", "logits off", "gates in the order i,g,f,o", True),
    "adam_epsilon": ("optimizer adam", "optimizer of", "epsilon", True),
    "missing_bias": ("step moves weights", "dense_1.bias", "trained", True),
    "transposed_kernel": ("layer conv2d", "logits off", "height and width of the kernel are exchanged", True),
    "norm_epsilon": ("layer layer_norm", "logits off", "100 times the epsilon", True),
    "tanh_gelu": ("layer gelu", "logits off", "tanh approximation", True),
    "shuffled_order": (
        "batches in order",
        "after step 3",
        "batch 3",
        False,
    ),  # the third step after `load` is wrong too
    "frozen_layer": ("step moves weights", "dense_1.kernel", "frozen", True),
    "bf16_weights": ("step moves weights", "7 mantissa bits", "float32", True),
}


@pytest.mark.parametrize("mode", list(CASES))
def test_the_right_check_fails(mode: str, check: Check) -> None:
    """The sabotaged layer or step is named, with what is wrong and where to look, and nothing else is accused."""
    name, found, advice, alone = CASES[mode]

    results = check(FAKES / "sabotaged", mode=mode, only=SUBSTANCE)

    failed = failures(results)
    assert failed, mode
    assert next(iter(failed)) == name, problems(results)
    assert found in failed[name].found
    assert advice in failed[name].next_step
    assert (list(failed) == [name]) is alone, problems(results)
