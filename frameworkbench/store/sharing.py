"""Chains that several processes read together: each tells the first one what it saw, which then judges the whole.

What binds records together needs no payload: the hash of each file, the hash that each record holds of the one before
it, and what is wrong with a file by itself. So this is all that is told, as plain data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .chain import Chain
from .run import PlannedCell

_FOREIGN = "foreign"


def shares_of(cells: Sequence[PlannedCell], count: int, each: int) -> list[range]:
    """Cells of a plan in so many shares or fewer, by their places.

    Cells of one workload stay together, because they are compared, and a share begins at a multiple of ``each``. The
    first one is smaller: its process does what is done once.

    Args:
        cells: of the plan, in order.
        count: how many shares are wanted.
        each: cells in a file of raw parts.
    """
    whole = [place for place in _between_workloads(cells) if place % each == 0]
    edges = [0]
    for number in range(1, count):
        wanted = len(cells) * (number - 0.2) / (count - 0.2)
        left = [place for place in whole if place > edges[-1]]
        edges += [min(left, key=lambda place: abs(place - wanted))] if left else []
    return [range(*pair) for pair in zip(edges, [*edges[1:], len(cells)], strict=True)]


def _between_workloads(cells: Sequence[PlannedCell]) -> list[int]:
    """Places at which no workload has cells both before and after."""
    last = {str(cell.axes.get("workload")): place for place, cell in enumerate(cells)}
    found, open_until = [], -1
    for place, cell in enumerate(cells):
        if place > open_until:
            found.append(place)
        open_until = max(open_until, last[str(cell.axes.get("workload"))])
    return found


def told(chains: Mapping[str, Chain]) -> dict[str, Any]:
    """What another process has to know of the records of cells that were read here; plain data."""
    return {
        name: {
            "records": [[number, _link(record)] for number, record in chain.records.items() if _of_a_cell(record)],
            "hashes": list(chain.hashes.items()),
            "bare": [number for number in chain.bare if _of_a_cell(chain.records[number])],
            "broken": list(chain.broken.items()),
        }
        for name, chain in chains.items()
    }


def add(chains: Mapping[str, Chain], seen: Mapping[str, Any]) -> None:
    """Put what another process told into these chains; its records stand there without their content."""
    for name, found in seen.items():
        if name not in chains:  # a writer that began in between
            continue
        chain = chains[name]
        chain.records.update({number: {**link, _FOREIGN: True} for number, link in found["records"]})
        chain.hashes.update(dict(found["hashes"]))
        chain.bare += found["bare"]
        chain.broken.update(dict(found["broken"]))


def kept(chains: Mapping[str, Chain], seen: Mapping[str, Any]) -> dict[str, list[int]]:
    """Of the records that another process told about, those that are still in their chains; by writer."""
    return {
        name: [number for number, _ in found["records"] if name in chains and number in chains[name].records]
        for name, found in seen.items()
    }


def leave(chains: Mapping[str, Chain], numbers: Mapping[str, Sequence[int]]) -> None:
    """Take out of these chains every record of a cell that the first process did not keep."""
    for name, chain in chains.items():
        keep = set(numbers.get(name, ()))
        for number in [number for number in chain.records if _of_a_cell(chain.records[number]) and number not in keep]:
            del chain.records[number]


def forget_foreign(chains: Mapping[str, Chain]) -> None:
    """Take out what stands there without its content."""
    for chain in chains.values():
        for number in [number for number, record in chain.records.items() if _FOREIGN in record]:
            del chain.records[number]


def _of_a_cell(record: Mapping[str, Any]) -> bool:
    return record["cell_key"] is not None


def _link(record: Mapping[str, Any]) -> dict[str, Any]:
    """What binds a record to others, and what puts its chain in its place."""
    return {name: record[name] for name in ("previous", "after", "started") if name in record}
