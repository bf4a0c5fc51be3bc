"""First file a worker runs: limits the process, then loads the package without touching ``sys.path``.

The harness's folder also holds ``adapters/`` and, in the core environment, other packages. Putting it on
the path could shadow a framework, so the package is registered by its location instead.

usage: python bootstrap.py '{"package": …, "requests": fd, "replies": fd, "cores": [..], "memory_limit": null,
                            "parent": pid}'
"""

import sys

# The script's own folder comes first on the path by default; a module there must never shadow a framework's.
if sys.path and sys.path[0].rstrip("/").endswith("worker"):
    del sys.path[0]

import ctypes
import importlib.util
import json
import os
import signal


def limit_process(cores: "list[int] | None", memory_limit: "int | None", parent: int) -> None:
    """Pin to the cores, cap the address space, die with the parent, and keep every descendant in the family."""
    if hasattr(os, "sched_setaffinity") and cores:
        os.sched_setaffinity(0, cores)
    if memory_limit:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory_limit, memory_limit))
    if sys.platform == "linux":
        pr_set_pdeathsig, pr_set_child_subreaper = 1, 36
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        prctl(pr_set_pdeathsig, signal.SIGKILL, 0, 0, 0)
        # Orphans of this process's children become its own children, so that none leaves the tree that is watched.
        prctl(pr_set_child_subreaper, 1, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above took effect
        raise SystemExit("the parent is gone")


def load_package(folder: str) -> None:
    """Register the package under its own name, from its folder."""
    spec = importlib.util.spec_from_file_location(
        "frameworkbench", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        raise SystemExit(f"cannot load the package from {folder}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["frameworkbench"] = module
    spec.loader.exec_module(module)


def main() -> None:
    """Start the worker loop."""
    options = json.loads(sys.argv[1])
    limit_process(options["cores"], options["memory_limit"], options["parent"])
    load_package(options["package"])
    from frameworkbench.worker.main import serve

    serve(options["requests"], options["replies"])


if __name__ == "__main__":
    main()
