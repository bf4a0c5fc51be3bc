"""What a run did not measure, in sentences: said on the first screen of every report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from ..spec.cell import TWIN
from ..store.records import Run
from .cells import table
from .convergence import unchecked
from .memory import FROM_SPEED
from .steady import SLOWDOWN, UNSTEADY

# True of every run of this version, whatever was planned.
STANDING = (
    "Several devices or hosts, loading input from files, export and deployment were not measured.",
    "One machine was measured: nothing here says how the order looks on another one.",
)


def unmeasured(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences about missing cells, blocks, tasks, devices, lanes and data.

    Args:
        run: the run as read from disk.
        cells: the cells as in ``report.json``.
    """
    found = [
        *_cells(cells),
        *_unsteady(cells),
        *_blocks(run, cells),
        *_accuracy(run, cells),
        *unchecked(cells),
        *_memory(cells),
        *_scope(run, cells),
    ]
    return [*found, *_budget(run), *_retired(run, cells), *STANDING]


def _cells(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    sentences = []
    if not cells:
        sentences.append("Nothing was planned: the run stopped before it wrote a plan.")
    stopped = [cell for cell in cells if cell["code"] == "NOT_RUN"]
    if stopped:
        sentences.append(f"The run stopped early: {len(stopped)} of {len(cells)} rows have no complete measurement.")
    other = [cell for cell in cells if cell["status"] != "ok" and cell["code"] != "NOT_RUN"]
    if other:
        names = sorted({f"{cell['label']} on {cell['workload']}" for cell in other})
        shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        sentences.append(f"No number is given for {shown}: see failures for the reasons.")
    return sentences


def _unsteady(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Rows whose pilot slowed down or never became steady: their throughput depends on how long one looks."""
    sentences = []
    for kind, words in ((SLOWDOWN, "became slower while they ran"), (UNSTEADY, "reached no steady state")):
        rows = [cell for cell in cells if (cell["warm_up"] or {}).get("kind") == kind]
        names = ", ".join(f"{cell['label']} on {cell['workload']}" for cell in rows)
        if rows:
            sentences.append(
                f"In the pilot these rows {words}, so their throughput depends on when one looks: {names}."
            )
    return sentences


def _blocks(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    sentences = []
    counts = [(cell["blocks"]["counted"], cell["blocks"]["planned"]) for cell in cells if cell["status"] == "ok"]
    short = sum(0 < counted < planned for counted, planned in counts)
    if short:
        sentences.append(f"Rows with fewer timed processes than planned: {short}.")
    torn = len(run.torn_speed_records())
    if torn:
        sentences.append(f"Speed measurements of unfinished blocks, kept but used in no statistic: {torn}.")
    if run.damaged:
        names = ", ".join(damage.file for damage in run.damaged[:4])
        sentences.append(f"Damaged files, left out ({len(run.damaged)}): {names}{' …' * (len(run.damaged) > 4)}.")
    others = [cell for cell in cells if not cell["main"] and cell["role"] == "entrant"]
    if others:
        sentences.append("Modes other than a framework's main one are compared within their framework only.")
    single = sum(cell["blocks"]["counted"] == 1 for cell in others)
    if single:
        sentences.append(f"Modes that were timed in one block only, and so have no verdict: {single} rows.")
    return sentences


def _accuracy(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    protocol = run.manifest.get("protocol") or {}
    planned = protocol.get("accuracy_seeds") or 0
    trained = [cell for cell in cells if cell["main"] and cell["role"] != TWIN and cell["task"] == "train"]
    proved = [cell for cell in trained if cell["status"] == "ok"]
    short = [cell for cell in proved if len((cell["accuracy"] or {}).get("seeds") or ()) < planned]
    if not short:
        return []
    return [f"Accuracy is from fewer than the {planned} planned seeds in {len(short)} of {len(proved)} main-mode rows."]


def _memory(cells: Sequence[Mapping[str, Any]]) -> list[str]:
    shown = [cell["memory"] for cell in cells if cell["status"] == "ok" and cell["memory"]]
    sentences = []
    unweighed = sum(found["source"] == FROM_SPEED for found in shown)
    if unweighed:
        sentences.append(
            f"Memory was not weighed in a process of its own for {unweighed} of {len(shown)} rows: their figure is the "
            "peak of timed processes, without children and phases."
        )
    short = sum(found["phases"] is not None and found["growth"] is None for found in shown)
    if short:
        sentences.append(f"Too few steps fitted the time of the memory pass to tell a leak in {short} rows.")
    return sentences


def _scope(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    sentences = []
    synthetic = sorted({cell["workload"] for cell in cells if cell["data"] == "synthetic"})
    if synthetic:
        names = ", ".join(synthetic)
        sentences.append(f"Data for {names} is synthetic: its accuracy says nothing about the real data set.")
    sentences += _tasks({str(cell["task"]) for cell in cells})
    devices = {cell["device"] for cell in cells}
    if devices == {"cpu"}:
        sentences.append("No GPU was measured.")
    if not any(table(table(cell.get("card")).get("energy")).get("joules_per_sample") for cell in cells):
        sentences.append("Energy was not measured.")
    lanes = sorted({str(cell["lane"]) for cell in cells})
    missing = [lane for lane in ("default", "matched", "tuned") if lane not in lanes]
    if cells and missing:
        sentences.append(f"Lanes not measured: {', '.join(missing)}.")
    return sentences


def _tasks(tasks: Set[str]) -> list[str]:
    if tasks == {"train"}:
        return ["Inference was not measured, only training."]
    if "infer" not in tasks:
        return []
    inference = (
        "Inference: one client, inputs already on the device; loading, networks and concurrent users were left out."
    )
    return [*(["Training was not measured, only inference."] if tasks == {"infer"} else []), inference]


def _budget(run: Run) -> list[str]:
    note = str(run.plan.budget.get("note") or "")
    limited = run.plan.budget.get("seconds") is not None
    return [f"Time budget: {note}"] if note and limited else []


def _retired(run: Run, cells: Sequence[Mapping[str, Any]]) -> list[str]:
    """Frameworks that older comparisons have and this one cannot have; said where frameworks are compared at all."""
    if not any(cell["role"] == "entrant" for cell in cells):
        return []
    found = [table(entry) for entry in run.manifest.get("retired") or ()]
    return [
        f"{entry['title']} is retired: {entry['reason']}. Last release: {entry['last_release']}. "
        f"Successor: {entry['successor']}."
        for entry in found
        if entry
    ]
