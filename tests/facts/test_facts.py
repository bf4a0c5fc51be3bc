"""Facts about frameworks: read with their sources, and every mistake named."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from frameworkbench.errors import SpecError
from frameworkbench.facts import VOCABULARY, Fact, read_facts, shipped_facts, stale
from frameworkbench.facts.vocabulary import read_vocabulary

GOOD = """
[facts.licence]
value = "Apache-2.0"
source = "https://example.org/LICENSE"
checked = 2026-11-26

[facts.accelerators]
value = ["nvidia", "google-tpu"]
source = "https://example.org/install"
checked = 2026-11-26
note = "TPU in the cloud only"
"""


def _folder(tmp_path: Path, text: str) -> Path:
    (tmp_path / "adapter.toml").write_text(text, encoding="utf-8")
    return tmp_path


def test_facts_are_read_with_their_sources(tmp_path: Path) -> None:
    """Value, source, date and note arrive; what is not stated is absent."""
    facts = read_facts(_folder(tmp_path, GOOD))

    day = date(2026, 11, 26)
    assert facts == {
        "licence": Fact("licence", "Apache-2.0", "https://example.org/LICENSE", day),
        "accelerators": Fact(
            "accelerators", ("nvidia", "google-tpu"), "https://example.org/install", day, "TPU in the cloud only"
        ),
    }
    assert facts["accelerators"].text == "NVIDIA, Google TPU"
    assert facts["licence"].values == ("Apache-2.0",)
    assert facts["accelerators"].to_json() == {
        "value": ["nvidia", "google-tpu"],
        "source": "https://example.org/install",
        "checked": "2026-11-26",
        "note": "TPU in the cloud only",
    }


def test_an_adapter_need_not_state_anything(tmp_path: Path) -> None:
    """A declaration without facts has none."""
    assert read_facts(_folder(tmp_path, 'name = "mine"\n')) == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('value = "Apache-2.0"\n', "", r"facts: licence: value: missing; expected a text"),
        ('"Apache-2.0"', '" "', r"facts: licence: value: not usable; expected a text, not empty"),
        ('"Apache-2.0"', '["MIT"]', r"facts: licence: value: not usable; expected a text"),
        ('["nvidia", "google-tpu"]', '"nvidia"', r"facts: accelerators: value: not usable; expected a list"),
        ('["nvidia", "google-tpu"]', "[]", r"facts: accelerators: value: not usable; expected a list"),
        ('"google-tpu"', '"abacus"', r"accelerators: value: unknown value; expected some of nvidia, .*'abacus'"),
        ('"google-tpu"', '"nvidia"', r"accelerators: value: states a value twice"),
        ('source = "https://example.org/LICENSE"\n', "", r"facts: licence: source: missing"),
        ("https://example.org/LICENSE", "the internet", r"licence: source: not a source; .*'the internet'"),
        ("checked = 2026-11-26\nnote", "note", r"facts: accelerators: checked: missing; expected a date"),
        ("checked = 2026-11-26\nnote", 'checked = "today"\nnote', r"accelerators: checked: not a date.*'today'"),
        ("checked = 2026-11-26\nnote", "checked = 2026-11-26T10:00:00\nnote", r"accelerators: checked: not a date"),
        ("note =", "remark =", r"facts: accelerators: remark: unknown key"),
        ("[facts.licence]", "[facts.license]", r"facts: license: unknown key; expected one of licence, graph_styles"),
        ("[facts.licence]", "[facts.last_release]", r"last_release: value: not a release; expected .*YYYY-MM-DD"),
        ("[facts.licence]", "[facts.licence", r"adapter\.toml: cannot be read"),
    ],
)
def test_a_wrong_fact_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A fact without value, source or date, or with an unknown word, is an error that names file and key."""
    assert old in GOOD
    with pytest.raises(SpecError, match=message):
        read_facts(_folder(tmp_path, GOOD.replace(old, new, 1)))


def test_a_fact_grows_stale() -> None:
    """A fact may be a year old, and not a day older."""
    fact = Fact("licence", "MIT", "https://example.org", date(2026, 3, 1))

    assert not stale(fact, date(2026, 3, 1))
    assert not stale(fact, date(2027, 3, 1))
    assert stale(fact, date(2027, 3, 2))


def test_shipped_facts_can_be_read() -> None:
    """Each shipped framework states licence, last release and maintenance, and MXNet that it is retired."""
    facts = shipped_facts()

    assert facts["reference"] == {}
    for name, stated in facts.items():
        if name != "reference":
            assert {"licence", "last_release", "maintenance"} <= set(stated), name
            assert list(stated) == [key for key in VOCABULARY if key in stated], name
    assert facts["mxnet"]["maintenance"].value == "retired"


def test_a_wrong_vocabulary_names_its_mistake(tmp_path: Path) -> None:
    """A topic that lacks a key or has one too many is refused with file and entry."""
    file = tmp_path / "facts.toml"
    file.write_text('[[topics]]\nkey = "a"\ntitle = "A"\nmany = false\n[[topics]]\nkey = "b"\n', encoding="utf-8")
    with pytest.raises(SpecError, match=r"facts\.toml: topics\[1\]"):
        read_vocabulary(file)

    file.write_text('[[topics]]\nkey = "a"\ntitle = "A"\nmany = false\ncolour = "red"\n', encoding="utf-8")
    with pytest.raises(SpecError, match="colour"):
        read_vocabulary(file)
