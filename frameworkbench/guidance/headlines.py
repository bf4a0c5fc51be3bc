"""The answer: at most three sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ..phrase import Phrase, clauses, enumerated, listed
from .case import Case
from .cautions import Caution
from .comparing import uncertain, why
from .saying import Link, Sentence, answer, cell, fact, percent, thousands, unique
from .selection import Choice, Table
from .turning import Turn

# A mode is named alone when the framework owes it this share of its first places, and at all from the lesser share on.
_OWN = 0.8
_SOME = 0.1
_MOST_GRAVE = 2
_TURNING = ("family", "task", "device", "precision", "workload")
_PRECISIONS = ("precision", "float32", ("tf32", "bfloat16"))


def headlines(case: Case, cautions: Sequence[Caution], retired: Sequence[Sentence]) -> list[Sentence]:
    """The answer, what it rests or turns on, and what must be known beside it."""
    found = [_answer(case), _grounds(case), _beside(case, cautions, retired)]
    return [one for one in found if one is not None]


def summary(case: Case) -> Sentence:
    """Because you said so and so, that many are left."""
    voice, left = case.voice, case.filtered
    asked = [choice for choice in case.chosen if choice.option["needs"] or choice.option["modes"]]
    counts = {"count": len(case.table["adapters"]), "kept": len(left.kept)}
    links = [answer(choice) for choice in asked]
    for name, found in left.out.items():
        links += [fact(name, one.fact) for one in found if one.fact]
    if not asked:
        return Sentence(voice.say("said_nothing", count=counts["count"]))
    said = voice.quoted(asked)
    if not left.out:
        return Sentence(voice.say("said_all", answers=said, count=counts["count"]), unique(links))
    return Sentence(voice.say("said", answers=said, names=voice.titles(left.out), **counts), unique(links))


def conditions_named(case: Case) -> tuple[Phrase, Phrase]:
    """What was wanted and not measured, and what stands in for it."""
    voice = case.voice
    wanted = [word for choice in case.conditions.given_up for word in _wanted(case, choice)]
    groups = [case.table["groups"][index] for index in case.conditions.groups]
    used = [voice.word(value) for axis in ("task", "device", "precision") for value in _distinct(groups, axis)]
    return listed(wanted), enumerated(used)


def _wanted(case: Case, choice: Choice) -> list[Phrase]:
    return [case.voice.word(value) for values in choice.option["select"].values() for value in values]


def _distinct(groups: Sequence[Table], axis: str) -> list[str]:
    return sorted({str(group[axis]) for group in groups})


def _answer(case: Case) -> Sentence:
    voice = case.voice
    if not case.filtered.kept:
        return Sentence(voice.say("none"), unique(answer(choice) for choice in case.chosen if choice.option["needs"]))
    if not case.played or case.trials is None:
        if case.conditions.groups and case.table["run"]:
            names = voice.titles(case.filtered.kept)
            return Sentence(voice.say("unweighed", names=names), unique(cell(one.row) for one in case.asides))
        return Sentence(voice.say("facts", names=voice.titles(case.filtered.kept)), _fact_links(case))
    trials = case.trials
    count = thousands(trials.count)
    count = count if len(case.played) == 1 else f"{len(case.played)} × {count}"
    shares = listed(
        [
            voice.say("share_more" if place else "share", title=voice.title(name), share=percent(trials.first[name]))
            for place, name in enumerate(case.candidates)
        ]
    )
    links = _cells(case, case.candidates)
    alone = voice.title(case.order[0]) if len(case.order) == 1 else None
    if case.conditions.given_up:
        wanted, used = conditions_named(case)
        if alone:
            return Sentence(voice.say("hint_only", wanted=wanted, used=used, title=alone), links)
        return Sentence(voice.say("hint", wanted=wanted, used=used, shares=shares, trials=count), links)
    if case.codes:
        reasons = [Phrase(case.table["texts"].get(code, case.table["texts"]["unnamed"])) for code in case.codes]
        if alone:
            return Sentence(voice.say("denied_only", reason=listed(reasons), title=alone), links)
        return Sentence(voice.say("denied", reason=listed(reasons), shares=shares, trials=count), links)
    if case.pick is None:
        firm = percent(float(case.table["constants"]["firm"]))
        names = voice.titles(case.candidates)
        return Sentence(voice.say("open", names=names, shares=shares, trials=count, firm=firm), links)
    title, modes = voice.title(case.pick), voice.either(modes_of(case, case.pick))
    if alone:
        return Sentence(voice.say("only", title=title, modes=modes), links)
    share = percent(trials.first[case.pick])
    return Sentence(voice.say("firm", title=title, modes=modes, share=share, trials=count), links)


def modes_of(case: Case, adapter: str) -> list[str]:
    """The modes to which a framework owes its first places, the best first."""
    shares: dict[str, float] = {}
    for one in case.played:
        for index in one.of(adapter):
            row = one.rows[index]
            share = case.trials.rows[row["key"]] if case.trials else 0.0
            shares[row["mode"]] = shares.get(row["mode"], 0.0) + share / len(case.played)
    total = sum(shares.values())
    ordered = sorted(shares, key=lambda mode: (-shares[mode], mode))
    if total <= 0.0 or shares[ordered[0]] >= _OWN * total:
        return ordered[:1]
    return [mode for mode in ordered if shares[mode] >= _SOME * total]


def _grounds(case: Case) -> Sentence | None:
    """What the answer rests on or turns on."""
    if not case.filtered.kept:
        return _without(case)
    if not case.played or case.conditions.given_up:
        return summary(case)
    if case.pick is not None:
        return why(case, case.pick, case.order[1]) if len(case.order) > 1 else summary(case)
    if case.turn is not None:
        return turned(case, case.turn)
    return why(case, case.order[0], case.order[1]) if len(case.order) > 1 else None


def turned(case: Case, found: Turn) -> Sentence:
    """What the choice turns on, in words."""
    voice = case.voice
    first, second = voice.title(found.first), voice.title(found.second)
    links = _cells(case, (found.first, found.second))
    if found.parts:
        return Sentence(_parts(case, found), unique([{"answer": "family"}, *links]))
    if found.kind == "equal":
        return Sentence(voice.say("turn_equal", first=first, second=second), links)
    criterion = voice.criterion(found.criterion)
    if found.flip is None:
        comparison = uncertain(case, found.criterion, found.first, found.second)
        if comparison is None:
            return Sentence(voice.say("turn_noise", criterion=criterion, first=first, second=second), links)
        return Sentence(voice.say("turn_noise_by", comparison=comparison, first=first, second=second), links)
    now, then = percent(found.flip.now), percent(found.flip.then)
    key = next(one["question"] for one in case.table["criteria"] if one["key"] == found.criterion)
    question = Phrase(next(one["text"] for one in case.table["questions"] if one["key"] == key))
    said = voice.say(
        "turn_weight", criterion=criterion, question=question, now=now, then=then, first=first, second=second
    )
    return Sentence(said, unique([{"answer": key}, *links]))


def _parts(case: Case, found: Turn) -> Phrase:
    """Who is first under which conditions: by the first axis on which the comparisons of all differ."""
    voice = case.voice
    members = [[case.table["groups"][index] for index in groups] for _, groups in found.parts]
    axis = next((axis for axis in _TURNING if _apart([_distinct(groups, axis) for groups in members])), "workload")
    parts = [
        voice.say("turn_part", title=voice.title(name), models=listed(list(map(voice.word, _distinct(groups, axis)))))
        for (name, _), groups in zip(found.parts, members, strict=True)
    ]
    text = "turn_lean" if found.kind == "lean" else "turn_family" if axis == "family" else "turn_conditions"
    return voice.say(text, parts=clauses(parts))


def _apart(values: Sequence[Sequence[str]]) -> bool:
    """Whether no value stands in two of the lists; a model of an unknown kind tells nothing apart."""
    found = [value for one in values for value in one]
    return len(set(found)) == len(found) and "other" not in found


def _beside(case: Case, cautions: Sequence[Caution], retired: Sequence[Sentence]) -> Sentence | None:
    """Grave cautions, else what retired frameworks still do if that was asked, else who was left out and why."""
    grave = [one.sentence for one in cautions if one.grave][:_MOST_GRAVE]
    command = _command(case)
    if command is not None:
        grave = [*grave[: _MOST_GRAVE - 1], Sentence(case.voice.say("measure", command=command))]
    if grave:
        said = grave[0].said
        for one in grave[1:]:
            said = case.voice.say("sentences", first=said, rest=one.said)
        return Sentence(said, unique(link for one in grave for link in one.links))
    if retired and any(choice.question == "ecosystem" for choice in case.chosen):
        return retired[0]
    if case.played and case.filtered.kept and len(case.order) > 1:
        return summary(case)
    return None


def _command(case: Case) -> str | None:
    """What to type to measure what was asked for and is missing; None where nothing is, or this tool cannot."""
    if (case.played and not case.conditions.given_up) or not case.filtered.kept:
        return None
    asked = [choice for choice in case.chosen if choice.option["select"]]
    values = {axis: found for choice in asked for axis, found in choice.option["select"].items()}
    words = ["frameworkbench run"]
    for axis, usual, known in (("task", "train", ("infer",)), ("device", "cpu", ("cuda",)), _PRECISIONS):
        wanted = values.get(axis, (usual,))
        if usual not in wanted:
            if not set(wanted) <= set(known):
                return None
            words.append(f"--{axis} {wanted[-1]}")
    return " ".join(words)


def _without(case: Case) -> Sentence | None:
    """The answer without which the most frameworks would be left."""
    best: tuple[int, Choice, list[str]] | None = None
    for choice in case.chosen:
        names = [name for name, found in case.filtered.out.items() if all(one.choice == choice for one in found)]
        if names and (best is None or len(names) > best[0]):
            best = (len(names), choice, names)
    if best is None:
        return None
    _, choice, names = best
    said = case.voice.say("without", answer=Phrase(choice.option["text"]), names=case.voice.titles(names))
    return Sentence(said, (answer(choice),))


def _cells(case: Case, adapters: Sequence[str]) -> tuple[Link, ...]:
    return unique(cell(one.rows[index]) for one in case.played for name in adapters for index in one.of(name))


def _fact_links(case: Case) -> tuple[Link, ...]:
    needed = [need["fact"] for choice in case.chosen for need in choice.option["needs"]]
    stated = case.table["facts"]
    return unique(fact(name, key) for name in case.filtered.kept for key in needed if key in stated.get(name, {}))
