"""What inference is asked, and whether the answers are right.

No request is ever repeated: between two groups of requests every weight is changed by a random amount that the
harness draws, so an answer cannot be known from an earlier request, and must follow the weights.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ...analysis import parity
from ...analysis.parity import Check
from ...data.transform import to_inputs
from ...errors import WorkerError
from ...reference import Network
from .. import codes
from ..judge import input_options
from ..link import Setting

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]

# Of a tensor's own size: logits then move a thousand times further than the widest tolerance, and a network that
# was fit to be compared stays so.
_CHANGE = 0.1
_SMALLEST = 0.01  # for a tensor of zeros


@dataclass(frozen=True, slots=True)
class Group:
    """Requests that were answered from the same weights.

    Attributes:
        name: of the check: what the answers show.
        weights: those that the adapter had been given.
        order: sample indices ``(requests, B)``.
        answers: file with the logits ``(requests, B, classes)``.
    """

    name: str
    weights: Weights
    order: Array
    answers: Path


def changed(weights: Weights, chooser: random.Random) -> dict[str, Array]:
    """Every element moved by noise of a tenth of its tensor's root mean square; float32."""
    noise = np.random.default_rng(chooser.getrandbits(64))
    found = {}
    for name, value in weights.items():
        size = max(float(np.sqrt(np.mean(np.square(value, dtype=np.float64)))), _SMALLEST)
        found[name] = (value + _CHANGE * size * noise.standard_normal(value.shape)).astype(np.float32)
    return found


def check_answers(setting: Setting, groups: Sequence[Group], samples: int, chooser: random.Random) -> list[Check]:
    """Compare answers with the float64 reference's for the weights that were given.

    Args:
        setting: the cell.
        groups: at least one.
        samples: how many answers of each group are looked at, drawn at random; all if there are no more.
        chooser: draws them once everything has been answered.

    Returns:
        One check for each group; the error is the largest over its samples, relative to the largest logit.

    Raises:
        WorkerError: BAD_OUTPUT, answers cannot be read or have another shape.
    """
    inputs = np.load(setting.dataset.train_inputs, mmap_mode="r", allow_pickle=False)
    options = input_options(setting.workload)
    checks = []
    for number, group in enumerate(groups, start=1):
        answers = _read(group)
        drawn = sorted(chooser.sample(range(group.order.size), min(samples, group.order.size)))
        rows = group.order.reshape(-1)[drawn]
        reference = Network(setting.workload.model, group.weights).logits(to_inputs(inputs[rows], **options))
        actual = answers.reshape(-1, answers.shape[-1])[drawn]
        error = parity.max_error(actual, reference)
        checks.append(Check(group.name, number, "logits", error, setting.workload.parity.logits))
    return checks


def _read(group: Group) -> Array:
    try:
        answers: Array = np.load(group.answers, allow_pickle=False)
    except (OSError, ValueError) as problem:
        raise WorkerError(codes.BAD_OUTPUT, f"the answers cannot be read: {problem}") from problem
    if answers.ndim != 3 or answers.shape[:2] != group.order.shape:
        raise WorkerError(
            codes.BAD_OUTPUT,
            f"expected answers for {group.order.shape[0]} requests of {group.order.shape[1]} samples, "
            f"each a vector of logits; received an array {answers.shape}",
        )
    return answers
