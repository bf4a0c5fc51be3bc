"""Ranking methods on planted values, and against a library that others use."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pymcdm import methods as library
from pymcdm.correlations import spearman

from frameworkbench.guidance.methods import dominance, front, promethee, topsis, weighted_sum

# A row that is best in everything is no fault of ours.
pytestmark = pytest.mark.filterwarnings("ignore:Alternatives with indices:UserWarning")

DELTA = math.log1p(0.03)
RANDOM = np.random.default_rng(20261126)
MATRICES = [
    (RANDOM.normal(size=(rows, columns)), RANDOM.dirichlet(np.ones(columns)))
    for rows, columns in [(2, 2), (3, 4), (6, 3), (11, 5), (20, 7)]
]


def _as_it_is(values: np.ndarray, cost: bool = False) -> np.ndarray:
    return -values if cost else values


def test_a_known_front() -> None:
    """Of a staircase and points below it, the staircase is the front."""
    values = np.array([[3.0, 1.0], [2.0, 2.0], [1.0, 3.0], [0.9, 2.9], [0.0, 0.0]])

    assert front(values, np.zeros_like(values), DELTA) == [True, True, True, False, False]


def test_an_inconclusive_criterion_prevents_dominance() -> None:
    """A row that might be worse somewhere by more than counts does not dominate, however good it is elsewhere."""
    values = np.array([[5.0, 0.05], [0.0, 0.0]])
    sure, unsure = np.full((2, 2), 0.01), np.array([[0.01, 0.2], [0.01, 0.2]])

    assert bool(dominance(values, sure, DELTA)[0, 1])
    assert not bool(dominance(values, unsure, DELTA)[0, 1])


def test_equal_rows_do_not_dominate_each_other() -> None:
    """Two rows with the same figures both stay on the front."""
    values = np.array([[1.0, 2.0], [1.0, 2.0]])

    assert front(values, np.full((2, 2), 0.005), DELTA) == [True, True]


@pytest.mark.parametrize(("values", "weights"), MATRICES, ids=lambda found: str(found.shape))
def test_weighted_sum_agrees(values: np.ndarray, weights: np.ndarray) -> None:
    """The weighted sum gives the scores of pymcdm's without its normalisation."""
    other = library.WSM(_as_it_is)(values, weights, np.ones(len(weights)))

    assert weighted_sum(values, weights) == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize(("values", "weights"), MATRICES, ids=lambda found: str(found.shape))
def test_topsis_agrees(values: np.ndarray, weights: np.ndarray) -> None:
    """TOPSIS gives the closeness of pymcdm's without its normalisation."""
    other = library.TOPSIS(_as_it_is)(values, weights, np.ones(len(weights)))

    assert topsis(values, weights) == pytest.approx(other, abs=1e-12)


@pytest.mark.parametrize(("values", "weights"), MATRICES, ids=lambda found: str(found.shape))
def test_promethee_agrees(values: np.ndarray, weights: np.ndarray) -> None:
    """PROMETHEE II gives the net flows of pymcdm's with the same linear preference."""
    columns = len(weights)
    body = library.PROMETHEE_II("vshape_2", p=[math.log(2)] * columns, q=[DELTA] * columns)

    other = body(values, weights, np.ones(columns))

    found = promethee(values, weights, DELTA, math.log(2))
    assert found == pytest.approx(other, abs=1e-12)
    assert spearman(found, other) == pytest.approx(1.0)


@pytest.mark.parametrize("method", [weighted_sum, topsis, lambda v, w: promethee(v, w, DELTA, math.log(2))])
def test_another_unit_changes_nothing(method: object) -> None:
    """Another unit or reference adds a constant to a column of logarithms: order and distances stay."""
    values, weights = MATRICES[3]
    shifted = values + np.array([5.0, -3.0, 0.1, 20.0, -7.0])

    first, second = method(values, weights), method(shifted, weights)  # type: ignore[operator]

    assert np.diff(second) == pytest.approx(np.diff(first), abs=1e-9)


def test_equal_rows_share_the_middle() -> None:
    """Where all rows are equal no method prefers one, and nothing is divided by zero."""
    values, weights = np.ones((3, 2)), np.array([0.5, 0.5])

    assert list(topsis(values, weights)) == [0.5, 0.5, 0.5]
    assert list(promethee(values, weights, DELTA, 1.0)) == [0.0, 0.0, 0.0]
    assert list(promethee(values[:1], weights, DELTA, 1.0)) == [0.0]
