"""Adapters that came with installed packages, found by the entry point group ``frameworkbench.adapters``.

An entry point's value is a package (or a folder inside one, with dots) that holds ``adapter.toml``. Nothing is imported
to find it: an adapter's package may import its framework, and listing must not.
"""

from __future__ import annotations

import importlib.util
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from .errors import SpecError

GROUP = "frameworkbench.adapters"


def installed_adapters() -> list[tuple[Path, str]]:
    """Folders with an ``adapter.toml``, each with the package that brought it, in the order of their names.

    Raises:
        SpecError: an entry point leads to no adapter.
    """
    found = {(point.name, point.value): point for point in entry_points(group=GROUP)}
    return [(_folder(point), _origin(point)) for _, point in sorted(found.items())]


def _origin(point: EntryPoint) -> str:
    return f"package {point.dist.name} {point.dist.version}" if point.dist else "an installed package"


def _folder(point: EntryPoint) -> Path:
    where = f"entry point {GROUP}: {point.name} = {point.value} ({_origin(point)})"
    top, *inner = point.module.split(".")
    try:
        spec = importlib.util.find_spec(top)  # a top-level name: nothing is imported
    except (ImportError, ValueError) as problem:
        raise SpecError(where, f"cannot be looked for: {problem}") from problem
    places = (
        [Path(place).joinpath(*inner) for place in (spec.submodule_search_locations or ()) if place] if spec else []
    )
    for folder in places:
        if (folder / "adapter.toml").is_file():
            return folder
    received = ", ".join(str(place) for place in places) or f"no package called {top!r}"
    raise SpecError(
        where,
        "leads to no adapter; reinstall or uninstall the package",
        expected="a package that holds adapter.toml",
        received=received,
    )
