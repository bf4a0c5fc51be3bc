"""A worker at rest, as the kernel's accounts show it."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from frameworkbench.run import rest
from frameworkbench.validity import quiet

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's accounts are Linux's")


@LINUX
def test_a_real_process_that_computes_among_others_is_seen() -> None:
    """With more busy processes than cores, one that never stops still shows as busy, and one asleep does not."""
    loop, sleep = "while True: pass", "import time; time.sleep(60)"
    crowd = [subprocess.Popen([sys.executable, "-c", loop]) for _ in range(2 * (os.cpu_count() or 1))]
    asleep = subprocess.Popen([sys.executable, "-c", sleep])
    try:
        time.sleep(0.5)
        looks = [rest.look(crowd[0].pid, quiet.QUIET_S) for _ in range(quiet.LOOKS)]
        idle = [rest.look(asleep.pid, quiet.QUIET_S) for _ in range(quiet.LOOKS)]
    finally:
        for process in (*crowd, asleep):
            process.kill()
            process.wait()

    assert all(seen is not None and quiet.busy(seen.cpu_s, seen.wall_s, seen.runnable) for seen in looks)
    assert any(seen is not None and not quiet.busy(seen.cpu_s, seen.wall_s, seen.runnable) for seen in idle)
