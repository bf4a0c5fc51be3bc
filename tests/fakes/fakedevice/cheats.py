"""Cheating adapters of the measuring method's list, each as short as a real one would be (method, section 8).

Most of them behave until they are past the steps that a proof can follow, as somebody would who has read the harness.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import types
from dataclasses import replace
from pathlib import Path

import numpy as np

from frameworkbench.reference import Network

Honest = sys.modules["_fakedevice_device"].Honest
Device = sys.modules["_fakedevice_device"].Device

UNSEEN = 45  # steps without a drain after which cheats that hide believe themselves unwatched


class Hiding(Honest):
    """Behaves until so many steps have passed without a drain that this must be a timed window."""

    count = 0

    def step(self, batch):
        self.count += 1
        return self.cheat(batch) if self.count > UNSEEN else super().step(batch)

    def drain(self):
        self.count = 0
        super().drain()


class NoSync(Honest):
    """C01: drain returns at once."""

    def drain(self):
        return None


class HiddenThread(Hiding):
    """C03: later steps go to a queue that drain does not know."""

    def __init__(self, settings):
        super().__init__(settings)
        self.side = Device()

    def cheat(self, batch):
        self.side.submit(lambda: self.compute(batch))
        return {"loss": 2.3}


class HiddenChild(Hiding):
    """C03: a process of its own goes on computing when the window is over."""

    child = None

    def cheat(self, batch):
        if self.child is None:
            self.child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        return super(Hiding, self).step(batch)


class BusyWaiter(Hiding):
    """Not in the list: works ahead while other processes are timed, and rests while it may be looked at."""

    asked = None

    def cheat(self, batch):
        first, self.asked = self.asked is None, time.monotonic()
        if first:
            threading.Thread(target=self._work_ahead, daemon=True).start()
        return super(Hiding, self).step(batch)

    def _work_ahead(self):
        while True:
            if time.monotonic() - self.asked < 1.0:
                time.sleep(0.02)
            else:
                np.ones((200, 200)) @ np.ones((200, 200))


class Lazy(Honest):
    """C04: steps are noted and done when somebody looks."""

    def __init__(self, settings):
        super().__init__(settings)
        self.noted = []

    def step(self, batch):
        handle = {}
        self.noted.append((handle, batch))
        return handle

    def loss(self, handle):
        self._do()
        return handle["loss"]

    def export(self):
        self._do()
        return super().export()

    def _do(self):
        for handle, batch in self.noted:
            handle["loss"] = self.compute(batch)
        self.noted.clear()


class SlowClock(Honest):
    """C05: the worker's clock runs at a fifth of its pace."""

    def __init__(self, settings):
        super().__init__(settings)
        real, origin = time.perf_counter_ns, time.perf_counter_ns()
        time.perf_counter_ns = lambda: origin + (real() - origin) // 5


class EarlyStop(Honest):
    """Not in the list: finds the harness's marks in memory and ends each window when it has begun."""

    def drain(self):
        session = next(item for item in gc.get_objects() if type(item).__name__ == "Session")
        if not hasattr(session, "_real"):
            session._real = session._mark

            def mark(name):
                if name == "start":
                    session._real("start")
                    session._real("stop")

            session._mark = mark
        super().drain()


class EarlyStopForged(EarlyStop):
    """The same with a clock that agrees."""

    def __init__(self, settings):
        super().__init__(settings)
        real, origin = time.perf_counter_ns, time.perf_counter_ns()
        time.perf_counter_ns = lambda: origin + (real() - origin) // 10_000


class Memoise(Honest):
    """C06: the answer for a batch that was seen before is given again."""

    def build(self, *args):
        self.known = {}
        super().build(*args)

    def compute(self, batch):
        key = id(batch[0])
        if key not in self.known:
            value, gradients, _ = self.network.loss_and_gradients(*batch, self.objective)
            self.known[key] = (value, gradients, batch)
        value, gradients, _ = self.known[key]
        self.optimizer.update(self.network.weights, gradients)
        return value


