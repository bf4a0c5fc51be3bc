"""A management library whose cards do what a test says; the functions and names are those of ``pynvml``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from frameworkbench.device.monitor import Monitor, open_monitor
from frameworkbench.device.nvml import Nvml, open_nvml


class NVMLError(Exception):
    """What every refused call raises."""


@dataclass
class Card:
    """One card's figures; a figure that is None is refused as "not supported"."""

    uuid: str = "GPU-00000000-aaaa"
    sm_mhz: int | None = 1980
    temperature_c: int | None = 55
    power_mw: int | None = 400_000
    reasons: int | None = 0
    utilisation: int | None = 97
    energy_mj: int | None = 0
    processes: list[tuple[int, int | None]] | None = field(default_factory=list)


class FakeNvml:
    """Behaves like the module ``pynvml``.

    Args:
        cards: in the order of their index.
        on_read: called before each reading of a card's clock, to move the script on.
    """

    NVMLError = NVMLError

    def __init__(self, *cards: Card, on_read: Callable[[], None] = lambda: None) -> None:
        self.cards = list(cards)
        self.on_read = on_read
        self.open = 0

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Card:
        return self.cards[index]

    def nvmlDeviceGetName(self, card: Card) -> bytes:
        return b"Fake Card"

    def nvmlDeviceGetUUID(self, card: Card) -> str:
        return card.uuid

    def nvmlSystemGetDriverVersion(self) -> str:
        return "600.1"

    def nvmlSystemGetCudaDriverVersion(self) -> int:
        return 13000

    def nvmlDeviceGetVbiosVersion(self, card: Card) -> str:
        return "96.00"

    def nvmlDeviceGetEccMode(self, card: Card) -> list[int]:
        return [1, 1]

    def nvmlDeviceGetMigMode(self, card: Card) -> list[int]:
        raise NVMLError("Not Supported")

    def nvmlDeviceGetEnforcedPowerLimit(self, card: Card) -> int:
        return 700_000

    def nvmlDeviceGetMemoryInfo(self, card: Card) -> Any:
        return SimpleNamespace(total=80 * 2**30)

    def nvmlDeviceGetMaxClockInfo(self, card: Card, kind: int) -> int:
        return 1980

    def nvmlDeviceGetClockInfo(self, card: Card, kind: int) -> int:
        self.on_read()
        return _given(card.sm_mhz)

    def nvmlDeviceGetTemperature(self, card: Card, sensor: int) -> int:
        return _given(card.temperature_c)

    def nvmlDeviceGetPowerUsage(self, card: Card) -> int:
        return _given(card.power_mw)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, card: Card) -> int:
        return _given(card.reasons)

    def nvmlDeviceGetUtilizationRates(self, card: Card) -> Any:
        return SimpleNamespace(gpu=_given(card.utilisation))

    def nvmlDeviceGetTotalEnergyConsumption(self, card: Card) -> int:
        return _given(card.energy_mj)

    def nvmlDeviceGetComputeRunningProcesses(self, card: Card) -> list[Any]:
        if card.processes is None:
            raise NVMLError("Not Supported")
        return [SimpleNamespace(pid=pid, usedGpuMemory=used) for pid, used in card.processes]


def _given(value: int | None) -> int:
    if value is None:
        raise NVMLError("Not Supported")
    return value


def scripted_monitor(card: Card | None, lock_folder: Path) -> Callable[[str], AbstractContextManager[Monitor]]:
    """Stands in for ``open_monitor``: a scripted card, or a machine that has none and no NVML."""

    def load() -> tuple[Nvml | None, str]:
        return (None, "no NVML here") if card is None else open_nvml(lambda name: FakeNvml(card))

    return lambda device: open_monitor(device, {}, load=load, count=lambda: 0, lock_folder=lock_folder)
