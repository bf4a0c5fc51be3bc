"""What has to be said to a Keras backend itself: threads, waiting, and what really holds."""

from __future__ import annotations

from typing import Any

from frameworkbench.adapter import Settings


class TensorFlow:
    """Steps are a ``tf.function``; ``jit_compile="auto"`` decides whether XLA compiles it."""

    def __init__(self, settings: Settings) -> None:
        import tensorflow

        self.framework = tensorflow
        if settings.equalised:
            tensorflow.config.threading.set_intra_op_parallelism_threads(settings.threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
        tensorflow.config.set_visible_devices([], "GPU")

    def drain(self) -> None:
        self.framework.test.experimental.sync_devices()

    def threads(self) -> int | None:
        return self.framework.config.threading.get_intra_op_parallelism_threads() or None


class Jax:
    """Steps are compiled by XLA, which sizes its thread pool by the affinity mask and offers no way to read it."""

    def __init__(self, settings: Settings) -> None:
        import jax

        self.framework = jax

    def drain(self) -> None:
        self.framework.block_until_ready([array for array in self.framework.live_arrays() if not array.is_deleted()])
        self.framework.effects_barrier()

    def threads(self) -> int | None:
        return None


class Torch:
    """Steps run eagerly; operators on a CPU have finished when they return."""

    def __init__(self, settings: Settings) -> None:
        import torch

        self.framework = torch
        if settings.equalised:
            torch.set_num_threads(settings.threads)
            if torch.get_num_interop_threads() != 1:  # may be set once only per process
                torch.set_num_interop_threads(1)

    def drain(self) -> None:
        pass

    def threads(self) -> int | None:
        return int(self.framework.get_num_threads())


BACKENDS: dict[str, Any] = {"tensorflow": TensorFlow, "jax": Jax, "torch": Torch}
