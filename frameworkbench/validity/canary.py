"""Does a trained model know the test labels?

No worker is given the test split. Beside its training data lies a decoy of the test labels in which some rows
carry a wrong label that was drawn at random. A model that never saw the decoy predicts just those labels no more
often than it errs by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from .findings import Finding

Array = npt.NDArray[Any]

_SHARE = 0.05
_MOST = 400
_ALPHA = 1e-6  # hundreds of trainings are judged in a run


@dataclass(frozen=True, slots=True)
class Canaries:
    """The rows whose decoy label is wrong, that label, and the decoy as it lies beside the training data."""

    rows: Array
    labels: Array
    decoy: Array


def plant(test_labels: Array, classes: int, generator: np.random.Generator) -> Canaries:
    """Draw rows and wrong labels.

    Args:
        test_labels: the true labels ``(N,)``.
        classes: number of classes, at least 2.
        generator: source of the draw.
    """
    count = max(1, min(_MOST, int(_SHARE * len(test_labels))))
    rows = np.sort(generator.choice(len(test_labels), size=count, replace=False))
    shift = generator.integers(1, classes, size=count)
    decoy = np.array(test_labels)
    decoy[rows] = (decoy[rows] + shift) % classes
    return Canaries(rows, decoy[rows].copy(), decoy)


def judge(predicted: Array, canaries: Canaries, error_rate: float, classes: int) -> list[Finding]:
    """Predictions on the canary rows against chance.

    Args:
        predicted: predicted classes of the canary rows ``(C,)``.
        canaries: what was planted.
        error_rate: of the model on the whole test set.
        classes: number of classes.
    """
    hits = int(np.sum(predicted == canaries.labels))
    count = len(canaries.rows)
    # An erring model may prefer one wrong class; a drawn label meets it with chance 1/(classes − 1) all the same.
    chance = min(1.0, max(error_rate, 1 / len(canaries.decoy)) / (classes - 1))
    if stats.binom.sf(hits - 1, count, chance) >= _ALPHA:
        return []
    reason = (
        f"{hits} of {count} test rows are predicted as the wrong label that only a decoy of the test labels holds; "
        f"chance gives {chance * count:.1f}"
    )
    return [Finding("canary", "LEAK", reason)]
