"""Time must follow work: the scaling law, and windows against steps that were checked (method T5).

Weights can be checked only over the few steps for which float32 code stays with the reference. A worker could be
honest there and skip later; then its later steps are free, and time stops growing with the number of steps.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from .findings import Finding

SCALE_STEPS = 4  # at least (half of it where steps are slow), in the shortest window of the scaling law; then 2x, 4x
SCALE_LEAST_S = 0.01  # of the shortest window: below it the clock reads the scheduler, not the work
_LEAST_RATIO = 2.0  # T(4N)/T(N): 4 for pure work, less with a constant part
_FREE_STEP = 0.1  # of a step in a window: a step below it did nothing
_FREE_SHARE = 0.4
_DISPATCH_SHARE = 3.0  # draining after a few steps may cost this factor in dispatch-bound code
_CLOCK_NOISE_S = 0.005


def best_of(tries: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """Seconds of the fastest window of each length.

    Somebody else's work can only make a window longer, so the fastest is the one that tells most about its own work.
    """
    return {steps: min(seconds[steps] for seconds in tries) for steps in tries[0]}


def scaling(tries: Sequence[Mapping[int, float]]) -> list[Finding]:
    """Windows of N, 2N and 4N steps.

    Args:
        tries: seconds by number of steps, one mapping for each try; the fastest window of each length counts.
    """
    best = best_of(tries)
    short, long = min(best), max(best)
    ratio = best[long] / best[short]
    if ratio >= _LEAST_RATIO * (long / short) / 4:
        return []
    reason = (
        f"time does not follow the number of steps: {long} steps took {ratio:.2f} times as long as {short} "
        f"(the fastest of {len(tries)} windows each: {best[long] * 1e3:.3f} and {best[short] * 1e3:.3f} ms)"
    )
    return [Finding("scaling", "NONLINEAR", reason)]


def free_steps(tries: Sequence[Sequence[float]], window_step_s: float) -> list[Finding]:
    """Steps drained one by one: none may be free, or another step did its work.

    A step is measured by the smaller of two: a step in the fastest window, and the mean of the try itself. Somebody
    else's work can make either of them long (a thread pool that collapses in every window, one step that is
    interrupted), and hardly both.

    Args:
        tries: seconds of single steps; every try must have free steps to count.
        window_step_s: seconds of a step in the fastest window.
    """
    said = []
    for latencies in tries:
        usual = min(window_step_s, statistics.fmean(latencies))
        free = sum(latency < _FREE_STEP * usual for latency in latencies)
        if free < _FREE_SHARE * len(latencies):
            return []
        said.append(f"{free} of {len(latencies)} steps took less than a tenth of the usual {usual * 1e3:.3f} ms")
    return [Finding("scaling", "NONLINEAR", "; ".join(said))] if said else []


def windows_against_checked(
    window_step_s: float, checked_steps_s: Sequence[tuple[int, float]], call_s: float = 0.0
) -> list[Finding]:
    """Steps in windows against stretches of the same process whose results were checked.

    Args:
        window_step_s: seconds a step took in the windows, on average.
        checked_steps_s: (steps, seconds) of each checked stretch.
        call_s: what a window costs by itself. A worker may lie about it, so it counts only where a repetition of the
            windows whose result was compared (``replay``) shows that their steps were done.
    """
    if not checked_steps_s or window_step_s <= 0:
        return []
    steps, seconds = min(checked_steps_s, key=lambda item: item[1] / item[0])
    if seconds - call_s - steps * window_step_s * _DISPATCH_SHARE <= _CLOCK_NOISE_S:
        return []
    reason = (
        f"a step took {window_step_s * 1e3:.3f} ms in windows and at least {seconds / steps * 1e3:.3f} ms where its "
        "result was checked"
    )
    return [Finding("rate", "DETECTION", reason)]
