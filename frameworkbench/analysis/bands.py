"""Bands from disk: what the reference reached on each shipped workload (``workloads/bands/NAME.json``).

They are content like the workloads, but files of their own: a band is measured, a workload is decided, and a new band
must not change the identity of what was measured under the old one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from ..content import content_dir
from ..errors import SpecError
from ..spec.fields import Fields
from ..written_files import read_json
from .convergence import Band

SCHEMA = 1


@cache
def shipped_bands() -> dict[str, Band]:
    """Every shipped band by the name of its workload; a workload may have none.

    Raises:
        SpecError: a file is wrong.
    """
    found = (load_band(path) for path in sorted((content_dir("workloads") / "bands").glob("*.json")))
    return {band.workload: band for band in found}


def load_band(path: Path) -> Band:
    """Read one file, as ``benchmarks/convergence_bands.py`` writes it.

    Raises:
        SpecError: the file cannot be read, a key is missing, unknown or of the wrong type, or its runs do not fit
            together.
    """
    fields = Fields(read_json(path), str(path))
    fields.schema(SCHEMA)
    for fact in ("precision", "numpy"):  # for readers
        fields.required(fact, str)
    runs = [_run(value, f"{path}: runs[{n}]") for n, value in enumerate(fields.required("runs", list))]
    band = Band(
        workload=fields.required("workload", str),
        workload_sha256=fields.required("workload_sha256", str),
        dataset_fingerprint=fields.required("dataset_fingerprint", str),
        seeds=tuple(seed for seed, _, _ in runs),
        curves=tuple(curve for _, curve, _ in runs),
        total=max((total for _, _, totals in runs for total in totals), default=0),
    )
    fields.done()
    if len({(len(curve), *totals) for _, curve, totals in runs}) > 1 or len(set(band.seeds)) < len(runs):
        raise SpecError(f"{path}: runs", "do not fit together", expected="distinct seeds, equal epochs and totals")
    return band


def _run(value: Any, where: str) -> tuple[int, tuple[float, ...], tuple[int, ...]]:
    """Seed, accuracy after each epoch, and test samples after each epoch."""
    fields = Fields(value, where)
    seed, curve, totals = fields.required("seed", int), [], []
    for number, entry in enumerate(fields.required("epochs", list), start=1):
        epoch = Fields(entry, f"{where}: epochs[{number - 1}]")
        epoch.required("loss", float)
        correct, total, found = (epoch.required(key, int) for key in ("correct", "total", "epoch"))
        epoch.done()
        if found != number or not 0 <= correct <= total or total < 1:
            raise SpecError(
                epoch.where, "not a result", expected=f"epoch {number}, 0 ≤ correct ≤ total", received=entry
            )
        curve.append(correct / total)
        totals.append(total)
    fields.done()
    if not curve:
        raise SpecError(where, "no epochs", expected="at least one")
    return seed, tuple(curve), tuple(totals)
