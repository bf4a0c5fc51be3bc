"""Fills one environment with uv: which sources, which commands, and what a failure means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from frameworkbench.environments import sources
from frameworkbench.environments.directory import Place
from frameworkbench.environments.lockfile import Lock
from frameworkbench.environments.model import ENVIRONMENT_FAILED, EnvironmentSpec, Progress
from frameworkbench.environments.uv_process import run_uv
from frameworkbench.environments.versions import normal_name
from frameworkbench.errors import EnvironmentProblem

_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Job:
    """What every step of one creation needs."""

    spec: EnvironmentSpec
    lock: Lock
    target: Place
    environment: Mapping[str, str]
    progress: Progress
    hold: int


def install(job: Job, python: Path) -> None:
    """Make an environment with a given Python and install the lock into it.

    Args:
        job: what to make, where, and whom to tell.
        python: the interpreter to make it from.

    Raises:
        EnvironmentProblem: ENVIRONMENT_FAILED with the end of what uv said, or NO_UV.
    """
    others = len(job.lock.pins) - 1
    pins = job.lock.pins.get(normal_name(job.spec.distribution), ())
    first = f"{job.spec.distribution} {pins[0].version} and {others} others" if pins else f"{others + 1} packages"
    job.progress(f"{job.spec.adapter}: creating environment ({first})…")
    _uv(job, ["venv", "--python", str(python), str(job.target.path)])
    _uv(job, [*_install_arguments(job), *_choose_source(job)])


def _install_arguments(job: Job) -> list[str]:
    return ["pip", "install", "--python", str(job.target.interpreter), "--requirements", str(job.spec.lock.absolute())]


def _choose_source(job: Job) -> tuple[str, ...]:
    """Find the sources that offer exactly the lock, before anything big is downloaded.

    The same version on two indexes may be two builds with different dependencies, so a source that
    would bring in something the lock does not name is the wrong one.
    """
    attempts = sources.index_attempts(job.spec.indexes, job.environment)
    if len(attempts) == 1:
        return attempts[0]
    failures = []
    for attempt in attempts:
        command = [*_install_arguments(job), "--dry-run", *attempt]
        done = run_uv(command, environment=job.environment, folder=job.target.path.parent, hold=job.hold)
        named = {normal_name(name) for name in re.findall(r"^ \+ (\S+?)==", done.output, re.MULTILINE)}
        beyond = sorted(named - set(job.lock.pins))
        if done.status == 0 and not beyond:
            return attempt
        label = "with the adapter's indexes" if attempt else "with your own and the default sources"
        reason = f"they would bring in what the lock does not name: {', '.join(beyond)}"
        failures.append(f"{label}: {done.tail if done.status else reason}")
    raise _failed(job, "\n".join(failures))


def _uv(job: Job, arguments: list[str]) -> None:
    done = run_uv(
        arguments,
        environment=job.environment,
        folder=job.target.path.parent,
        progress=lambda line: job.progress(f"{job.spec.adapter}: {line}"),
        hold=job.hold,
    )
    if done.status:
        raise _failed(job, done.tail)


def _failed(job: Job, output: str) -> EnvironmentProblem:
    hint = "check the network or the package sources"
    if _FULL.search(output):
        hint = "the disk is full: free some space, or choose a cache folder on another disk"
    message = (
        f"{job.spec.adapter}: expected to install {job.spec.lock}, but uv could not; {hint}, then try again. "
        f"uv said:\n{output}"
    )
    return EnvironmentProblem(ENVIRONMENT_FAILED, message)
