"""Where shipped content lies (adapters, workloads, claims): beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def content_dir(name: str) -> Path:
    """Folder of shipped content.

    Args:
        name: "adapters", "workloads" or "claims".
    """
    packaged = _PACKAGE / "_content" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
