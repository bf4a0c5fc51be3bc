"""One worker on the scales: the phases of the memory pass, read from inside and from outside at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .link import Link
from .tree_memory import PhasePeak, TreeSampler


class Weighing:
    """Collects what each phase held.

    Args:
        link: the worker; its own peak counter is read and set back at the end of each phase.
        sampler: the running sampler of the worker's tree.
    """

    def __init__(self, link: Link, sampler: TreeSampler) -> None:
        self._link = link
        self._sampler = sampler
        self._own: dict[str, dict[str, Any]] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """What happens inside is one phase."""
        with self._sampler.phase(name):
            yield
        self._own[name] = self._link.worker.ask("memory_phase")

    def phases(self) -> dict[str, dict[str, Any]]:
        """Each phase in order: the figure, and the readings from which it comes."""
        return {name: _phase(own, self._sampler.phases.get(name, PhasePeak())) for name, own in self._own.items()}

    @property
    def reset(self) -> bool:
        """Whether the kernel let the worker set its peak back; if not, each phase shows the peak so far."""
        return all(own["reset"] for own in self._own.values())

    @property
    def readings(self) -> int:
        """Samples of the tree in all phases."""
        return sum(found.readings for found in self._sampler.phases.values())

    def device(self) -> dict[str, Any] | None:
        """Device memory by phase, from outside (footprint) and from the framework's allocator; None if nobody looks."""
        found = {
            name: {"footprint_bytes": peak.footprint_peak, "allocator": self._own.get(name, {}).get("device")}
            for name, peak in self._sampler.phases.items()
        }
        known = any(value is not None for phase in found.values() for value in phase.values())
        return found if known else None


def _phase(own: dict[str, Any], seen: PhasePeak) -> dict[str, Any]:
    largest = seen.largest
    figures = [own["peak_bytes"], largest.resident if largest else None]
    return {
        "peak_bytes": max((figure for figure in figures if figure is not None), default=None),
        "own_peak_bytes": own["peak_bytes"],
        "resident_bytes": own["resident_bytes"],
        "tree_pss_bytes": largest.proportional if largest else None,
        "own_pss_bytes": largest.own.proportional if largest else None,
        "children": seen.most_children,
        "readings": seen.readings,
    }
