"""Copies a real adapter under another name and makes the copy slower by a known share.

The copy is an ordinary adapter folder, loaded with ``--adapter-path``: the engine knows nothing of it, proves it like
any other and puts it under the same detectors.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from frameworkbench.errors import UsageError
from frameworkbench.registry import AdapterInfo, read_adapter

TEMPLATE = Path(__file__).resolve().parent / "slowed_adapter.py"
SUFFIX = "-planted"


def slowed_copy(info: AdapterInfo, share: float, place: Path) -> AdapterInfo:
    """Make the copy and read its declaration.

    Args:
        info: the adapter to copy; an entrant, since the oracle is never ranked.
        share: of each step's own time by which the copy's steps last longer; 0 changes nothing but the name.
        place: folder in which the copy's folder is made; an older copy there is replaced.

    Raises:
        UsageError: the adapter is no entrant, or the share is negative.
    """
    if info.role != "entrant":
        raise UsageError(f"{info.name} is an {info.role}, which is never ranked; choose an entrant")
    if share < 0:
        raise UsageError(f"expected a planted share of 0 or more; received {share}")
    folder = place / f"{info.name}{SUFFIX}"
    if folder.exists():
        shutil.rmtree(folder)
    shutil.copytree(info.folder, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "adapter.py").rename(folder / "original.py")
    _substitute(TEMPLATE, folder / "adapter.py", {"SHARE": repr(float(share))})
    declared = folder / "adapter.toml"
    names = {"name": f'"{info.name}{SUFFIX}"', "title": f'"{info.title} with {share:.1%} planted"'}
    _substitute(declared, declared, names)
    return read_adapter(folder)


def _substitute(source: Path, target: Path, values: dict[str, str]) -> None:
    """Copy a text with the first assignment to each name replaced; what follows a value on its line goes."""
    text = source.read_text(encoding="utf-8")
    for name, value in values.items():
        text, found = re.subn(rf"^{name} = .*$", lambda _, new=f"{name} = {value}": new, text, count=1, flags=re.M)
        if not found:
            raise UsageError(f"{source}: expected a line that sets {name}")
    target.write_text(text, encoding="utf-8")
