"""The cheapest catch-all: nobody computes faster than the machine can multiply matrices (method, decision 9)."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from .findings import Finding

# Kernels of another library may beat NumPy's by a little; twice the measured ceiling is out of reach of all.
_ALLOWANCE = 1.05
_SIZES = (512, 1024, 2048)
_LEAST_S = 0.15


def measured_ceiling(clock: Callable[[], float] = time.perf_counter) -> float:
    """Best sustained float32 matrix product of this machine in operations per second, all cores.

    Random numbers, because zeros run faster on some hardware; a multiply-add counts as two operations.
    """
    generator = np.random.default_rng(0)
    best = 0.0
    for size in _SIZES:
        a = generator.standard_normal((size, size), dtype=np.float32)
        b = generator.standard_normal((size, size), dtype=np.float32)
        out = a @ b
        repeats, started = 0, clock()
        while clock() - started < _LEAST_S:
            np.matmul(a, b, out=out)
            repeats += 1
        best = max(best, repeats * 2.0 * size**3 / (clock() - started))
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
