"""Which processes of a block take turns: those that are compared, as many as the memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .plan import Planned

MEMORY_SHARE = 0.5
"""Share of the free memory that processes which wait for each other may take together."""
_MEMINFO = Path("/proc/meminfo")


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
    free_bytes: Callable[[], int | None] | None = None,
) -> list[Group]:
    """The groups of a block, in the order of their first members.

    Args:
        members: cells of the block in their drawn order.
        peak_bytes: most memory that a process of a cell takes; None: every process is alone.
        free_bytes: memory that can be had, None where the system does not tell (then every process is alone).
    """
    free = (free_bytes or available_memory)() if peak_bytes else None
    allowed = MEMORY_SHARE * free if free else 0.0
    found: dict[str, list[list[Planned]]] = {}
    for planned in members:
        cell = planned.cell
        parts = found.setdefault(f"{cell.workload}, {cell.task}, {cell.lane}", [[]])
        if parts[-1] and (peak_bytes is None or sum(map(peak_bytes, [*parts[-1], planned])) > allowed):
            parts.append([])
        parts[-1].append(planned)
    return [Group(name, tuple(part)) for name, parts in found.items() for part in parts]


def available_memory(meminfo: Path = _MEMINFO) -> int | None:
    """Bytes that new processes can have without swapping; None where the kernel does not tell."""
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(found[0]) * 1024 if found else None
