"""The pilot's verdict on planted series of step times."""

from __future__ import annotations

import random

import pytest

from frameworkbench.analysis.steady import FLAT, SLOWDOWN, UNSTEADY, WARM_UP, steadiness


def _series(*parts: tuple[int, float], noise: float = 0.03, seed: int = 1) -> list[float]:
    """Step times with stretches of (length, level)."""
    draw = random.Random(seed)
    return [level * draw.gauss(1.0, noise) for length, level in parts for _ in range(length)]


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_is_flat(seed: int) -> None:
    """A series without any change of level is flat, whatever its noise, and gets the least warm-up."""
    found = steadiness(_series((90, 1.0), noise=0.08, seed=seed), least=5, most=90)

    assert (found.kind, found.warmup_steps) == (FLAT, 5)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("length", [8, 12, 30])
def test_a_planted_warm_up_is_found(length: int, seed: int) -> None:
    """The steps before a drop by half are the warm-up, and half as many again are added for safety."""
    found = steadiness(_series((length, 2.0), (90 - length, 1.0), seed=seed), least=5, most=90)

    assert found.kind == WARM_UP
    assert abs(found.steady_from - length) <= 1
    assert 1.5 * (length - 1) <= found.warmup_steps <= 1.5 * (length + 1) + 1


def test_a_slow_first_step_alone_is_a_short_warm_up() -> None:
    """One compiling step is a warm-up of one step, not a spike to be smoothed away."""
    found = steadiness([50.0, *_series((60, 1.0))], least=1, most=90)

    assert (found.kind, found.steady_from, found.warmup_steps) == (WARM_UP, 1, 2)


def test_a_slowdown_is_called_so() -> None:
    """A series that becomes steady at a slower level than it had before is a slowdown."""
    found = steadiness(_series((30, 1.0), (60, 1.4)), least=5, most=90)

    assert (found.kind, found.warmup_steps) == (SLOWDOWN, 45)


def test_a_level_that_changes_near_the_end_is_no_steady_state() -> None:
    """Without a steady last quarter there is no steady state; the warm-up is the longest there is."""
    found = steadiness(_series((80, 1.0), (10, 2.0)), least=5, most=90)

    assert (found.kind, found.warmup_steps) == (UNSTEADY, 90)


def test_a_single_interrupted_step_is_no_level() -> None:
    """One step that took ten times as long in the middle of a steady series changes nothing."""
    values = _series((90, 1.0))
    values[70] *= 10

    assert steadiness(values, least=5, most=90).kind == FLAT


def test_small_changes_of_level_are_steady() -> None:
    """A change of level by one per cent, however sure, asks for no longer warm-up."""
    found = steadiness(_series((45, 1.01), (45, 1.0), noise=0.0005), least=5, most=90)

    assert found.changepoints
    assert (found.kind, found.warmup_steps) == (FLAT, 5)


def test_too_few_steps_say_nothing() -> None:
    """A handful of steps is no evidence for a steady state."""
    assert steadiness([1.0] * 5, least=3, most=20).kind == UNSTEADY
