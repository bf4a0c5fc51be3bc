"""The card of a run: found, locked, described, and watched while each worker works.

A run on the CPU is watched as well where there are cards, but only for who is on them.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import EnvironmentProblem
from . import baseline, choice, gates
from .energy import window_energy
from .gates import Span, Verdict
from .lock import card_lock
from .nvml import Nvml, Reading, open_nvml
from .owners import Family, owners
from .sampler import LOWEST_RATE_HZ, Sampler, rate_hz
from .summary import summarise

_CPU_INTERVAL_S = 0.5  # a look at who is on the cards, from a machine that measures its CPU
_IDLE_S = 1.0

Clock = Callable[[], int]


class Watch:
    """What was seen while one worker worked; ``device`` and ``interval_s`` say what is looked at."""

    def __init__(self, sampler: Sampler | None, family: Family, device: str, idle_w: float | None) -> None:
        self._sampler, self._family, self._device, self._idle_w = sampler, family, device, idle_w

    def conclude(self, windows: Sequence[Span]) -> tuple[Verdict, dict[str, Any] | None]:
        """The verdict and the facts for the record; to be asked once the worker is gone.

        Args:
            windows: start and stop of each timed window, on the parent's clock.

        Returns:
            The verdict, and None for the facts where nothing was looked at.
        """
        if self._sampler is None:
            return Verdict(), None
        readings = self._sampler.readings
        if self._device == "cpu":
            seen = [reading.elsewhere for reading in readings]
            own = frozenset(pid for pids in seen for pid in pids if self._family.has(pid))
            return gates.judge_cpu(seen, own), None
        found = owners(readings, self._family.has)
        verdict = gates.judge(readings, windows, found)
        facts = summarise(readings, windows, found)
        rate = rate_hz(readings)
        facts["rate_hz"] = None if rate is None else round(rate, 1)
        facts["rate_enough"] = rate is not None and rate >= LOWEST_RATE_HZ
        facts["energy"] = [window_energy(readings, start, stop, self._idle_w) for start, stop in windows]
        facts["flags"] = list(verdict.flags)
        return verdict, facts


class Monitor:
    """The card that a run uses.

    Attributes:
        card: facts for the manifest; None on the CPU, or where NVML cannot be used.
        index: which card, in NVML's order.
        missing: why nothing is sampled, empty where it is.

    Args:
        device: "cpu" or "cuda".
        nvml: how cards are read, None where they cannot be.
        index: which card.
        missing: why there is no NVML.
        clock: the clock that also stamps windows, nanoseconds.
    """

    def __init__(
        self,
        device: str,
        nvml: Nvml | None,
        index: int = 0,
        missing: str = "",
        clock: Clock = time.perf_counter_ns,
    ) -> None:
        self._device, self._nvml, self.index, self.missing = device, nvml, index, missing
        self._clock = clock
        self._family = Family()
        self._idle_w: float | None = None
        self.card: dict[str, Any] | None = None

    def describe(self, environment: Mapping[str, str], wait: Callable[[float], None] = time.sleep) -> None:
        """Look at the idle card before the first worker: who it is, its idle power, what a bare context costs."""
        if self._nvml is None or self._device != "cuda":
            return
        nvml, idle = self._nvml, []
        for _ in range(10):
            idle.append(nvml.read(self.index, self._clock()).power_w)
            wait(_IDLE_S / 10)
        known = [power for power in idle if power is not None]
        self._idle_w = sum(known) / len(known) if known else None
        self.card = nvml.identity(self.index) | {
            "idle_w": self._idle_w,
            "bare_context_bytes": baseline.bare_context_bytes(lambda: nvml.processes(self.index), environment),
        }

    @property
    def machine(self) -> dict[str, Any]:
        """The card as part of the machine's identity: another one gives other cell keys."""
        return {"gpu": [self.card["uuid_sha256"], self.card["driver"]]} if self.card else {}

    @property
    def meter(self) -> Callable[[frozenset[int]], int | None] | None:
        """``footprint`` where cells run on the card; None on the CPU, where nobody has to ask."""
        return self.footprint if self._device == "cuda" else None

    def footprint(self, pids: frozenset[int]) -> int | None:
        """Bytes that processes hold on the card, less what a bare context costs (method M3, D1).

        Returns:
            None where the driver does not list these processes with their memory; never the whole card's.
        """
        if self._nvml is None:
            return None
        held = [p.used_bytes for p in self._nvml.processes(self.index) or () if p.pid in pids]
        known = [used for used in held if used is not None]
        if not known or len(known) < len(held):
            return None
        bare = (self.card or {}).get("bare_context_bytes") or 0
        return max(0, sum(known) - bare * len(known))

    @contextlib.contextmanager
    def watch(self) -> Iterator[Watch]:
        """Sample while the block runs."""
        if self._nvml is None or (self._device == "cpu" and self._nvml.count == 0):
            yield Watch(None, self._family, self._device, None)
            return
        interval_s = {} if self._device == "cuda" else {"interval_s": _CPU_INTERVAL_S}
        with Sampler(self._look, clock=self._clock, **interval_s) as sampler:
            yield Watch(sampler, self._family, self._device, self._idle_w)

    def _look(self, at_ns: int) -> Reading:
        """One reading; whose the processes are is asked at once, while they live."""
        if self._nvml is None:
            return Reading(at_ns)
        if self._device == "cpu":
            reading = Reading(at_ns, elsewhere=self._nvml.pids())
        else:
            reading = self._nvml.read(self.index, at_ns)
        for pid in {*reading.elsewhere, *(process.pid for process in reading.processes or ())}:
            self._family.has(pid)
        return reading


@contextlib.contextmanager
def open_monitor(
    device: str,
    environment: Mapping[str, str] | None = None,
    *,
    load: Callable[[], tuple[Nvml | None, str]] = open_nvml,
    count: Callable[[], int] = choice.count_by_driver,
    lock_folder: Path | None = None,
) -> Iterator[Monitor]:
    """Find, lock and describe the card of a run.

    Args:
        device: "cpu" or "cuda".
        environment: of this process; ``os.environ`` by default.
        load: opens NVML.
        count: counts cards where NVML cannot be used.
        lock_folder: where lock files are.

    Raises:
        EnvironmentProblem: NO_DEVICE, a card is asked for and there is none.
        UsageError: another run holds the card, or CUDA_VISIBLE_DEVICES names none.
    """
    environment = os.environ if environment is None else environment
    nvml, missing = load()
    with contextlib.ExitStack() as stack:
        if nvml is not None:
            stack.callback(nvml.close)
        index = 0
        if device == "cuda":
            if nvml is not None:
                index = choice.visible_card(environment, nvml)
                stack.enter_context(card_lock(nvml.uuid(index), lock_folder))
            elif not count():
                raise EnvironmentProblem(
                    choice.NO_DEVICE, f"--device cuda: no NVIDIA card can be used here ({missing}); use --device cpu"
                )
            else:
                stack.enter_context(card_lock(environment.get("CUDA_VISIBLE_DEVICES", "0"), lock_folder))
        monitor = Monitor(device, nvml, index, missing)
        monitor.describe({**environment, **choice.chosen_card(index)})
        yield monitor
