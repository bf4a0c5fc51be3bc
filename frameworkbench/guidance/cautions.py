"""What weakens an answer: every reason not to take it at its word, the grave ones first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..phrase import Phrase, listed
from .case import Case
from .comparing import by_weight, ratio, shared
from .saying import Link, Sentence, cell, fact, percent, times, unique
from .table import REAL
from .trials import BROKEN, Aside, best_row
from .turning import METHODS

_MAINTENANCE = "maintenance"
_RETIRED = "retired"
_ACTIVE = "active"
# A criterion that was asked for with so much weight and not measured changes what the answer means.
_MUCH = 0.25


@dataclass(frozen=True, slots=True)
class Caution:
    """One reason; ``grave`` ones belong beside the answer itself."""

    sentence: Sentence
    grave: bool


def cautions(case: Case) -> list[Caution]:
    """All of them, grave ones first."""
    found = [
        *_unstated(case),
        *_data(case),
        *_conditions(case),
        *_asides(case),
        *_dropped(case),
        *_facts(case),
        *_convergence(case),
        *_modes(case),
        *_methods(case),
        *_always(case),
    ]
    return [one for one in found if one.grave] + [one for one in found if not one.grave]


def retired_rows(case: Case) -> list[Sentence]:
    """What retired frameworks that were let in still do here, against the first."""
    found = []
    for name in _in_state(case, _RETIRED):
        rows = [row for row in case.table["rows"] if row["adapter"] == name and row["group"] in case.conditions.groups]
        proved = [row for row in rows if row["status"] == "ok"]
        leader = case.order[0] if case.order else name
        speed = ratio(case, "throughput", shared(case, name, leader))
        if rows and name != leader and speed is not None:
            said = case.voice.say(
                "retired",
                title=case.voice.title(name),
                checked=case.table["facts"][name][_MAINTENANCE]["checked"],
                proved=len(proved),
                count=len(rows),
                ratio=times(speed.middle),
                first=case.voice.title(leader),
            )
            found.append(Sentence(said, unique([fact(name, _MAINTENANCE), *map(cell, rows)])))
    return found


def _unstated(case: Case) -> list[Caution]:
    """Facts that were asked for and that nobody states of a framework: it was let through unchecked."""
    return [
        Caution(
            Sentence(case.voice.say("unknown", fact=case.voice.topic(key), names=case.voice.titles(names))),
            any(name in case.named for name in names),
        )
        for key, names in case.filtered.unknown.items()
    ]


def _data(case: Case) -> list[Caution]:
    """Generated stand-ins."""
    groups = [one.group for one in case.played if case.table["groups"][one.group]["data"] != REAL]
    if not groups:
        return []
    said = case.voice.say("synthetic", workloads=_workloads(case, groups))
    return [Caution(Sentence(said, _cells_of(case, groups)), True)]


def _conditions(case: Case) -> list[Caution]:
    """Wanted conditions that were not measured, and comparisons in which the report names no winner."""
    voice = case.voice
    found = []
    if case.table["run"] is not None:
        for choice in (*case.conditions.partly, *(() if case.played else case.conditions.given_up)):
            wanted = listed([voice.word(value) for values in choice.option["select"].values() for value in values])
            found.append(Caution(Sentence(voice.say("partly", wanted=wanted)), True))
    for code, groups in case.codes.items():
        reason = Phrase(case.table["texts"].get(code, case.table["texts"]["unnamed"]))
        said = voice.say("code", workloads=_workloads(case, groups), reason=reason)
        # With all else as wanted, the answer itself begins with this.
        found.append(Caution(Sentence(said, _cells_of(case, groups)), bool(case.conditions.given_up)))
    return found


def _asides(case: Case) -> list[Caution]:
    """Rows that are not weighed, one sentence for each reason and workload."""
    sets: dict[tuple[str, ...], list[Aside]] = {}
    for aside in case.asides:
        workload = str(case.table["groups"][aside.row["group"]]["workload"])
        coded = aside.why in ("invalid", "not_ok")
        state = (str(aside.row["status"]), str(aside.row["code"])) if coded else ("", "")
        sets.setdefault((aside.why, workload, aside.criterion, *state), []).append(aside)
    found = []
    for (why, workload, criterion, status, code), members in sets.items():
        labels = listed(list(dict.fromkeys(str(aside.row["label"]) for aside in members)))
        links = unique(cell(aside.row) for aside in members)
        params: dict[str, object] = {"row": labels, "workload": workload}
        if why == "incomplete":
            params["criterion"] = case.voice.criterion(criterion)
        if why == "not_ok":
            params |= {"status": status, "code": code or "–"}
        if why == "invalid":
            params["code"] = code
        found.append(Caution(Sentence(case.voice.say(why, **params), links), why in BROKEN))
    return found


def _dropped(case: Case) -> list[Caution]:
    """Criteria that were asked for and measured nowhere."""
    if not case.played:
        return []
    used = by_weight(case)
    lost = [key for key, weight in case.weights.items() if weight > 0.0 and key not in used]
    if not lost:
        return []
    said = case.voice.say("dropped", criteria=listed([case.voice.criterion(key) for key in lost]))
    return [Caution(Sentence(said), sum(case.weights[key] for key in lost) >= _MUCH)]


def _facts(case: Case) -> list[Caution]:
    """Facts about the named frameworks that are stale or speak against them."""
    voice, table = case.voice, case.table
    needed = list(dict.fromkeys(need["fact"] for choice in case.chosen for need in choice.option["needs"]))
    found = []
    for name in case.named:
        stated = table["facts"].get(name, {})
        for key in dict.fromkeys([*needed, _MAINTENANCE]):
            if key in stated and stated[key]["stale"]:
                said = voice.say(
                    "stale", fact=voice.topic(key), title=voice.title(name), checked=stated[key]["checked"]
                )
                found.append(Caution(Sentence(said, (fact(name, key),)), True))
        state = stated.get(_MAINTENANCE)
        if state is not None and state["value"] != [_ACTIVE]:
            said = voice.say(
                "retired_only" if state["value"] == [_RETIRED] else "state",
                title=voice.title(name),
                checked=state["checked"],
                **({} if state["value"] == [_RETIRED] else {"state": voice.value(name, _MAINTENANCE)}),
            )
            found.append(Caution(Sentence(said, (fact(name, _MAINTENANCE),)), state["value"] == [_RETIRED]))
    if needed:
        links = [fact(name, key) for name in case.named for key in needed if key in table["facts"].get(name, {})]
        said = voice.say("by_facts", topics=listed([voice.topic(key) for key in needed]))
        found.append(Caution(Sentence(said, unique(links)), False))
    return found


def _convergence(case: Case) -> list[Caution]:
    """Rows of named frameworks whose accuracy ended outside what the reference reaches."""
    found = []
    for one in case.played:
        for row in one.rows:
            if "convergence" in row["flags"] and row["adapter"] in case.candidates:
                workload = case.table["groups"][one.group]["workload"]
                said = case.voice.say("convergence", row=row["label"], workload=workload)
                found.append(Caution(Sentence(said, (cell(row),)), True))
    return found


def _modes(case: Case) -> list[Caution]:
    """Rows that put a framework in front and that the report does not rank against others."""
    best = [(one, best_row(one, name)) for one in case.played for name in case.candidates]
    rows = [one.rows[index] for one, index in best if index is not None and not one.rows[index]["main"]]
    if not rows:
        return []
    labels = sorted({str(row["label"]) for row in rows})
    return [Caution(Sentence(case.voice.say("modes", rows=listed(labels)), unique(map(cell, rows))), False)]


def _methods(case: Case) -> list[Caution]:
    """Where another method would put another framework first, and where a worse row decides."""
    voice = case.voice
    found = []
    for method in METHODS[1:]:
        others: dict[str, list[int]] = {}
        for one, firsts in zip(case.played, case.methods, strict=False):
            if firsts[method] != firsts[METHODS[0]]:
                others.setdefault(firsts[method], []).append(one.group)
        for name, groups in others.items():
            said = voice.say("method", method=method, title=voice.title(name), workload=_workloads(case, groups))
            found.append(Caution(Sentence(said, _cells_of(case, groups)), False))
    for reversal in case.reversals:
        said = voice.say(
            "reversal",
            removed=reversal.removed,
            method=reversal.method,
            title=voice.title(reversal.after),
            workload=case.table["groups"][reversal.group]["workload"],
        )
        found.append(Caution(Sentence(said, _cells_of(case, [reversal.group])), False))
    return found


def _always(case: Case) -> list[Caution]:
    """What holds for every answer from one run."""
    voice = case.voice
    found = []
    weighed = {row["adapter"] for row in case.table["rows"]}
    unmeasured = [name for name in case.filtered.kept if name not in weighed]
    if case.played and unmeasured:
        found.append(Caution(Sentence(voice.say("fits_unmeasured", names=voice.titles(unmeasured))), False))
    if not case.played:
        return found
    constants = case.table["constants"]
    halves = {name: percent(float(constants[f"{name}_spread"])) for name in ("start", "memory")}
    if any(key in ("first_step_warm", "first_step_cold", "memory") for key in by_weight(case)):
        found.append(Caution(Sentence(voice.say("assumed", **halves)), False))
    found.append(Caution(Sentence(voice.say("unverified")), False))
    return found


def _in_state(case: Case, state: str) -> list[str]:
    stated = case.table["facts"]
    return [name for name in case.filtered.kept if stated.get(name, {}).get(_MAINTENANCE, {}).get("value") == [state]]


def _workloads(case: Case, groups: Sequence[int]) -> Phrase:
    return listed(sorted({str(case.table["groups"][index]["workload"]) for index in groups}))


def _cells_of(case: Case, groups: Sequence[int]) -> tuple[Link, ...]:
    return unique(cell(row) for one in case.played if one.group in groups for row in one.rows)
