"""Sentences as data."""

from __future__ import annotations

import json

from frameworkbench.phrase import from_json, phrase

ZH = {"{row} is {verdict}": "{row}：{verdict}", "faster by {gap}": "快 {gap}"}


def test_a_phrase_inside_a_phrase_is_translated_too() -> None:
    """Translating a sentence reaches the phrases in its fields and leaves names and numbers alone."""
    said = phrase("{row} is {verdict}", row="a:eager", verdict=phrase("faster by {gap}", gap="3 %"))

    assert str(said) == "a:eager is faster by 3 %"
    assert said.render(lambda text: ZH.get(text, text)) == "a:eager：快 3 %"


def test_a_phrase_survives_json() -> None:
    """What is written into a report is read back as the same phrase."""
    said = phrase("{row} is {verdict}", row="<b>", verdict=phrase("faster by {gap}", gap=3))

    assert from_json(json.loads(json.dumps(said.to_json()))) == said
