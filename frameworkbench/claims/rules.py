"""How a claim is tested: pure functions from a claim and the evidence to a verdict.

Limits come from the claim's file, so that they are fixed before anybody looks at results. A claim about every case is
contradicted by one established counterexample; one that says "fast" or "mostly" needs all, or none, of the cases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..analysis.comparison import FASTER, INCONCLUSIVE, INVALID, LEAST_BLOCKS, rank
from ..analysis.statistics import CONFIDENCE, paired_log_difference
from ..phrase import Phrase, phrase
from .evidence import Cell, Evidence, entry, measured
from .model import Claim
from .stated import judge_statements, reasons
from .verdict import CONTRADICTED, OPEN, SUPPORTED, Verdict, universal


def accuracy(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether every framework reaches an accuracy, within a tolerance, over all seeds."""
    asked = claim.options
    rows = {
        label: cell
        for label, cell in evidence.accuracies(asked["workload"]).items()
        if len(cell["accuracy"]["curve"]) == asked["epochs"]
    }
    if not rows:
        return _not_run(asked["workload"])
    values = [value for cell in rows.values() for value in cell["accuracy"]["values"]]
    least = asked["target"] - asked["tolerance"]
    means = [cell["accuracy"]["mean"] for cell in rows.values()]
    outcome = SUPPORTED if min(means) >= least else CONTRADICTED if max(values) < least else OPEN
    reason = phrase(
        "{rows}: {low} to {high} test accuracy in {trainings} trainings on the real data; at least {least} was needed",
        rows=_list(rows),
        low=_percent(min(values)),
        high=_percent(max(values)),
        trainings=len(values),
        least=_percent(least),
    )
    return Verdict(outcome, reason, _keys(rows.values()))


