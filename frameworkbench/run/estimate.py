"""How long the next units will take: from what was seen in this run, or a plain guess before that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from ..spec.protocol import Protocol as RunProtocol
from .passes.memory import STEADY_LIMIT_S
from .plan import Planned

_PROOF_GUESS_S = 12.0
_PEAK_GUESS_BYTES = 2 * 2**30
_CAPACITY_GUESS_S = 120.0
_MEMORY_STEPS = 250  # burst and watched steps of the memory pass
_LAUNCH_S = 0.7  # interpreter start, scratch files, ending the process
_SNAPSHOT_STEPS = 12  # a typical number of steps before the snapshot
_WARM_SHARE = 0.5  # of a cold first step: what a warm compile cache leaves, seen between 0.2 and 0.9


class _Outcome(Protocol):
    @property
    def status(self) -> str: ...
    @property
    def payload(self) -> Mapping[str, Any]: ...


class Estimates:
    """Costs by cell and pass, learned as records come in.

    Args:
        protocol: sizes of windows and warm-up.
    """

    def __init__(self, protocol: RunProtocol) -> None:
        self._protocol = protocol
        self._seen: dict[tuple[str, str], float] = {}
        self._proof: dict[str, Mapping[str, Any]] = {}
        self._warmup: dict[str, int] = {}

    def learn(self, planned: Planned, pass_: str, wall_s: float, outcome: _Outcome) -> None:
        """Note what a unit took."""
        if outcome.status == "ok":
            self.learn_record(planned.key, pass_, wall_s, outcome.payload)

    def learn_record(self, key: str, pass_: str, wall_s: float, payload: Mapping[str, Any]) -> None:
        """Note what a stored record says a unit took."""
        self._seen[key, pass_] = wall_s
        if pass_ == "proof":
            self._proof[key] = payload
        elif pass_ == "pilot":
            self._warmup[key] = payload["warmup"]["warmup_steps"]

    def proof_s(self, planned: Planned) -> float:
        """Seconds of a proof pass."""
        return self._seen.get((planned.key, "proof"), _PROOF_GUESS_S)

    def speed_s(self, planned: Planned) -> float:
        """Seconds of one speed process."""
        seen = self._seen.get((planned.key, "speed"))
        if seen is not None:
            return seen
        proof = self._proof.get(planned.key)
        if proof is None:
            return _PROOF_GUESS_S / 2
        step, protocol = proof["step_s"], self._protocol
        window = min(max(protocol.window_s, protocol.window_steps * step), max(protocol.window_limit_s, step))
        steps = _SNAPSHOT_STEPS + self._warmup.get(planned.twin_of or planned.key, protocol.warmup_steps)
        return float(_start_s(proof) + steps * step + window)

    def peak_bytes(self, planned: Planned) -> int:
        """Host memory that a process of a cell takes at most, by its proof."""
        return int(self._proof.get(planned.key, {}).get("proof_peak_bytes") or _PEAK_GUESS_BYTES)

    def pilot_s(self, planned: Planned) -> float:
        """Seconds of a pilot process."""
        seen = self._seen.get((planned.key, "pilot"))
        if seen is not None:
            return seen
        proof = self._proof.get(planned.key)
        if proof is None:
            return _PROOF_GUESS_S / 2
        return float(_start_s(proof) + min(self._protocol.pilot_steps * proof["step_s"], self._protocol.pilot_limit_s))

    def memory_s(self, planned: Planned) -> float:
        """Seconds of one process of the memory pass."""
        seen = self._seen.get((planned.key, "memory"))
        proof = self._proof.get(planned.key)
        if seen is not None or proof is None:
            return _PROOF_GUESS_S if seen is None else seen
        return float(_start_s(proof) + min(_MEMORY_STEPS * proof["step_s"], STEADY_LIMIT_S))

    def capacity_s(self, planned: Planned) -> float:
        """Seconds of one search for the largest batch."""
        return self._seen.get((planned.key, "capacity"), _CAPACITY_GUESS_S)

    def accuracy_s(self, planned: Planned, steps: int) -> float:
        """Seconds of one full training of so many steps."""
        seen = self._seen.get((planned.key, "accuracy"))
        if seen is not None:
            return seen
        proof = self._proof.get(planned.key)
        return _PROOF_GUESS_S if proof is None else float(_PROOF_GUESS_S + steps * proof["step_s"])

    def block_s(self, cells: Iterable[Planned]) -> float:
        """Seconds of one block over these cells."""
        return sum(self.speed_s(planned) for planned in cells)


def _start_s(proof: Mapping[str, Any]) -> float:
    """Launch, import, build and first step of a process that finds a warm compile cache."""
    phases = proof["phases"]
    return float(_LAUNCH_S + phases["import_s"] + phases["build_s"] + phases["first_step_s"] * _WARM_SHARE)
