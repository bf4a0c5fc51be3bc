"""The content of ``report.json`` as plain rows of text: what every rendered form shows.

Markdown and HTML are both made from these rows, so they cannot disagree. Nothing here is escaped yet:
that is each renderer's own duty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..spec.lanes import MATCHED
from .comparing import Cells, Family, break_even_lines, families, pair_rows, process_rows
from .lane_notes import lanes_text, remark_lines, threads_heading, tuning_lines
from .latency_table import LatencyRow, latency_rows
from .memory_table import MemoryRow, memory_remarks, memory_rows
from .text import NOTHING, factor, interval_text, percent, seconds, size, tiny

QUESTION = "Which deep-learning framework, in which execution mode, should I use for this work — and how do I know?"
GROUP_AXES = ("task", "workload", "data", "device", "lane", "precision", "threads", "batch_size")
STATUSES = {
    "ok": ("✓", "proved"),
    "not_comparable": ("≠", "not comparable"),
    "failed": ("✕", "failed"),
    "unsupported": ("∅", "unsupported"),
    "invalid": ("!", "invalid"),
}

FLAG = "⚑"
"""Beside an accuracy that needs an explanation."""

Table = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One cell as text, with its object from ``report.json`` beside it."""

    fact: Table
    rank: str
    name: str
    title: str
    version: str
    glyph: str
    status: str
    reason: str
    throughput: str
    interval: str
    processes: str
    relative: str
    cold: str
    warm: str
    memory: str
    memory_remarks: str
    accuracy: str
    accuracy_note: str
    parity: str
    worst: str


