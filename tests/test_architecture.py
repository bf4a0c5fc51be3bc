"""The rules of the house that a reader cannot check by looking at one file."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.run.worker_process import WorkerProcess

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "frameworkbench"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_content" not in path.parts)

FRAMEWORKS = r"torch|pytorch|tensorflow|jax|mxnet|paddle|keras|tinygrad|mindspore|cntk|theano"
HEAVY = {"numpy", "pandas", "matplotlib", "scipy", "uv", *FRAMEWORKS.split("|")}

# Where a framework's name is a fact about the world and not a special case: file → why.
MAY_NAME_FRAMEWORKS = {
    "data/published.py": "addresses and sources of published files",
    "data/reviews.py": "imdb.npz is a published format with a name",
    "data/tokens.py": "the token convention of that format",
    "data/opcodes.py": "imdb.npz is a published format with a name",
}

# What a worker loads: it meets Python 3.10 and whatever packages a framework's environment holds.
IN_WORKERS = [
    *sorted((PACKAGE / "worker").glob("*.py")),
    *sorted((PACKAGE / "spec").glob("*.py")),
    *sorted((PACKAGE / "reference").glob("*.py")),
    PACKAGE / "device" / "__init__.py",
    PACKAGE / "device" / "driver.py",
    PACKAGE / "adapter.py",
    PACKAGE / "errors.py",
    PACKAGE / "data" / "transform.py",
    PACKAGE / "data" / "__init__.py",
    PACKAGE / "__init__.py",
]

_LIST_HEAVY = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def _loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh Python has loaded after some code."""
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\n{_LIST_HEAVY}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def _imported(path: Path) -> Iterator[str]:
    """Top-level names that a file imports, apart from the package itself."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").split(".")[0]


@pytest.mark.parametrize(
    "code",
    [
        "import frameworkbench",
        "import frameworkbench.cli",
        "from frameworkbench.cli import app\ntry: app(['--help'])\nexcept SystemExit: pass",
        "from frameworkbench.cli import app\ntry: app(['run', '--help'])\nexcept SystemExit: pass",
        "from frameworkbench.cli import app\ntry: app(['--version'])\nexcept SystemExit: pass",
    ],
)
def test_nothing_heavy_is_imported_for_help(code: str) -> None:
    """Importing the package or asking for help loads no framework, no NumPy, no pandas, no SciPy, no uv."""
    loaded = _loaded_after(code)

    assert loaded & HEAVY == set()
    assert "frameworkbench" in loaded


def test_listing_and_planning_import_no_framework() -> None:
    """Adapters are listed from their declarations: no adapter code runs and no framework is imported."""
    loaded = _loaded_after("from frameworkbench.cli import app\ntry: app(['list'])\nexcept SystemExit: pass")

    assert loaded & set(FRAMEWORKS.split("|")) == set()


def test_a_worker_starts_with_numpy_alone() -> None:
    """What every worker and the reference import stays small: each measured process pays for it."""
    loaded = _loaded_after("import frameworkbench.worker.main, frameworkbench.reference")

    assert "numpy" in loaded
    assert "scipy" not in loaded


def test_no_module_names_a_framework() -> None:
    """Only adapters know frameworks; the few places that must name one are listed here with the reason."""
    found = {
        _name(path) for path in MODULES if re.search(rf"\b({FRAMEWORKS})\b", path.read_text(encoding="utf-8"), re.I)
    }

    assert found - set(MAY_NAME_FRAMEWORKS) == set()


def test_no_code_decides_by_a_frameworks_name() -> None:
    """Not even an excepted module holds a framework's name as a value that code could compare with."""
    exact = re.compile(FRAMEWORKS, re.I)
    found = [
        f"{_name(path)}:{node.lineno}: {node.value}"
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and exact.fullmatch(node.value)
    ]

    assert found == []


def test_modules_stay_short() -> None:
    """No module is longer than 400 lines."""
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}

    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}


def test_functions_stay_short() -> None:
    """No function's body, without its signature and docstring, is longer than 60 lines."""
    long = {}
    for path in MODULES:
        for node in ast.walk(_tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
                lines = (node.end_lineno or 0) - body[0].lineno + 1
                if lines > 60:
                    long[f"{_name(path)}: {node.name}"] = lines

    assert long == {}


@pytest.mark.parametrize("path", IN_WORKERS, ids=_name)
def test_worker_code_fits_any_environment(path: Path) -> None:
    """What a worker loads imports the standard library and NumPy only (the reference also SciPy), as Python 3.10."""
    allowed = {*sys.stdlib_module_names, "numpy", "frameworkbench"}
    if "reference" in path.parts:
        allowed.add("scipy")
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))

    imported = set(_imported(path))
    if path.name == "workload.py":
        imported.discard("tomllib")  # inside the function that reads files, which workers never call
    newer = {"tomllib"}

    assert imported - allowed == set()
    assert imported & newer == set()


def test_nothing_runs_what_it_reads() -> None:
    """No pickle, marshal or shelve, no eval or exec, no shell."""
    found = []
    for path in MODULES:
        names = set(_imported(path)) & {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"}
        found += [f"{_name(path)}: imports {name}" for name in sorted(names)]
        for node in ast.walk(_tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called in {"eval", "exec", "os.system", "os.popen"}:
                found.append(f"{_name(path)}:{node.lineno}: {called}")
            for keyword in node.keywords:
                value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
                if (keyword.arg, value) in {("shell", True), ("allow_pickle", True)}:
                    found.append(f"{_name(path)}:{node.lineno}: {keyword.arg}=True")

    assert found == []


_SPY = """
import sys
class Spy:
    def __init__(self, settings): pass
    def effective(self): return {"path": sys.path, "names": sorted(sys.modules)}
ADAPTER = Spy
"""


def test_a_checkout_cannot_shadow_a_framework(tmp_path: Path) -> None:
    """A worker of a checkout has neither the repository, nor adapters/, nor the package's folders on its path."""
    adapter = tmp_path / "adapter.py"
    adapter.write_text(_SPY, encoding="utf-8")
    # -S leaves out site-packages, which may hold an editable installation; NumPy alone is linked in again.
    packages = tmp_path / "packages"
    packages.mkdir()
    for found in Path(np.__file__).parent.parent.glob("numpy*"):
        (packages / found.name).symlink_to(found)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    settings = {"mode": "m", "device": "cpu", "threads": 1, "precision": "float32", "lane": "matched", "seed": 0}

    with WorkerProcess(
        python,
        environment={"PYTHONPATH": str(packages)},
        log=tmp_path / "log",
        folder=tmp_path,
        cores=(),
        deadline_s=120,
    ) as worker:
        worker.ask("start", adapter_file=str(adapter), settings={**settings, "compile_cache": ""})
        effective = worker.ask("effective")["effective"]

    path = [Path(entry).resolve() for entry in effective["path"]]
    assert [entry for entry in path if entry == ROOT or PACKAGE in (entry, *entry.parents)] == []
    assert [entry for entry in path if (ROOT / "adapters") in (entry, *entry.parents)] == []
    assert "frameworkbench" in effective["names"]


def test_no_absolute_path_is_committed() -> None:
    """Committed text names no folder of the machine it was written on."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    pattern = re.compile(r"(?<![\w.])/(home|root|work|opt)/")
    wanted = {".py", ".md", ".toml", ".lock", ".in", ".j2"}
    found = []
    for name in listed.stdout.split("\0"):
        path = ROOT / name
        if path.suffix not in wanted or not path.is_file() or name.startswith(("tests/", "results/")):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line.strip()}")

    assert found == []
