"""Sentences that can be said in another language: a template with named fields, and what goes into them.

Analysis and guidance decide *what* is said; a report decides in which language. So a sentence travels as its English
template, which is also its key in the message catalogue, beside the values of its fields.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


def _as_written(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Phrase:
    """One sentence or term.

    Attributes:
        text: the English template, ``str.format`` style with named fields only: "{row} is faster by {gap}".
        params: by field name: text that is the same in every language (a row's name, a formatted number), or another
            phrase, which is translated too.
    """

    text: str
    params: Mapping[str, str | Phrase] = field(default_factory=dict)

    def render(self, translate: Callable[[str], str] = _as_written) -> str:
        """The sentence in the language of ``translate``, a function from English template to template."""
        found = {
            name: value.render(translate) if isinstance(value, Phrase) else value for name, value in self.params.items()
        }
        return translate(self.text).format(**found)

    def __str__(self) -> str:
        return self.render()

    def to_json(self) -> dict[str, Any]:
        """Plain data: ``text`` and, where there are fields, ``params``."""
        params = {name: value.to_json() if isinstance(value, Phrase) else value for name, value in self.params.items()}
        return {"text": self.text, "params": params} if params else {"text": self.text}


def phrase(text: str, **params: object) -> Phrase:
    """A phrase whose fields are made text unless they are phrases themselves."""
    return Phrase(text, {name: value if isinstance(value, Phrase) else str(value) for name, value in params.items()})


def from_json(found: Mapping[str, Any]) -> Phrase:
    """The phrase that ``to_json`` wrote."""
    params = found.get("params", {})
    return Phrase(
        str(found["text"]),
        {name: from_json(value) if isinstance(value, Mapping) else str(value) for name, value in params.items()},
    )


def marked(text: str) -> str:
    """The text itself; marks a word that is stored as it is and translated where it is shown (gettext's ``N_``)."""
    return text


def verbatim(text: object) -> Phrase:
    """Text that is the same in every language: a name, or what a record holds."""
    return Phrase("{text}", {"text": str(text)}) if str(text) else UNSAID


def spoken(key: str, said: Phrase) -> dict[str, Any]:
    """A sentence for ``report.json``: in English under ``key``, and as data for other languages under ``key_parts``."""
    return {key: str(said), f"{key}_parts": said.to_json()}


def sentences(parts: Sequence[Phrase]) -> Phrase:
    """Sentences one after the other."""
    return _folded(marked("{first} {rest}"), parts)


def clauses(parts: Sequence[str | Phrase]) -> Phrase:
    """Parts with semicolons between them."""
    return _folded(marked("{first}; {rest}"), parts)


def enumerated(parts: Sequence[str | Phrase]) -> Phrase:
    """ "a, b, c"."""
    return _folded(marked("{first}, {rest}"), parts)


def particulars(parts: Sequence[str | Phrase]) -> Phrase:
    """ "a, b, c" where a, b and c are facts and not names; some languages put another comma there."""
    return _folded(marked("{one}, {more}"), parts)


def listed(parts: Sequence[str | Phrase]) -> Phrase:
    """ "a, b and c"."""
    if len(parts) < 2:
        return enumerated(parts)
    return phrase("{names} and {last}", names=enumerated(parts[:-1]), last=parts[-1])


def some(
    names: Sequence[str | Phrase], all_of: Callable[[Sequence[str | Phrase]], Phrase] = listed, most: int = 6
) -> Phrase:
    """The first names of a list that may be long, and how many more there are; a short one as ``all_of`` says it."""
    if len(names) <= most:
        return all_of(names)
    return phrase("{names} and {count} more", names=enumerated(names[:most]), count=len(names) - most)


def _folded(template: str, parts: Sequence[str | Phrase]) -> Phrase:
    """Parts joined by a template of two fields, in halves, so that a long list is not a deep one."""
    if not parts:
        return UNSAID
    if len(parts) == 1:
        return parts[0] if isinstance(parts[0], Phrase) else verbatim(parts[0])
    middle = len(parts) // 2
    first, rest = (name.partition("}")[0] for name in template.split("{")[1:])
    return Phrase(template, {first: _folded(template, parts[:middle]), rest: _folded(template, parts[middle:])})


UNSAID = Phrase("")
"""No sentence."""
