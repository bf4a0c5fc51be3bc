"""From stored bytes to model inputs, and the order of the batches.

Workers of every framework call these two functions, so equal inputs and equal batches do not depend
on any framework's own data loader. Standard library and NumPy only; runs on Python 3.10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_inputs(
    raw: NDArray[Any],
    *,
    scale: float = 1.0,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    flatten: bool = False,
) -> NDArray[Any]:
    """Turn stored samples into what a model reads.

    Computed in float32 as ``(x * scale - mean[c]) / std[c]``, in this order, so that every caller gets
    the same bits.

    Args:
        raw: images ``uint8 (N, C, H, W)`` or tokens ``int32 (N, T)``.
        scale: factor on the byte.
        mean: one value for each channel, or empty.
        std: one value for each channel, or empty.
        flatten: return images as ``(N, C*H*W)``.

    Returns:
        Images as float32, tokens as int32, both contiguous.

    Raises:
        ValueError: an array that is neither, or a number of channels that does not fit.
    """
    if raw.dtype == np.int32 and raw.ndim == 2:
        return np.ascontiguousarray(raw)  # (N, T)
    if raw.dtype != np.uint8 or raw.ndim != 4:
        raise ValueError(
            f"inputs: expected uint8 (N, C, H, W) or int32 (N, T); received {raw.dtype} {raw.shape}; "
            "prepare the dataset again"
        )
    images = raw.astype(np.float32)  # (N, C, H, W)
    images *= np.float32(scale)
    if len(mean):
        images -= _per_channel("mean", mean, raw.shape[1])
    if len(std):
        images /= _per_channel("std", std, raw.shape[1])
    return images.reshape(len(images), -1) if flatten else images


def epoch_order(seed: int, epoch: int, size: int, batch_size: int) -> NDArray[np.int64]:
    """Sample indices of every batch of one epoch.

    A permutation by PCG64 seeded with ``[seed, epoch]``: any epoch's order can be made without the ones
    before it. The last partial batch is dropped, so that every step has the same shape.

    Args:
        seed: the run's seed, 0 or more.
        epoch: 0 for the first epoch.
        size: number of training samples.
        batch_size: samples in a batch, from 1 to ``size``.

    Returns:
        Indices ``(steps, batch_size)``.

    Raises:
        ValueError: a batch that does not fit.
    """
    if not 1 <= batch_size <= size:
        raise ValueError(f"batch_size: expected 1 to {size} (the number of samples); received {batch_size}")
    generator = np.random.Generator(np.random.PCG64([seed, epoch]))
    order = generator.permutation(size).astype(np.int64)
    steps = size // batch_size
    return order[: steps * batch_size].reshape(steps, batch_size)


def _per_channel(name: str, values: Sequence[float], channels: int) -> NDArray[np.float32]:
    if len(values) != channels:
        raise ValueError(f"{name}: expected {channels} values, one for each channel; received {len(values)}")
    return np.asarray(values, np.float32).reshape(1, channels, 1, 1)
