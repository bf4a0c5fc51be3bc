"""``frameworkbench adapter new``: a folder that runs at once and says what to write next.

Without a framework's name it maps to NumPy on the harness's own Python, so that the checks can be tried before anything
is installed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..store.atomic import write_bytes_atomic

_NAME = re.compile(r"[a-z][a-z0-9_-]*")
_TEMPLATES = {
    "adapter.toml.j2": "adapter.toml",
    "adapter.py.j2": "adapter.py",
    "requirements-cpu.in.j2": "requirements-cpu.in",
}


@dataclass(frozen=True, slots=True)
class Choice:
    """What a new adapter is to be called and what it maps to.

    Attributes:
        name: of the adapter and its folder.
        distribution: of the framework as installers know it; empty for NumPy on the harness's own Python.
        module: its import name; empty: that of the distribution.
    """

    name: str
    distribution: str = ""
    module: str = ""


def new_adapter(choice: Choice, into: Path, known: Sequence[str]) -> Path:
    """Write the folder of a new adapter.

    Args:
        choice: its names.
        into: the folder in which it is made.
        known: names that are taken.

    Returns:
        The new folder.

    Raises:
        UsageError: the name is taken or cannot be used, or the folder exists.
    """
    if not _NAME.fullmatch(choice.name):
        raise UsageError(
            f"NAME: expected a small letter, then small letters, digits, - and _; received {choice.name!r}"
        )
    if choice.name in known:
        raise UsageError(f"NAME: there is an adapter called {choice.name!r} already; choose another name")
    if choice.module and not choice.distribution:
        raise UsageError("--module: needs --distribution too, the name under which the framework is installed")
    folder = into / choice.name
    if folder.exists():
        raise UsageError(f"{folder} exists already; choose another name, or another place with --into")
    facts = _facts(choice)
    for template, name in _TEMPLATES.items():
        if name != "requirements-cpu.in" or choice.distribution:
            write_bytes_atomic(folder / name, _render(template, facts).encode("utf-8"))
    return folder


def _facts(choice: Choice) -> dict[str, Any]:
    words = re.split(r"[-_]", choice.name)
    return {
        "name": choice.name,
        "title": " ".join(word.capitalize() for word in words),
        "class_name": "".join(word.capitalize() for word in words) + "Adapter",
        "managed": bool(choice.distribution),
        "distribution": choice.distribution or "numpy",
        "module": choice.module or choice.distribution.replace("-", "_") or "numpy",
    }


def _render(template: str, facts: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("frameworkbench.kit"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    return environment.get_template(template).render(facts)