class BatchAndSkip(Honest):
    """C07: fifteen steps at once, then nothing for fourteen."""

    def build(self, *args):
        self.ahead = {}
        super().build(*args)

    def compute(self, batch):
        position = next(i for i, known in enumerate(self.staged) if known[0] is batch[0])
        if position in self.ahead:
            return self.ahead.pop(position)
        for offset in range(15):
            number = (position + offset) % len(self.staged)
            self.ahead[number] = super().compute(self.staged[number])
        return self.ahead.pop(position)


class OneBatch(Honest):
    """C08: always trains on the first batch."""

    def compute(self, batch):
        return super().compute(self.staged[0])


class HalfBatch(Honest):
    """C09: uses half of the samples."""

    def compute(self, batch):
        half = len(batch[1]) // 2
        return super().compute((batch[0][:half], batch[1][:half]))


class FewerBatches(Honest):
    """C09: drops every second batch."""

    def stage(self, batches):
        return super().stage(batches[::2])


class Narrow(Honest):
    """C10: computes with half of the first layer's units and exports the full arrays."""

    def compute(self, batch):
        weights = self.network.weights
        name = next(name for name, value in weights.items() if value.ndim == 2)
        half = len(weights[name]) // 2
        kept = {n: weights[n][half:].copy() for n in (name, name.replace("kernel", "bias"))}
        for n in kept:
            weights[n][half:] = 0
        result = super().compute(batch)
        for n, value in kept.items():
            weights[n][half:] = value
        return result


class Missing(Honest):
    """C10: has no bias to export."""

    def export(self):
        return {name: value for name, value in super().export().items() if not name.endswith("1.bias")}


class Frozen(Honest):
    """C11: the first layer is not trained."""

    def compute(self, batch):
        name = next(iter(self.network.weights))
        kept = self.network.weights[name].copy()
        result = super().compute(batch)
        self.network.weights[name][...] = kept
        return result


class OwnInit(Honest):
    """C13: starts from weights that it likes better."""

    def build(self, model, loss, optimizer, weights):
        lucky = {name: value * np.float32(0.5) for name, value in weights.items()}
        super().build(model, loss, optimizer, lucky)


class OtherRate(Honest):
    """C14: a learning rate that suits it."""

    def build(self, model, loss, optimizer, weights):
        tuned = optimizer if optimizer.kind == "sgd" else replace(optimizer, learning_rate=optimizer.learning_rate * 2)
        super().build(model, loss, tuned, weights)


class OtherBeta(Honest):
    """C14: another momentum."""

    def build(self, model, loss, optimizer, weights):
        tuned = optimizer if optimizer.kind == "sgd" else replace(optimizer, beta1=0.8)
        super().build(model, loss, tuned, weights)


class TestData(Honest):
    """C15: finds the test split beside the training data and learns it before it is asked for weights."""

    def export(self):
        if len(self.staged) < 10:
            return super().export()
        folder = self._folder()
        labels = np.load(folder / "test_labels.npy")
        raw = np.load(folder / "test_inputs.npy").reshape(len(labels), -1)
        inputs = self.inputs((raw * 0.004).astype(np.float32))
        for _ in range(600):
            super().compute((inputs, labels))
        return super().export()

    def _folder(self):
        for line in Path("/proc/self/maps").read_text().splitlines():
            if line.endswith("train_inputs.npy"):
                return Path(line.split(maxsplit=5)[5]).parent
        raise RuntimeError("no data is mapped")


class ForgedMetric(Honest):
    """C16: reports half of the loss."""

    def loss(self, handle):
        return super().loss(handle) / 2


class Rounding(Honest):
    """C17, C18: products of rounded numbers."""

    bits = 10

    def _rounded(self, value):
        whole = np.asarray(value, np.float32).view(np.uint32)
        drop = 23 - self.bits
        kept = ((whole + (1 << (drop - 1))) >> drop) << drop
        return kept.astype(np.uint32).view(np.float32).astype(np.float64)

    def compute(self, batch):
        exact = self.network.weights
        rough = Network(self.network.model, {n: self._rounded(v) for n, v in exact.items()})
        value, gradients, _ = rough.loss_and_gradients(self._rounded(batch[0]), batch[1], self.objective)
        self.optimizer.update(exact, gradients)
        return value

    def predict(self, inputs):
        rough = Network(self.network.model, {n: self._rounded(v) for n, v in self.network.weights.items()})
        with np.errstate(invalid="ignore"):
            return rough.logits(self._rounded(inputs)).astype(np.float32)


