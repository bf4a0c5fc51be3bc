"""Managed environments: made once, reused, made anew after an accident, and never trusted blindly."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworkbench import environments
from frameworkbench.environments import EnvironmentSpec, managed, pythons, uv_process
from frameworkbench.errors import EnvironmentProblem

MakeSpec = Callable[..., EnvironmentSpec]
REPOSITORY = Path(__file__).parents[2]

CREATOR = """
import sys
from pathlib import Path
from frameworkbench import environments
from frameworkbench.environments import uv_process
if len(sys.argv) > 4:
    uv_process.find_uv = lambda: sys.argv[4]
spec = environments.EnvironmentSpec("demo", "cpu", Path(sys.argv[1]), sys.argv[2], (), "fbdemo", "fbdemo")
print(environments.ensure(spec, cache_dir=Path(sys.argv[3]), progress=lambda line: None).created_s)
"""


def quiet(line: str) -> None:
    """Take a progress line and drop it."""


def start_creator(spec: EnvironmentSpec, cache: Path, *more: str) -> subprocess.Popen[str]:
    """Start another process that asks for the same environment."""
    command = [sys.executable, "-c", CREATOR, str(spec.lock), spec.python, str(cache), *more]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)


def only_folder(cache: Path) -> Path:
    """Give the path of the one environment in a cache."""
    (entry,) = environments.list_environments(cache)
    return entry.path


def test_creation_installs_the_lock(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A managed environment holds exactly the locked distributions and says what was done."""
    lines: list[str] = []
    spec = make_spec()

    made = environments.ensure(spec, cache_dir=tmp_path / "cache", progress=lines.append)

    assert made.packages == {"fbdemo": "1.0", "fbdep": "2.1"}
    assert (made.kind, made.framework_version) == ("managed", "1.0")
    assert made.created_s > 0
    assert environments.verify(spec, made) == []
    assert lines[0] == "demo: creating environment (fbdemo 1.0 and 1 others)…"
    assert lines[-1].startswith("demo: environment ready after")
    shown = subprocess.run(
        [made.path, "-c", "import fbdemo; print(fbdemo.__version__)"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "1.0\n"


def test_second_call_reuses_without_uv(
    wheels: Path, make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment for the same lock is used again without starting uv, and has the same fingerprint."""
    spec, cache = make_spec(), tmp_path / "cache"
    first = environments.ensure(spec, cache_dir=cache, progress=quiet)
    monkeypatch.setattr(uv_process, "find_uv", lambda: pytest.fail("uv was started"))

    second = environments.ensure(spec, cache_dir=cache, progress=quiet)

    assert second.created_s == 0.0
    assert (second.path, second.fingerprint) == (first.path, first.fingerprint)


def test_changed_lock_makes_another_environment(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """Another lock has an environment and a fingerprint of its own."""
    cache = tmp_path / "cache"
    first = environments.ensure(make_spec(), cache_dir=cache, progress=quiet)

    second = environments.ensure(make_spec("fbdep==2.1"), cache_dir=cache, progress=quiet)

    assert first.path != second.path
    assert first.fingerprint != second.fingerprint
    assert len(environments.list_environments(cache)) == 2


def test_refresh_makes_anew(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """Refreshing replaces an environment even though it is complete."""
    spec, cache = make_spec(), tmp_path / "cache"
    environments.ensure(spec, cache_dir=cache, progress=quiet)
    (only_folder(cache) / "leftover").touch()

    made = environments.ensure(spec, cache_dir=cache, progress=quiet, refresh=True)

    assert made.created_s > 0
    assert not (only_folder(cache) / "leftover").exists()


def test_half_made_folder_is_made_anew(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A folder without its marker counts as absent and is replaced."""
    spec, cache = make_spec(), tmp_path / "cache"
    environments.ensure(spec, cache_dir=cache, progress=quiet)
    folder = only_folder(cache)
    (folder / "ready.json").unlink()
    (folder / "leftover").touch()

    assert environments.find(spec, cache_dir=cache) is None
    made = environments.ensure(spec, cache_dir=cache, progress=quiet)

    assert made.created_s > 0
    assert not (folder / "leftover").exists()
    assert json.loads((folder / "ready.json").read_text())["lock_sha256"] == made.lock_sha256


def test_environment_whose_python_is_gone_is_made_anew(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """An environment whose base interpreter was uninstalled is replaced, not reported as broken."""
    spec, cache = make_spec(), tmp_path / "cache"
    made = environments.ensure(spec, cache_dir=cache, progress=quiet)
    made.path.unlink()
    made.path.symlink_to("/nowhere/python")

    assert environments.find(spec, cache_dir=cache) is None
    assert environments.ensure(spec, cache_dir=cache, progress=quiet).created_s > 0


def test_unknown_requirement_fails_with_words_of_uv(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A requirement that nobody offers is ENVIRONMENT_FAILED with uv's message, and nothing stays behind."""
    spec = make_spec("fbdemo==1.0", "fbnowhere==9.9")

    with pytest.raises(EnvironmentProblem, match="fbnowhere") as caught:
        environments.ensure(spec, cache_dir=tmp_path / "cache", progress=quiet)

    assert caught.value.code == environments.ENVIRONMENT_FAILED
    assert environments.list_environments(tmp_path / "cache") == []


def test_incomplete_lock_is_a_mismatch(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A dependency that the lock does not name is refused: the lock must say everything."""
    with pytest.raises(EnvironmentProblem, match=r"fbdep: not in the lock, installed is 2\.1") as caught:
        environments.ensure(make_spec("fbdemo==1.0"), cache_dir=tmp_path / "cache", progress=quiet)

    assert caught.value.code == environments.ENVIRONMENT_MISMATCH


def test_missing_lock_is_a_missing_environment(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A variant without a lock file is ENVIRONMENT_MISSING and names the file."""
    spec = make_spec()
    spec.lock.unlink()

    with pytest.raises(EnvironmentProblem, match=r"requirements-cpu\.lock") as caught:
        environments.ensure(spec, cache_dir=tmp_path / "cache", progress=quiet)

    assert caught.value.code == environments.ENVIRONMENT_MISSING


def test_changed_package_is_named(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A version changed by hand is named by verify and refused by ensure."""
    spec, cache = make_spec(), tmp_path / "cache"
    made = environments.ensure(spec, cache_dir=cache, progress=quiet)
    (metadata,) = only_folder(cache).glob("lib/python*/site-packages/fbdep-2.1.dist-info/METADATA")
    changed = (
        metadata.read_text().replace("2.1\n", "2.2\n", 2).replace("Metadata-Version: 2.2", "Metadata-Version: 2.1")
    )
    metadata.unlink()  # not written in place: it shares its disk block with uv's cache
    metadata.write_text(changed)

    found = environments.find(spec, cache_dir=cache)

    assert found is not None
    assert environments.verify(spec, found) == ["fbdep: the lock says 2.1, installed is 2.2"]
    assert found.fingerprint != made.fingerprint
    with pytest.raises(EnvironmentProblem, match=r"the lock says 2\.1") as caught:
        environments.ensure(spec, cache_dir=cache, progress=quiet)
    assert caught.value.code == environments.ENVIRONMENT_MISMATCH


def test_impossible_python_range(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A range that no Python fits is NO_INTERPRETER and names the range."""
    with pytest.raises(EnvironmentProblem, match=r">=3\.90") as caught:
        environments.ensure(make_spec(python=">=3.90"), cache_dir=tmp_path / "cache", progress=quiet)

    assert caught.value.code == environments.NO_INTERPRETER


def test_newest_fitting_python_is_chosen(make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside the running version the newest installed Python in the range is taken."""
    listed = [pythons.Python(tmp_path / name, name) for name in ("3.4.9", "3.5.2", "3.5.10", "3.6.1")]
    monkeypatch.setattr(pythons, "_listed_by_uv", lambda *_: listed)

    found = pythons.find_python(make_spec(python=">=3.4,<3.6"), environment={}, folder=tmp_path, progress=quiet)

    assert found.version == "3.5.10"


def test_declared_index_is_left_alone_when_own_source_serves(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """With a source of the user's own that has everything, an unreachable declared index does no harm."""
    spec = make_spec(indexes=("https://index.invalid/simple",))

    made = environments.ensure(spec, cache_dir=tmp_path / "cache", progress=quiet)

    assert made.framework_version == "1.0"


def test_source_that_brings_unlocked_packages_is_passed_over(
    wheels: Path, make_spec: MakeSpec, make_wheel: Callable[..., Path], tmp_path: Path
) -> None:
    """Of two sources with the same version, the one whose build needs only locked packages is taken."""
    (wheels / "fbdemo-1.0-py3-none-any.whl").unlink()
    make_wheel(wheels, "fbdemo", "1.0", ("fbdep", "fbhuge"))
    make_wheel(wheels, "fbhuge", "1.0")
    index = tmp_path / "index"
    lean = make_wheel(index / "fbdemo", "fbdemo", "1.0+lean", ("fbdep",))
    (index / "fbdemo" / "index.html").write_text(f'<!DOCTYPE html><a href="{lean.name}">{lean.name}</a>')
    spec = make_spec(indexes=(index.as_uri(),))

    made = environments.ensure(spec, cache_dir=tmp_path / "cache", progress=quiet)

    assert made.packages == {"fbdemo": "1.0+lean", "fbdep": "2.1"}


def test_two_creators_make_one_environment(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """Of two processes that ask at once, one makes the environment and the other uses it."""
    spec, cache = make_spec(), tmp_path / "cache"

    creators = [start_creator(spec, cache) for _ in range(2)]
    times = sorted(float(creator.communicate(timeout=60)[0]) for creator in creators)

    assert times[0] == 0.0 < times[1]
    assert environments.find(spec, cache_dir=cache) is not None


def test_killed_creation_is_made_anew(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """After kill -9 the lock stays held while the orphaned uv still writes; then the environment is made anew."""
    spec, cache, pid_file = make_spec(), tmp_path / "cache", tmp_path / "pid"
    slow = tmp_path / "slow-uv"
    slow.write_text(
        f'#!/bin/sh\nmkdir -p "$4"\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\nexec sleep 60\n'
    )
    slow.chmod(0o755)
    with start_creator(spec, cache, str(slow)) as creator:
        deadline = time.monotonic() + 20
        while not pid_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        creator.kill()

    (lock,) = (cache / "environments" / ".locks").iterdir()
    with lock.open("w") as file:
        with pytest.raises(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        fcntl.flock(file, fcntl.LOCK_EX)

    assert [entry.ready for entry in environments.list_environments(cache)] == [False]
    assert environments.ensure(spec, cache_dir=cache, progress=quiet).created_s > 0


def test_unwritable_cache_is_a_clear_error(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """A cache that cannot be written is ENVIRONMENT_FAILED with the place and a next step."""
    blocked = tmp_path / "blocked"
    if os.geteuid() == 0:
        blocked.write_text("a file where a folder is needed: permissions do not stop root")
    else:
        blocked.mkdir(mode=0o500)

    with pytest.raises(EnvironmentProblem, match=r"blocked.*choose a cache folder") as caught:
        environments.ensure(make_spec(), cache_dir=blocked / "cache", progress=quiet)

    assert caught.value.code == environments.ENVIRONMENT_FAILED


def test_complete_environment_needs_no_writing(
    wheels: Path, make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A complete environment in a read-only cache can be used: nothing is locked or written."""
    spec, cache = make_spec(), tmp_path / "cache"
    environments.ensure(spec, cache_dir=cache, progress=quiet)
    monkeypatch.setattr(managed, "exclusively", lambda *_, **__: pytest.fail("the lock was taken"))
    before = sorted((path, path.lstat().st_mtime_ns) for path in cache.rglob("*"))

    environments.ensure(spec, cache_dir=cache, progress=quiet)

    assert sorted((path, path.lstat().st_mtime_ns) for path in cache.rglob("*")) == before


def test_full_disk_is_a_clear_error(
    wheels: Path, make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When uv meets a full disk, the message says so and the half-made environment is gone."""
    full = tmp_path / "full-uv"
    full.write_text('#!/bin/sh\nmkdir -p "$4"\necho "error: No space left on device (os error 28)"\nexit 2\n')
    full.chmod(0o755)
    monkeypatch.setattr(uv_process, "find_uv", lambda: str(full))

    with pytest.raises(EnvironmentProblem, match="the disk is full: free some space") as caught:
        environments.ensure(make_spec(), cache_dir=tmp_path / "cache", progress=quiet)

    assert caught.value.code == environments.ENVIRONMENT_FAILED
    assert environments.list_environments(tmp_path / "cache") == []


def test_without_uv(make_spec: MakeSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without uv a missing environment is NO_UV and the message says how to get it."""
    monkeypatch.setitem(sys.modules, "uv", None)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EnvironmentProblem, match="pip install uv") as caught:
        environments.ensure(make_spec(), cache_dir=tmp_path / "cache", progress=quiet)

    assert caught.value.code == environments.NO_UV


def test_silence_is_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long silence of uv is broken by a sign of life."""
    slow = tmp_path / "slow-uv"
    slow.write_text("#!/bin/sh\nsleep 0.3\necho last line without an end\n")
    slow.chmod(0o755)
    monkeypatch.setattr(uv_process, "find_uv", lambda: str(slow))
    monkeypatch.setattr(uv_process, "HEARTBEAT_S", 0.1)
    lines: list[str] = []

    done = uv_process.run_uv([], environment=os.environ, folder=tmp_path, progress=lines.append)

    assert lines[0].startswith("still working")
    assert lines[-1] == "last line without an end"
    assert done.status == 0


def test_list_and_remove(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """Environments are listed with size and state, and removing one says whether it was there."""
    spec, cache = make_spec(), tmp_path / "cache"
    environments.ensure(spec, cache_dir=cache, progress=quiet)

    (entry,) = environments.list_environments(cache)

    assert (entry.adapter, entry.variant, entry.ready) == ("demo", "cpu", True)
    assert entry.size_bytes > 1000
    assert environments.remove(spec, cache_dir=cache) is True
    assert environments.remove(spec, cache_dir=cache) is False
    assert environments.list_environments(cache) == []


def test_remove_reaches_older_locks_only_when_asked(wheels: Path, make_spec: MakeSpec, tmp_path: Path) -> None:
    """What an older lock left behind is removed on request and otherwise kept."""
    cache = tmp_path / "cache"
    environments.ensure(make_spec(), cache_dir=cache, progress=quiet)
    newer = make_spec("fbdep==2.1")

    assert environments.remove(newer, cache_dir=cache) is False
    assert environments.remove(newer, cache_dir=cache, all_locks=True) is True
    assert environments.list_environments(cache) == []
