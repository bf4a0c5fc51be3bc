"""Why: what each answer did, what was measured between the first and the others, and who is left out."""

from __future__ import annotations

from ..phrase import Phrase, clauses, enumerated, listed, phrase
from .case import Case
from .comparing import why
from .saying import Link, Sentence, answer, cell, fact, percent, unique
from .selection import Choice
from .turning import smallest_flip

_MOST_OTHERS = 3


def because(case: Case) -> list[Sentence]:
    """ "Because measured …", what would change it, "because you said …" for each answer with an effect, and weights."""
    found: list[Sentence | None] = []
    leader = case.order[0] if case.order else None
    for other in case.order[1 : 1 + _MOST_OTHERS]:
        found.append(why(case, str(leader), other))
    if case.pick is not None:
        found.append(_flip(case))
    found += [_said(case, choice) for choice in case.chosen]
    if case.played:
        shares = [
            case.voice.say("weight", criterion=case.voice.criterion(key), share=percent(weight))
            for key, weight in case.weights.items()
            if weight > 0.0
        ]
        found.append(Sentence(case.voice.say("weights", weights=enumerated(shares))))
    return [one for one in found if one is not None]


def left_out(case: Case) -> list[tuple[str, Sentence]]:
    """Each framework that is not weighed, with the reason."""
    voice, table = case.voice, case.table
    found: list[tuple[str, Sentence]] = []
    for name, reasons in case.filtered.out.items():
        for one in reasons:
            said = Phrase(one.choice.option["text"])
            if one.fact is None:
                text = voice.say("out_modes", title=voice.title(name), answer=said)
                found.append((name, Sentence(text, (answer(one.choice),))))
                continue
            stated = table["facts"][name][one.fact]
            text = voice.say(
                "out_fact",
                title=voice.title(name),
                fact=voice.topic(one.fact),
                value=voice.value(name, one.fact),
                checked=stated["checked"],
                answer=said,
            )
            found.append((name, Sentence(text, (answer(one.choice), fact(name, one.fact)))))
    if not case.played:
        return found
    for name in case.filtered.kept:
        if name not in case.order:
            mine = [row for row in table["rows"] if row["adapter"] == name and row["group"] in case.conditions.groups]
            text = voice.say("out_status" if mine else "out_unmeasured", title=voice.title(name))
            found.append((name, Sentence(text, unique(map(cell, mine)))))
    return found


def _flip(case: Case) -> Sentence | None:
    found = smallest_flip(case.played, case.weights)
    if found is None:
        return None
    said = case.voice.say(
        "flip",
        criterion=case.voice.criterion(found.criterion),
        now=percent(found.now),
        then=percent(found.then),
        second=case.voice.title(found.second),
    )
    return Sentence(said)


def _said(case: Case, choice: Choice) -> Sentence | None:
    """What one answer did; None where it did nothing."""
    voice, option = case.voice, choice.option
    effects: list[str | Phrase] = []
    links: list[Link] = [answer(choice)]
    if option["needs"] or option["modes"]:
        names = [name for name, found in case.filtered.out.items() if any(one.choice == choice for one in found)]
        effects.append(voice.say("effect_out", names=voice.titles(names)) if names else voice.say("effect_all"))
        links += [fact(name, need["fact"]) for name in names for need in option["needs"]]
    if option["modes"]:
        effects.append(voice.say("effect_modes"))
    if option["select"] and case.table["run"] is not None:
        if choice in case.conditions.given_up or choice in case.conditions.partly or not case.conditions.groups:
            effects.append(voice.say("effect_unmeasured"))
        else:
            count, everything = len(case.conditions.groups), len(case.table["groups"])
            effects.append(voice.say("effect_select", count=count, all=everything))
    if option["weights"] and case.played:
        criteria = [voice.criterion(key) for key in option["weights"]]
        effects.append(voice.say("effect_weight", criteria=listed(criteria)))
    if not effects:
        return None
    return Sentence(
        phrase(case.table["texts"]["because"], answer=Phrase(option["text"]), effects=clauses(effects)), unique(links)
    )
