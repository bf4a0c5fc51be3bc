"""What one layer kind needs in order to be computed: a forward and a backward function.

Both take the layer's spec and all weights by full name, so that a rule holds no state and the same rule serves
float64 (proof) and float32 (evaluation of large test sets): the dtype of weights and inputs decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from ..spec.layers import Layer

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]
Gradients = dict[str, Array]
Forward = Callable[[Layer, Weights, Array], tuple[Array, Any]]
Backward = Callable[[Layer, Weights, Any, Array], tuple[Array, Gradients]]
Infer = Callable[[Layer, Weights, Array], Array]
Statistics = Callable[[Layer, Weights, Any], dict[str, Array]]


@dataclass(frozen=True)
class Rule:
    """One layer kind.

    ``forward(layer, weights, x)`` returns ``(y, cache)``; ``backward(layer, weights, cache, dy)`` returns ``dx`` and
    the gradients of the layer's parameters by full name. ``d…`` is the derivative of the loss by that array.
    Where evaluation differs from training, ``infer(layer, weights, x)`` returns its ``y``. Where a training step moves
    tensors without a gradient, ``statistics(layer, weights, cache)`` returns their next values by full name.
    """

    forward: Forward
    backward: Backward
    infer: Infer | None = None
    statistics: Statistics | None = None
