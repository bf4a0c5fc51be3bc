"""The driver's drain: asked after the framework's, before the clock, and out of an adapter's reach."""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from frameworkbench.device.driver import CudaDriver, NullDriver, open_driver
from frameworkbench.errors import UnsupportedError, WorkerError
from frameworkbench.worker import session as worker_session
from frameworkbench.worker.session import Session


def _count(library: Path, name: str) -> int:
    return ctypes.c_int.in_dll(ctypes.CDLL(str(library)), name).value


def _open(library: Path) -> CudaDriver:
    driver = open_driver("cuda", load=lambda name: ctypes.CDLL(str(library.with_name(name))))
    assert isinstance(driver, CudaDriver)
    return driver


def test_drain_waits_on_the_primary_context(fake_libcuda: Path) -> None:
    """Each drain synchronises the retained primary context once and leaves the context stack as it was."""
    driver = _open(fake_libcuda)
    before = {name: _count(fake_libcuda, name) for name in ("fake_retains", "fake_synchronizes")}

    driver.drain()
    driver.drain()

    assert _count(fake_libcuda, "fake_synchronizes") - before["fake_synchronizes"] == 2
    assert _count(fake_libcuda, "fake_retains") - before["fake_retains"] == 1
    assert _count(fake_libcuda, "fake_depth") == 0
    assert driver.facts() == {"drain": "cuCtxSynchronize", "drains": 2, "context": True}


def test_no_context_of_its_own(fake_libcuda: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the framework has made no context, the drain makes none and says so."""
    monkeypatch.setenv("FAKE_CUDA_ACTIVE", "0")
    driver = _open(fake_libcuda)
    before = _count(fake_libcuda, "fake_retains")

    driver.drain()

    assert _count(fake_libcuda, "fake_retains") == before
    assert driver.facts() == {"drain": "cuCtxSynchronize", "drains": 0, "context": False}


@pytest.mark.parametrize(("error", "code"), [("2", "OUT_OF_MEMORY"), ("700", "ADAPTER_ERROR")])
def test_an_error_of_the_driver(fake_libcuda: Path, monkeypatch: pytest.MonkeyPatch, error: str, code: str) -> None:
    """An error that surfaces while draining ends the pass with its code and the driver's number."""
    monkeypatch.setenv("FAKE_CUDA_ERROR", error)
    driver = _open(fake_libcuda)

    with pytest.raises(WorkerError, match=f"cuCtxSynchronize failed with error {error}") as caught:
        driver.drain()

    assert caught.value.code == code
    assert _count(fake_libcuda, "fake_depth") == 0


def test_patching_ctypes_later_changes_nothing(fake_libcuda: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Functions are looked up before adapter code runs: replacing ctypes' entries afterwards has no effect."""
    driver = _open(fake_libcuda)
    before = _count(fake_libcuda, "fake_synchronizes")
    with monkeypatch.context() as patch:
        patch.setattr(ctypes, "CDLL", lambda name: None)
        patch.setattr(ctypes, "byref", lambda value: None)

        driver.drain()

    assert _count(fake_libcuda, "fake_synchronizes") == before + 1


def test_no_driver_library() -> None:
    """A machine without the driver's library says so as an unsupported device, with the loader's words."""

    def load(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    with pytest.raises(UnsupportedError, match=r"libcuda\.so\.1.* cannot be loaded") as caught:
        open_driver("cuda", load=load)

    assert caught.value.code == "UNSUPPORTED_DEVICE"


def test_an_incomplete_driver_library() -> None:
    """A library without one of the functions is refused when it is opened, not in the middle of a window."""
    with pytest.raises(UnsupportedError, match="lacks a function"):
        open_driver("cuda", load=lambda name: object())


def test_the_cpu_has_no_driver() -> None:
    """On the CPU no library is loaded and nothing is waited for."""

    def load(name: str) -> Any:
        raise OSError("must not be asked")

    driver = open_driver("cpu", load=load)
    driver.drain()

    assert isinstance(driver, NullDriver)
    assert driver.facts() == {"drain": None}


_ADAPTER = """
from frameworkbench.adapter import Adapter
class Recorder(Adapter):
    def build(self, model, loss, optimizer, weights): pass
    def load(self, weights): pass
    def infer(self, batch): EVENTS.append("infer"); return batch
    def fetch(self, handle): return handle
    def stage(self, batches): return list(range(len(batches)))
    def step(self, batch): EVENTS.append("step"); return 1.0
    def loss(self, handle): return handle
    def drain(self): EVENTS.append("framework drain")
    def load(self, weights): pass
    def infer(self, batch): return batch
    def fetch(self, handle): return handle
    def export(self): return {}
    def effective(self): return {}
EVENTS = []
ADAPTER = Recorder
"""
_SETTINGS = {"mode": "m", "threads": 1, "precision": "float32", "lane": "matched", "seed": 0, "compile_cache": ""}


def _session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Session, list[str]]:
    """A session on an adapter, a driver and a clock that write down the order in which they are asked."""
    (tmp_path / "adapter.py").write_text(_ADAPTER, encoding="utf-8")
    events: list[str] = []

    class Driver(NullDriver):
        def drain(self) -> None:
            events.append("driver drain")

    class Clock:
        process_time = staticmethod(time.process_time)

        @staticmethod
        def perf_counter_ns() -> int:
            events.append("clock")
            return len(events)

    monkeypatch.setattr(worker_session, "open_driver", lambda device: Driver())
    session = Session(lambda name: events.append(f"mark {name}"))
    session.op_start(str(tmp_path / "adapter.py"), {**_SETTINGS, "device": "cuda"})
    data = {"inputs": np.zeros((4, 2), np.int32), "labels": np.zeros(4, np.int64), "order": np.zeros((4, 1), np.int64)}
    for name, array in data.items():
        np.save(tmp_path / f"{name}.npy", array)
    spec = {"scale": 1.0, "mean": [], "std": [], "flatten": False}
    session.op_data(str(tmp_path / "inputs.npy"), str(tmp_path / "labels.npy"), spec)
    session.op_stage(str(tmp_path / "order.npy"))
    module = sys.modules[type(session.adapter).__module__]
    monkeypatch.setattr(module, "EVENTS", events)
    events.clear()
    monkeypatch.setattr(worker_session, "time", Clock)
    return session, events


def test_a_window_drains_twice_at_both_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Framework drain, driver drain, clock, steps, framework drain, driver drain, clock: in this order."""
    session, events = _session(tmp_path, monkeypatch)

    session.op_window(steps=2)

    wanted = ["framework drain", "driver drain", "clock", "step", "step", "framework drain", "driver drain", "clock"]
    assert [event for event in events if not event.startswith("mark")] == wanted
    assert events.index("mark start") == 2
    assert events[-1] == "mark stop"


def test_steps_and_epochs_drain_before_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untimed steps and training epochs, whose times are recorded too, end in both drains before the clock."""
    session, events = _session(tmp_path, monkeypatch)

    session.op_steps(count=2)
    session.op_epoch(str(tmp_path / "order.npy"), chunk=4)

    ends = [i for i, event in enumerate(events) if event == "clock"][1::2]
    assert len(ends) == 2
    assert all(events[end - 2 : end] == ["framework drain", "driver drain"] for end in ends)
