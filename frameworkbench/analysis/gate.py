"""The regression gate: which rows of two runs may be compared at all, and what the comparison comes to.

Everything that was asked for must be equal: machine, protocol, measuring code, and for each row workload, data,
lane, device, precision, threads and batch size. A run that ended noisy, whose A/A control failed or whose records
are damaged decides nothing. A row that the new run could not prove any more is no pass either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..spec.cell import row_name
from .cells import table
from .regression import LEAST_PROCESSES, REGRESSION, RowChange, RowPair, judge_rows
from .statistics import paired_log_difference
from .summary import Summary

NO_REGRESSION = "no regression"
NOT_COMPARABLE = "not comparable"
NOTHING_MEASURED = "nothing measured"

_MACHINE = ("hostname_sha256", "architecture", "cpu_model", "cores", "kernel", "gpu")
_ROW = ("task", "workload", "adapter", "mode")
_CONDITIONS = ("data", "lane", "device", "precision", "threads", "batch_size")
_TWIN = "twin"
# Level of the A/A control (docs/method.md): it is in no family.
_CONTROL_LEVEL = 0.01

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Gate:
    """What two runs come to.

    Attributes:
        outcome: "no regression", "regression", "not comparable" or "nothing measured".
        fail_over: slow-down that counts, as a share of the time per sample.
        rows: the rows that could be compared.
        reasons: why the runs cannot be compared at all; then there are no rows.
        refused: name and reason of rows that one run measured and that cannot be compared.
        left_out: name and reason of rows that are in one run only or have too few processes.
    """

    outcome: str
    fail_over: float
    rows: tuple[RowChange, ...]
    reasons: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data for scripts."""
        pairs = {"refused": self.refused, "left_out": self.left_out}
        return {
            "outcome": self.outcome,
            "fail_over": self.fail_over,
            "reasons": list(self.reasons),
            "rows": [asdict(row) for row in self.rows],
            **{key: [{"row": name, "reason": reason} for name, reason in found] for key, found in pairs.items()},
        }


def compare_runs(
    baseline: Summary,
    new: Summary,
    fail_over: float,
    *,
    workloads: Sequence[str] = (),
    adapters: Sequence[str] = (),
) -> Gate:
    """Compare two runs row by row.

    Args:
        baseline: the run to compare with.
        new: the run that must not be slower.
        fail_over: slow-down that counts as a regression (0.05: 5 % more time per sample).
        workloads: only these; empty means all.
        adapters: only these, by adapter or adapter:mode; empty means all.
    """
    reasons = [
        *_differences(baseline.run.manifest, new.run.manifest),
        *_unfit("baseline", baseline),
        *_unfit("new", new),
    ]
    if reasons:
        return Gate(NOT_COMPARABLE, fail_over, (), tuple(reasons), (), ())
    ours, theirs = _rows(baseline, workloads, adapters), _rows(new, workloads, adapters)
    pairs: list[RowPair] = []
    refused: list[tuple[str, str]] = []
    left_out: list[tuple[str, str]] = [
        (_name(facts), "in the new run only")
        for key, facts in theirs.items()
        if key not in ours and not _same_row(facts, ours, theirs)
    ]
    for key, facts in ours.items():
        other = theirs.get(key)
        reason = _refusal(facts, other, _same_row(facts, theirs, ours), baseline, new)
        thin = "" if reason else _thin(facts, other)
        if reason:
            refused.append((_name(facts), reason))
        elif thin or other is None:
            left_out.append((_name(facts), thin or "in the baseline only"))
        else:
            pairs.append(_pair(facts, other))
    rows = tuple(judge_rows(pairs, fail_over))
    return Gate(_outcome(rows, refused), fail_over, rows, (), tuple(refused), tuple(left_out))


def _outcome(rows: Sequence[RowChange], refused: Sequence[object]) -> str:
    if any(row.verdict == REGRESSION for row in rows):
        return REGRESSION
    if refused:
        return NOT_COMPARABLE
    return NO_REGRESSION if rows else NOTHING_MEASURED


def _differences(baseline: Facts, new: Facts) -> Iterator[str]:
    """In what two manifests differ that makes every row of theirs incomparable."""
    machines = table(baseline.get("machine")), table(new.get("machine"))
    for key in _MACHINE:
        one, other = machines[0].get(key), machines[1].get(key)
        if one != other:
            shown = "the host's name differs" if key == "hostname_sha256" else f"{key} was {one}, is {other}"
            yield f"different machine: {shown}"
    protocols = table(baseline.get("protocol")), table(new.get("protocol"))
    for key in sorted({*protocols[0], *protocols[1]}):
        one, other = protocols[0].get(key), protocols[1].get(key)
        if one != other:
            yield f"different protocol: {key} was {one}, is {other}"
    if baseline.get("code_sha256") != new.get("code_sha256"):
        versions = f"{baseline.get('frameworkbench_version')} and {new.get('frameworkbench_version')}"
        yield f"different measuring code (frameworkbench {versions}): measure the baseline again with this one"


