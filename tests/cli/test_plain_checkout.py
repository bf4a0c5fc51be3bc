"""A checkout copied to a machine where nothing can be installed runs with the common packages alone."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.run.conftest import workload_text

from .conftest import ROOT, clean_environment

_WRAPPER = """
import runpy, sys

PACKAGES = {
    # named in the README
    "numpy", "scipy", "pandas", "matplotlib", "typer", "rich", "jinja2",
    # what those bring along
    "mpl_toolkits", "click", "markupsafe", "shellingham", "pygments", "markdown_it", "mdurl", "dateutil", "pytz",
    "tzdata", "six", "contourpy", "cycler", "fontTools", "kiwisolver", "packaging", "PIL", "pyparsing",
    "typing_extensions", "annotated_doc", "pydantic", "pydantic_core", "annotated_types", "typing_inspection",
    # the checkout itself
    "frameworkbench",
}

class Blocker:
    refused = set()

    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in PACKAGES or top in sys.stdlib_module_names or top.startswith("_sysconfigdata"):
            return None
        self.refused.add(top)
        raise ModuleNotFoundError(f"No module named {name!r} (blocked by the test)", name=name)

blocker = Blocker()
sys.meta_path.insert(0, blocker)
try:
    import uv
except ModuleNotFoundError:
    print("uv is blocked", file=sys.stderr)
import frameworkbench
print(frameworkbench.__file__, file=sys.stderr)
runpy.run_module("frameworkbench", run_name="__main__", alter_sys=True)
"""


def _checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "frameworkbench", folder / "frameworkbench", ignore=ignore)
    shutil.copytree(ROOT / "adapters" / "reference", folder / "adapters" / "reference", ignore=ignore)
    shutil.copy(ROOT / "adapters" / "facts.toml", folder / "adapters")
    shutil.copytree(ROOT / "workloads", folder / "workloads")
    (folder / "tiny.toml").write_text(workload_text("tiny-mlp"), encoding="utf-8")
    return folder


def _run(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _WRAPPER, *args],
        cwd=folder,
        env=clean_environment(FRAMEWORKBENCH_CACHE=str(folder / "cache")),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_plain_checkout_runs(tmp_path: Path) -> None:
    """`run` and `report` work from a copied checkout with nothing installed but the packages that the README names."""
    folder = _checkout(tmp_path)

    measured = _run(folder, "run", "--suite", "smoke", "-w", "tiny.toml", "--out", "out", "--strict")
    reported = _run(folder, "report", "out", "--out", "report")

    assert measured.returncode == 0, measured.stderr
    assert "uv is blocked" in measured.stderr
    assert str(folder) in measured.stderr
    assert reported.returncode == 0, reported.stderr
    assert (folder / "report" / "report.html").stat().st_size > 1000


def test_doctor_without_uv(tmp_path: Path) -> None:
    """Without uv the diagnosis says so, says what else works, and ends well."""
    answer = _run(_checkout(tmp_path), "doctor")

    assert answer.returncode == 0, answer.stderr
    assert "not installed" in answer.stdout
    assert "--python" in answer.stdout