@dataclass(frozen=True, slots=True)
class Group:
    """One workload under one set of conditions: rows that may be compared, and those shown beside them."""

    anchor: str
    title: str
    conditions: str
    synthetic: bool
    sentence: str
    delta: str
    ranked: tuple[Row, ...]
    others: tuple[Row, ...]
    control: str
    pairs: tuple[dict[str, str], ...]
    families: tuple[Family, ...]
    break_even: tuple[str, ...]
    processes: tuple[Cells, ...]
    remarks: tuple[str, ...]
    tuning: tuple[str, ...]
    threads_heading: str
    threads: tuple[str, ...]
    memory: tuple[MemoryRow, ...]
    latency: tuple[LatencyRow, ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row of the group."""
        return self.ranked + self.others


@dataclass(frozen=True, slots=True)
class View:
    """A whole report as text."""

    groups: tuple[Group, ...]
    failures: tuple[Table, ...]
    facts: tuple[tuple[str, str], ...]
    environment: tuple[tuple[str, str], ...]
    adapters: tuple[dict[str, str], ...]
    harness: str
    not_measured: tuple[str, ...]
    synthetic: bool
    unproved: int


def view(report: Table) -> View:
    """Arrange the content of ``report.json`` for reading."""
    members = _by_group(report["cells"])
    groups = tuple(_group(index, found, members) for index, found in enumerate(report["comparisons"], 1))
    failures = [_failure(cell) for cell in report["cells"] if cell["status"] != "ok"]
    failures += [_lost(cell, lost) for cell in report["cells"] if cell["status"] == "ok" for lost in cell["failures"]]
    return View(
        groups=groups,
        failures=tuple(failures),
        facts=_facts(report),
        environment=_environment(report),
        adapters=tuple(_adapter(name, found) for name, found in sorted(report["adapters"].items())),
        harness=_harness(report["harness"]),
        not_measured=tuple(report["not_measured"]),
        synthetic=any(group.synthetic for group in groups),
        unproved=sum(cell["status"] != "ok" for cell in report["cells"]),
    )


def _by_group(cells: list[Table]) -> dict[tuple[Any, ...], list[Table]]:
    """Cells by what must be equal for two of them to be compared."""
    found: dict[tuple[Any, ...], list[Table]] = {}
    for cell in cells:
        found.setdefault(tuple(cell[axis] for axis in GROUP_AXES), []).append(cell)
    return found


def _group(index: int, comparison: Table, members: dict[tuple[Any, ...], list[Table]]) -> Group:
    cells = members.get(tuple(comparison[axis] for axis in GROUP_AXES), [])
    main = sorted((cell for cell in cells if cell["main"] and cell["role"] == "entrant"), key=_order)
    rest = sorted((cell for cell in cells if not (cell["main"] and cell["role"] == "entrant")), key=_order)
    best = max((_mean(cell) for cell in main), default=0.0)
    conditions = (
        f"{comparison['task']}, {comparison['device']}, {comparison['precision']}, "
        f"{_threads(comparison['threads'])}, batch {comparison['batch_size']}, lane {comparison['lane']}"
    )
    return Group(
        anchor=f"w{index}",
        title=_title(comparison),
        conditions=conditions,
        synthetic=comparison["data"] == "synthetic",
        sentence=comparison["sentence"],
        delta=f"{comparison['delta'] * 100:g} %",
        ranked=tuple(_row(cell, best) for cell in main),
        others=tuple(_row(cell, best) for cell in rest),
        control=comparison["control"]["sentence"],
        pairs=pair_rows(comparison["pairs"]),
        families=families(comparison),
        break_even=break_even_lines(comparison),
        processes=process_rows(main + rest),
        remarks=remark_lines(main + rest),
        tuning=tuning_lines(main + rest),
        threads_heading=threads_heading(comparison["lane"]),
        threads=tuple(_unequal_threads(cell) for cell in main + rest if _is_unequal(cell)),
        memory=memory_rows(main + rest),
        latency=latency_rows(cells),
    )


def _title(comparison: Table) -> str:
    """The workload, the task unless it is training, and the lane unless it is matched."""
    name = str(comparison["workload"])
    name += ", inference" if comparison["task"] == "infer" else ""
    return name if comparison["lane"] == MATCHED else f"{name}, lane {comparison['lane']}"


def _is_unequal(cell: Table) -> bool:
    """Whether a row that shows a number did not show that its threads were set as asked."""
    return bool(cell["throughput_samples_per_s"] and cell["thread_use"] and not cell["thread_use"]["equalised"])


def _unequal_threads(cell: Table) -> str:
    return f"{cell['label']}: {cell['thread_use']['note']}."


def _row(cell: Table, best: float) -> Row:
    glyph, status = STATUSES.get(cell["status"], ("?", str(cell["status"])))
    found = cell["throughput_samples_per_s"]
    mean, interval = interval_text(found["mean"], found["low"], found["high"]) if found else (NOTHING, "")
    reason = f"{cell['code']}: {cell['reason']}" if cell["code"] else str(cell["reason"])
    return Row(
        fact=cell,
        rank=str(cell["rank"]) if cell["rank"] else NOTHING,
        name=cell["label"],
        title=str(cell["title"]),
        version=str(cell["framework_version"] or NOTHING),
        glyph=glyph,
        status=status,
        reason=reason,
        throughput=mean,
        interval=interval,
        processes=str(found["processes"]) if found else "0",
        relative=factor(found["mean"] / best) if found and best else NOTHING,
        cold=seconds(cell["time_to_first_step_s"]),
        warm=seconds(cell["time_to_first_step_warm_s"]),
        memory=size(cell["peak_memory_bytes"]),
        memory_remarks=memory_remarks(cell["memory"]),
        accuracy=_accuracy(cell["accuracy"]),
        accuracy_note=_accuracy_note(cell),
        parity=_parity(cell["parity"]),
        worst=_worst(cell["parity"]),
    )


def _accuracy(found: Table | None) -> str:
    if not found:
        return NOTHING
    text = percent(found["mean"], found["total"])
    values = found["values"]
    mark = f" {FLAG}" if found["convergence"]["code"] else ""
    if len(values) < 2:
        return f"{text}{mark}"
    return f"{text} ({percent(min(values), found['total'])}–{percent(max(values), found['total'])}){mark}"


def _accuracy_note(cell: Table) -> str:
    found = cell["accuracy"]
    if not found:
        return str(cell["accuracy_note"])
    seeds = len(found["values"])
    note = f"{found['kind']}, {seeds} seed{'s' * (seeds != 1)}, {found['total']:,} test samples"
    if cell["time_to_target_s"] is not None:
        note += f"; {found['target'] * 100:g} % after {seconds(cell['time_to_target_s'])}"
    elif found["target"] is not None:
        note += f"; {cell['accuracy_note']}"
    return f"{note}{_convergence(found)}"


def _convergence(found: Table) -> str:
    """What the band says about a full training: a flag with its reason, the band, or why there was none."""
    check = found["convergence"]
    if check["code"]:
        return f"; {check['code']}: {check['reason']}"
    if check["band"]:
        low, high = (f"{check['band'][side] * 100:.1f}" for side in ("low", "high"))
        return f"; within the reference's {low}–{high} %"
    return f"; not held against the reference: {check['reason']}" if found["target"] is not None else ""


def _parity(found: Table | None) -> str:
    if not found:
        return "no check ran"
    return f"{'✓' if found['passed'] else '≠'} {_worst(found)}"


def _worst(found: Table | None) -> str:
    """The check nearest to its limit, or furthest beyond it."""
    if not found:
        return "no check ran"
    name, tensor = str(found["check"]), str(found["tensor"] or "")
    place = f"{name} of {tensor}" if tensor and tensor != name else name
    return f"{place}: {tiny(found['error'])}, limit {tiny(found['tolerance'])}"


def _failure(cell: Table) -> Table:
    glyph, status = STATUSES.get(cell["status"], ("?", str(cell["status"])))
    logs = [found["log_end"] for found in cell["failures"] if found["log_end"]]
    return {
        "name": cell["label"],
        "workload": cell["workload"],
        "conditions": f"{cell['device']}, batch {cell['batch_size']}, {_threads(cell['threads'])}",
        "glyph": glyph,
        "status": status,
        "code": cell["code"] or NOTHING,
        "reason": cell["reason"],
        "log_end": logs[-1] if logs else "",
    }


def _lost(cell: Table, lost: Table) -> Table:
    """A failed process of a row that has numbers from other processes: shown, never dropped."""
    where = f"{lost['pass']} pass, block {lost['block']}, attempt {lost['attempt']}"
    entry = _failure({**cell, **{key: lost[key] for key in ("status", "code", "reason")}})
    return {**entry, "conditions": where, "log_end": lost["log_end"]}


def _facts(report: Table) -> tuple[tuple[str, str], ...]:
    run, machine = report["run"], report["machine"]
    cpu = f"{machine.get('cpu_model') or 'unknown processor'}, {machine.get('cores', '?')} cores"
    gpus = [_gpu(found) for found in machine.get("gpu") or []]
    return (
        ("Machine", f"{cpu}, {size(machine.get('memory_bytes'))}"),
        ("GPU", _card(run) or ", ".join(gpus) or "none used"),
        ("System", f"{machine.get('os') or NOTHING}, kernel {machine.get('kernel') or NOTHING}"),
        ("Measured", str(run["created"]).replace("T", " ").replace("+00:00", " UTC").replace("Z", " UTC")),
        ("Suite", f"{run['suite']}, {lanes_text(run['lanes'])}, {_threads(run['threads'])}, seed {run['seed']}"),
    )


def _threads(count: object) -> str:
    return f"{count} thread{'s' * (count != 1)}"


def _gpu(found: Any) -> str:
    return str(found.get("name") or found) if isinstance(found, dict) else str(found)


def _card(run: Table) -> str:
    """The card that the run used, with what limits it."""
    card = run.get("card")
    if not isinstance(card, dict):
        return ""
    limit = f", power limit {card['power_limit_w']:g} W" if card.get("power_limit_w") else ""
    others = f", one of {card['cards']}" if (card.get("cards") or 1) > 1 else ""
    return f"{card.get('name')}{others}, {size(card.get('memory_bytes'))}, driver {card.get('driver')}{limit}"


def _on_card(cell: Table) -> str:
    """One line on what the card did while a row was timed."""
    found = cell["card"]
    figures = (
        ("sm_mhz", "SM clock {:.0f} MHz"),
        ("temperature_c", "up to {:.0f} °C"),
        ("power_w", "{:.0f} W"),
        ("utilisation", "busy {:.0f} %"),
    )
    parts = [text.format(found[key]) for key, text in figures if found.get(key) is not None]
    if found.get("process_peak_bytes") is not None:
        parts.append(f"{size(found['process_peak_bytes'])} held at most (allocator defaults, context included)")
    energy = found["energy"]
    joules = energy.get("joules_per_sample")
    parts.append(
        f"energy not measured ({energy['not_measured']})"
        if joules is None
        else f"{joules:.3g} J/sample {energy['note']}"
    )
    return f"{cell['workload']} {cell['label']}: {', '.join(parts)}"


def _environment(report: Table) -> tuple[tuple[str, str], ...]:
    run, machine = report["run"], report["machine"]
    data = [
        f"{name}: {found.get('dataset')} ({found.get('kind')}, {found.get('train_size')} training and "
        f"{found.get('test_size')} test samples, fingerprint {str(found.get('fingerprint'))[:12]})"
        for name, found in sorted(report["data"].items())
        if isinstance(found, dict)
    ]
    pairs = (
        ("Run", run["run_id"]),
        ("frameworkbench", f"{run['frameworkbench_version']}, code {str(run['code_sha256'])[:12]}"),
        ("Protocol", f"{str(run['protocol_sha256'])[:12]}, fixed before the first measurement"),
        ("Python of the harness", machine.get("python") or NOTHING),
        *(("Data", line) for line in data),
        *(("On the card", _on_card(cell)) for cell in report["cells"] if cell.get("card")),
    )
    return tuple((name, str(value)) for name, value in pairs)


def _adapter(name: str, found: Table) -> dict[str, str]:
    keys = ("title", "role", "distribution", "framework_version", "python_version", "interpreter_kind", "main_mode")
    lock = str(found.get("lock_sha256") or NOTHING)[:12]
    return {"name": name, **{key: str(found.get(key) or NOTHING) for key in keys}, "lock": lock}


def _harness(found: Table) -> str:
    if found["share"] is None:
        return "The time of the session itself was not recorded."
    return (
        f"The harness took {found['share'] * 100:.0f} % of {seconds(found['wall_s'])} wall time "
        f"({seconds(found['oracle_s'])} of it in the reference, {seconds(found['adapter_other_s'])} in exports and "
        f"predictions); the rest went into environments, imports, builds and steps."
    )


def _mean(cell: Table) -> float:
    found = cell["throughput_samples_per_s"]
    return float(found["mean"]) if found else 0.0


def _order(cell: Table) -> tuple[float, float, str]:
    return (cell["rank"] or float("inf"), -_mean(cell), cell["label"])
