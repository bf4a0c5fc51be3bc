"""Threads of the matrix library under NumPy.

OpenBLAS threads wait for each other in a spin loop. On a machine that is also doing something else, the small products
of an LSTM then take twenty times as long as on one thread. The reference therefore asks for one thread and, where there
is enough to do, works on several batches at once.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

_NAMES = ("scipy_openblas_{}_num_threads64_", "scipy_openblas_{}_num_threads")
"""Symbols of the OpenBLAS that NumPy's wheels bring along, with 64-bit and 32-bit integers."""


def openblas_threads() -> int | None:
    """Threads that NumPy's own OpenBLAS uses, asked of the loaded library; None where another BLAS is in use."""
    get = _function("get")
    return None if get is None else int(get())


@contextmanager
def one_blas_thread() -> Iterator[bool]:
    """Hold OpenBLAS to one thread, for the whole process, and restore it afterwards.

    Yields:
        Whether that was possible; without NumPy's own OpenBLAS nothing changes.
    """
    before, setter = openblas_threads(), _function("set")
    if before is None or setter is None:
        yield False
        return
    setter(1)
    try:
        yield True
    finally:
        setter(before)


def _function(verb: str) -> Any:
    for library in sorted((Path(np.__file__).parent.parent / "numpy.libs").glob("libscipy_openblas*")):
        loaded = ctypes.CDLL(str(library))  # the copy that NumPy has loaded already, not a second one
        for name in _NAMES:
            if hasattr(loaded, name.format(verb)):
                return getattr(loaded, name.format(verb))
    return None