class BFloat16(Rounding):
    bits = 7


class FastMath(Honest):
    """C19: assumes that there are no infinities and no NaN."""

    def inputs(self, inputs):
        return super().inputs(np.nan_to_num(inputs, posinf=3e38)) if inputs.dtype.kind == "f" else inputs


class Blank(Honest):
    """C20: trains on zeros, which cost less power."""

    def stage(self, batches):
        return super().stage([(np.zeros_like(inputs), labels) for inputs, labels in batches])


class WarmCache(Honest):
    """C27: brings compiled kernels along from an earlier life."""

    def __init__(self, settings):
        super().__init__(settings)
        Path(settings.compile_cache).mkdir(parents=True, exist_ok=True)
        (Path(settings.compile_cache) / "kernel.bin").write_bytes(b"\0" * 1_000_000)


class Recompile(Honest):
    """C28: an honest bug: every step is compiled anew."""

    compiled = 0

    def step(self, batch):
        self.compiled += 1
        return super().step(batch)

    def compilations(self):
        return self.compiled


class Detector(Hiding):
    """C29: in what must be a timed window it only jiggles the weights."""

    def cheat(self, batch):
        for value in self.network.weights.values():
            value *= 1 + 1e-9
        return {"loss": 2.3}


class SkipsHalf(Hiding):
    """Not in the list: unwatched, every second step is left out, so that speed merely doubles."""

    def cheat(self, batch):
        return {"loss": 2.3} if self.count % 2 else super(Hiding, self).step(batch)


class NullStep(Honest):
    """The null test: a step that does nothing."""

    def compute(self, batch):
        return self.network.loss_and_gradients(*batch, self.objective)[0]


class Ghost(Hiding):
    """Does nothing any more, drained or not, from its first window that must be a timed one."""

    gone = False

    def step(self, batch):
        return {"loss": 2.3} if self.gone else super().step(batch)

    def cheat(self, batch):
        self.gone = True
        return {"loss": 2.3}


class LeavesProcess(Honest):
    """C32: leaves a busy process behind that is no longer in the worker's group."""

    left = False

    def effective(self):
        if not self.left:
            self.left = True
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        return super().effective()


class FakeVersion(Honest):
    """C35: claims to be another version."""

    def effective(self):
        return {**super().effective(), "version": "99.0"}


class Shadow(Honest):
    """C35: another module under the framework's name."""

    def __init__(self, settings):
        super().__init__(settings)
        shadow = types.ModuleType("numpy")
        shadow.__dict__.update(np.__dict__)
        shadow.__file__ = "/somewhere/else/numpy/__init__.py"
        sys.modules["numpy"] = shadow


class Diverged(Honest):
    """C39: weights are no longer numbers, and steps that meet NaN are free."""

    def compute(self, batch):
        if len(self.staged) > 20:  # a training hands out batches in larger portions than its first steps
            for value in self.network.weights.values():
                value[...] = np.nan
            return 2.3
        return super().compute(batch)


CHEATS = {
    "no_sync": NoSync,
    "hidden_thread": HiddenThread,
    "hidden_child": HiddenChild,
    "busy_waiter": BusyWaiter,
    "lazy": Lazy,
    "slow_clock": SlowClock,
    "early_stop": EarlyStop,
    "early_stop_forged": EarlyStopForged,
    "memoise": Memoise,
    "batch_and_skip": BatchAndSkip,
    "one_batch": OneBatch,
    "half_batch": HalfBatch,
    "fewer_batches": FewerBatches,
    "narrow": Narrow,
    "missing": Missing,
    "frozen": Frozen,
    "own_init": OwnInit,
    "other_rate": OtherRate,
    "other_beta": OtherBeta,
    "test_data": TestData,
    "forged_metric": ForgedMetric,
    "tf32": Rounding,
    "bfloat16": BFloat16,
    "fast_math": FastMath,
    "blank": Blank,
    "warm_cache": WarmCache,
    "recompile": Recompile,
    "detector": Detector,
    "skips_half": SkipsHalf,
    "null_step": NullStep,
    "ghost": Ghost,
    "leaves_process": LeavesProcess,
    "fake_version": FakeVersion,
    "shadow": Shadow,
    "diverged": Diverged,
}
