"""Reports in more than one language: one message catalogue per language, read with the standard library's gettext.

The English text is its own key. A sentence from analysis comes as a ``Phrase``; text that a report adds itself is said
through ``Language.say``. What a record holds, such as a failure's reason or the end of a log, stays as it was recorded.

Catalogues lie in ``locale/LANGUAGE/LC_MESSAGES/frameworkbench.po`` (edited by people) and ``.mo`` (made from it by
``make messages``, which also collects new texts from Python, templates and the page's script).
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..phrase import Phrase, from_json

SOURCE = "en"
LANGUAGES = {SOURCE: "English", "zh": "中文"}
DOMAIN = "frameworkbench"
LOCALE_DIR = Path(__file__).with_name("locale")


@dataclass(frozen=True, slots=True)
class Language:
    """One language of a report.

    Attributes:
        code: "en" or "zh"; also the page's ``lang``.
        translate: from an English text or template to that of this language; an unknown text comes back as it is.
    """

    code: str
    translate: Callable[[str], str]

    def say(self, text: str, /, **fields: object) -> str:
        """A template in this language with its fields filled in; phrases in fields are translated too."""
        return self.tell(Phrase(text, {name: _field(value) for name, value in fields.items()}))

    def tell(self, said: Phrase | Mapping[str, Any]) -> str:
        """A sentence from analysis: a phrase, or its form in ``report.json`` (the keys that end in ``_parts``)."""
        found = said if isinstance(said, Phrase) else from_json(said)
        return found.render(self.translate)


ENGLISH = Language(SOURCE, str)


@cache
def language(code: str) -> Language:
    """A language by its code.

    Raises:
        UsageError: there is none of that code.
    """
    if code not in LANGUAGES:
        raise UsageError(f"--lang: expected {' or '.join(LANGUAGES)}; received {code!r}")
    if code == SOURCE:
        return ENGLISH
    find = _messages(code).gettext
    # The empty text is a catalogue's header.
    return Language(code, lambda text: find(text) if text else "")


def check_languages(codes: Sequence[str]) -> tuple[str, ...]:
    """The languages that were asked for, each once; English if none was.

    Raises:
        UsageError: there is no such language.
    """
    return tuple(language(code).code for code in dict.fromkeys(codes or (SOURCE,)))


def translator(code: str) -> Callable[[str], str]:
    """From English text or template to that of a language."""
    return language(code).translate


def catalogue(code: str) -> dict[str, str]:
    """All translations of a language by their English text, for a page that changes its language; empty for English."""
    if language(code).code == SOURCE:
        return {}
    found: Mapping[str, str] = vars(_messages(code))["_catalog"]
    return {text: found[text] for text in sorted(found) if text}


@cache
def _messages(code: str) -> gettext.NullTranslations:
    return gettext.translation(DOMAIN, LOCALE_DIR, languages=[code])


def _field(value: object) -> str | Phrase:
    return value if isinstance(value, Phrase) else str(value)
