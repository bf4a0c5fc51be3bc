"""The lock on a run folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from frameworkbench.errors import StoreError
from frameworkbench.store.lock import run_lock


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    """While one run holds the folder another gets an error that names its process id."""
    with run_lock(tmp_path), pytest.raises(StoreError, match=f"process {os.getpid()}"), run_lock(tmp_path):
        pass


def test_the_lock_is_free_after_the_block_and_after_an_error(tmp_path: Path) -> None:
    """Leaving the block, also by an error, frees the folder."""
    with pytest.raises(KeyError), run_lock(tmp_path):
        raise KeyError
    with run_lock(tmp_path):
        pass


def test_a_killed_holder_leaves_no_stale_lock(tmp_path: Path) -> None:
    """The kernel frees the folder of a killed process, whatever its lock file says."""
    code = (
        "import sys, time; from pathlib import Path; from frameworkbench.store.lock import run_lock\n"
        "with run_lock(Path(sys.argv[1])):\n print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(StoreError, match=f"process {holder.pid}"), run_lock(tmp_path):
            pass
        holder.kill()
        holder.wait()
    with run_lock(tmp_path):
        pass
