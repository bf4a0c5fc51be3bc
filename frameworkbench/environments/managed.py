"""Makes, finds and removes the environments that the harness fills itself.

The order is what matters: find without touching anything; lock; look again; make; compare with the
lock file; mark. Every way in which that can end badly has a code.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from frameworkbench.environments import sources
from frameworkbench.environments.directory import (
    Place,
    clear,
    disk_problem,
    exclusively,
    existing,
    list_environments,
    mark_ready,
    place,
)
from frameworkbench.environments.installing import Job, install
from frameworkbench.environments.lockfile import Lock, differences, read_lock
from frameworkbench.environments.model import (
    ENVIRONMENT_FAILED,
    ENVIRONMENT_MISMATCH,
    EnvironmentSpec,
    Interpreter,
    Progress,
)
from frameworkbench.environments.probe import describe, probe
from frameworkbench.environments.pythons import find_python, fits, running_python
from frameworkbench.environments.versions import minor, release
from frameworkbench.errors import EnvironmentProblem


def ensure(spec: EnvironmentSpec, *, cache_dir: Path, progress: Progress, refresh: bool = False) -> Interpreter:
    """Give the managed environment for a spec; make it if it is not there.

    Args:
        spec: the wanted environment.
        cache_dir: where environments are kept.
        progress: gets plain sentences while work is going on.
        refresh: make it anew even if it is there.

    Returns:
        Its interpreter; ``created_s`` is 0.0 when it was there already.

    Raises:
        EnvironmentProblem: ENVIRONMENT_MISSING (no lock), NO_UV, NO_INTERPRETER, ENVIRONMENT_FAILED
            (a requirement or the disk refused) or ENVIRONMENT_MISMATCH (not what the lock says).
    """
    lock = read_lock(spec)
    found = None if refresh else _reuse(spec, lock, cache_dir)
    if found:
        return found
    try:
        return _create(spec, lock, cache_dir, progress, refresh)
    except OSError as error:
        raise disk_problem(spec, cache_dir, error) from error


def find(spec: EnvironmentSpec, *, cache_dir: Path) -> Interpreter | None:
    """Give the managed environment for a spec if it is there and works; never make one.

    Args:
        spec: the wanted environment.
        cache_dir: where environments are kept.

    Returns:
        Its interpreter, not compared with the lock (see ``verify``), or ``None``.
    """
    lock = read_lock(spec)
    target = _ready_place(spec, lock, cache_dir)
    return _inspect(spec, lock, target) if target else None


def verify(spec: EnvironmentSpec, interpreter: Interpreter) -> list[str]:
    """Compare an interpreter's packages with the lock.

    Args:
        spec: the wanted environment.
        interpreter: the one in use. Beside a managed one, others may hold more than the lock says.

    Returns:
        One text per difference, empty when there is none.
    """
    return differences(read_lock(spec), interpreter.packages, complete=interpreter.kind == "managed")


def remove(spec: EnvironmentSpec, *, cache_dir: Path, all_locks: bool = False) -> bool:
    """Delete the managed environments of a spec, for every version of Python.

    Args:
        spec: the environment.
        cache_dir: where environments are kept.
        all_locks: also those that older locks of the same adapter and variant left behind.

    Returns:
        Whether there was one.

    Raises:
        EnvironmentProblem: ENVIRONMENT_FAILED if it could not be deleted.
    """
    if all_locks:
        entries = list_environments(cache_dir)
        mine = [entry for entry in entries if (entry.adapter, entry.variant) == (spec.adapter, spec.variant)]
        targets = [Place(entry.path, entry.python) for entry in mine]
    else:
        targets = existing(spec, read_lock(spec).sha256, cache_dir)
    removed = False
    for target in targets:
        try:
            with exclusively(target, spec=spec, progress=lambda _: None):
                removed = clear(target) or removed
        except OSError as error:
            raise disk_problem(spec, target.path, error) from error
    return removed


def _ready_place(spec: EnvironmentSpec, lock: Lock, cache_dir: Path) -> Place | None:
    running = running_python().version
    if fits(spec, running):
        own = place(spec, lock.sha256, minor(running), cache_dir)
        return own if own.ready else None
    ready = [found for found in existing(spec, lock.sha256, cache_dir) if found.ready and fits(spec, found.python)]
    return max(ready, key=lambda found: release(found.python), default=None)


def _inspect(spec: EnvironmentSpec, lock: Lock, target: Place) -> Interpreter | None:
    try:
        facts = probe(
            spec.adapter, target.interpreter, distribution=spec.distribution, module=spec.module, isolated=True
        )
    except EnvironmentProblem:
        return None  # the Python that it was made from is gone, for example
    version = facts.framework_version(spec.distribution) or "unknown"
    return describe(
        spec.adapter, target.interpreter, facts, kind="managed", framework_version=version, lock_sha256=lock.sha256
    )


def _reuse(spec: EnvironmentSpec, lock: Lock, cache_dir: Path) -> Interpreter | None:
    target = _ready_place(spec, lock, cache_dir)
    interpreter = _inspect(spec, lock, target) if target else None
    if interpreter:
        _refuse_differences(spec, lock, interpreter)
    return interpreter


def _refuse_differences(spec: EnvironmentSpec, lock: Lock, interpreter: Interpreter) -> None:
    found = differences(lock, interpreter.packages, complete=True)
    if found:
        message = (
            f"{spec.adapter}: the environment of {interpreter.path} is not what {spec.lock.name} says: "
            f"{'; '.join(found[:10])}{'; …' if len(found) > 10 else ''}; make it anew (refresh), or make the lock again"
        )
        raise EnvironmentProblem(ENVIRONMENT_MISMATCH, message)


def _create(spec: EnvironmentSpec, lock: Lock, cache_dir: Path, progress: Progress, refresh: bool) -> Interpreter:
    started = time.monotonic()
    environment = sources.uv_environment(os.environ)
    root = place(spec, lock.sha256, "0", cache_dir).path.parent
    root.mkdir(parents=True, exist_ok=True)
    python = find_python(spec, environment=environment, folder=root, progress=progress)
    target = place(spec, lock.sha256, minor(python.version), cache_dir)
    with exclusively(target, spec=spec, progress=progress) as hold:
        found = None if refresh else _reuse(spec, lock, cache_dir)
        if found:
            return found
        clear(target)
        job = Job(spec, lock, target, environment, progress, hold)
        try:
            interpreter = _made(job, python.path)
            elapsed = time.monotonic() - started
            mark_ready(target, {"schema": 1, "lock_sha256": lock.sha256, "created_s": round(elapsed, 3)})
        except BaseException:
            with suppress(OSError):
                clear(target)  # on a full disk above all, half an environment is in the way
            raise
    progress(f"{spec.adapter}: environment ready after {elapsed:.1f} s")
    return replace(interpreter, created_s=elapsed)


def _made(job: Job, python: Path) -> Interpreter:
    install(job, python)
    interpreter = _inspect(job.spec, job.lock, job.target)
    if interpreter is None:
        message = f"{job.spec.adapter}: the new environment's Python does not start; see whether {python} does"
        raise EnvironmentProblem(ENVIRONMENT_FAILED, message)
    _refuse_differences(job.spec, job.lock, interpreter)
    return interpreter
