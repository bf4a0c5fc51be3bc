"""What NVIDIA's management library (NVML) says about cards: who they are, what they do, who else is on them.

Read in the parent through ``nvidia-ml-py``, an optional dependency, so that no worker can touch the readings. A
figure that a card or a container does not give is None and later *not measured*; it is never made up from another.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# Clock-event bits as in nvml.h; stated here because older releases of nvidia-ml-py call them by other names.
REASONS = {
    0x1: "idle",
    0x2: "application clocks",
    0x4: "software power cap",
    0x8: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "hardware power brake",
    0x100: "display clocks",
}
_SM_CLOCK = 1  # NVML_CLOCK_SM
_GPU_SENSOR = 0  # NVML_TEMPERATURE_GPU


@dataclass(frozen=True, slots=True)
class Process:
    """A process with a compute context on a card; ``used_bytes`` is None where the driver does not tell (MIG)."""

    pid: int
    used_bytes: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the chosen card, stamped with the parent's clock.

    Units: MHz, °C, watts, percent of time with a kernel running, joules since the driver was loaded. ``reasons`` are
    NVML's clock-event bits. ``processes`` are those on the card, None where they cannot be listed; ``elsewhere`` are
    process ids on the machine's other cards.
    """

    at_ns: int
    sm_mhz: int | None = None
    temperature_c: int | None = None
    power_w: float | None = None
    reasons: int | None = None
    utilisation: int | None = None
    energy_j: float | None = None
    processes: tuple[Process, ...] | None = None
    elsewhere: frozenset[int] = frozenset()


class Nvml:
    """NVML as the harness uses it.

    Args:
        module: ``pynvml``, already initialised, or something that behaves like it.
    """

    def __init__(self, module: Any) -> None:
        self._nvml = module
        self._handles = [module.nvmlDeviceGetHandleByIndex(index) for index in range(module.nvmlDeviceGetCount())]

    @property
    def count(self) -> int:
        """How many cards there are."""
        return len(self._handles)

    def close(self) -> None:
        """Give NVML back."""
        self._ask(self._nvml.nvmlShutdown)

    def uuid(self, index: int) -> str:
        """The card's unique name, as CUDA_VISIBLE_DEVICES takes it."""
        return _text(self._nvml.nvmlDeviceGetUUID(self._handles[index]))

    def identity(self, index: int) -> dict[str, Any]:
        """Facts about a card for the manifest; its unique name only as a hash."""
        nvml, card = self._nvml, self._handles[index]
        power_mw = self._ask(nvml.nvmlDeviceGetEnforcedPowerLimit, card)
        memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, card)
        return {
            "name": _text(nvml.nvmlDeviceGetName(card)),
            "index": index,
            "cards": self.count,
            "uuid_sha256": hashlib.sha256(self.uuid(index).encode()).hexdigest(),
            "driver": _text(self._ask(nvml.nvmlSystemGetDriverVersion)),
            "cuda_driver": self._ask(nvml.nvmlSystemGetCudaDriverVersion),
            "vbios": _text(self._ask(nvml.nvmlDeviceGetVbiosVersion, card)),
            "ecc": _enabled(self._ask(nvml.nvmlDeviceGetEccMode, card)),
            "mig": _enabled(self._ask(nvml.nvmlDeviceGetMigMode, card)),
            "power_limit_w": None if power_mw is None else power_mw / 1000,
            "max_sm_mhz": self._ask(nvml.nvmlDeviceGetMaxClockInfo, card, _SM_CLOCK),
            "memory_bytes": None if memory is None else int(memory.total),
        }

    def read(self, index: int, at_ns: int) -> Reading:
        """Look at one card; each figure by itself, so that one which is refused does not cost the others."""
        nvml, card = self._nvml, self._handles[index]
        power_mw = self._ask(nvml.nvmlDeviceGetPowerUsage, card)
        rates = self._ask(nvml.nvmlDeviceGetUtilizationRates, card)
        energy_mj = self._ask(nvml.nvmlDeviceGetTotalEnergyConsumption, card)
        return Reading(
            at_ns=at_ns,
            sm_mhz=self._ask(nvml.nvmlDeviceGetClockInfo, card, _SM_CLOCK),
            temperature_c=self._ask(nvml.nvmlDeviceGetTemperature, card, _GPU_SENSOR),
            power_w=None if power_mw is None else power_mw / 1000,
            reasons=self._ask(self._reasons_call(), card),
            utilisation=None if rates is None else int(rates.gpu),
            energy_j=None if energy_mj is None else energy_mj / 1000,
            processes=self.processes(index),
            elsewhere=self.pids(skip=index),
        )

    def pids(self, skip: int | None = None) -> frozenset[int]:
        """Processes with a compute context on any card but one."""
        found = (self.processes(index) or () for index in range(self.count) if index != skip)
        return frozenset(process.pid for processes in found for process in processes)

    def processes(self, index: int) -> tuple[Process, ...] | None:
        """Processes with a compute context on a card; None where they cannot be listed."""
        found = self._ask(self._nvml.nvmlDeviceGetComputeRunningProcesses, self._handles[index])
        if found is None:
            return None
        return tuple(Process(int(one.pid), one.usedGpuMemory) for one in found)

    def _reasons_call(self) -> Callable[..., Any]:
        """The call by its name of today, or as releases before 12.535 knew it."""
        older: Callable[..., Any] = self._nvml.nvmlDeviceGetCurrentClocksThrottleReasons
        newer: Callable[..., Any] = getattr(self._nvml, "nvmlDeviceGetCurrentClocksEventReasons", older)
        return newer

    def _ask(self, call: Callable[..., Any], *args: Any) -> Any:
        try:
            return call(*args)
        except self._nvml.NVMLError:
            return None


def open_nvml(load: Callable[[str], Any] = importlib.import_module) -> tuple[Nvml | None, str]:
    """NVML if it can be used here.

    Args:
        load: imports a module by name; tests pass a fake.

    Returns:
        NVML, or None and why not.
    """
    try:
        module = load("pynvml")
    except ImportError:
        return None, "nvidia-ml-py is not installed (pip install nvidia-ml-py)"
    try:
        module.nvmlInit()
        return Nvml(module), ""
    except module.NVMLError as problem:
        return None, f"NVML says: {problem}"


def reason_names(bits: int) -> list[str]:
    """Clock-event bits in words."""
    return [name for bit, name in REASONS.items() if bits & bit]


def _text(value: Any) -> str:
    """Older releases of nvidia-ml-py answer in bytes."""
    return value.decode() if isinstance(value, bytes) else str(value)


def _enabled(mode: Any) -> bool | None:
    """Current state of a [current, pending] pair."""
    return None if mode is None else bool(mode[0])
