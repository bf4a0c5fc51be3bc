"""What readings of a card say about a measurement: invalid, disturbed, or fine (method T14, C23, C31).

Blind to timing: no gate looks at how fast anything was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .nvml import Reading, reason_names
from .owners import Owners

FALLBACK = "FALLBACK"
RESOURCE = "RESOURCE"

# Slowdowns that a quiet, cool machine does not have. The software power cap is normal at full load: recorded only.
_SLOWDOWNS = 0x8 | 0x20 | 0x40 | 0x80
_ENOUGH_READINGS = 5
_ENOUGH_NS = 1_000_000_000  # NVML's utilisation covers up to the last second

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """``code`` and ``reason`` where the measurement is invalid; ``flags`` say what disturbed it."""

    code: str = ""
    reason: str = ""
    flags: tuple[str, ...] = ()


def judge(readings: Sequence[Reading], windows: Sequence[Span], found: Owners | None) -> Verdict:
    """Judge a worker that was asked to use this card and no other.

    Args:
        readings: from before the worker's start to its end.
        windows: start and stop of each timed window, same clock; empty for passes without any.
        found: whose the processes on the card are, None where they could not be listed.
    """
    if found is not None:
        elsewhere = {pid for reading in readings for pid in reading.elsewhere}
        if elsewhere & found.own:
            return Verdict(RESOURCE, "the worker also used another card than the one it was given")
    if _idle(readings, windows):
        return Verdict(FALLBACK, "the card stayed idle (utilisation 0) in every reading of the timed windows")
    return Verdict(flags=(*_neighbours(readings, found), *_slowdowns(readings, windows)))


def judge_cpu(pids: Sequence[frozenset[int]], own: frozenset[int]) -> Verdict:
    """Judge a worker that was to use the CPU only.

    Args:
        pids: processes on any card, reading by reading.
        own: those of this run.
    """
    if any(seen & own for seen in pids):
        return Verdict(RESOURCE, "asked for the CPU; the worker held a context on a card")
    return Verdict()


def within(readings: Sequence[Reading], windows: Sequence[Span]) -> list[Reading]:
    """The readings taken inside timed windows; all of them where there are no windows."""
    if not windows:
        return list(readings)
    return [r for r in readings if any(start <= r.at_ns <= stop for start, stop in windows)]


def _idle(readings: Sequence[Reading], windows: Sequence[Span]) -> bool:
    """Whether nothing ran on the card, over long enough for the figure to have followed."""
    if not windows:
        return False
    begin = min(start for start, _ in windows)
    looks = [r for r in readings if r.at_ns >= begin and r.utilisation is not None]
    if len(looks) < _ENOUGH_READINGS or looks[-1].at_ns - begin < _ENOUGH_NS:
        return False
    return all(reading.utilisation == 0 for reading in looks)


def _neighbours(readings: Sequence[Reading], found: Owners | None) -> list[str]:
    if found is None or not found.foreign:
        return []
    looks = sum(any(p.pid in found.foreign for p in reading.processes or ()) for reading in readings)
    return [f"{len(found.foreign)} other compute process(es) on the card, in {looks} of {len(readings)} readings"]


def _slowdowns(readings: Sequence[Reading], windows: Sequence[Span]) -> list[str]:
    looks = within(readings, windows)
    hits = [reading.reasons & _SLOWDOWNS for reading in looks if reading.reasons]
    names = sorted({name for bits in hits for name in reason_names(bits)})
    count = sum(bool(bits) for bits in hits)
    return [f"{', '.join(names)} in {count} of {len(looks)} readings"] if names else []
