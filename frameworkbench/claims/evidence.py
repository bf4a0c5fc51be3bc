"""What reports hold for claims: proved cells, comparisons that stand, accuracies over seeds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from ..analysis.comparison import Entry
from ..content import content_dir
from ..spec.lanes import MATCHED
from ..written_files import read_json

Cell = Mapping[str, Any]

# A group with one of these codes has no verdicts; other lanes than the ranked one compare unequal settings.
_NO_VERDICTS = ("FALSE_WIN", "NOISY", "NOT_RANKED", "NO_DELTA")


class Evidence:
    """The cells of one or several reports.

    Args:
        reports: contents of ``report.json``.
    """

    def __init__(self, reports: Sequence[Mapping[str, Any]]) -> None:
        self._reports = tuple(reports)
        self._entrants = [cell for report in reports for cell in report["cells"] if cell["role"] == "entrant"]
        self._of_workload: dict[str, list[Cell]] = {}
        for cell in self._entrants:
            self._of_workload.setdefault(cell["workload"], []).append(cell)

    def cells(self, **axes: str) -> Iterator[Cell]:
        """Cells of frameworks, whatever came of them, with these values of their axes."""
        among = self._of_workload.get(axes["workload"], []) if "workload" in axes else self._entrants
        for cell in among:
            if all(cell[name] == value for name, value in axes.items()):
                yield cell

    def proved(self, **axes: str) -> Iterator[Cell]:
        """Those of them whose model was proved and whose status is ok."""
        for cell in self.cells(**axes):
            if cell["status"] == "ok" and cell["parity"] and cell["parity"]["passed"]:
                yield cell

    def groups(self) -> Iterator[tuple[Mapping[str, Any], dict[str, Cell]]]:
        """Each comparison of the ranked lane whose verdicts stand, with the proved cells of its report by key."""
        for report in self._reports:
            cells = {cell["key"]: cell for cell in Evidence([report]).proved()}
            for found in report["comparisons"]:
                if found["lane"] == MATCHED and found["code"] not in _NO_VERDICTS:
                    yield found, cells

    def accuracies(self, workload: str) -> dict[str, Cell]:
        """Proved rows that were trained in full on real data, by their label."""
        found = self.proved(workload=workload, task="train", data="real", lane=MATCHED)
        return {
            cell["label"]: cell for cell in found if cell["accuracy"] and cell["accuracy"]["kind"] == "full training"
        }


def entry(cell: Cell) -> Entry:
    """A cell's speeds as the comparison takes them."""
    samples = (cell["throughput_samples_per_s"] or {}).get("samples", ())
    return Entry(cell["key"], cell["label"], {(found["block"], found["attempt"]): found["value"] for found in samples})


@cache
def measured(name: str) -> Mapping[str, Any]:
    """A small measurement that is shipped beside the runs (``claims/measured/NAME.json``); empty if it is not there.

    Raises:
        SpecError: the file is not JSON.
    """
    path = content_dir("claims") / "measured" / f"{name}.json"
    if not path.is_file():
        return {}
    found: Mapping[str, Any] = read_json(path)
    return found
