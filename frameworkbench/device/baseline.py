"""What a card's context costs before any framework is there: one process that makes a context and nothing else.

A framework's footprint on a card is its process's memory less this (method M3, D1).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping

from .nvml import Process

_READY_S = 60

# Makes the primary context, says so, and waits for its input to end.
_SCRIPT = """
import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
device, context = ctypes.c_int(), ctypes.c_void_p()
results = [cuda.cuInit(0), cuda.cuDeviceGet(ctypes.byref(device), 0)]
results.append(cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device))
print("ready" if not any(results) else f"failed {results}", flush=True)
sys.stdin.read()
"""


def bare_context_bytes(
    processes: Callable[[], tuple[Process, ...] | None], environment: Mapping[str, str]
) -> int | None:
    """Memory on the card of a process that only holds a context.

    Args:
        processes: lists those on the card.
        environment: chooses the card (CUDA_VISIBLE_DEVICES and such).

    Returns:
        Bytes, or None where the driver does not list the process with its memory.
    """
    helper = subprocess.Popen(
        [sys.executable, "-I", "-c", _SCRIPT],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        ready = helper.stdout is not None and helper.stdout.readline().strip() == "ready"
        found = processes() if ready else None
        return next((process.used_bytes for process in found or () if process.pid == helper.pid), None)
    finally:
        helper.communicate(timeout=_READY_S)
