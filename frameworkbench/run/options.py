"""What a caller asks of a run, after the command line was read and before anything is planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..spec.lanes import MATCHED
from ..spec.protocol import Protocol
from ..validity.findings import ALL


@dataclass(frozen=True, slots=True)
class RunOptions:
    """One request for a run.

    Attributes:
        protocol: the suite with its sizes.
        out: the run folder; an unfinished run there is resumed.
        cache_dir: environments, prepared data and reference answers shared between runs.
        workloads: names or files; empty means all shipped.
        adapters: names, or name:mode; empty means all entrants (or the oracle where the suite asks for it).
        adapter_paths: further folders with adapters.
        interpreters: external Python by adapter name.
        data_dir: folder with the real data sets.
        device: "cpu" or "cuda".
        precision: of the entrants' cells; None takes the first that each adapter declares. The oracle has its own.
        threads: cores to use; None means all.
        lanes: "default", "matched" (equalised; the one that is ranked), "tuned", in this order.
        seed: of weights, data order and schedule.
        budget_s: time this session may take, or None.
        timeout_s: limit for one worker, or None for the suite's.
        memory_limit: address-space limit of each worker in bytes, or None; also the cap of the capacity pass.
        capacity: also search for the largest batch that trains within the cap.
        more: blocks to add to a finished run: a number for each main mode, or a number by cell key; None adds none.
        fresh: start a new run even if the folder holds a complete one (which is kept under another name).
        command: the command line, for the manifest.
        detectors: validity detectors whose findings count; all, outside the self-test.
    """

    protocol: Protocol
    out: Path
    cache_dir: Path
    workloads: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    adapter_paths: tuple[Path, ...] = ()
    interpreters: Mapping[str, Path] = field(default_factory=dict)
    data_dir: Path | None = None
    device: str = "cpu"
    precision: str | None = None
    threads: int | None = None
    lanes: tuple[str, ...] = (MATCHED,)
    seed: int = 0
    budget_s: float | None = None
    timeout_s: float | None = None
    memory_limit: int | None = None
    more: int | Mapping[str, int] | None = None
    capacity: bool = False
    fresh: bool = False
    command: tuple[str, ...] = ()
    detectors: frozenset[str] = ALL
