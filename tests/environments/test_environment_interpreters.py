"""Interpreters that the harness did not make: the user's own, and the one it runs on."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworkbench import environments
from frameworkbench.errors import EnvironmentProblem

MakeWheel = Callable[..., Path]
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def install(tmp_path: Path, make_wheel: MakeWheel) -> Callable[..., Path]:
    """Give a function that unpacks wheels into a fresh environment and returns its interpreter."""

    def make(*distributions: tuple[str, str]) -> Path:
        environment = tmp_path / "own"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
        (site,) = environment.glob("lib/python*/site-packages")
        for name, version in distributions:
            with zipfile.ZipFile(make_wheel(tmp_path / "wheels", name, version)) as archive:
                archive.extractall(site)
        return environment / "bin" / "python"

    return make


def refused(path: Path, *, distribution: str = "fbdemo", module: str = "fbdemo") -> str:
    """Give the message with which an interpreter is refused."""
    with pytest.raises(EnvironmentProblem) as caught:
        environments.use_external("demo", path, distribution=distribution, module=module)
    assert caught.value.code == environments.ENVIRONMENT_MISSING
    return str(caught.value)


def test_external_interpreter_is_described(install: Callable[..., Path]) -> None:
    """An interpreter with the framework and NumPy is taken as it is, with all it holds."""
    path = install(("fbdemo", "1.5"), ("numpy", "9.9"))

    found = environments.use_external("demo", path, distribution="fbdemo", module="fbdemo")

    assert (found.kind, found.path, found.framework_version) == ("external", path, "1.5")
    assert found.packages == {"fbdemo": "1.5", "numpy": "9.9"}
    assert (found.lock_sha256, found.created_s) == (None, 0.0)


def test_another_distribution_of_the_module_will_do(install: Callable[..., Path]) -> None:
    """A nightly or vendor build that provides the module under another name is accepted."""
    path = install(("fbdemo", "1.5"), ("numpy", "9.9"))

    found = environments.use_external("demo", path, distribution="fbdemo-official", module="fbdemo")

    assert found.framework_version == "1.5"


def test_external_without_framework(install: Callable[..., Path]) -> None:
    """An interpreter without the framework is refused and the distribution is named."""
    assert "fbdemo" in refused(install(("numpy", "9.9")))


def test_external_without_numpy(install: Callable[..., Path]) -> None:
    """An interpreter without NumPy is refused, because every worker needs it."""
    assert "numpy" in refused(install(("fbdemo", "1.5")))


@pytest.mark.parametrize(("make", "words"), [("nothing", "received nothing"), ("folder", "received a folder")])
def test_external_that_is_no_file(tmp_path: Path, make: str, words: str) -> None:
    """A path that is absent or a folder is refused with what was found there."""
    path = tmp_path / make
    if make == "folder":
        path.mkdir()

    assert words in refused(path)


def test_external_that_is_no_python(tmp_path: Path) -> None:
    """A program that is no Python is refused with what it said."""
    path = tmp_path / "python"
    path.write_text("#!/bin/sh\necho wrong tool >&2\nexit 3\n")
    path.chmod(0o755)

    assert "wrong tool" in refused(path)


def test_external_that_is_too_old(tmp_path: Path) -> None:
    """A Python older than 3.10 is refused and both versions are named."""
    path = tmp_path / "python"
    path.write_text('#!/bin/sh\necho \'{"version": "3.8.18", "packages": {}, "providers": []}\'\n')
    path.chmod(0o755)

    message = refused(path)

    assert "3.10" in message
    assert "3.8.18" in message


def test_core_is_this_interpreter() -> None:
    """The reference runs on this very interpreter and its version is NumPy's."""
    import numpy

    found = environments.core("reference")

    assert (found.kind, found.path) == ("core", Path(sys.executable))
    assert found.framework_version == numpy.__version__


def test_verify_forgives_external_interpreters_their_extras(install: Callable[..., Path], tmp_path: Path) -> None:
    """In an interpreter of the user's own, only locked packages are compared."""
    path = install(("fbdemo", "1.5"), ("numpy", "9.9"), ("fbextra", "1"))
    lock = tmp_path / "lock"
    lock.write_text("fbdemo==1.4\nnumpy==9.9\n")
    spec = environments.EnvironmentSpec("demo", "cpu", lock, ">=3.10", (), "fbdemo", "fbdemo")
    found = environments.use_external("demo", path, distribution="fbdemo", module="fbdemo")

    assert environments.verify(spec, found) == ["fbdemo: the lock says 1.4, installed is 1.5"]


def test_importing_needs_no_uv() -> None:
    """The package can be imported and used with interpreters of the user's own where uv is not installed."""
    code = (
        "import sys; sys.modules['uv'] = None\n"
        "from frameworkbench import environments\n"
        "print(environments.core('reference').kind)"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)

    assert done.stdout == "core\n"
