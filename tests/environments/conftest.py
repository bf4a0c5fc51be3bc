"""A package source of our own: tiny wheels in a folder, so that no test needs a network."""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from frameworkbench.environments import EnvironmentSpec

MakeWheel = Callable[..., Path]
MakeSpec = Callable[..., EnvironmentSpec]


def write_wheel(folder: Path, name: str, version: str, requires: tuple[str, ...] = ()) -> Path:
    """Write a wheel with one module, by hand: a zip file with three files of metadata."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
    files = {
        f"{name}/__init__.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text.encode())}\n"
        for path, text in files.items()
    )
    files[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


@pytest.fixture
def make_wheel() -> MakeWheel:
    """Give the function that writes a wheel."""
    return write_wheel


@pytest.fixture
def wheels(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of wheels and make it the only source that uv has."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "wheels"
    write_wheel(folder, "fbdemo", "1.0", ("fbdep",))
    write_wheel(folder, "fbdep", "2.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "uv-cache" / tmp_path.name))
    return folder


@pytest.fixture
def make_spec(tmp_path: Path) -> MakeSpec:
    """Give the function that writes a lock and describes the environment for it."""

    def make(
        *pins: str, python: str = f">={sys.version_info[0]}.{sys.version_info[1]}", indexes: tuple[str, ...] = ()
    ) -> EnvironmentSpec:
        lock = tmp_path / "requirements-cpu.lock"
        lock.write_text("# made by hand\n" + "\n".join(pins or ("fbdemo==1.0", "fbdep==2.1")) + "\n")
        return EnvironmentSpec("demo", "cpu", lock, python, indexes, "fbdemo", "fbdemo")

    return make
