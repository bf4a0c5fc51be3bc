"""Random numbers: those that were published for the generator, and the distributions that are asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from frameworkbench.guidance.draws import normals, quantiles, seed_of, uniforms, weights


def test_streams_are_named_by_published_hashes() -> None:
    """FNV-1a gives its published values."""
    assert [seed_of(text) for text in ("", "a", "foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]


def test_the_generator_is_mulberry32() -> None:
    """A stream is what the published loop gives from the same seed."""
    state, expected = seed_of("stream"), []
    for _ in range(5):
        state = (state + 0x6D2B79F5) & 0xFFFFFFFF
        mixed = ((state ^ (state >> 15)) * (state | 1)) & 0xFFFFFFFF
        mixed ^= (mixed + ((mixed ^ (mixed >> 7)) * (mixed | 61))) & 0xFFFFFFFF
        expected.append(((mixed ^ (mixed >> 14)) + 0.5) / 2**32)

    assert list(uniforms("stream", 5)) == expected


def test_normal_quantiles() -> None:
    """Quantiles agree with SciPy's to seven digits, far tails included."""
    shares = np.array([1e-12, 1e-6, 0.01, 0.05, 0.074, 0.076, 0.5, 0.7, 0.93, 0.999, 1 - 1e-9])

    assert quantiles(shares) == pytest.approx(stats.norm.ppf(shares), abs=3e-6)


def test_normal_numbers() -> None:
    """A stream of normal numbers passes a test for being normal."""
    assert stats.kstest(normals("numbers", 20_000), "norm").pvalue > 0.01


def test_weights_surround_those_given() -> None:
    """Drawn weights sum to one, are positive, and have mean and deviation of a Dirichlet distribution."""
    means = {"one": 0.6, "two": 0.38, "three": 0.02}

    found = weights(means, 20.0, 20_000)

    assert sum(found.values()) == pytest.approx(np.ones(20_000))
    for name, mean in means.items():
        assert found[name].min() > 0
        assert found[name].mean() == pytest.approx(mean, abs=0.004)
        assert found[name].std() == pytest.approx(np.sqrt(mean * (1 - mean) / 21), rel=0.05)


def test_a_stream_depends_on_its_name_alone() -> None:
    """Asking for more numbers, or for other streams before, changes no number of a stream."""
    assert list(normals("row", 10)) == list(normals("row", 1000)[:10])
    assert list(normals("row", 10)) != list(normals("other row", 10))
