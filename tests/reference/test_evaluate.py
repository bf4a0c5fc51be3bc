"""Accuracy over a test set: batches, precision, near ties and damaged weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frameworkbench.reference import Network, evaluate, probe_weights
from frameworkbench.reference.blas import one_blas_thread, openblas_threads

from .models import WORKLOADS, batch, shrunk, small

IDENTITY = {"l0.kernel": np.eye(2), "l0.bias": np.zeros(2)}
PAIR = small({"kind": "dense", "units": 2}, shape=(2,))


@pytest.mark.parametrize("name", WORKLOADS)
def test_float32_and_float64_count_the_same(name: str) -> None:
    """The fast pass with its recheck gives the same accuracy as float64 throughout, whatever the batch."""
    model = shrunk(name)
    weights, (x, labels) = probe_weights(model, 0), batch(model, 50)
    exact = int(np.sum(Network(model, weights).logits(x).argmax(axis=1) == labels))
    fast = evaluate(model, weights, x, labels, batch=7)
    assert (fast.correct, fast.total, fast.accuracy) == (exact, 50, exact / 50)
    slow = evaluate(model, weights, x, labels, dtype=np.float64, margin=0.0)
    assert (slow.correct, slow.rechecked) == (exact, 0)


def test_near_ties_are_decided_in_float64() -> None:
    """A difference that float32 rounds away still decides the class, and the number of such samples is told."""
    x = np.array([[1.0, 1.0 + 1e-12], [2.0, 1.0], [1.0 + 1e-12, 1.0]])
    result = evaluate(PAIR, IDENTITY, x, np.array([1, 0, 0]))
    assert (result.correct, result.rechecked) == (3, 2)
    careless = evaluate(PAIR, IDENTITY, x, np.array([1, 0, 0]), margin=0.0)
    assert (careless.correct, careless.rechecked) == (2, 0)


def test_logits_that_are_not_finite_count_as_wrong() -> None:
    """A diverged model gets no credit for the class that argmax happens to return."""
    broken = {**IDENTITY, "l0.bias": np.array([np.nan, 0.0])}
    result = evaluate(PAIR, broken, np.ones((4, 2)), np.array([0, 1, 0, 1]))
    assert (result.correct, result.rechecked) == (0, 0)


def test_raw_samples_are_converted_batch_by_batch(tmp_path: Path) -> None:
    """A memory map is read and converted in pieces of the batch size, in the recheck too."""
    np.save(tmp_path / "x.npy", np.array([[1, 9], [9, 1], [4, 4]], np.uint8))
    raw = np.load(tmp_path / "x.npy", mmap_mode="r")
    sizes: list[int] = []

    def to_inputs(part: np.ndarray) -> np.ndarray:
        sizes.append(len(part))
        return part.astype(np.float32) / 10

    result = evaluate(PAIR, IDENTITY, raw, np.array([1, 0, 0]), batch=2, to_inputs=to_inputs)
    assert (result.accuracy, result.rechecked) == (1.0, 1)
    assert sorted(sizes) == [1, 1, 2]  # batches run in any order


def test_samples_without_labels_are_refused() -> None:
    """No samples, or another number of labels, is an error and not an accuracy."""
    with pytest.raises(ValueError, match="labels"):
        evaluate(PAIR, IDENTITY, np.ones((3, 2)), np.zeros(2, int))
    with pytest.raises(ValueError, match="labels"):
        evaluate(PAIR, IDENTITY, np.ones((0, 2)), np.zeros(0, int))


def test_the_matrix_library_gets_its_threads_back() -> None:
    """One BLAS thread is a loan: the number from before returns, even after an error."""
    before = openblas_threads()
    with pytest.raises(RuntimeError), one_blas_thread() as single:
        assert openblas_threads() == (1 if single else None)
        raise RuntimeError
    assert openblas_threads() == before


@pytest.mark.parametrize(
    ("loss", "logits", "labels", "correct"),
    [
        ("binary_cross_entropy", [[0.5], [-0.5], [2.0], [-3.0]], [1, 0, 0, 1], 2),
        ("focal", [[0.5], [-0.5], [2.0], [-3.0]], [1, 0, 1, 0], 4),
        ("mean_squared_error", [[2.6], [2.4], [1.0], [5.2]], [3, 2, 2, 5], 3),
    ],
)
def test_one_output_is_an_answer_too(loss: str, logits: list[list[float]], labels: list[int], correct: int) -> None:
    """A positive logit says 1; a number that was fitted says the nearest whole one."""
    model = small({"kind": "dense", "units": 1}, shape=(1,))
    weights = {"l0.kernel": np.ones((1, 1)), "l0.bias": np.zeros(1)}
    result = evaluate(model, weights, np.array(logits), np.array(labels), loss=loss)
    assert (result.correct, result.rechecked) == (correct, 0)


@pytest.mark.parametrize(("loss", "close"), [("binary_cross_entropy", 1e-9), ("mean_squared_error", 2.5 + 1e-9)])
def test_one_output_near_another_answer_is_decided_in_float64(loss: str, close: float) -> None:
    """What float32 rounds to the border is looked at again."""
    model = small({"kind": "dense", "units": 1}, shape=(1,))
    weights = {"l0.kernel": np.ones((1, 1)), "l0.bias": np.zeros(1)}
    result = evaluate(model, weights, np.array([[close]]), np.array([round(close + 0.5)]), loss=loss)
    assert (result.correct, result.rechecked) == (1, 1)
