"""What can be seen without running anything: the declaration, the documents beside it, and the interpreter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from .. import environments
from ..environments import Interpreter
from ..errors import EnvironmentProblem
from ..registry import AdapterInfo
from ..run.prepare import environment_spec
from ..spec.layers import KINDS
from ..spec.training import LOSSES, OPTIMIZERS, OPTIONS
from ..written_files import read_toml
from .bench import Tell
from .result import Result, failed, passed, warned

GUIDE = "docs/adding-a-framework.md"

VOCABULARY = (*KINDS, "residual")
# The proof reads gradients off a plain SGD step, and every model ends in a dense layer.
NEEDED = {"layers": "dense", "losses": "softmax_cross_entropy", "optimizers": "sgd"}


def declaration(info: AdapterInfo) -> Iterator[Result]:
    """The declaration was readable; is it enough to prove anything, and what does it leave out?"""
    missing = [f"{value!r} in {key}" for key, value in NEEDED.items() if value not in getattr(info, key)]
    if missing:
        yield failed("declaration", f"nothing can be proved without {' and '.join(missing)}", "declare and write it")
    else:
        left = [kind for kind in VOCABULARY if kind not in info.layers]
        known = info.losses | info.optimizers | info.optimizer_options
        left += [name for name in (*LOSSES, *OPTIMIZERS, *OPTIONS) if name not in known]
        said = f"not declared: {', '.join(left)}" if left else "the whole vocabulary is declared"
        modes = ", ".join(f"{name}*" if name == info.main_mode else name for name in info.modes)
        yield passed("declaration", f"modes {modes}; {said}")


def documents(info: AdapterInfo) -> Iterator[Result]:
    """What a reader of a report wants to know about the framework, and a reader of the code about the adapter."""
    open_ends = []
    if not info.homepage:
        open_ends.append(("no homepage", "add homepage to adapter.toml"))
    if not _explained(info.folder / "adapter.py"):
        open_ends.append(("adapter.py does not say what it maps to", "begin it with a docstring"))
    if info.role != "oracle" and not _has_facts(info.folder / "adapter.toml"):
        open_ends.append(("no facts about the framework", "add [facts] to adapter.toml (docs/facts.md) for guidance"))
    if open_ends:
        found, advice = ("; ".join(parts) for parts in zip(*open_ends, strict=True))
        yield warned("documents", found, advice)
    else:
        yield passed("documents", f"homepage {info.homepage}, docstring and facts are there")


def adapter_file(info: AdapterInfo) -> Result | None:
    """What is wrong with ``adapter.py`` before it is run; None if nothing is."""
    file = info.folder / "adapter.py"
    try:
        ast.parse(file.read_bytes(), str(file))
    except OSError:
        return failed("contract", f"there is no adapter.py beside {info.name}'s adapter.toml", f"write it: {GUIDE}")
    except SyntaxError as problem:
        return failed("contract", f"adapter.py line {problem.lineno}: {problem.msg}", "correct the line")
    return None


def find_interpreter(
    info: AdapterInfo, python: Path | None, device: str, cache_dir: Path, tell: Tell
) -> tuple[Interpreter | None, Result]:
    """The interpreter as a run would choose it: the one that is named, the harness's own, or a managed environment."""
    try:
        if python is not None:
            found = environments.use_external(info.name, python, distribution=info.distribution, module=info.module)
        elif info.interpreter == "core":
            found = environments.core(info.name)
        else:
            found = environments.ensure(environment_spec(info, device), cache_dir=cache_dir, progress=tell)
    except EnvironmentProblem as problem:
        text = f"{problem.code}: {problem}"
        return None, failed("interpreter", text, "lock its requirements, or name an interpreter with --python")
    what = f"{info.distribution} {found.framework_version}" if found.kind != "core" else "the harness's own"
    return found, passed("interpreter", f"{what}, Python {found.python_version} ({found.kind})")


def _explained(file: Path) -> bool:
    try:
        return bool(ast.get_docstring(ast.parse(file.read_bytes())))
    except (OSError, SyntaxError):
        return True  # another check says so


def _has_facts(file: Path) -> bool:
    return bool(read_toml(file).get("facts"))
