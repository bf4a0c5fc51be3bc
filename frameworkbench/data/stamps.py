"""Remember which files were verified, so that later runs need not hash them again.

A stamp holds what a change of a file changes: its size and both of its times. A file whose stamp no
longer fits is hashed again; ``check`` can be told to hash everything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from frameworkbench.errors import DataError


class Stamps:
    """Verified digests by path and state, kept in one file of the cache.

    A cache that cannot be read or written only costs time: everything is then hashed again.
    """

    def __init__(self, cache_dir: Path | None) -> None:
        self._path = cache_dir / "stamps.json" if cache_dir else None
        self._known = self._load()

    def digest(self, name: Path, files: Sequence[Path], compute: Callable[[], str], *, fresh: bool = False) -> str:
        """The digest of some files, from the stamp where nothing changed.

        Args:
            name: the path that the digest belongs to.
            files: the files below it.
            compute: hashes them.
            fresh: hash them in any case.

        Returns:
            The digest.
        """
        state = file_state(files)
        known = self._known.get(str(name.absolute()))
        if known and known[0] == state and not fresh:
            return known[1]
        digest = compute()
        self.remember({name: (state, digest)})
        return digest

    def remember(self, verified: Mapping[Path, tuple[str, str]]) -> None:
        """Keep digests that were verified, each with the state its files had before they were read."""
        for name, (state, digest) in verified.items():
            self._known[str(name.absolute())] = [state, digest]
        self._save()

    def _load(self) -> dict[str, list[str]]:
        if self._path is None or not self._path.is_file():
            return {}
        try:
            loaded = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(loaded, dict):
            return {}
        return {k: v for k, v in loaded.items() if isinstance(v, list) and len(v) == 2}

    def _save(self) -> None:
        if self._path is None:
            return
        temporary = self._path.with_suffix(".part")
        try:
            temporary.write_text(json.dumps(self._known, indent=1), "utf-8")
            temporary.replace(self._path)
        except OSError:
            return  # only speed is lost; whoever writes data next reports the cause


def file_state(files: Sequence[Path]) -> str:
    """What a change of any of the files changes, in one line."""
    digest = hashlib.sha256()
    for path in files:
        try:
            stat = path.stat()
        except OSError as error:
            raise DataError(f"{path}: cannot be looked at ({error}); correct its permissions") from error
        # The change time finds a file that was altered and given its old modification time back.
        digest.update(f"{path}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}\n".encode())
    return digest.hexdigest()