def _unfit(which: str, summary: Summary) -> Iterator[str]:
    """Why a run decides nothing, whatever it is compared with."""
    sessions = [record["payload"] for record in summary.run.records if record["kind"] == "run"]
    if sessions and sessions[-1].get("noisy") is True:
        yield f"the {which} run ended noisy: {sessions[-1].get('noisy_reason') or 'its machine was disturbed'}"
    for damage in summary.run.damaged:
        yield f"the {which} run is damaged: {damage.file}: {damage.reason}"
    facts = [cell.facts for cell in summary.cells]
    for twin in (found for found in facts if found.get("role") == _TWIN):
        single = next((f for f in facts if f.get("role") != _TWIN and _key(f) == _key(twin)), None)
        if single is not None and _control_fails(single, twin):
            yield f"the {which} run's A/A control failed: {_name(single)} differs from its own twin"


def _control_fails(single: Facts, twin: Facts) -> bool:
    one, other = _by_block(single), _by_block(twin)
    shared = sorted(set(one) & set(other))
    if len(shared) < LEAST_PROCESSES:
        return False
    difference = paired_log_difference([one[block] for block in shared], [other[block] for block in shared])
    return difference.p_value < _CONTROL_LEVEL


def _rows(summary: Summary, workloads: Sequence[str], adapters: Sequence[str]) -> dict[tuple[Any, ...], Facts]:
    found = {}
    for cell in summary.cells:
        facts = cell.facts
        names = {str(facts.get("adapter")), f"{facts.get('adapter')}:{facts.get('mode')}"}
        wanted = (not workloads or facts.get("workload") in workloads) and (not adapters or names & set(adapters))
        if wanted and facts.get("role") != _TWIN:
            found[_key(facts)] = facts
    return found


def _refusal(facts: Facts, other: Facts | None, near: Facts | None, baseline: Summary, new: Summary) -> str:
    """Why a row that the baseline measured cannot be compared; empty if it can, or if it was not asked for again.

    ``near`` is the row that the new run has instead, under other conditions.
    """
    if not _values(facts):
        return ""
    if other is None:
        differing = [name for name in _CONDITIONS if near and near.get(name) != facts.get(name)]
        return "; ".join(f"{name} was {facts.get(name)}, is {near.get(name)}" for name in differing) if near else ""
    workload = str(facts.get("workload"))
    for section, key, what in (("workloads", "sha256", "workload file"), ("data", "fingerprint", "data set")):
        one, now = (table(table(s.run.manifest.get(section)).get(workload)).get(key) for s in (baseline, new))
        if one != now:
            return f"another {what}: hash was {str(one)[:12]}, is {str(now)[:12]}"
    if other["status"] != "ok" and other["code"] != "NOT_RUN":
        return f"no longer measured: {other['status']}/{other['code']}: {other['reason']}"
    return ""


def _thin(facts: Facts, other: Facts | None) -> str:
    counts = len(_values(facts)), len(_values(other)) if other is not None else 0
    if other is None or min(counts) >= LEAST_PROCESSES:
        return ""
    return f"{counts[0]} processes in the baseline, {counts[1]} in the new run; two or more are needed in each"


def _pair(facts: Facts, other: Facts) -> RowPair:
    versions = [str(found.get("framework_version") or "") or None for found in (facts, other)]
    return RowPair(_name(facts), _values(facts), _values(other), *versions)


def _values(facts: Facts) -> list[float]:
    return [sample["value"] for sample in table(facts.get("throughput_samples_per_s")).get("samples", ())]


def _by_block(facts: Facts) -> dict[tuple[int, int], float]:
    samples = table(facts.get("throughput_samples_per_s")).get("samples", ())
    return {(sample["block"], sample["attempt"]): sample["value"] for sample in samples}


def _key(facts: Facts) -> tuple[Any, ...]:
    return tuple(facts.get(axis) for axis in (*_ROW, *_CONDITIONS))


def _same_row(facts: Facts, among: Mapping[Any, Facts], own: Mapping[Any, Facts]) -> Facts | None:
    """A row of the same name in another run under other conditions, unless it has its own counterpart there.

    Args:
        facts: the row.
        among: rows of the other run.
        own: rows of the run that ``facts`` belongs to; one run may hold a row in several lanes.
    """
    free = (found for key, found in among.items() if key not in own)
    return next((found for found in free if all(found.get(axis) == facts.get(axis) for axis in _ROW)), None)


def _name(facts: Facts) -> str:
    task = "" if facts.get("task") == "train" else f"{facts.get('task')} "
    return f"{task}{facts.get('workload')} {row_name(facts)}"
