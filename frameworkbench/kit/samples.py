"""Small random training data for the probes, in the form in which datasets are stored.

Images are not square and have three channels, so that exchanged axes change a number.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..data import PreparedDataset

FLAT = "flat"
BINARY = "binary"
IMAGES = "images"
TOKENS = "tokens"
PAIRS = "pairs"

CLASSES = 4
VOCABULARY = 32
LENGTH = 8
USERS = 12
ITEMS = 9

_RAW: dict[str, tuple[int, ...]] = {
    FLAT: (3, 5, 4),
    BINARY: (3, 5, 4),
    IMAGES: (3, 11, 9),
    TOKENS: (LENGTH,),
    PAIRS: (2,),
}
_SIZE = 256
_TEST_SIZE = 16


def input_shape(source: str) -> tuple[int, ...]:
    """Shape of one sample as a model reads it."""
    return (int(np.prod(_RAW[source])),) if source in (FLAT, BINARY) else _RAW[source]


def classes(source: str) -> int:
    """How many different labels the samples have."""
    return 2 if source == BINARY else CLASSES


def write_samples(source: str, folder: Path) -> PreparedDataset:
    """Draw the samples of one source and put them into a folder; equal calls give equal arrays."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(len(source))
    paths = {}
    for split, size in (("train", _SIZE), ("test", _TEST_SIZE)):
        arrays = {"inputs": _inputs(source, size, generator), "labels": generator.integers(0, classes(source), size)}
        for part, array in arrays.items():
            paths[f"{split}_{part}"] = folder / f"{split}_{part}.npy"
            np.save(paths[f"{split}_{part}"], array, allow_pickle=False)
    return PreparedDataset(
        name=source,
        kind="synthetic",
        fingerprint=f"probe samples {source} 1",
        classes=classes(source),
        train_size=_SIZE,
        test_size=_TEST_SIZE,
        **paths,
    )


def _inputs(source: str, size: int, generator: np.random.Generator) -> npt.NDArray[Any]:
    shape = (size, *_RAW[source])
    if source == PAIRS:
        return generator.integers(0, (USERS, ITEMS), shape).astype(np.int32)
    if source == TOKENS:
        return generator.integers(0, VOCABULARY, shape).astype(np.int32)
    return generator.integers(0, 256, shape).astype(np.uint8)
