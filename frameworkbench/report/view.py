"""The content of ``report.json`` as plain rows of text in one language: what every rendered form shows.

Markdown and HTML are both made from these rows, so they cannot disagree. Nothing here is escaped yet:
that is each renderer's own duty.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..phrase import UNSAID, Phrase, clauses, from_json, marked, particulars, phrase
from ..spec.lanes import MATCHED
from .comparing import Cells, Family, break_even_lines, families, pair_rows, process_rows
from .lane_notes import remark_lines, threads_heading, tuning_lines
from .latency_table import LatencyRow, latency_rows
from .machine_facts import Pairs, adapter_facts, environment, harness_sentence, measured_on, threads
from .memory_table import MemoryRow, memory_remarks, memory_rows
from .messages import ENGLISH, Language
from .text import NOTHING, factor, interval_text, percent, seconds, size, tiny

QUESTION = marked(
    "Which deep-learning framework, in which execution mode, should I use for this work — and how do I know?"
)
GROUP_AXES = ("task", "workload", "data", "device", "lane", "precision", "threads", "batch_size")
STATUSES = {
    "ok": ("✓", marked("proved")),
    "not_comparable": ("≠", marked("not comparable")),
    "failed": ("✕", marked("failed")),
    "unsupported": ("∅", marked("unsupported")),
    "invalid": ("!", marked("invalid")),
}
TASKS = {"train": marked("training"), "infer": marked("inference")}
CHECKS = (
    marked("logits"),
    marked("loss"),
    marked("gradient"),
    marked("optimizer"),
    marked("trajectory"),
    marked("parameters"),
    marked("weights"),
    marked("snapshot"),
    marked("single"),
    marked("follows"),
    marked("answers"),
)

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
    """A whole report as text in one language."""

    words: Language
    groups: tuple[Group, ...]
    failures: tuple[Table, ...]
    facts: Pairs
    environment: Pairs
    adapters: tuple[dict[str, str], ...]
    harness: str
    not_measured: tuple[str, ...]
    synthetic: bool
    unproved: int


def view(report: Table, words: Language = ENGLISH) -> View:
    """Arrange the content of ``report.json`` for reading in a language."""
    members = _by_group(report["cells"])
    groups = tuple(_group(index, found, report, members, words) for index, found in enumerate(report["comparisons"], 1))
    cells = report["cells"]
    failures = [_failure(cell, words) for cell in cells if cell["status"] != "ok"]
    failures += [_lost(cell, lost, words) for cell in cells if cell["status"] == "ok" for lost in cell["failures"]]
    return View(
        words=words,
        groups=groups,
        failures=tuple(failures),
        facts=measured_on(report, words),
        environment=environment(report, words),
        adapters=adapter_facts(report, words),
        harness=harness_sentence(report["harness"], words),
        not_measured=tuple(words.tell(said) for said in report["not_measured_parts"]),
        synthetic=any(group.synthetic for group in groups),
        unproved=sum(cell["status"] != "ok" for cell in report["cells"]),
    )


def _by_group(cells: list[Table]) -> dict[tuple[Any, ...], list[Table]]:
    """Cells by what must be equal for two of them to be compared."""
    found: dict[tuple[Any, ...], list[Table]] = {}
    for cell in cells:
        found.setdefault(tuple(cell[axis] for axis in GROUP_AXES), []).append(cell)
    return found


def _group(
    index: int, comparison: Table, report: Table, members: dict[tuple[Any, ...], list[Table]], words: Language
) -> Group:
    cells = members.get(tuple(comparison[axis] for axis in GROUP_AXES), [])
    main = sorted((cell for cell in cells if cell["main"] and cell["role"] == "entrant"), key=_order)
    rest = sorted((cell for cell in cells if not (cell["main"] and cell["role"] == "entrant")), key=_order)
    best = max((_mean(cell) for cell in main), default=0.0)
    return Group(
        anchor=f"w{index}",
        title=words.tell(title(comparison)),
        conditions=words.tell(_conditions(comparison, report)),
        synthetic=comparison["data"] == "synthetic",
        sentence=words.tell(comparison["sentence_parts"]),
        delta=f"{comparison['delta'] * 100:g} %",
        ranked=tuple(_row(cell, best, words) for cell in main),
        others=tuple(_row(cell, best, words) for cell in rest),
        control=words.tell(comparison["control"]["sentence_parts"]),
        pairs=pair_rows(comparison["pairs"], words),
        families=families(comparison, words),
        break_even=break_even_lines(comparison, words),
        processes=process_rows(main + rest, words),
        remarks=remark_lines(main + rest, words),
        tuning=tuning_lines(main + rest, words),
        threads_heading=words.tell(threads_heading(comparison["lane"])),
        threads=tuple(_unequal_threads(cell, words) for cell in main + rest if _is_unequal(cell)),
        memory=memory_rows(main + rest, words),
        latency=latency_rows(cells),
    )


def title(comparison: Table) -> Phrase:
    """The workload, the task unless it is training, and the lane unless it is matched."""
    parts: list[str | Phrase] = [str(comparison["workload"])]
    parts += [phrase("inference")] if comparison["task"] == "infer" else []
    parts += [phrase("lane {lane}", lane=comparison["lane"])] if comparison["lane"] != MATCHED else []
    return particulars(parts)


def _conditions(comparison: Table, report: Table) -> Phrase:
    data = report["data"].get(comparison["workload"])
    parts: list[str | Phrase] = [
        Phrase(TASKS[comparison["task"]]) if comparison["task"] in TASKS else str(comparison["task"]),
        *([phrase("data set {name}", name=data.get("dataset"))] if isinstance(data, dict) else []),
        str(comparison["device"]),
        str(comparison["precision"]),
        threads(comparison["threads"]),
        phrase("batch size {size}", size=comparison["batch_size"]),
        phrase("lane {lane}", lane=comparison["lane"]),
    ]
    return particulars(parts)


def _is_unequal(cell: Table) -> bool:
    """Whether a row that shows a number did not show that its threads were set as asked."""
    return bool(cell["throughput_samples_per_s"] and cell["thread_use"] and not cell["thread_use"]["equalised"])


def _unequal_threads(cell: Table, words: Language) -> str:
    return words.say("{row}: {note}.", row=cell["label"], note=from_json(cell["thread_use"]["note_parts"]))


def _status(status: object, words: Language) -> tuple[str, str]:
    """Glyph and word."""
    glyph, word = STATUSES.get(str(status), ("?", str(status)))
    return glyph, words.translate(word)


def _row(cell: Table, best: float, words: Language) -> Row:
    glyph, status = _status(cell["status"], words)
    found = cell["throughput_samples_per_s"]
    mean, interval = interval_text(found["mean"], found["low"], found["high"]) if found else (NOTHING, "")
    why = words.tell(cell["reason_parts"])
    return Row(
        fact=cell,
        rank=str(cell["rank"]) if cell["rank"] else NOTHING,
        name=cell["label"],
        title=str(cell["title"]),
        version=str(cell["framework_version"] or NOTHING),
        glyph=glyph,
        status=status,
        reason=f"{cell['code']}: {why}" if cell["code"] else why,
        throughput=mean,
        interval=interval,
        processes=str(found["processes"]) if found else "0",
        relative=factor(found["mean"] / best) if found and best else NOTHING,
        cold=seconds(cell["time_to_first_step_s"]),
        warm=seconds(cell["time_to_first_step_warm_s"]),
        memory=size(cell["peak_memory_bytes"]),
        memory_remarks=memory_remarks(cell["memory"]),
        accuracy=_accuracy(cell["accuracy"]),
        accuracy_note=words.tell(_accuracy_note(cell)),
        parity=_parity(cell["parity"], words),
        worst=_worst(cell["parity"], words),
    )


def _accuracy(found: Table | None) -> str:
    if not found:
        return NOTHING
    text = percent(found["mean"], found["total"])
    values = found["values"]
    mark = f" {FLAG}" if found["convergence"]["code"] else ""
    if len(values) < 2:
        return f"{text}{mark}"
    low, high = (percent(value, found["total"]) for value in (min(values), max(values)))
    return f"{text} ({low.removesuffix(' %')}–{high}){mark}"


def _accuracy_note(cell: Table) -> Phrase:
    found = cell["accuracy"]
    if not found:
        return from_json(cell["accuracy_note_parts"])
    seeds = len(found["values"])
    parts = [
        particulars(
            [
                from_json(found["kind_parts"]),
                phrase("1 seed") if seeds == 1 else phrase("{count} seeds", count=seeds),
                phrase("{count} test samples", count=f"{found['total']:,}"),
            ]
        )
    ]
    if cell["time_to_target_s"] is not None:
        target, after = f"{found['target'] * 100:g}", seconds(cell["time_to_target_s"])
        parts.append(phrase("{percent} % after {time}", percent=target, time=after))
    elif found["target"] is not None:
        parts.append(from_json(cell["accuracy_note_parts"]))
    check = _convergence(found)
    return clauses([*parts, *([check] if check is not UNSAID else [])])


def _convergence(found: Table) -> Phrase:
    """What the band says about a full training: a flag with its reason, the band, or why there was none."""
    check = found["convergence"]
    if check["code"]:
        return phrase("{code}: {reason}", code=check["code"], reason=from_json(check["reason_parts"]))
    if check["band"]:
        low, high = (f"{check['band'][side] * 100:.1f}" for side in ("low", "high"))
        return phrase("within the reference's {low}–{high} %", low=low, high=high)
    if found["target"] is None:
        return UNSAID
    return phrase("not held against the reference: {reason}", reason=from_json(check["reason_parts"]))


def _parity(found: Table | None, words: Language) -> str:
    if not found:
        return words.say("no check ran")
    return f"{'✓' if found['passed'] else '≠'} {_worst(found, words)}"


def _worst(found: Table | None, words: Language) -> str:
    """The check nearest to its limit, or furthest beyond it."""
    if not found:
        return words.say("no check ran")
    name, tensor = str(found["check"]), str(found["tensor"] or "")
    known = words.translate(name) if name in CHECKS else name
    return words.say(
        "{place}: {error}, limit {limit}",
        place=phrase("{check} of {tensor}", check=known, tensor=tensor) if tensor and tensor != name else known,
        error=tiny(found["error"]),
        limit=tiny(found["tolerance"]),
    )


def _failure(cell: Table, words: Language) -> Table:
    glyph, status = _status(cell["status"], words)
    logs = [found["log_end"] for found in cell["failures"] if found["log_end"]]
    return {
        "name": cell["label"],
        "workload": cell["workload"],
        "conditions": words.tell(
            particulars(
                [
                    str(cell["device"]),
                    phrase("batch size {size}", size=cell["batch_size"]),
                    threads(cell["threads"]),
                ]
            )
        ),
        "glyph": glyph,
        "status": status,
        "code": cell["code"] or NOTHING,
        "reason": words.tell(cell["reason_parts"]),
        "log_end": logs[-1] if logs else "",
    }


def _lost(cell: Table, lost: Table, words: Language) -> Table:
    """A failed process of a row that has numbers from other processes: shown, never dropped."""
    where = words.say(
        "{name} pass, block {block}, attempt {attempt}",
        name=lost["pass"],
        block=lost["block"],
        attempt=lost["attempt"],
    )
    entry = _failure({**cell, **{key: lost[key] for key in ("status", "code")}}, words)
    return {**entry, "conditions": where, "reason": lost["reason"], "log_end": lost["log_end"]}


def _mean(cell: Table) -> float:
    found = cell["throughput_samples_per_s"]
    return float(found["mean"]) if found else 0.0


def _order(cell: Table) -> tuple[float, float, str]:
    return (cell["rank"] or float("inf"), -_mean(cell), cell["label"])
