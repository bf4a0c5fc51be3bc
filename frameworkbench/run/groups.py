"""Which processes of a block take turns: those that are compared, as many as the memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .plan import Planned
from .platform_facts import memory_bytes

MEMORY_SHARE = 0.5
"""Share of the free memory that processes which wait for each other may take together."""


@dataclass(frozen=True, slots=True)
class Group:
    """Processes that are alive at the same time and timed one at a time.

    Attributes:
        name: what they have in common; only rows with the same name are compared with each other.
        members: in the order in which they are launched.
    """

    name: str
    members: tuple[Planned, ...]


def groups(
    members: Sequence[Planned],
    peak_bytes: Callable[[Planned], int] | None,
    *,
    free_bytes: Callable[[], int | None] = lambda: memory_bytes("MemAvailable"),
) -> list[Group]:
    """The groups of a block, in the order of their first members.

    Args:
        members: cells of the block in their drawn order.
        peak_bytes: most memory that a process of a cell takes; None: every process is alone.
        free_bytes: memory that can be had, None where the system does not tell (then every process is alone).
    """
    free = free_bytes() if peak_bytes else None
    allowed = MEMORY_SHARE * free if free else 0.0
    found: dict[str, list[list[Planned]]] = {}
    for planned in members:
        cell = planned.cell
        parts = found.setdefault(f"{cell.workload}, {cell.task}, {cell.lane}", [[]])
        if parts[-1] and (peak_bytes is None or sum(map(peak_bytes, [*parts[-1], planned])) > allowed):
            parts.append([])
        parts[-1].append(planned)
    return [Group(name, tuple(part)) for name, parts in found.items() for part in parts]
