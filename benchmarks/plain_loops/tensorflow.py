"""TensorFlow's documented loop: ``for step, (x, y) in enumerate(train_dataset): loss_value = train_step(x, y)``.

Source:
    Loop: https://www.tensorflow.org/guide/keras/writing_a_training_loop_from_scratch (with ``tf.function``).
    Waiting: https://www.tensorflow.org/api_docs/python/tf/test/experimental/sync_devices, whose example times an
    operation as below.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def run(step: Callable[[Any], Any], batches: Sequence[Any]) -> float:
    """Seconds for these batches, one after the other."""
    started = time.perf_counter()
    for batch in batches:
        step(batch)
    tf.test.experimental.sync_devices()
    return time.perf_counter() - started
