"""Which card a run uses, and what its workers are told about it."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from typing import Any

from ..errors import EnvironmentProblem, UsageError
from .driver import LIBRARY
from .nvml import Nvml

NO_DEVICE = "NO_DEVICE"


def visible_card(environment: Mapping[str, str], nvml: Nvml) -> int:
    """The index of the first card that this process may use: CUDA_VISIBLE_DEVICES where it is set, else 0.

    Raises:
        UsageError: the variable names no card of this machine.
        EnvironmentProblem: there is no card.
    """
    if nvml.count == 0:
        raise EnvironmentProblem(NO_DEVICE, "--device cuda: NVML finds no card on this machine")
    asked = environment.get("CUDA_VISIBLE_DEVICES")
    if asked is None:
        return 0
    first = asked.split(",")[0].strip()
    by_name = first.startswith("GPU-")
    matches = [i for i in range(nvml.count) if first == str(i) or (by_name and nvml.uuid(i).startswith(first))]
    if len(matches) != 1:
        raise UsageError(
            f"CUDA_VISIBLE_DEVICES={asked}: expected the number or unique name of one of {nvml.count} card(s); "
            f"received {first!r} as the first"
        )
    return matches[0]


def count_by_driver(load: Callable[[str], Any] = ctypes.CDLL) -> int:
    """How many cards the driver library counts, for machines without NVML bindings; 0 without a driver."""
    try:
        library = load(LIBRARY)
        count = ctypes.c_int()
        if library.cuInit(0) or library.cuDeviceGetCount(ctypes.byref(count)):
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value


def chosen_card(index: int) -> dict[str, str]:
    """Variables that show a process one card, counted as NVML counts; the driver's own order is fastest first."""
    return {"CUDA_VISIBLE_DEVICES": str(index), "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def card_environment(device: str, index: int, precision: str, lane: str, compile_cache: str) -> dict[str, str]:
    """Variables of a worker that choose its card, or hide every card from it.

    Args:
        device: "cpu" or "cuda".
        index: the card, in NVML's order.
        precision: of the cell.
        lane: of the cell.
        compile_cache: folder for what the driver compiles, so that a cold start is cold.
    """
    if device != "cuda":
        return {"CUDA_VISIBLE_DEVICES": ""}
    variables = chosen_card(index) | {
        "CUDA_CACHE_PATH": f"{compile_cache}/cuda",
        "CUDA_DEVICE_MAX_CONNECTIONS": "8",  # the driver's own default, stated so that no package changes it
    }
    if lane == "matched" and precision == "float32":
        # A belt for every NVIDIA library; the fingerprint and the settings read back are the control.
        variables["NVIDIA_TF32_OVERRIDE"] = "0"
    return variables
