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

    Cells of one workload stay together, because they are compared, and a share begins at a multiple of ``each``. They
    are about equal: the first process also does what is done once, while the others write more of their pieces.

    Args:
        cells: of the plan, in order.
        count: how many shares are wanted.
        each: cells in a file of raw parts.
    """
    whole = [place for place in _between_workloads(cells) if place % each == 0]
    edges = [0]
    for number in range(1, count):
        wanted = len(cells) * number / count
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
    """What another process has to know of the records of cells that were read here; plain data, mostly in columns."""
    found = {}
    for name, chain in chains.items():
        records = {number: record for number, record in chain.records.items() if _of_a_cell(record)}
        found[name] = {
            "numbers": list(records),
            "previous": [record["previous"] for record in records.values()],
            "started": [record["started"] for record in records.values()],
            "after": [[number, record["after"]] for number, record in records.items() if "after" in record],
            "hashes": [list(chain.hashes), list(chain.hashes.values())],
            "bare": [number for number in chain.bare if number in records],
            "broken": list(chain.broken.items()),
        }
    return found


def add(chains: Mapping[str, Chain], seen: Mapping[str, Any]) -> None:
    """Put what another process told into these chains; its records stand there without their content."""
    for name, found in seen.items():
        if name not in chains:  # a writer that began in between
            continue
        chain = chains[name]
        links = zip(found["numbers"], found["previous"], found["started"], strict=True)
        chain.records.update(
            {number: {"previous": before, "started": started, _FOREIGN: True} for number, before, started in links}
        )
        for number, after in found["after"]:
            chain.records[number] = {**chain.records[number], "after": after}
        chain.hashes.update(zip(*found["hashes"], strict=True))
        chain.bare += found["bare"]
        chain.broken.update(dict(found["broken"]))


def dropped(chains: Mapping[str, Chain], seen: Mapping[str, Any]) -> dict[str, list[int]]:
    """Of the records that another process told about, those that are in their chains no more; by writer."""
    return {
        name: [number for number in found["numbers"] if name not in chains or number not in chains[name].records]
        for name, found in seen.items()
    }


def leave(chains: Mapping[str, Chain], numbers: Mapping[str, Sequence[int]]) -> None:
    """Take out of these chains the records that the first process dropped."""
    for name, gone in numbers.items():
        for number in gone:
            del chains[name].records[number]


def forget_foreign(chains: Mapping[str, Chain]) -> None:
    """Take out what stands there without its content."""
    for chain in chains.values():
        for number in [number for number, record in chain.records.items() if _FOREIGN in record]:
            del chain.records[number]


def _of_a_cell(record: Mapping[str, Any]) -> bool:
    return record["cell_key"] is not None
