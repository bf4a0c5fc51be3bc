"""Files that people write, or that are shipped as if they did: read whole, or an error that names the file.

Not for workers: Python 3.10 has no TOML reader.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from .errors import SpecError


def read_toml(file: Path) -> dict[str, Any]:
    """The table of a TOML file.

    Raises:
        SpecError: it cannot be read.
    """
    return parse_toml(read_content(file), file)


def parse_toml(content: bytes, file: Path) -> dict[str, Any]:
    """The table in a file's content, for those who need its bytes too.

    Raises:
        SpecError: it is no TOML; names the file.
    """
    try:
        return tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise _unreadable(file, problem) from problem


def read_json(file: Path) -> Any:
    """The value of a JSON file.

    Raises:
        SpecError: it cannot be read.
    """
    try:
        return json.loads(read_content(file).decode("utf-8"))
    except ValueError as problem:
        raise _unreadable(file, problem) from problem


def read_content(file: Path) -> bytes:
    """A file's bytes.

    Raises:
        SpecError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as problem:
        raise _unreadable(file, problem) from problem


def _unreadable(file: Path, problem: Exception) -> SpecError:
    return SpecError(str(file), f"cannot be read: {problem}")
