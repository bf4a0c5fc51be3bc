"""Claim files, read and checked at the edge."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from ..content import content_dir
from ..errors import SpecError
from ..spec.fields import Fields
from ..written_files import read_toml

SCHEMA = 1

# What a test can be, and the keys that it takes: name → type, or type and default.
_NUMBER, _WORD, _COUNT = float, str, int
TESTS: Mapping[str, Mapping[str, type]] = {
    "accuracy": {"workload": _WORD, "target": _NUMBER, "tolerance": _NUMBER, "epochs": _COUNT},
    "accuracy-order": {"better": _WORD, "worse": _WORD},
    "modes": {"faster": list, "slower": list},
    "first-in-class": {"adapter": _WORD, "mode_class": _WORD},
    "parity": {},
    "jitter": {"limit": _NUMBER},
    "finite-differences": {"measured": _WORD, "cost": _NUMBER},
    "facts": {},
    "none": {"reason": _WORD},
}
SAYS = ("supports", "contradicts")


@dataclass(frozen=True, slots=True)
class Stated:
    """Evidence that is no measurement.

    Either a fact of an adapter (``adapter``, ``key``, and the ``value`` it must still have or contain), or a sentence
    (``text``) with its ``source`` and the day it was ``checked``. ``says`` is what it means for the claim.
    """

    says: str
    adapter: str = ""
    key: str = ""
    value: str = ""
    text: str = ""
    source: str = ""
    checked: date | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim and its test.

    Attributes:
        name: the file's name.
        number: its place in lists.
        text: the claim in our words.
        said_by: who said it: identifiers of articles.
        how: how it is tested, in words; every limit stands there.
        test: kind of the test, a key of ``TESTS``.
        options: what the test takes.
        stated: facts and sentences, for the test "facts" and beside others.
    """

    name: str
    number: int
    text: str
    said_by: tuple[str, ...]
    how: str
    test: str
    options: Mapping[str, Any]
    stated: tuple[Stated, ...]

    @property
    def kind(self) -> str:
        """ "measured", "fact", or "none" where it cannot be tested here."""
        return {"facts": "fact", "none": "none"}.get(self.test, "measured")


@cache
def shipped_claims() -> tuple[Claim, ...]:
    """All shipped claims in order."""
    return load_claims(content_dir("claims"))


def load_claims(folder: Path) -> tuple[Claim, ...]:
    """All claims of a folder, by their numbers.

    Raises:
        SpecError: a file is wrong, or two have one number.
    """
    found: dict[int, Claim] = {}
    for path in sorted(folder.glob("*.toml")):
        claim = load_claim(path)
        if claim.number in found:
            raise SpecError(f"{path}: number", "taken", expected="distinct numbers", received=claim.number)
        found[claim.number] = claim
    return tuple(found[number] for number in sorted(found))


def load_claim(path: Path) -> Claim:
    """Read one claim file.

    Raises:
        SpecError: it cannot be read, or a key is missing, unknown, of the wrong type or out of range.
    """
    fields = Fields(read_toml(path), str(path))
    fields.schema(SCHEMA)
    test = fields.table("test")
    kind = test.choice("kind", tuple(TESTS))
    options: dict[str, Any] = {key: test.required(key, wanted) for key, wanted in TESTS[kind].items()}
    test.done()
    claim = Claim(
        name=path.stem,
        number=fields.positive("number"),
        text=fields.required("text", str),
        said_by=_texts(fields, "said_by"),
        how=fields.required("how", str),
        test=kind,
        options=options,
        stated=tuple(
            _stated(value, f"{path}: stated[{n}]") for n, value in enumerate(fields.optional("stated", list, []))
        ),
    )
    fields.done()
    if kind == "facts" and not claim.stated:
        raise SpecError(f"{path}: stated", "missing", expected="at least one fact or sentence with its source")
    return claim


def _stated(value: Any, where: str) -> Stated:
    fields = Fields(value, where)
    says = fields.choice("says", SAYS)
    if fields.has("text"):
        checked = fields.raw("checked")
        if type(checked) is not date:
            raise SpecError(f"{where}: checked", "not a date", expected="a date without quotes", received=checked)
        text, source = fields.required("text", str), fields.required("source", str)
        found = Stated(says, text=text, source=source, checked=checked)
    else:
        adapter, key, wanted = (fields.required(name, str) for name in ("adapter", "key", "value"))
        found = Stated(says, adapter, key, wanted)
    fields.done()
    return found


def _texts(fields: Fields, key: str) -> tuple[str, ...]:
    values = fields.required(key, list)
    if not values or not all(isinstance(value, str) for value in values):
        raise SpecError(f"{fields.where}: {key}", "not usable", expected="a list of texts, not empty", received=values)
    return tuple(values)
