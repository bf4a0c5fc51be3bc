"""What the parent sees of a worker process from outside."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.run.options import RunOptions
from frameworkbench.run.process_facts import build_id, libraries_sha256, loaded_libraries, recorded_environment

from .conftest import do


def test_the_kernels_map_names_the_libraries() -> None:
    """This very process has the C library and NumPy's core loaded, and data files are no libraries."""
    found = loaded_libraries(os.getpid())

    assert any(re.match(r"libc[.-]", name) for name in found)
    assert any(name.startswith("_multiarray_umath") for name in found), np.__version__
    assert all(".so" in name for name in found)
    assert loaded_libraries(2**30) == {}


def test_a_build_id_is_the_linkers(tmp_path: Path) -> None:
    """The build id is the one that was given to the linker; a file without one has none."""
    source = tmp_path / "empty.c"
    source.write_text("int answer(void) { return 42; }\n", encoding="utf-8")
    library = tmp_path / "libempty.so"
    wanted = "00112233445566778899aabbccddeeff01234567"
    command = ["cc", "-shared", "-fPIC", f"-Wl,--build-id=0x{wanted}", "-o", str(library), str(source)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except OSError:
        pytest.skip("no C compiler")

    assert build_id(str(library)) == wanted
    assert build_id(str(source)) is None
    assert build_id(str(tmp_path / "absent")) is None


def test_a_record_keeps_environment_and_libraries(request_for: Callable[..., RunOptions]) -> None:
    """The proof lists what was loaded, timed processes keep the hash of theirs, and no folder gets into a record."""
    _, run_ = do(request_for("faulty:honest"))

    proof, speed = (next(r["payload"] for r in run_.records if r["pass"] == name) for name in ("proof", "speed"))
    assert proof["libraries_sha256"] == libraries_sha256(proof["libraries"])
    assert len(speed["libraries_sha256"]) == 64
    assert "libraries" not in speed
    assert proof["environment"] == speed["environment"]
    assert proof["environment"]["CUDA_VISIBLE_DEVICES"] == ""


def test_folders_stay_private(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that holds a folder of the user's is kept as a hash, the harness's own folders not at all."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/secret/lib")
    monkeypatch.setenv("TZ", "UTC")

    found = recorded_environment({"XDG_CACHE_HOME": "/cache", "OMP_NUM_THREADS": "2"})

    assert found["LD_LIBRARY_PATH"].startswith("sha256:")
    assert (found["TZ"], found["OMP_NUM_THREADS"]) == ("UTC", "2")
    assert "XDG_CACHE_HOME" not in found
