"""Does the framework's dropout drop what it should, in the mode that is timed?

Masks follow no seed that two frameworks share, so outputs with dropout cannot be compared. Their distribution can. A
probe model (dropout, then one dense layer whose kernel is zero) is fed with ones, and takes ordinary training steps.
With a zero kernel the gradient by each of its columns is a known constant times what dropout made of that one input:
the mask can be read off the weights. Every sample has columns of its own, so that masks of one batch can be told apart.

Source: method §3.3, golden checklist.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from ..spec.model import Initializer, Model, build_model
from ..spec.training import Optimizer
from .findings import Finding

Array = npt.NDArray[Any]

SAMPLES = 8
_OF_A_SAMPLE = 512
_WIDTH = SAMPLES * _OF_A_SAMPLE
STEPS = 2

PROBE = Optimizer("sgd", 2.0**-13)
"""So small a rate that logits stay near zero: the known constant changes by less than a hundredth."""

_CHANCE = 1e-3  # the kept count lies inside a 99.9 % interval; who misses it is looked at once more
_EXACT = 1e-4  # of the factor in the first step, where the constant is exact
_ROUGH = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """What one look showed.

    Attributes:
        kernels: the dense kernel before the first step, after it, and after the second, ``(2, 4096)`` each.
        bias: after the second step, ``(2,)``.
        answers: logits of the probe's inputs with these last weights, asked for twice, ``(8, 2)`` each.
    """

    kernels: Sequence[Array]
    bias: Array
    answers: Sequence[Array]


def probe_model(rate: float) -> Model:
    """Dropout on 4096 inputs, then two logits."""
    initializers = {"kernel": Initializer("zeros"), "bias": Initializer("zeros")}
    layers = [
        {"name": "dropout_1", "kind": "dropout", "rate": rate},
        {"name": "dense_1", "kind": "dense", "units": 2},
    ]
    return build_model((_WIDTH,), "floats", layers, initializers, "dropout probe")


def probe_weights() -> dict[str, Array]:
    """All zero."""
    return {"dense_1.kernel": np.zeros((2, _WIDTH), np.float32), "dense_1.bias": np.zeros(2, np.float32)}


def probe_data() -> tuple[Array, Array]:
    """Images ``uint8 (8, 1, 1, 4096)``, to be flattened and used as they are, and labels: each sample its own ones."""
    images = np.zeros((SAMPLES, _WIDTH), np.uint8)
    for sample in range(SAMPLES):
        images[sample, sample * _OF_A_SAMPLE : (sample + 1) * _OF_A_SAMPLE] = 1
    return images.reshape(SAMPLES, 1, 1, _WIDTH), np.zeros(SAMPLES, np.int64)


def rates(model: Model) -> list[float]:
    """The dropout rates of a model that are not zero, each once."""
    return sorted({layer.options["rate"] for layer in model.walk() if layer.options.get("rate", 0.0) > 0})


def judge(rate: float, looks: Sequence[Seen]) -> tuple[list[Finding], dict[str, Any]]:
    """Findings of the looks at one rate, and what they showed.

    The share that is kept is judged from all looks together only if it was outside the interval in each of them: chance
    alone puts one honest look in a thousand outside.
    """
    factors = [_factors(look) for look in looks]
    kept = [int(sum(np.count_nonzero(f) for f in pair)) for pair in factors]
    drawn = STEPS * _WIDTH
    figures = {"rate": rate, "drawn": drawn, "kept": kept}
    reason = _wrong_values(rate, factors) or _wrong_masks(factors) or _wrong_answers(looks)
    if not reason and all(outside(count, drawn, rate) for count in kept):
        reason = f"rate {rate}: {kept[0]} of {drawn} inputs were kept; expected about {(1 - rate) * drawn:.0f}"
    return ([Finding("dropout", "WRONG_RESULT", f"dropout: {reason}")] if reason else []), figures


def outside(kept: int, drawn: int, rate: float) -> bool:
    """Whether a count lies outside the interval that holds 99.9 % of honest ones."""
    tail = min(stats.binom.cdf(kept, drawn, 1 - rate), stats.binom.sf(kept - 1, drawn, 1 - rate))
    return bool(tail < _CHANCE / 2)


def needs_another(rate: float, look: Seen) -> bool:
    """Whether one look is not enough to judge by."""
    return outside(int(sum(np.count_nonzero(f) for f in _factors(look))), STEPS * _WIDTH, rate)


def _factors(look: Seen) -> list[Array]:
    """By step, what dropout multiplied each input with, ``(4096,)``; the first step's are exact up to rounding.

    With logits at zero a sample of class 0 has the gradient −1/(2·8) by its first logit.
    """
    unit = PROBE.learning_rate / (2 * SAMPLES)
    first, second = (np.diff(np.stack([kernel[0] for kernel in look.kernels]).astype(np.float64), axis=0)) / unit
    return [first, second]


def _wrong_values(rate: float, looks: Sequence[Sequence[Array]]) -> str:
    for step, allowed in enumerate((_EXACT, _ROUGH)):
        for factors in (look[step] for look in looks):
            kept = factors[factors != 0]
            scale = 1 / (1 - rate)
            wrong = kept[np.abs(kept / scale - 1) > allowed]
            if not np.all(np.isfinite(factors)) or wrong.size:
                return (
                    f"an input was multiplied with {wrong[0] if wrong.size else 'no number'}; expected 0 or {scale:.6g}"
                )
    return ""


def _wrong_masks(looks: Sequence[Sequence[Array]]) -> str:
    masks = [factors != 0 for look in looks for factors in look]
    if any(np.array_equal(masks[0], mask) for mask in masks[1:]):
        return "two steps have the same mask"
    samples = masks[0].reshape(SAMPLES, -1)
    if any(np.array_equal(samples[0], sample) for sample in samples[1:]):
        return "two samples of a batch have the same mask"
    return ""


def _wrong_answers(looks: Sequence[Seen]) -> str:
    images, _ = probe_data()
    inputs = images.reshape(SAMPLES, -1).astype(np.float64)
    for look in looks:
        exact = inputs @ look.kernels[-1].astype(np.float64).T + look.bias
        for answer in look.answers:
            if not np.max(np.abs(answer - exact)) <= _EXACT * np.max(np.abs(exact)):
                return "in evaluation the answers are not those of the weights: something is still dropped or scaled"
    return ""


def masked_weights(exports: Sequence[Mapping[str, Array]]) -> tuple[list[Array], Array]:
    """Kernels of all exports and the last bias."""
    return [export["dense_1.kernel"] for export in exports], exports[-1]["dense_1.bias"]
