"""What can be stated about a framework: the keys of ``[facts]``, and the words that filters rely on.

A filter can only compare words that mean the same everywhere. Where the words are fixed, an unknown one is an error;
where they are free (names of hubs, a sentence on documentation), the fact is shown and never filtered by. The words
are data (``adapters/facts.toml``), since some of them are names of one framework's formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..content import content_dir
from ..spec.fields import Fields
from ..written_files import read_toml


@dataclass(frozen=True, slots=True)
class Topic:
    """One thing that can be stated.

    Attributes:
        key: its name in ``[facts.KEY]``.
        title: what a report calls it.
        many: whether the value is a list.
        allowed: the words that may stand there, with what a report calls each; empty where any text may.
    """

    key: str
    title: str
    many: bool
    allowed: Mapping[str, str]


def read_vocabulary(file: Path) -> dict[str, Topic]:
    """Topics by key, in the order of the file.

    Raises:
        SpecError: the file cannot be read, or a key is missing, unknown or of the wrong type.
    """
    table = read_toml(file)
    topics = [_topic(entry, f"{file}: topics[{number}]") for number, entry in enumerate(table.get("topics", []))]
    return {topic.key: topic for topic in topics}


def _topic(entry: object, where: str) -> Topic:
    fields = Fields(entry, where)
    allowed = dict(fields.table("allowed").items()) if fields.has("allowed") else {}
    topic = Topic(
        fields.required("key", str),
        fields.required("title", str),
        fields.required("many", bool),
        {word: str(title) for word, title in allowed.items()},
    )
    fields.done()
    return topic


VOCABULARY: Mapping[str, Topic] = read_vocabulary(content_dir("adapters") / "facts.toml")
