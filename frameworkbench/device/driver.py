"""The harness's own drain: the device's driver says when its work is done, whatever a framework claims.

A framework's drain knows the framework's queues; the driver knows every stream of the context. The harness calls
the driver through ctypes, with functions looked up before any adapter code runs, so an adapter that patches its
framework's synchronisation, or ``ctypes`` itself, changes nothing. Host-side queues are invisible to the driver:
this drain follows the framework's and never replaces it (method T1).

Runs inside workers: standard library only, Python 3.10.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any, Protocol

from ..errors import UnsupportedError, WorkerError

LIBRARY = "libcuda.so.1"

_SUCCESS = 0
_OUT_OF_MEMORY = 2  # CUDA_ERROR_OUT_OF_MEMORY in cuda.h


class Driver(Protocol):
    """What the worker asks of a device's driver."""

    def drain(self) -> None:
        """Block until the device has finished all work of this process."""

    def facts(self) -> dict[str, Any]:
        """How the drain works, for the record."""


class NullDriver:
    """The driver of a device that has none: on the CPU the framework's drain is all there is."""

    def drain(self) -> None:
        """Nothing is queued outside the framework."""

    def facts(self) -> dict[str, Any]:
        """No driver takes part."""
        return {"drain": None}


class CudaDriver:
    """``cuCtxSynchronize`` on the primary context of one card: the context that every framework uses.

    The context is neither made nor kept before the framework has made it, so that the time this takes stays in
    the framework's own phases. Functions are resolved once, here.

    Args:
        library: the loaded driver library.
        ordinal: the card, among those that this process can see.

    Raises:
        UnsupportedError: UNSUPPORTED_DEVICE, the library lacks a function.
    """

    def __init__(self, library: Any, ordinal: int = 0) -> None:
        try:
            self._init = library.cuInit
            self._get_device = library.cuDeviceGet
            self._state = library.cuDevicePrimaryCtxGetState
            self._retain = library.cuDevicePrimaryCtxRetain
            # The _v2 names are what cuda.h maps the plain ones to; the plain ones are an older ABI.
            self._push = library.cuCtxPushCurrent_v2
            self._pop = library.cuCtxPopCurrent_v2
            self._synchronize = library.cuCtxSynchronize
        except AttributeError as problem:
            raise UnsupportedError("UNSUPPORTED_DEVICE", f"{LIBRARY} lacks a function: {problem}") from problem
        self._pointer, self._byref, self._none = ctypes.c_void_p, ctypes.byref, ctypes.c_void_p()
        self._ordinal = ordinal
        self._device: ctypes.c_int | None = None
        self._context: ctypes.c_void_p | None = None
        self._drains = 0

    def drain(self) -> None:
        """Wait for every stream of the card's primary context; nothing to wait for while there is none.

        Raises:
            WorkerError: the driver reports an error, often one of a kernel that ran before.
        """
        context = self._context or self._find_context()
        if context is None:
            return
        self._check(self._push(context), "cuCtxPushCurrent")
        try:
            self._check(self._synchronize(), "cuCtxSynchronize")
        finally:
            self._pop(self._byref(self._none))
        self._drains += 1

    def facts(self) -> dict[str, Any]:
        """Name of the call, how often it waited, and whether the process has a context on the card at all."""
        return {"drain": "cuCtxSynchronize", "drains": self._drains, "context": self._context is not None}

    def _find_context(self) -> ctypes.c_void_p | None:
        """The primary context once the framework has made it; held from then on."""
        if self._device is None:
            self._check(self._init(0), "cuInit")
            device = ctypes.c_int()
            self._check(self._get_device(self._byref(device), self._ordinal), "cuDeviceGet")
            self._device = device
        flags, active = ctypes.c_uint(), ctypes.c_int()
        self._check(self._state(self._device, self._byref(flags), self._byref(active)), "cuDevicePrimaryCtxGetState")
        if not active.value:
            return None
        context = self._pointer()
        self._check(self._retain(self._byref(context), self._device), "cuDevicePrimaryCtxRetain")
        self._context = context
        return context

    def _check(self, result: int, call: str) -> None:
        if result != _SUCCESS:
            code = "OUT_OF_MEMORY" if result == _OUT_OF_MEMORY else "ADAPTER_ERROR"
            raise WorkerError(code, f"the driver's {call} failed with error {result} (names: CUresult in cuda.h)")


def open_driver(device: str, load: Callable[[str], Any] = ctypes.CDLL) -> Driver:
    """The driver of a device, its functions looked up, nothing initialised.

    Args:
        device: "cpu" or "cuda".
        load: opens a shared library by name; tests pass a fake.

    Raises:
        UnsupportedError: UNSUPPORTED_DEVICE, the driver library is not on this machine.
    """
    if device != "cuda":
        return NullDriver()
    try:
        library = load(LIBRARY)
    except OSError as problem:
        raise UnsupportedError(
            "UNSUPPORTED_DEVICE", f"{LIBRARY}, NVIDIA's driver library, cannot be loaded here: {problem}"
        ) from problem
    return CudaDriver(library)
