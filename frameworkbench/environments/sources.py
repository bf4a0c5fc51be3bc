"""Where packages come from: the user's own settings for pip, in words that uv understands.

uv does not read pip's configuration. Without this module, a machine that is set up for pip (an
offline mirror, a folder of wheels, a company's index or certificate) would work with pip and fail
here.

Source:
    https://pip.pypa.io/en/stable/topics/configuration/ for the places and their order;
    https://docs.astral.sh/uv/reference/environment/ for the variables of uv.
"""

from __future__ import annotations

import configparser
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

# pip's key -> uv's variable. A variable of uv that is set already always wins.
_UV_NAMES = {
    "find-links": "UV_FIND_LINKS",
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
}
# Other spellings by which a user may have told uv the same thing.
_UV_ALIASES = {"index-url": "UV_INDEX_URL", "extra-index-url": "UV_EXTRA_INDEX_URL"}
_TRUE = ("1", "true", "yes", "on")
_LOCATIONS = ("find-links", "index-url", "extra-index-url")
_PIP_VARIABLES = {
    **{key: "PIP_" + key.upper().replace("-", "_") for key in (*_UV_NAMES, "no-index")},
    "timeout": "PIP_DEFAULT_TIMEOUT",
}
# uv's own variables that make a machine "set up": the declared indexes then come second.
_OWN_SOURCES = ("UV_FIND_LINKS", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_OFFLINE")
# Variables that would point uv or the new interpreter at some other environment or project.
_MISLEADING = ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH", "UV_PROJECT", "UV_SYSTEM_PYTHON", "UV_PYTHON")


def uv_environment(environ: Mapping[str, str], config_files: Sequence[Path] | None = None) -> dict[str, str]:
    """Give the environment variables under which uv finds what pip would find.

    Local places that do not exist are left out: pip skips them, uv would refuse to work.

    Args:
        environ: the present environment.
        config_files: pip's configuration files, weakest first; ``None`` for the standard places.

    Returns:
        A copy of the environment with the variables of uv added.
    """
    result = {name: value for name, value in environ.items() if name not in _MISLEADING}
    result.update(NO_COLOR="1", UV_NO_PROGRESS="1")
    settings = _pip_settings(environ, pip_config_files(environ) if config_files is None else config_files)
    for key, value in settings.items():
        if key not in _UV_NAMES or _UV_NAMES[key] in environ or _UV_ALIASES.get(key, "") in environ:
            continue
        kept = [place for place in value.split() if _usable(place)] if key in _LOCATIONS else [value.strip()]
        if key == "cert" and not Path(value.strip()).is_file():
            kept = []
        if not kept:
            continue
        separator = "," if key == "find-links" else " "
        result[_UV_NAMES[key]] = separator.join(kept)
        if key == "extra-index-url":
            # pip takes the best match of all indexes, uv the first index that knows the name.
            result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    places = settings.get("find-links", "").split()
    if settings.get("no-index", "").lower() in _TRUE and all(_scheme(p) in ("", "file") for p in places):
        result.setdefault("UV_OFFLINE", "1")  # uv knows "no index" only as an argument; this says as much
    return result


def has_own_sources(environment: Mapping[str, str]) -> bool:
    """Tell whether the user has configured a place for packages himself."""
    return any(environment.get(name) for name in _OWN_SOURCES)


def index_attempts(indexes: Sequence[str], environment: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Give the choices of sources to try, in order, as arguments of ``uv pip install``.

    An adapter declares the indexes that an ordinary user needs. A user with a mirror of his own may
    be unable to reach them, so his own sources are tried alone first.

    Args:
        indexes: the indexes that the adapter declares.
        environment: what ``uv_environment`` gave.

    Returns:
        One tuple of arguments per attempt, at least one.
    """
    if not indexes:
        return [()]
    declared = tuple(word for index in indexes for word in ("--index", index))
    declared += ("--index-strategy", "unsafe-best-match")
    return [(), declared] if has_own_sources(environment) else [declared, ()]


def pip_config_files(environ: Mapping[str, str], prefix: str = sys.prefix) -> list[Path]:
    """List the places where pip would look for its configuration, weakest first."""
    own = environ.get("PIP_CONFIG_FILE", "")
    if own == os.devnull:
        return []
    home = Path(environ.get("HOME") or Path.home())
    shared = environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    user = Path(environ.get("XDG_CONFIG_HOME") or home / ".config")
    files = [Path(folder) / "pip" / "pip.conf" for folder in reversed(shared.split(os.pathsep)) if folder]
    files += [Path("/etc/pip.conf"), home / ".pip" / "pip.conf", user / "pip" / "pip.conf"]
    files.append(Path(prefix) / "pip.conf")
    return [*files, Path(own)] if own else files


def _pip_settings(environ: Mapping[str, str], files: Sequence[Path]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for section in ("global", "install"):  # pip lets a command's own section win over [global]
        for file in files:
            settings.update(_read_section(file, section))
    for key, variable in _PIP_VARIABLES.items():
        if environ.get(variable):
            settings[key] = environ[variable]
    return {key: value for key, value in settings.items() if value.strip()}


def _read_section(file: Path, section: str) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(file.read_text())
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}  # a file that pip itself could not use configures nothing
    if not parser.has_section(section):
        return {}
    # pip takes both find_links and find-links.
    items = {name.replace("_", "-"): value for name, value in parser.items(section)}
    return {name: value for name, value in items.items() if name in _PIP_VARIABLES}


def _usable(place: str) -> bool:
    if _scheme(place) == "file":
        return Path(unquote(urlsplit(place).path)).exists()
    return bool(_scheme(place)) or Path(place).exists()


def _scheme(place: str) -> str:
    return urlsplit(place).scheme
