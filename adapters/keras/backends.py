"""What has to be said to a Keras backend itself: device, threads, float32 products, waiting, and what really holds."""

from __future__ import annotations

from typing import Any

from frameworkbench.adapter import Settings
from frameworkbench.errors import UnsupportedError


class TensorFlow:
    """Steps are a ``tf.function``; ``jit_compile="auto"`` decides whether XLA compiles it."""

    def __init__(self, settings: Settings) -> None:
        import tensorflow

        self.framework = tensorflow
        if settings.equalised:
            tensorflow.config.threading.set_intra_op_parallelism_threads(settings.threads)
            tensorflow.config.threading.set_inter_op_parallelism_threads(1)
            tensorflow.config.experimental.enable_tensor_float_32_execution(False)
        if settings.device == "cpu":
            tensorflow.config.set_visible_devices([], "GPU")
        elif not tensorflow.config.list_physical_devices("GPU"):
            raise UnsupportedError("UNSUPPORTED_DEVICE", "TensorFlow sees no GPU")

    def drain(self) -> None:
        self.framework.test.experimental.sync_devices()

    def threads(self) -> int | None:
        return self.framework.config.threading.get_intra_op_parallelism_threads() or None

    def device(self, value: Any) -> str:
        return "cuda" if "GPU" in value.device else "cpu"

    def products(self) -> str:
        allowed = self.framework.config.experimental.tensor_float_32_execution_enabled()
        return "tf32 allowed" if allowed else "ieee"


class Jax:
    """Steps are compiled by XLA, which sizes its thread pool by the affinity mask and offers no way to read it."""

    def __init__(self, settings: Settings) -> None:
        import jax

        self.framework = jax
        jax.config.update("jax_platforms", settings.device)
        if settings.equalised:  # "highest" is IEEE float32
            jax.config.update("jax_default_matmul_precision", "highest")

    def drain(self) -> None:
        self.framework.block_until_ready([array for array in self.framework.live_arrays() if not array.is_deleted()])
        self.framework.effects_barrier()

    def threads(self) -> int | None:
        return None

    def device(self, value: Any) -> str:
        return str(value.device.platform).replace("gpu", "cuda")

    def products(self) -> str:
        return "ieee" if self.framework.config.jax_default_matmul_precision == "highest" else "as shipped"


class Torch:
    """Steps run eagerly, on the first card if there is one to see: Keras asks nobody."""

    def __init__(self, settings: Settings) -> None:
        import torch

        self.framework = torch
        self._card = settings.device == "cuda"
        if self._card and not torch.cuda.is_available():
            raise UnsupportedError("UNSUPPORTED_DEVICE", "torch sees no GPU")
        backends = torch.backends
        self._products = [backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn] if self._card else []
        if settings.equalised:
            torch.set_num_threads(settings.threads)
            if torch.get_num_interop_threads() != 1:  # may be set once only per process
                torch.set_num_interop_threads(1)
            for product in self._products:  # each is set and read by itself: cuDNN's default to TF32
                product.fp32_precision = "ieee"

    def drain(self) -> None:
        if self._card:  # CPU operators have finished when they return
            self.framework.cuda.synchronize()

    def threads(self) -> int | None:
        return int(self.framework.get_num_threads())

    def device(self, value: Any) -> str:
        return str(value.device.type)

    def products(self) -> str:
        return " ".join(sorted({str(product.fp32_precision) for product in self._products})) or "ieee"


BACKENDS: dict[str, Any] = {"tensorflow": TensorFlow, "jax": Jax, "torch": Torch}
