"""Whether texts need cleaning is told from a document's bytes; a wrong "no" would let control characters in."""

from __future__ import annotations

import json
import random

import pytest

from frameworkbench.report.text import clean, is_clean

_PARTS = [
    "a",
    "\\",
    '"',
    "/",
    "n",
    "u001b",
    "r",
    "\n",
    "\t",
    "\r",
    "\x1b[31m",
    "\x00",
    "\x7f",
    "\x85",
    "\u202e",
    "é",
    "\ud800",
]


@pytest.mark.parametrize("ascii_only", [True, False])
def test_a_document_that_is_called_clean_is_clean(ascii_only: bool) -> None:
    """Whatever a text is made of and however it is escaped: where the bytes say clean, cleaning changes nothing."""
    chance = random.Random(0)
    found = {True: 0, False: 0}
    for _ in range(5000):
        text = "".join(chance.choices(_PARTS, weights=[9, 3, 3, 3, 3, 1, 3, 3, 3] + [1] * 8, k=chance.randrange(6)))
        document = json.dumps({"reason": [text], text: 1}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
        value = json.loads(document)
        found[is_clean(document)] += 1
        if is_clean(document):
            assert clean(value) == value, document

    assert min(found.values()) > 500


def test_an_ordinary_record_is_clean() -> None:
    """Quotes, tabs and line feeds of a log's end are no reason to look at every text."""
    assert is_clean(json.dumps({"log_end": 'File "x.py", line 1\n\tboom/\n', "reason": ""}).encode())
