"""Claim files: what is shipped can be read, and every mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworkbench.claims import load_claims, shipped_claims
from frameworkbench.content import content_dir
from frameworkbench.errors import SpecError
from frameworkbench.spec.workload import load_workloads

GOOD = """
schema = 1
number = 3
text = "Water is dry."
said_by = ["A9"]
how = "By looking."
[test]
kind = "facts"
[[stated]]
says = "contradicts"
text = "water is wet"
source = "https://example.org/water"
checked = 2026-11-26
[[stated]]
says = "contradicts"
adapter = "mine"
key = "licence"
value = "MIT"
"""


def _write(folder: Path, text: str, name: str = "water") -> Path:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def test_a_claim_is_read(tmp_path: Path) -> None:
    """Words, test and evidence arrive; the name is the file's."""
    (claim,) = load_claims(_write(tmp_path, GOOD))

    assert (claim.name, claim.number, claim.said_by, claim.kind) == ("water", 3, ("A9",), "fact")
    assert [(stated.text, stated.adapter) for stated in claim.stated] == [("water is wet", ""), ("", "mine")]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("schema = 1", "schema = 2", r"schema: unknown version; expected 1; received 2"),
        ("number = 3", "number = 0", r"number: out of range"),
        ('said_by = ["A9"]', "said_by = []", r"said_by: not usable; expected a list of texts"),
        ('kind = "facts"', 'kind = "guess"', r"test: kind: unknown value; expected one of accuracy, .*'guess'"),
        ('kind = "facts"', 'kind = "jitter"', r"test: limit: missing; expected a number"),
        ('kind = "facts"', 'kind = "facts"\nlimit = 2', r"test: limit: unknown key"),
        ('says = "contradicts"', 'says = "maybe"', r"stated\[0\]: says: unknown value; expected one of supports"),
        ("checked = 2026-11-26", "", r"stated\[0\]: checked: not a date"),
        ('source = "https://example.org/water"', "", r"stated\[0\]: source: missing"),
        ('value = "MIT"', "", r"stated\[1\]: value: missing"),
        ('how = "By looking."', 'why = "By looking."', r"how: missing"),
        ("[test]", "[test", r"water\.toml: cannot be read"),
        (GOOD[GOOD.index("[[stated]]") :], "", r"stated: missing; expected at least one"),
    ],
)
def test_a_wrong_claim_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    """A claim that lacks its source, its test or a limit of it is an error that names file and key."""
    assert old in GOOD
    with pytest.raises(SpecError, match=message):
        load_claims(_write(tmp_path, GOOD.replace(old, new, 1)))


def test_two_claims_with_one_number(tmp_path: Path) -> None:
    """Numbers are distinct; the second file is named."""
    _write(tmp_path, GOOD, "a")

    with pytest.raises(SpecError, match=r"b\.toml: number: taken"):
        load_claims(_write(tmp_path, GOOD, "b"))


def test_shipped_claims_name_workloads_that_exist() -> None:
    """Each workload that a shipped claim is tested with is shipped too, and its epochs are those of the claim."""
    workloads = load_workloads(content_dir("workloads"))
    named = [(claim, claim.options[key]) for claim in shipped_claims() for key in _WORKLOADS if key in claim.options]

    assert len(named) == 3
    for claim, name in named:
        assert claim.options.get("epochs", workloads[name].epochs) == workloads[name].epochs
    better, worse = (workloads[name] for name in ("cifar-cnn-adam", "cifar-cnn"))
    assert better.model == worse.model
    assert (better.epochs, better.batch_size, better.data) == (worse.epochs, worse.batch_size, worse.data)


_WORKLOADS = ("workload", "better", "worse")
