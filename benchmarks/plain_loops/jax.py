"""JAX' documented loop: ``params, opt_state, loss_value = step(params, opt_state, batch, labels)`` for each batch.

Source:
    Loop: https://optax.readthedocs.io/en/latest/getting_started.html (``fit``).
    Waiting: https://docs.jax.dev/en/latest/async_dispatch.html (``block_until_ready``).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    loss = None
    started = time.perf_counter()
    for batch in batches:
        loss = step(batch)
    jax.block_until_ready(loss)
    return time.perf_counter() - started
