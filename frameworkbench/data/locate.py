"""Find a published layout below a folder, and say what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from frameworkbench.data.files import content_digest, stored_path
from frameworkbench.data.model import FileStatus
from frameworkbench.data.published import IMDB_NPZ_URL, Catalogue, Layout, PublishedFile
from frameworkbench.data.reviews import read_tree, tree_files
from frameworkbench.data.stamps import Stamps, file_state
from frameworkbench.errors import DataError


@dataclass(frozen=True, slots=True)
class Located:
    """A layout and the folder that holds its files."""

    layout: Layout
    folder: Path


def locate(dataset: str, root: Path, catalogue: Catalogue) -> Located | None:
    """The first layout of a dataset all of whose files are below a folder, or ``None``."""
    return next((found for found in _candidates(dataset, root, catalogue) if not _missing(found)), None)


def nearest(dataset: str, root: Path, catalogue: Catalogue) -> Located:
    """The layout with the fewest files missing: what a status report is about."""
    return min(_candidates(dataset, root, catalogue), key=lambda found: (bool(_missing(found)), _missing(found)))


def statuses(found: Located, stamps: Stamps, *, fresh: bool = False) -> list[FileStatus]:
    """The state of every file of a layout.

    Args:
        found: the layout and its folder.
        stamps: digests known from before.
        fresh: hash every file, whatever the stamps say.

    Returns:
        One status for each file, or one for a whole tree.
    """
    if found.layout.tree is not None and not found.layout.files:
        return [_tree_status(found, stamps, fresh)]
    return [_file_status(found.folder, file, stamps, fresh) for file in found.layout.files]


def raise_unless_ok(states: list[FileStatus]) -> None:
    """Raise `DataError` that names every file that is not as published."""
    wrong = [f"{s.path}: {s.state}" + (f" ({s.detail})" if s.detail else "") for s in states if s.state != "ok"]
    if wrong:
        raise DataError("; ".join(wrong) + "; delete what is damaged and get it again")


def states_before_reading(found: Located) -> dict[Path, tuple[str, str]]:
    """For each file its state now and the digest it will have proved to have once it was read."""
    layout, folder = found.layout, found.folder
    if layout.tree is not None and not layout.files:
        return {folder: (file_state(tree_files(folder)), layout.tree.digest)}
    paths = [(stored_path(folder, file), file.digest) for file in layout.files]
    return {path: (file_state([path]), digest) for path, digest in paths if path is not None}


def how_to_get(dataset: str, catalogue: Catalogue) -> str:
    """Where the files come from and how to lay them out."""
    lines = [f"To use the real {dataset}, put its files in a folder DIR and pass --data-dir DIR:"]
    for layout in catalogue[dataset]:
        folder = layout.folders[0]
        names = ", ".join(f.name + (" (or .gz)" if f.gzip else "") for f in layout.files)
        names = names or "{train,test}/{neg,pos}/*.txt"
        lines.append(f"  DIR/{folder + '/' if folder else ''}{names}")
        lines += [f"    from {url}" for urls in (layout.urls or {}).values() for url in urls]
        lines += [f"    from {IMDB_NPZ_URL}"] if layout.form == "imdb-npz" else []
    lines.append("Without them, --data synthetic runs on generated data.")
    return "\n".join(lines)


def _candidates(dataset: str, root: Path, catalogue: Catalogue) -> Iterator[Located]:
    for layout in catalogue[dataset]:
        for folder in layout.folders:
            yield Located(layout, root / folder)


def _missing(found: Located) -> int:
    if not found.layout.files:
        return 0 if (found.folder / "train").is_dir() and (found.folder / "test").is_dir() else 1
    return sum(stored_path(found.folder, file) is None for file in found.layout.files)


def _file_status(folder: Path, file: PublishedFile, stamps: Stamps, fresh: bool) -> FileStatus:
    path = stored_path(folder, file)
    if path is None:
        return FileStatus(file.name, folder / file.name, "missing")
    try:
        received = stamps.digest(path, [path], lambda: content_digest(path, file), fresh=fresh)
    except DataError as error:
        return FileStatus(file.name, path, "unreadable", str(error))
    if received != file.digest:
        detail = f"expected {file.algorithm} {file.digest}; received {received}"
        return FileStatus(file.name, path, "wrong checksum", detail)
    return FileStatus(file.name, path, "ok")


def _tree_status(found: Located, stamps: Stamps, fresh: bool) -> FileStatus:
    folder, tree = found.folder, found.layout.tree
    name = folder.name
    files = tree_files(folder)
    if tree is None or not files:
        return FileStatus(name, folder, "missing")

    def compute() -> str:
        read_tree(folder, tree)
        return tree.digest

    try:
        stamps.digest(folder, files, compute, fresh=fresh)
    except DataError as error:
        return FileStatus(name, folder, "wrong checksum", str(error))
    return FileStatus(name, folder, "ok")
