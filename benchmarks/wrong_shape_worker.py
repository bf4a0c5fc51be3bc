"""An ordinary worker with one more operation: train on inputs that are too narrow, and report what was said.

Started by ``wrong_shape.py`` in an adapter's environment; Python 3.10 and newer, standard library and NumPy.
"""

from __future__ import annotations

import sys

# The script's own folder comes first on the path by default; a module there must never shadow a framework's.
if sys.path and sys.path[0].rstrip("/").endswith("benchmarks"):
    del sys.path[0]

import importlib.util
import json
from typing import Any


def main() -> None:
    """Start the worker loop as ``frameworkbench/worker/bootstrap.py`` does, with the larger session."""
    options = json.loads(sys.argv[1])
    spec = importlib.util.spec_from_file_location("_bootstrap", f"{options['package']}/worker/bootstrap.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no worker in {options['package']}")
    bootstrap = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bootstrap)
    bootstrap.limit_process(options["cores"], options["memory_limit"], options["parent"])
    bootstrap.load_package(options["package"])
    from frameworkbench.worker import main as worker
    from frameworkbench.worker import session

    session.Session = with_wrong_shape(session.Session)  # the loop makes its session on the first request
    worker.serve(options["requests"], options["replies"])


def with_wrong_shape(session: Any) -> Any:
    """The session class with the operation ``wrong_shape``."""

    class Session(session):  # type: ignore[misc]
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


if __name__ == "__main__":
    main()
