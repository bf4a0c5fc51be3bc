"""How often a CPU quota stopped a process: a quota below the thread count makes a measurement of the quota.

Source:
    ``cpu.stat`` in Linux' admin-guide/cgroup-v2.rst and scheduler/sched-bwc.rst (version 1).
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

CGROUPS = Path("/sys/fs/cgroup")


def throttled_periods(pid: int, proc: Path, cgroups: Path = CGROUPS) -> int | None:
    """Sum of ``nr_throttled`` over the control groups above a process, or None where none tells it.

    Args:
        pid: the process.
        proc: where the process file system is.
        cgroups: where control groups are mounted.
    """
    try:
        lines = (proc / str(pid) / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    counts = [count for line in lines for count in _counts(line, cgroups)]
    return sum(counts) if counts else None


def _counts(line: str, cgroups: Path) -> list[int]:
    """Counts of one line of /proc/PID/cgroup ("0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1)."""
    _, controllers, path = line.split(":", 2)
    if controllers and "cpu" not in controllers.split(","):
        return []
    mount = cgroups / controllers if controllers else cgroups
    inside = PurePosixPath(path.lstrip("/"))
    # A group that lies outside this process's namespace is not there; its visible ancestors are.
    folders = {mount / part for part in (inside, *inside.parents)}
    found = [_nr_throttled(folder / "cpu.stat") for folder in sorted(folders)]
    return [count for count in found if count is not None]


def _nr_throttled(file: Path) -> int | None:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("nr_throttled ")), None)
