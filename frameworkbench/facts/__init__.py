"""Facts about frameworks that nobody measures here: licence, devices, deployment paths, who maintains it.

They stand in each adapter's ``adapter.toml`` under ``[facts.KEY]``, every one with its source and the day on which
somebody looked. They answer questions; they change no measurement, so they are no part of an adapter's identity.
"""

from .model import Fact, read_facts, shipped_facts, stale
from .vocabulary import VOCABULARY, Topic
from .writing import Writing, WrongShape, shipped_writing

__all__ = [
    "VOCABULARY",
    "Fact",
    "Topic",
    "Writing",
    "WrongShape",
    "read_facts",
    "shipped_facts",
    "shipped_writing",
    "stale",
]