def accuracy_order(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether one workload ends more accurate than its variant, in every framework, over paired seeds."""
    names = claim.options["better"], claim.options["worse"]
    better, worse = (evidence.accuracies(name) for name in names)
    rows = [label for label in better if label in worse and len(_paired(better[label], worse[label])) > 1]
    if not rows:
        return _not_run(*([name for name in names if not evidence.accuracies(name)] or names))
    signs = []
    for label in rows:
        pairs = _paired(better[label], worse[label])
        found = paired_log_difference([one for one, _ in pairs], [other for _, other in pairs])
        low, high = found.interval(1 - CONFIDENCE)
        signs.append(1 if low > 0 else -1 if high < 0 else 0)
    outcome = CONTRADICTED if -1 in signs else SUPPORTED if set(signs) == {1} else OPEN
    reason = phrase(
        "{rows}: {better} {first}, {worse} {second} (mean test accuracy over paired seeds; 95 % intervals); one "
        "network, and neither learning rate was searched for",
        rows=_list(rows),
        better=names[0],
        worse=names[1],
        first=_range(better[label]["accuracy"]["mean"] for label in rows),
        second=_range(worse[label]["accuracy"]["mean"] for label in rows),
    )
    return Verdict(outcome, reason, _keys([*(better[x] for x in rows), *(worse[x] for x in rows)]))


def modes(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether modes of some classes are faster than those of others, within each framework."""
    fast, slow = claim.options["faster"], claim.options["slower"]
    agree: list[Mapping[str, Any]] = []
    against: list[Mapping[str, Any]] = []
    others = 0
    for group, cells in evidence.groups():
        for pair in (pair for family in group["modes"] for pair in family["pairs"]):
            classes = [cells[pair[key]]["mode_class"] if pair[key] in cells else "" for key in _BOTH]
            if (classes[0] in fast and classes[1] in slow) or (classes[0] in slow and classes[1] in fast):
                found = {**pair, "workload": group["workload"]}
                if pair["verdict"] == FASTER:
                    (agree if classes[0] in fast else against).append(found)
                else:
                    others += 1
    keys = tuple(dict.fromkeys(pair[key] for pair in (*agree, *against) for key in _BOTH))
    if not agree and not against:
        return Verdict(OPEN, phrase("no pair of such modes was told apart in this run"), keys)
    counts = {"agree": len(agree), "pairs": len(agree) + len(against) + others}
    if not against:
        reason = phrase("faster in {agree} of {pairs} pairs of one framework's modes, never slower", **counts)
    else:
        worst = max(against, key=lambda pair: (pair["ratio"], pair["first"]))
        reason = phrase(
            "faster in {agree} of {pairs} pairs of one framework's modes, slower in {against}: on {workload} {first} "
            "has {ratio} times the throughput of {second}",
            **counts,
            against=len(against),
            workload=worst["workload"],
            first=worst["first"],
            second=worst["second"],
            ratio=f"{worst['ratio']:.2f}",
        )
    return Verdict(universal(len(agree), len(against)), _with_break_even(reason, agree), keys)


def first_in_class(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether a framework's mode of one class is beaten by no other framework's mode of that class.

    A workload counts as first place only where each other row was told apart from it, or tied with it.
    """
    adapter, mode_class = claim.options["adapter"], claim.options["mode_class"]
    found: dict[str, list[str]] = {"first": [], "beaten": [], "open": []}
    keys: list[str] = []
    report: Mapping[str, Cell] | None = None
    members: dict[tuple[Any, ...], list[Cell]] = {}
    for group, cells in evidence.groups():
        if cells is not report:
            report = cells
            members = _by_group(cell for cell in cells.values() if cell["mode_class"] == mode_class)
        rows = members.get(_axes(group), [])
        entries = {cell["key"]: entry(cell) for cell in rows}
        able = [cell for cell in rows if len(entries[cell["key"]].throughput) >= LEAST_BLOCKS]
        own = {cell["key"] for cell in able if cell["adapter"] == adapter}
        if group["task"] != "train" or not own or len({cell["adapter"] for cell in able}) < 2:
            continue
        keys += [cell["key"] for cell in able]
        pairs = rank([entries[cell["key"]] for cell in able], group["delta"]).pairs
        outside = [pair for pair in pairs if (pair.first_key in own) != (pair.second_key in own)]
        winners = [pair for pair in outside if pair.verdict == FASTER and pair.second_key in own]
        if winners:
            best = max(winners, key=lambda pair: (pair.ratio, pair.first))
            found["beaten"].append(f"{group['workload']} ({best.first}, {best.ratio:.2f}×)")
        else:
            undecided = any(pair.verdict in (INCONCLUSIVE, INVALID) for pair in outside)
            found["open" if undecided else "first"].append(group["workload"])
    if not any(found.values()):
        return Verdict(OPEN, phrase("no two frameworks' modes of this class were timed in this run"))
    kinds = [name for name, workloads in found.items() if workloads]
    outcome = {"first": SUPPORTED, "beaten": CONTRADICTED}.get(kinds[0], OPEN) if len(kinds) == 1 else OPEN
    nothing = phrase("none")
    reason = phrase(
        "among the modes of this class: first on {first}; another is faster on {beaten}; not told apart on {open}",
        **{name: _list(sorted(workloads)) if workloads else nothing for name, workloads in found.items()},
    )
    return Verdict(outcome, reason, tuple(keys))


def parity(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether frameworks follow the reference's training step by step."""
    found = [(cell, errors) for cell in evidence.proved(task="train") if (errors := _errors(cell, "trajectory"))]
    proved = [cell for cell, _ in found]
    strays = list(evidence.cells(task="train", status="not_comparable"))
    frameworks = {cell["adapter"] for cell in proved}
    if strays:
        reason = phrase("not the same model: {rows}", rows=_list(dict.fromkeys(cell["label"] for cell in strays)))
        return Verdict(CONTRADICTED, reason, _keys(strays))
    if len(frameworks) < 2:
        return Verdict(OPEN, phrase("fewer than two frameworks were proved in this run"))
    share = max(off / limit for _, errors in found for off, limit in errors)
    reason = phrase(
        "{rows} rows of {frameworks} frameworks gave the reference's losses step by step on {workloads} workloads, the "
        "largest error {share} of its tolerance; every constant was handed over, none left to a default",
        rows=len(proved),
        frameworks=len(frameworks),
        workloads=len({cell["workload"] for cell in proved}),
        share=_percent(share),
    )
    return Verdict(SUPPORTED, reason, _keys(proved))


def jitter(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether the slowest requests of rows that nobody tuned are far from the usual ones."""
    limit = claim.options["limit"]
    ratios = {}
    for cell in evidence.proved(task="infer"):
        found = cell["latency"] or {}
        if cell["lane"] != "tuned" and found.get("p99_s") and found.get("p50_s"):
            ratios[cell["key"]] = (found["p99_s"]["mean"] / found["p50_s"]["mean"], cell["label"], cell["workload"])
    if not ratios:
        return Verdict(OPEN, phrase("single requests were not timed in this run (--task infer)"))
    above = sum(ratio > limit for ratio, _, _ in ratios.values())
    outcome = CONTRADICTED if not above else SUPPORTED if 2 * above >= len(ratios) else OPEN
    worst, label, workload = max(ratios.values())
    reason = phrase(
        "in {above} of {rows} untuned rows the slowest 1 % of single requests take more than {limit} times the median "
        "(most: {ratio} times, {row} on {workload}); input loading is no part of a timed window here",
        above=above,
        rows=len(ratios),
        limit=f"{limit:g}",
        ratio=f"{worst:.2f}",
        row=label,
        workload=workload,
    )
    return Verdict(outcome, reason, tuple(ratios))


def finite_differences(claim: Claim, evidence: Evidence) -> Verdict:
    """Whether numerical gradients cost more and are less exact than those of the frameworks."""
    found = measured(claim.options["measured"])
    if not found:
        return Verdict(OPEN, phrase("the measurement {name} is not shipped", name=claim.options["measured"]))
    cells = [cell for cell in evidence.proved(workload=found["workload"], task="train") if _errors(cell, "gradient")]
    if not cells:
        return Verdict(OPEN, phrase("no framework's gradients on {workload} in this run", workload=found["workload"]))
    ratio = found["finite_s"] / found["gradient_s"]
    numerical = min(entry["error"] for entry in found["errors"] if entry["precision"] == "float32")
    automatic = max(off for cell in cells for off, _ in _errors(cell, "gradient"))
    costly, worse = ratio >= claim.options["cost"], numerical > automatic
    outcome = SUPPORTED if costly and worse else CONTRADICTED if not costly and not worse else OPEN
    reason = phrase(
        "all gradients of {workload} by finite differences take {ratio} times as long as by differentiation "
        "(reference, {parameters} parameters); in float32 they are off by {numerical} at their best step (a sample of "
        "{sampled}), the frameworks' by {automatic} at most",
        workload=found["workload"],
        ratio=f"{ratio:,.0f}",
        sampled=f"{found['sampled']:,}",
        parameters=f"{found['parameters']:,}",
        numerical=f"{numerical:.1e}",
        automatic=f"{automatic:.1e}",
    )
    return Verdict(outcome, reason, _keys(cells))


def facts(claim: Claim, evidence: Evidence) -> Verdict:
    """What facts of adapters, and other sourced statements, say; one that speaks against it decides."""
    outcome, stated = judge_statements(claim)
    return Verdict(outcome, reasons(stated), (), stated.facts, stated.statements)


def none(claim: Claim, evidence: Evidence) -> Verdict:
    """Not tested, and why."""
    _, stated = judge_statements(claim)
    return Verdict(OPEN, phrase(claim.options["reason"]), (), stated.facts, stated.statements)


RULES: Mapping[str, Callable[[Claim, Evidence], Verdict]] = {
    "accuracy": accuracy,
    "accuracy-order": accuracy_order,
    "modes": modes,
    "first-in-class": first_in_class,
    "parity": parity,
    "jitter": jitter,
    "finite-differences": finite_differences,
    "facts": facts,
    "none": none,
}

_BOTH = ("first_key", "second_key")
_GROUP = ("task", "workload", "data", "device", "lane", "precision", "threads", "batch_size")


def _not_run(*workloads: str) -> Verdict:
    reason = phrase(
        "this run has no full training on real data of {workloads} (frameworkbench run --suite standard {options})",
        workloads=_list(workloads),
        options=" ".join(f"-w {name}" for name in workloads),
    )
    return Verdict(OPEN, reason)


def _with_break_even(reason: Phrase, pairs: list[Mapping[str, Any]]) -> Phrase:
    """The reason, and after how many steps the last of the faster modes has caught up."""
    late = [pair for pair in pairs if pair["break_even"]["cold_steps"]]
    if not late:
        return reason
    last = max(late, key=lambda pair: (pair["break_even"]["cold_steps"], pair["first"]))
    return phrase(
        "{reason}; where it starts later, it has caught up after at most {steps} training steps ({row} on {workload})",
        reason=reason,
        steps=f"{last['break_even']['cold_steps']:,}",
        row=last["first"],
        workload=last["workload"],
    )


def _paired(better: Cell, worse: Cell) -> list[tuple[float, float]]:
    """Accuracies of the seeds that both have."""
    other = dict(zip(worse["accuracy"]["seeds"], worse["accuracy"]["values"], strict=True))
    mine = zip(better["accuracy"]["seeds"], better["accuracy"]["values"], strict=True)
    return [(value, other[seed]) for seed, value in mine if seed in other]


def _by_group(cells: Iterable[Cell]) -> dict[tuple[Any, ...], list[Cell]]:
    """Cells by what must be equal for two of them to be compared."""
    found: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        found.setdefault(_axes(cell), []).append(cell)
    return found


def _axes(found: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(found[axis] for axis in _GROUP)


def _errors(cell: Cell, kind: str) -> list[tuple[float, float]]:
    """Error and limit of each of a cell's checks of one kind whose error is a number."""
    checks = (cell["parity"] or {}).get("checks", {})
    columns = [checks.get(name, ()) for name in ("check", "error", "tolerance")]
    return [(off, limit) for found, off, limit in zip(*columns, strict=True) if found == kind and type(off) is float]


def _keys(cells: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(cell["key"] for cell in cells))


def _list(names: Any) -> str:
    return ", ".join(names)


def _range(values: Any) -> str:
    ordered = sorted(values)
    low, high = _percent(ordered[0]), _percent(ordered[-1])
    return low if low == high else f"{low} to {high}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
