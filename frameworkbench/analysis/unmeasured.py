"""What a run did not measure, in sentences: said on the first screen of every report.

Each counts or names; a sentence about rows counts them, so that it stays short however large the run is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from ..phrase import Phrase, enumerated, phrase, some
from ..spec.cell import TWIN
from ..store.records import Run
from .cells import table
from .convergence import unchecked
from .memory import FROM_SPEED
from .steady import SLOWDOWN, UNSTEADY

# True of every run of this version, whatever was planned.
STANDING = (
    phrase("Several devices or hosts, loading input from files, export and deployment were not measured."),
    phrase("One machine was measured: nothing here says how the order looks on another one."),
)


def unmeasured(run: Run, cells: Sequence[Mapping[str, Any]], torn: int) -> list[Phrase]:
    """Sentences about missing cells, blocks, tasks, devices, lanes and data.

    Args:
        run: the run as read from disk.
        cells: the cells as in ``report.json``.
        torn: speed records of blocks that were never completed.
    """
    found = [
        *_cells(cells),
        *_unsteady(cells),
        *_blocks(run, cells, torn),
        *_accuracy(run, cells),
        *unchecked(cells),
        *_memory(cells),
        *_scope(run, cells),
    ]
    return [*found, *_budget(run), *_retired(run, cells), *STANDING]


def _cells(cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    found = []
    if not cells:
        found.append(phrase("Nothing was planned: the run stopped before it wrote a plan."))
    stopped = [cell for cell in cells if cell["code"] == "NOT_RUN"]
    if stopped:
        found.append(
            phrase(
                "The run stopped early: {count} of {total} rows have no complete measurement.",
                count=len(stopped),
                total=len(cells),
            )
        )
    other = [cell for cell in cells if cell["status"] != "ok" and cell["code"] != "NOT_RUN"]
    if other:
        found.append(phrase("No number is given for {rows}: see failures for the reasons.", rows=_some(other)))
    return found


def _some(cells: Sequence[Mapping[str, Any]]) -> Phrase:
    """Rows by name and workload, and how many more there are."""
    names = sorted({(str(cell["label"]), str(cell["workload"])) for cell in cells})
    return some([_on(*name) for name in names], enumerated)


def _on(row: str, workload: str) -> Phrase:
    return phrase("{row} on {workload}", row=row, workload=workload)


def _unsteady(cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    """Rows whose pilot slowed down or never became steady: their throughput depends on how long one looks."""
    found = []
    kinds = (
        (SLOWDOWN, phrase("became slower while they ran")),
        (UNSTEADY, phrase("reached no steady state")),
    )
    for kind, words in kinds:
        rows = [cell for cell in cells if (cell["warm_up"] or {}).get("kind") == kind]
        if rows:
            found.append(
                phrase(
                    "In the pilot these rows {what}, so their throughput depends on when one looks: {rows}.",
                    what=words,
                    rows=enumerated([_on(str(cell["label"]), str(cell["workload"])) for cell in rows]),
                )
            )
    return found


def _blocks(run: Run, cells: Sequence[Mapping[str, Any]], torn: int) -> list[Phrase]:
    found = []
    counts = [(cell["blocks"]["counted"], cell["blocks"]["planned"]) for cell in cells if cell["status"] == "ok"]
    short = sum(0 < counted < planned for counted, planned in counts)
    if short:
        found.append(phrase("Rows with fewer timed processes than planned: {count}.", count=short))
    if torn:
        found.append(
            phrase("Speed measurements of unfinished blocks, kept but used in no statistic: {count}.", count=torn)
        )
    if run.damaged:
        names = ", ".join(damage.file for damage in run.damaged[:4]) + " …" * (len(run.damaged) > 4)
        found.append(phrase("Damaged files, left out ({count}): {names}.", count=len(run.damaged), names=names))
    others = [cell for cell in cells if not cell["main"] and cell["role"] == "entrant"]
    if others:
        found.append(phrase("Modes other than a framework's main one are compared within their framework only."))
    single = sum(cell["blocks"]["counted"] == 1 for cell in others)
    if single:
        found.append(
            phrase("Modes that were timed in one block only, and so have no verdict: {count} rows.", count=single)
        )
    return found


def _accuracy(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    protocol = run.manifest.get("protocol") or {}
    planned = protocol.get("accuracy_seeds") or 0
    trained = [cell for cell in cells if cell["main"] and cell["role"] != TWIN and cell["task"] == "train"]
    proved = [cell for cell in trained if cell["status"] == "ok"]
    short = [cell for cell in proved if len((cell["accuracy"] or {}).get("seeds") or ()) < planned]
    if not short:
        return []
    return [
        phrase(
            "Accuracy is from fewer than the {planned} planned seeds in {count} of {total} main-mode rows.",
            planned=planned,
            count=len(short),
            total=len(proved),
        )
    ]


def _memory(cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    shown = [cell["memory"] for cell in cells if cell["status"] == "ok" and cell["memory"]]
    said = []
    unweighed = sum(found["source"] == FROM_SPEED for found in shown)
    if unweighed and unweighed == len(shown):
        said.append(
            phrase(
                "Memory was not weighed in a process of its own for any row: each figure is the peak of timed "
                "processes, without children and phases."
            )
        )
    elif unweighed:
        said.append(
            phrase(
                "Memory was not weighed in a process of its own for {count} of {total} rows: their figure is the peak "
                "of timed processes, without children and phases.",
                count=unweighed,
                total=len(shown),
            )
        )
    short = sum(found["phases"] is not None and found["growth"] is None for found in shown)
    if short:
        said.append(
            phrase("Too few steps fitted the time of the memory pass to tell a leak in {count} rows.", count=short)
        )
    return said


def _scope(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    found = []
    synthetic = sorted({cell["workload"] for cell in cells if cell["data"] == "synthetic"})
    if synthetic:
        found.append(
            phrase(
                "Data for {workloads} is synthetic: its accuracy says nothing about the real data set.",
                workloads=some([str(name) for name in synthetic]),
            )
        )
    found += _tasks({str(cell["task"]) for cell in cells})
    devices = {cell["device"] for cell in cells}
    if devices == {"cpu"}:
        found.append(phrase("No GPU was measured."))
    if not any(table(table(cell.get("card")).get("energy")).get("joules_per_sample") for cell in cells):
        found.append(phrase("Energy was not measured."))
    lanes = sorted({str(cell["lane"]) for cell in cells})
    missing = [lane for lane in ("default", "matched", "tuned") if lane not in lanes]
    if cells and missing:
        found.append(phrase("Lanes not measured: {lanes}.", lanes=enumerated(missing)))
    return found


def _tasks(tasks: Set[str]) -> list[Phrase]:
    if tasks == {"train"}:
        return [phrase("Inference was not measured, only training.")]
    if "infer" not in tasks:
        return []
    inference = phrase(
        "Inference: one client, inputs already on the device; loading, networks and concurrent users were left out."
    )
    return [*([phrase("Training was not measured, only inference.")] if tasks == {"infer"} else []), inference]


def _budget(run: Run) -> list[Phrase]:
    note = str(run.plan.budget.get("note") or "")
    limited = run.plan.budget.get("seconds") is not None
    return [phrase("Time budget: {note}", note=note)] if note and limited else []


def _retired(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[Phrase]:
    """Frameworks that older comparisons have and this one cannot have; said where frameworks are compared at all."""
    if not any(cell["role"] == "entrant" for cell in cells):
        return []
    return [
        phrase(
            "{framework} is retired: {reason}. Last release: {release}. Successor: {successor}.",
            framework=entry["title"],
            reason=entry["reason"],
            release=entry["last_release"],
            successor=entry["successor"],
        )
        for entry in (table(found) for found in run.manifest.get("retired") or ())
        if entry
    ]
