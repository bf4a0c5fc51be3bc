"""Answers to start from, for the cases that people come with most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import UsageError
from ..phrase import marked
from .questions import one_of


@dataclass(frozen=True, slots=True)
class Preset:
    """Answers to start from for a common case."""

    key: str
    text: str
    answers: Mapping[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "key": self.key,
            "text": self.text,
            "answers": {key: list(found) for key, found in self.answers.items()},
        }


PRESETS: tuple[Preset, ...] = (
    Preset(
        "research",
        marked("research prototype"),
        {
            "family": ("any",),
            "purpose": ("train",),
            "priority": ("wait",),
            "debugging": ("step",),
            "ecosystem": ("published",),
        },
    ),
    Preset(
        "server",
        marked("production server"),
        {
            "purpose": ("infer",),
            "priority": ("latency",),
            "batch": ("one",),
            "deployment": ("server",),
            "ecosystem": ("active",),
        },
    ),
    Preset(
        "mobile",
        marked("mobile or edge device"),
        {
            "purpose": ("infer",),
            "priority": ("memory",),
            "batch": ("one",),
            "deployment": ("mobile", "edge"),
            "ecosystem": ("active",),
        },
    ),
    Preset(
        "course",
        marked("beginner's course"),
        {
            "family": ("any",),
            "purpose": ("train",),
            "priority": ("wait",),
            "hardware": ("cpu",),
            "team": ("layers",),
            "debugging": ("both",),
            "ecosystem": ("active",),
        },
    ),
    Preset(
        "scale",
        marked("large-scale training"),
        {
            "family": ("attention",),
            "purpose": ("train",),
            "priority": ("speed",),
            "batch": ("large",),
            "hardware": ("nvidia",),
            "scale": ("split",),
            "precision": ("reduced",),
            "ecosystem": ("active",),
        },
    ),
    Preset(
        "legacy",
        marked("maintaining old code"),
        {"family": ("any",), "purpose": ("train",), "priority": ("balance",), "ecosystem": ("any",)},
    ),
)


def presets_json() -> list[dict[str, Any]]:
    """All presets as plain data."""
    return [preset.to_json() for preset in PRESETS]


def preset(key: str) -> Preset:
    """A preset by its name.

    Raises:
        UsageError: there is none of that name.
    """
    found = {one.key: one for one in PRESETS}
    if key not in found:
        raise UsageError(f"--preset: expected {one_of(found)}; received {key!r}")
    return found[key]
