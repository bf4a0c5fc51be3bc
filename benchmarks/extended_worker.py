"""An ordinary worker with two more operations, for programs that ask what no run asks.

``plain`` drives the same callable and batches in a plain loop, without the harness (``overhead.py``); ``wrong_shape``
trains on inputs that are too narrow, and reports what was said (``wrong_shape.py``). Started by ``extended.py`` in an
adapter's environment; Python 3.10 and newer, standard library and NumPy.
"""

from __future__ import annotations

import sys

# The script's own folder comes first on the path by default; a module there must never shadow a framework's.
if sys.path and sys.path[0].rstrip("/").endswith("benchmarks"):
    del sys.path[0]

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any


def main() -> None:
    """Start the worker loop as ``frameworkbench/worker/bootstrap.py`` does, with the larger session."""
    options = json.loads(sys.argv[1])
    bootstrap = load(Path(options["package"]) / "worker" / "bootstrap.py", "_bootstrap")
    bootstrap.limit_process(options["cores"], options["memory_limit"], options["parent"])
    bootstrap.load_package(options["package"])
    from frameworkbench.worker import main as worker
    from frameworkbench.worker import session

    session.Session = extended(session.Session)  # the loop makes its session on the first request
    worker.serve(options["requests"], options["replies"])


def extended(session: Any) -> Any:
    """The session class with the operations ``plain`` and ``wrong_shape``."""

    class Session(session):  # type: ignore[misc]
        def op_plain(self, steps: int, loop: str) -> dict[str, Any]:
            """Drive the adapter's own step by a plain loop from a file, over the batches that come next."""
            batches = [self._next() for _ in range(steps)]
            run = load(Path(loop), "_plain_loop").run
            self.adapter.drain()
            return {"plain_ns": round(run(self.adapter.step, batches) * 1e9)}

        def op_wrong_shape(self, rows: int, width: int) -> dict[str, Any]:
            """Stage, step and wait with inputs ``(rows, width)``; where it stopped, and the exception."""
            import numpy as np

            batch = np.zeros((rows, width), np.float32), np.zeros(rows, np.int64)
            where, held = "stage", None
            try:
                held = self.adapter.stage([batch])[0]
                where = "step"
                held = self.adapter.step(held)
                where = "loss"
                self.adapter.drain()
                value = self.adapter.loss(held)
            except Exception as raised:  # noqa: BLE001 (whatever is raised is what is asked for)
                said: BaseException = raised
                while type(said).__module__.startswith("frameworkbench.") and said.__cause__ is not None:
                    said = said.__cause__  # the framework's own words, not the adapter's
                kind = type(said)
                return {"where": where, "type": f"{kind.__module__}.{kind.__qualname__}", "message": str(said)}
            return {"where": "", "type": "", "message": f"no error; the loss is {value:g}"}

    return Session


def load(file: Path, name: str) -> ModuleType:
    """A module from its file, once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{file} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        sys.modules[name] = module
    return sys.modules[name]


if __name__ == "__main__":
    main()
