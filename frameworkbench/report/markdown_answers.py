"""What a reader decides by, as Markdown: guidance for the common cases, claims put to the test, and stated facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..phrase import enumerated, marked
from .advice import answers_by_case
from .markdown_text import bullets, escape, folded, heading, strong, table
from .messages import Language
from .text import NOTHING

Table = Mapping[str, Any]

MOST_ROWS = 2000
"""Rows up to which the common cases are answered here: it takes seconds, and more rows are not read as text."""

_COMMAND = "`frameworkbench advise`"
_MOST_COLUMNS = 5
"""Frameworks in one table of facts; more of them get another table."""

_LONGEST_MESSAGE = 120

_STOPS = {
    "stage": marked("when the batch is handed over"),
    "step": marked("in the step"),
    "loss": marked("when the loss is read"),
    "": marked("nowhere"),
}
_NAMED = {
    (True, True): marked("both widths"),
    (True, False): marked("the right width only"),
    (False, True): marked("the wrong width only"),
    (False, False): marked("neither width"),
}


def guidance_section(advice: Table | None, words: Language) -> str:
    """For each common case at most three sentences that answer, with the reason or what the choice turns on.

    Args:
        advice: what ``guidance_table`` made; None for a run that is too large for it.
        words: the language.
    """
    title = heading(2, words.say("Which one for which case?"))
    if advice is None or len(advice["rows"]) > MOST_ROWS:
        large = words.say("This run is too large for ready answers here. For your case: {command}", command=_COMMAND)
        return f"{title}\n\n{large}"
    note = words.say(
        "Answers for common cases, from this run's figures and the facts below. A framework is named only where it "
        "stays "
        "first in at least four of five trials with other weights and measurement noise. For your own case: {command}",
        command=_COMMAND,
    )
    parts = [title, note]
    parts += [f"{strong(escape(case))}\n\n{bullets(said)}" for case, said in answers_by_case(dict(advice), words)]
    return "\n\n".join(parts)


def claims_section(claims: Sequence[Table], words: Language) -> str:
    """Published claims with their verdicts, and how each is tested; nothing where there are none."""
    if not claims:
        return ""
    head = (words.say("Claim"), words.say("Verdict"), words.say("Why"))
    rows = [(words.tell(claim["claim"]), words.tell(claim["verdict"]), words.tell(claim["reason"])) for claim in claims]
    tests = [f"- {strong(escape(words.tell(claim['claim'])))} {escape(words.tell(claim['how']))}" for claim in claims]
    sources = [found["source"] for claim in claims for found in (*claim["facts"], *claim["statements"])]
    parts = [
        heading(2, words.say("Published claims, put to the test")),
        table(head, rows),
        folded(words.say("How each claim is tested, and what would decide it"), "\n".join(tests)),
    ]
    if sources:
        parts.append(folded(words.say("Sources"), bullets(dict.fromkeys(sources))))
    return "\n\n".join(parts)


def facts_section(advice: Table, words: Language) -> str:
    """What is stated of each framework, with source and date; nothing where nothing is."""
    names = list(advice["facts"])
    if not names:
        return ""
    note = words.say(
        "Stated, not measured; each with its source and the day on which somebody looked. ⌛ marks what was checked "
        "more than a year before the run."
    )
    parts = [heading(2, words.say("Facts that are stated, not measured")), escape(note)]
    for start in range(0, len(names), _MOST_COLUMNS):
        parts.append(_facts(advice, names[start : start + _MOST_COLUMNS], words))
    return "\n\n".join([*parts, folded(words.say("Sources"), bullets(_sources(advice, words)))])


def writing_section(writing: Mapping[str, Table], words: Language) -> str:
    """How long each adapter is, and what each mode says to a wrong shape; nothing where there are none.

    Args:
        writing: by adapter, what ``shipped_writing`` holds.
        words: the language.
    """
    if not writing:
        return ""
    head = (
        words.say("Framework and mode"),
        words.say("Lines"),
        words.say("Stops"),
        words.say("Message names"),
        words.say("Message"),
    )
    note = words.say(
        "Lines of the adapter that are not blank (all adapters cover the same layers and duties), and what a training "
        "step on inputs of the wrong width says"
    )
    rows = [row for name, found in sorted(writing.items()) for row in _writing(name, found, words)]
    title = heading(3, words.say("Ease of writing, as far as it can be measured"))
    return f"{title}\n\n{escape(note)}\n\n{table(head, rows)}"


def _writing(name: str, found: Table, words: Language) -> Iterator[tuple[str, ...]]:
    lines = str(found["lines"])
    if not found["wrong_shapes"]:
        yield (name, lines, words.say("not measured"), NOTHING, NOTHING)
    for said in found["wrong_shapes"]:
        kind, message = said["type"].rpartition(".")[2], " ".join(said["first_lines"])
        message = message if message.startswith(kind) else f"{kind}: {message}"
        short = message if len(message) <= _LONGEST_MESSAGE else message[:_LONGEST_MESSAGE].rstrip() + "…"
        named = words.translate(_NAMED[said["names_expected"], said["names_received"]])
        stops = words.translate(_STOPS.get(said["where"], said["where"]))
        yield (f"{name}:{said['mode']}", lines, stops, named, short if said["where"] else NOTHING)


def _facts(advice: Table, names: Sequence[str], words: Language) -> str:
    head = (words.say("Fact"), *(escape(advice["adapters"][name]["title"]) for name in names))
    rows = [
        (words.translate(topic["title"]), *(_value(advice["facts"][name].get(key), topic, words) for name in names))
        for key, topic in advice["topics"].items()
    ]
    return table(head, rows)


def _value(fact: Table | None, topic: Table, words: Language) -> str:
    if fact is None:
        return NOTHING
    known = topic["words"]
    values = [words.translate(known.get(value, value)) for value in fact["value"]]
    told = words.tell(enumerated(values))
    return f"{told} ⌛" if fact["stale"] else told


def _sources(advice: Table, words: Language) -> Iterator[str]:
    for name, facts in advice["facts"].items():
        title = advice["adapters"][name]["title"]
        for key, fact in facts.items():
            yield words.say(
                "{framework}, {topic}: {source} (checked {day})",
                framework=title,
                topic=words.translate(advice["topics"][key]["title"]) if key in advice["topics"] else key,
                source=fact["source"],
                day=fact["checked"],
            )
