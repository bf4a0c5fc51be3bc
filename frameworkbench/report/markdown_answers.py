"""What a reader decides by, as Markdown: guidance for the common cases, claims put to the test, and stated facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..guidance import advise
from ..phrase import enumerated
from .markdown_text import bullets, escape, folded, heading, strong, table
from .messages import Language
from .text import NOTHING

Table = Mapping[str, Any]

_MOST_COLUMNS = 5
"""Frameworks in one table of facts; more of them get another table."""


def guidance_section(advice: Table, words: Language) -> str:
    """For each common case at most three sentences that answer, with the reason or what the choice turns on.

    Args:
        advice: what ``guidance_table`` made.
        words: the language.
    """
    note = words.say(
        "Answers for common cases, from this run's figures and the facts below. A framework is named only where it "
        "stays "
        "first in at least four of five trials with other weights and measurement noise. For your own case: {command}",
        command="`frameworkbench advise`",
    )
    parts = [heading(2, words.say("Which one for which case?")), note]
    for preset in advice["presets"]:
        found = advise(advice, preset["answers"])
        said = [words.tell(sentence.said) for sentence in found.headlines]
        parts.append(f"{strong(escape(words.translate(preset['text'])))}\n\n{bullets(said)}")
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
