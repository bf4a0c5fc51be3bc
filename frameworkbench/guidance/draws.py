"""Random numbers that Python and a page's script draw alike, so that both give the same answer.

The generator is mulberry32: a counter and a mixing function, 32 bits each, exact in both languages. Each value that
is varied has a stream of its own, named by text, so that neither order nor the presence of others changes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEP = 0x6D2B79F5
_WORD = 2.0**32

# AS 241, the seven-digit variant: numerator and denominator from the highest power down.
_CENTRAL = (
    (59.109374720, 159.29113202, 50.434271938, 3.3871327179),
    (67.187563600, 78.757757664, 17.895169469, 1.0),
)
_TAIL = (
    (0.17023821103, 1.3067284816, 2.7568153900, 1.4234372777),
    (0.12021132975, 0.73700164250, 1.0),
)
_FAR = (
    (0.017337203997, 0.42868294337, 3.0812263860, 6.6579051150),
    (0.012258202635, 0.24197894225, 1.0),
)


def seed_of(text: str) -> int:
    """The stream that belongs to a text: FNV-1a over its UTF-8 bytes, 32 bits.

    Source:
        Fowler, Noll and Vo, draft-eastlake-fnv.
    """
    found = 0x811C9DC5
    for byte in text.encode("utf-8"):
        found = ((found ^ byte) * 0x01000193) & 0xFFFFFFFF
    return found


def uniforms(text: str, count: int) -> Floats:
    """So many numbers of a stream, each strictly between 0 and 1.

    Source:
        mulberry32 by Tommy Ettinger (public domain).
    """
    # The k-th state is known without the ones before it, so the whole stream is one array.
    state = np.uint32(seed_of(text)) + np.arange(1, count + 1, dtype=np.uint32) * np.uint32(_STEP)
    mixed = (state ^ (state >> np.uint32(15))) * (state | np.uint32(1))
    mixed ^= mixed + (mixed ^ (mixed >> np.uint32(7))) * (mixed | np.uint32(61))
    found: Floats = ((mixed ^ (mixed >> np.uint32(14))).astype(np.float64) + 0.5) / _WORD
    return found


def normals(text: str, count: int) -> Floats:
    """So many standard normal numbers of a stream."""
    return quantiles(uniforms(text, count))


def quantiles(shares: Floats) -> Floats:
    """Quantiles of the standard normal distribution.

    Source:
        Wichura 1988, algorithm AS 241, PPND7 (10.2307/2347330): about seven digits.
    """
    middle = shares - 0.5
    tail = np.sqrt(-np.log(np.minimum(shares, 1.0 - shares)))
    central = _ratio(_CENTRAL, 0.180625 - middle * middle) * middle
    outer = np.where(tail <= 5.0, _ratio(_TAIL, tail - 1.6), _ratio(_FAR, tail - 5.0))
    found: Floats = np.where(np.abs(middle) <= 0.425, central, np.where(middle < 0.0, -outer, outer))
    return found


def weights(means: Mapping[str, float], concentration: float, count: int) -> dict[str, Floats]:
    """Weights from a Dirichlet distribution around given ones that sum to 1, by criterion.

    Args:
        means: positive weights by criterion.
        concentration: the larger, the closer the draws stay to ``means``.
        count: number of draws.
    """
    parts = {name: _gammas(f"weight|{name}", concentration * mean, count) for name, mean in means.items()}
    total = np.sum(list(parts.values()), axis=0)
    return {name: part / total for name, part in parts.items()}


def _ratio(fraction: tuple[tuple[float, ...], tuple[float, ...]], at: Floats) -> Floats:
    above, below = (_horner(coefficients, at) for coefficients in fraction)
    found: Floats = above / below
    return found


def _horner(coefficients: tuple[float, ...], at: Floats) -> Floats:
    found = np.full_like(at, coefficients[0])
    for one in coefficients[1:]:
        found = found * at + one
    return found


def _gammas(text: str, shape: float, count: int) -> Floats:
    """Gamma numbers of a stream, scale 1.

    Source:
        Marsaglia and Tsang 2000 (10.1145/358407.358414), with their U^(1/a) for shapes below 1.
    """
    # Rejections use up numbers: four per draw are far more than are needed; more are taken if they run out.
    spare = 4 * count + 100
    shares, normal = uniforms(text, spare), normals(text, spare)
    d = (shape if shape >= 1.0 else shape + 1.0) - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    found, at = np.empty(count), 0
    for index in range(count):
        power = 1.0
        if shape < 1.0:
            power, at = float(shares[at]) ** (1.0 / shape), at + 1
        while True:
            x, u, at = float(normal[at]), float(shares[at + 1]), at + 2
            v = (1.0 + c * x) ** 3
            if v > 0.0 and math.log(u) < 0.5 * x * x + d - d * v + d * math.log(v):
                break
        found[index] = d * v * power
    return found
