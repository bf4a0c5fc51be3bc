"""Energy of a window, from the card's own counter, where the window is long enough to say something.

The counter moves about every 100 ms and some cards sample power a quarter of the time, so short windows are *not
measured* and every figure carries a systematic allowance (method E1). Never derived from a power rating.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .nvml import Reading

SHORTEST_WINDOW_S = 30.0
ALLOWANCE = 0.10  # systematic, our choice; arXiv:2312.02741 found power sampled 25 % of the time on A100 and H100
ALLOWANCE_TEXT = "± 10 % systematic allowance; the card's own counter, no wall meter"


def window_energy(readings: Sequence[Reading], start_ns: int, stop_ns: int, idle_w: float | None) -> dict[str, Any]:
    """Joules of one window, whole and with the idle card's share taken off.

    Args:
        readings: of the card, on the clock of the window's stamps.
        start_ns: when the window began.
        stop_ns: when it ended.
        idle_w: mean power of the idle card before the run, or None.

    Returns:
        ``energy_j`` and ``above_idle_j`` with the allowance, or ``not_measured`` with the reason.
    """
    seconds = (stop_ns - start_ns) / 1e9
    if seconds < SHORTEST_WINDOW_S:
        return {"not_measured": f"the window of {seconds:.1f} s is shorter than {SHORTEST_WINDOW_S:.0f} s"}
    before, after = _counter_at(readings, start_ns), _counter_at(readings, stop_ns)
    if before is None or after is None:
        return {"not_measured": "the card gives no energy counter, or no reading surrounds the window"}
    joules = after - before
    return {
        "energy_j": joules,
        "above_idle_j": None if idle_w is None else joules - idle_w * seconds,
        "seconds": seconds,
        "idle_w": idle_w,
        "allowance": ALLOWANCE,
        "note": ALLOWANCE_TEXT,
    }


def _counter_at(readings: Sequence[Reading], at_ns: int) -> float | None:
    """The counter at a moment, on the line between the readings around it."""
    known = [(reading.at_ns, reading.energy_j) for reading in readings if reading.energy_j is not None]
    earlier = [point for point in known if point[0] <= at_ns]
    later = [point for point in known if point[0] >= at_ns]
    if not earlier or not later:
        return None
    (t0, e0), (t1, e1) = earlier[-1], later[0]
    return e0 if t1 == t0 else e0 + (e1 - e0) * (at_ns - t0) / (t1 - t0)
