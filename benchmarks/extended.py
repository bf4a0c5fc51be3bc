"""Starts a worker that has operations beyond those of a run (``extended_worker.py``)."""

from __future__ import annotations

from pathlib import Path

from frameworkbench.run.link import Setting, worker_environment
from frameworkbench.run.worker_process import WorkerProcess

_PROGRAM = Path(__file__).resolve().parent / "extended_worker.py"


def extended_worker(setting: Setting, folder: Path, log: Path) -> WorkerProcess:
    """A worker in a cell's environment, not yet started.

    Args:
        setting: the cell; its compile cache is made if missing.
        folder: for files that parent and worker exchange.
        log: what the worker prints.
    """
    setting.compile_cache.mkdir(parents=True, exist_ok=True)
    return WorkerProcess(
        setting.interpreter.path,
        environment=worker_environment(setting),
        log=log,
        folder=folder,
        cores=setting.cores,
        deadline_s=setting.timeout_s,
        program=_PROGRAM,
    )
