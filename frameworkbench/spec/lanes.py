"""The three lanes, and the settings with which a framework enters the lane ``tuned``.

Arguments about fairness belong into columns, not into comments: as the framework ships, with threads and precision
equalised, and at its best. What a tuned row sets is data with a reason and a source, so that a report can print it as
the difference from the matched row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from ..errors import SpecError, UsageError
from .fields import Fields
from .layers import KINDS

DEFAULT = "default"
MATCHED = "matched"
TUNED = "tuned"
LANES = (DEFAULT, MATCHED, TUNED)

_SETTINGS = ("environment", "options")
_SCOPES = ("layers", "without_layers", "modes", "devices")


@dataclass(frozen=True, slots=True)
class Tuning:
    """One setting of the lane ``tuned``.

    Attributes:
        why: what it does, in a sentence.
        source: the page of the framework's own documentation that it comes from.
        environment: variables of the worker.
        options: handed to the adapter as ``Settings.options``.
        layers: only for models with one of these kinds; empty: for any.
        without_layers: not for models with one of these kinds.
        modes: only in these modes; empty: in any.
        devices: only on these; empty: on any.
    """

    why: str
    source: str
    environment: Mapping[str, str]
    options: Mapping[str, Any]
    layers: frozenset[str] = frozenset()
    without_layers: frozenset[str] = frozenset()
    modes: frozenset[str] = frozenset()
    devices: frozenset[str] = frozenset()

    def applies(self, mode: str, device: str, kinds: Set[str]) -> bool:
        """Whether it belongs to a cell: mode, device, and the kinds of layers of its model."""
        return (
            (not self.modes or mode in self.modes)
            and (not self.devices or device in self.devices)
            and (not self.layers or bool(self.layers & kinds))
            and not self.without_layers & kinds
        )

    def to_json(self) -> dict[str, Any]:
        """What it sets and why, for records and reports."""
        settings = {"environment": dict(self.environment), "options": dict(self.options)}
        return {"why": self.why, "source": self.source, **settings}


def check_lanes(names: Sequence[str]) -> tuple[str, ...]:
    """The lanes of a request, each once, in the order of ``LANES``.

    Raises:
        UsageError: an unknown name, or none at all.
    """
    unknown = [name for name in names if name not in LANES]
    if unknown or not names:
        raise UsageError(f"--lane: expected {', '.join(LANES)}; received {unknown[0] if unknown else 'nothing'!r}")
    return tuple(lane for lane in LANES if lane in names)


def control_lane(lanes: Iterable[str]) -> str:
    """The lane of the A/A control: matched, or else the first of those that there are."""
    there = set(lanes)
    return next((lane for lane in (MATCHED, *LANES) if lane in there), MATCHED)


def read_tunings(fields: Fields, key: str, modes: Iterable[str]) -> tuple[Tuning, ...]:
    """The entries of an adapter's ``[[tuned]]``, none where there is no such key.

    Raises:
        SpecError: an entry without reason, source or setting, an unknown key, layer, mode or device.
    """
    entries = fields.raw(key, [])
    if not isinstance(entries, list):
        raise SpecError(f"{fields.where}: {key}", "wrong type", expected=f"a list: [[{key}]]", received=entries)
    known = {"layers": set(KINDS), "without_layers": set(KINDS), "modes": set(modes), "devices": {"cpu", "cuda"}}
    return tuple(_read(entry, f"{fields.where}: {key}[{number}]", known) for number, entry in enumerate(entries))


def _read(entry: object, where: str, known: Mapping[str, set[str]]) -> Tuning:
    fields = Fields(entry, where)
    environment, options = (dict(fields.table(key).items()) if fields.has(key) else {} for key in _SETTINGS)
    if not environment and not options:
        raise SpecError(where, "sets nothing", expected="environment or options")
    scopes = {key: _scope(fields, key, known[key]) for key in _SCOPES}
    why, source = fields.required("why", str), fields.required("source", str)
    fields.done()
    return Tuning(why, source, {name: str(value) for name, value in environment.items()}, options, **scopes)


def _scope(fields: Fields, key: str, known: set[str]) -> frozenset[str]:
    values = fields.optional(key, list, [])
    for value in values:
        if value not in known:
            expected = "some of " + ", ".join(sorted(known))
            raise SpecError(f"{fields.where}: {key}", "unknown value", expected=expected, received=value)
    return frozenset(values)
