"""An ordinary worker with one more operation: the same callable and batches in a plain loop, without the harness.

Started by ``overhead.py`` in an adapter's environment; Python 3.10 and newer, standard library and NumPy.
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

    session.Session = with_plain_loop(session.Session)  # the loop makes its session on the first request
    worker.serve(options["requests"], options["replies"])


def with_plain_loop(session: Any) -> Any:
    """The session class with the operation ``plain``."""

    class Session(session):  # type: ignore[misc]
        def op_plain(self, steps: int, loop: str) -> dict[str, Any]:
            """Drive the adapter's own step by a plain loop from a file, over the batches that come next."""
            batches = [self._next() for _ in range(steps)]
            run = load(Path(loop), "_plain_loop").run
            self.adapter.drain()
            return {"plain_ns": round(run(self.adapter.step, batches) * 1e9)}

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
