"""The contract between the harness and a framework.

The harness owns the clock, the data, the weights and the evaluation. An adapter builds, steps, infers,
drains and exports, so it has nothing with which to measure itself. There is no gradient hook: the proof pass
reads gradients and optimizer behaviour off the parameters that ordinary steps change.

Runs on Python 3.10 and newer with NumPy; the framework is imported by the subclass.
"""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .spec.model import Model
from .spec.training import Loss, Optimizer

Array = npt.NDArray[Any]
Weights = Mapping[str, Array]
Batch = tuple[Array, Array]

__all__ = ["Adapter", "Array", "Batch", "Settings", "Weights", "np"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a cell asks for; the adapter applies all of it before it builds anything.

    ``mode`` is one of the adapter's own mode names; ``device`` is "cpu" or "cuda"; ``precision`` is "float32",
    "tf32" or "bfloat16", with parameters in float32 in each (the oracle alone runs in "float64"); ``lane`` is
    "default", "matched" or "tuned"; ``threads`` is the number of cores in the affinity mask; ``compile_cache`` is a
    folder that belongs to this cell; ``options`` are those that the adapter's own ``[[tuned]]`` declares for this cell,
    empty outside the lane "tuned".
    """

    mode: str
    device: str
    threads: int
    precision: str
    lane: str
    seed: int
    compile_cache: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def equalised(self) -> bool:
        """Whether threads and precision are to be set as asked; if not, the framework stays as it ships."""
        return self.lane != "default"


class Adapter(abc.ABC):
    """One framework in one mode, inside one worker process.

    The constructor imports the framework and applies the device and, where ``settings.equalised``, threads and
    precision. Everything that follows uses canonical names, shapes and layouts of ``frameworkbench.spec``.

    ``build`` may be called several times in one process (the proof pass does, with other optimizers and loss
    scales); each call starts from scratch: a fresh model, the given weights, an empty optimizer state.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @abc.abstractmethod
    def build(self, model: Model, loss: Loss, optimizer: Optimizer, weights: Weights) -> None:
        """Construct the model in this mode and load the canonical float32 weights.

        Args:
            model: layers with shapes; every constant is stated, framework defaults play no part.
            loss: what to minimise, with its scale.
            optimizer: update rule with all constants.
            weights: one array per ``model.parameters`` name, canonical shape.

        Raises:
            UnsupportedError: a layer, loss, optimizer or mode that this framework cannot run as asked.
        """

    @abc.abstractmethod
    def load(self, weights: Weights) -> None:
        """Replace the weights of the built model and empty the optimizer's state, without building anything again.

        The next step behaves as the first step after ``build``, and the next ``infer`` answers from these weights.
        Nothing is constructed or compiled: what ran before runs on.

        Args:
            weights: one array per parameter, as for ``build``.
        """

    @abc.abstractmethod
    def stage(self, batches: Sequence[Batch]) -> list[Any]:
        """Put host batches where ``step`` and ``infer`` want them (device, layout, dtype), one handle per batch.

        Args:
            batches: pairs of inputs (float32 ``(B, *input_shape)`` in NCHW order, or int32 tokens ``(B, T)``)
                and labels (int64, ``(B,)``). ``B`` is the training batch size, or 1 for single requests.
        """

    @abc.abstractmethod
    def step(self, batch: Any) -> Any:
        """Run one optimizer update on a staged batch and return a handle to this step's loss.

        The work may still be queued when this returns; the harness drains. The loss is the one *before* the update.
        """

    def run(self, batches: Sequence[Any]) -> None:
        """Run one optimizer update on each of these staged batches, in their order: a timed window.

        A plain loop over ``step``. A mode whose users hand whole epochs to the framework's own loop overrides it; what
        it leads to must be what ``step`` leads to, and is proved like that.
        """
        step = self.step
        for batch in batches:
            step(batch)

    @abc.abstractmethod
    def loss(self, handle: Any) -> float:
        """The number behind a handle that ``step`` returned (waits for it)."""

    @abc.abstractmethod
    def drain(self) -> None:
        """Block until all work of this framework on this device has finished."""

    @abc.abstractmethod
    def infer(self, batch: Any) -> Any:
        """Forward pass in evaluation, in this mode, on the inputs of a staged batch; a handle to its logits.

        As a user of this framework runs inference in this mode: no gradients are recorded. The work may still be
        queued when this returns, and several handles may be open at once.
        """

    @abc.abstractmethod
    def fetch(self, handle: Any) -> Array:
        """The logits ``(B, classes)`` behind a handle that ``infer`` returned: float32 on the host (waits for them)."""

    def predict(self, inputs: Array) -> Array:
        """Logits ``(B, classes)`` for one host batch, as float32: one staged request.

        A mode that compiles training and inference apart may override this to show the graph that trains.
        """
        return self.fetch(self.infer(self.stage([(inputs, np.zeros(len(inputs), np.int64))])[0]))

    @abc.abstractmethod
    def export(self) -> dict[str, Array]:
        """The current weights under canonical names, shapes and layouts; the inverse of loading them."""

    @abc.abstractmethod
    def effective(self) -> dict[str, Any]:
        """What really holds, read back from the framework where it can be read.

        At least ``version`` (str), ``mode`` (the mode that ran, after any fallback), ``device``, ``precision``,
        and ``threads`` (int, or None where the framework offers no way to read it). Further keys are printed.
        """

    def end_helpers(self) -> None:  # noqa: B027 - most have none
        """End processes and threads that only building and compiling needed; what was compiled runs on.

        Called after each warm-up, and in training once more before the process ends, outside of all timed intervals: a
        pool of compilers that is still starting would take cores from the first window. More may be built afterwards.
        """

    def device_memory(self) -> dict[str, Any] | None:
        """What the framework's own allocator says about the device, or None where it says nothing (on a CPU: None).

        Returns:
            ``source`` (the call that was asked), ``live_bytes`` (handed out now) and ``peak_bytes`` (most handed out at
            once since the process started); a number that the framework does not offer is None.
        """
        return None

    def compilations(self) -> int | None:
        """How often this mode has traced or compiled a step so far; None where the framework does not tell.

        Read before and after every timed window: a count that grows there makes the measurement invalid.
        """
        return None
