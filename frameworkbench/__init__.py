"""Compare deep-learning frameworks on provably identical models.

Importing this package imports no framework, no NumPy and no pandas: workers load it inside
environments where only the standard library and NumPy are promised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from .export.frames import Results

__all__ = ["__version__", "load"]
__version__ = "0.1.0"


def load(run_dir: str | os.PathLike[str]) -> Results:
    """The results of a run as pandas frames.

    Args:
        run_dir: the folder that ``frameworkbench run`` wrote.

    Returns:
        ``cells``, ``pairs``, ``parity``, ``processes``, ``samples``, ``requests`` and ``epochs`` as frames;
        ``describe(name)`` gives unit and meaning of their columns; ``not_measured`` is to be read first.

    Raises:
        StoreError: this is no run folder, or it cannot be read.
    """
    from .export.frames import load as load_frames

    return load_frames(run_dir)
