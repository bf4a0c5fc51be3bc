"""From a spec to arrays on disk: find or download the real files, or generate the stand-in.

The only module of the package that decides anything: which source, which layout, whether the prepared
copy still holds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frameworkbench.data import prepared, tokens
from frameworkbench.data.download import CannotWriteError, download_layout
from frameworkbench.data.files import read_verified, stored_path
from frameworkbench.data.images import read_images
from frameworkbench.data.locate import (
    Located,
    how_to_get,
    locate,
    nearest,
    raise_unless_ok,
    states_before_reading,
    statuses,
)
from frameworkbench.data.model import DATASETS, GENERATED, DataSpec, FileStatus, PreparedDataset, Source
from frameworkbench.data.published import PUBLISHED, Catalogue
from frameworkbench.data.reviews import Review, read_archive, read_npz, read_tree
from frameworkbench.data.stamps import Stamps
from frameworkbench.data.synthetic import GENERATOR_VERSION, generate
from frameworkbench.errors import DataError

# Raise it when the same files would give other arrays.
PREPARATION_VERSION = 1

Progress = Callable[[str], None]
Split = tuple[NDArray[Any], NDArray[np.int64]]


def prepare(
    spec: DataSpec,
    *,
    source: Source,
    data_dir: Path | None,
    cache_dir: Path,
    seed: int = 0,
    download: bool = True,
    progress: Progress,
    catalogue: Catalogue = PUBLISHED,
) -> PreparedDataset:
    """Make a dataset ready for training, or find it ready.

    Args:
        spec: the dataset and its form.
        source: ``real``, ``synthetic``, or ``auto``: real where ``data_dir`` is given.
        data_dir: folder with the published files; without it real files are downloaded.
        cache_dir: where downloads and prepared arrays are kept.
        seed: of the stand-in; real data do not depend on it.
        download: whether missing files may be fetched.
        progress: receives one line at a time, for what takes longer than a moment.
        catalogue: the published files; tests pass their own.

    Returns:
        Paths and fingerprint of the arrays.

    Raises:
        DataError: files are missing, damaged, cannot be fetched, or the cache cannot be written.
    """
    if source not in ("auto", "real", "synthetic"):
        raise DataError(f"source: expected 'auto', 'real' or 'synthetic'; received {source!r}")
    real = source == "real" or (source == "auto" and data_dir is not None)
    if spec.dataset in GENERATED:
        if source == "real":
            raise DataError(
                f"{spec.dataset}: exists as generated data only; expected --data synthetic; received --data real"
            )
        real = False
    with prepared.locked(cache_dir, spec.dataset, progress):
        if not real:
            return _synthetic(spec, cache_dir, seed, progress)
        if data_dir is None and not locate(spec.dataset, cache_dir / "downloads", catalogue):
            kept = _kept(spec, cache_dir, progress)
            if kept is not None:
                return kept
        found = _found(spec.dataset, data_dir, cache_dir, download, progress, catalogue)
        return _real(spec, found, cache_dir, progress)


def check(
    dataset: str,
    *,
    data_dir: Path | None,
    cache_dir: Path,
    full: bool = False,
    catalogue: Catalogue = PUBLISHED,
) -> list[FileStatus]:
    """Tell which published files of a dataset are there and whole.

    Args:
        dataset: its name.
        data_dir: folder with the published files; without it the download folder is looked at.
        cache_dir: where stamps of earlier checks are.
        full: hash every file even where nothing seems to have changed.
        catalogue: the published files.

    Returns:
        One status for each file of the layout that is nearest to complete.
    """
    if dataset not in catalogue:
        raise DataError(f"unknown dataset; expected one of {', '.join(DATASETS)}; received {dataset!r}")
    found = nearest(dataset, data_dir or cache_dir / "downloads", catalogue)
    return statuses(found, Stamps(cache_dir), fresh=full)


def _synthetic(spec: DataSpec, cache_dir: Path, seed: int, progress: Progress) -> PreparedDataset:
    options = _options(spec) | {"kind": "synthetic", "seed": seed, "generator": GENERATOR_VERSION}
    folder = _folder(cache_dir, spec.dataset, "synthetic", options)
    ready = prepared.load(folder, options, progress)
    if ready is not None:
        return ready
    progress(f"{spec.dataset}: generating the synthetic stand-in")
    arrays = _arrays(*generate(spec, seed))
    return prepared.save(folder, spec.dataset, "synthetic", spec.classes, arrays, options)


def _real(spec: DataSpec, found: Located, cache_dir: Path, progress: Progress) -> PreparedDataset:
    options = _real_options(spec, found.layout.form)
    folder = _folder(cache_dir, spec.dataset, "real", options)
    stamps = Stamps(cache_dir)
    ready = prepared.load(folder, options, progress)
    if ready is not None:
        raise_unless_ok(statuses(found, stamps))
        return ready
    progress(f"{spec.dataset}: reading and verifying {found.folder}")
    before = states_before_reading(found)
    train, test = _read_text(spec, found) if spec.is_text else read_images(found.folder, found.layout)
    limited = [
        (inputs[:limit], labels[:limit])
        for (inputs, labels), limit in ((train, spec.train_limit), (test, spec.test_limit))
    ]
    dataset = prepared.save(folder, spec.dataset, "real", spec.classes, _arrays(*limited), options)
    stamps.remember(before)
    return dataset


def _real_options(spec: DataSpec, form: str) -> dict[str, object]:
    # Both versions of CIFAR-10 give the same arrays and share a fingerprint; imdb.npz has ids of its own.
    ids = "npz" if form == "imdb-npz" else "own"
    return _options(spec) | {"kind": "real", "ids": ids if spec.is_text else ""}


def _kept(spec: DataSpec, cache_dir: Path, progress: Progress) -> PreparedDataset | None:
    """Real arrays that are still there although the downloads they came from are gone."""
    options = _real_options(spec, "")
    return prepared.load(_folder(cache_dir, spec.dataset, "real", options), options, progress)


def _found(
    dataset: str, data_dir: Path | None, cache_dir: Path, download: bool, progress: Progress, catalogue: Catalogue
) -> Located:
    root = data_dir or cache_dir / "downloads"
    found = locate(dataset, root, catalogue)
    if found is not None:
        return found
    help_text = how_to_get(dataset, catalogue)
    if data_dir is not None or not download:
        raise DataError(
            f"{root}: holds no complete {dataset}; expected one of the layouts below; "
            f"received {_present(root)}\n{help_text}"
        )
    failures = []
    for layout in catalogue[dataset]:
        if layout.urls:
            try:
                download_layout(layout, root, progress)
                return Located(layout, root / layout.folders[0])
            except CannotWriteError:
                raise
            except DataError as error:
                failures.append(str(error))
    raise DataError("\n".join([*failures, help_text]))


def _present(root: Path) -> str:
    if not root.is_dir():
        return "no such folder"
    names = sorted(path.name for path in root.iterdir())[:8]
    return ", ".join(names) or "an empty folder"


def _read_text(spec: DataSpec, found: Located) -> tuple[Split, Split]:
    layout, folder = found.layout, found.folder
    if layout.form == "imdb-npz":
        splits = read_npz(folder / layout.files[0].name, layout.files[0])
        train, test = (([tokens.npz_ids(r, spec.vocabulary) for r in ranks], labels) for ranks, labels in splits)
        return _padded(spec, *train), _padded(spec, *test)
    tree = layout.tree
    if tree is None:
        raise DataError(f"{folder}: the catalogue lacks the counts of its reviews; add them to the layout")
    if layout.files:
        archive = stored_path(folder, layout.files[0]) or folder / layout.files[0].name
        read_verified(archive, layout.files[0])
        reviews = read_archive(archive, tree)
    else:
        reviews = read_tree(folder, tree)
    split_words = [[tokens.words(review.text) for review in split] for split in reviews]
    ids = tokens.vocabulary(split_words[0], spec.vocabulary)
    first, second = (
        _padded(spec, [tokens.word_ids(text, ids) for text in texts], _labels(split))
        for texts, split in zip(split_words, reviews, strict=True)
    )
    return first, second


def _padded(spec: DataSpec, texts: list[list[int]], labels: NDArray[np.int64]) -> Split:
    return tokens.padded(texts, spec.length, spec.padding), labels


def _labels(reviews: list[Review]) -> NDArray[np.int64]:
    return np.array([review.label for review in reviews], np.int64)


def _options(spec: DataSpec) -> dict[str, object]:
    """What changes the arrays. Scale, mean, deviation and flattening do not: they are applied later."""
    options: dict[str, object] = {
        "dataset": spec.dataset,
        "train_limit": spec.train_limit,
        "test_limit": spec.test_limit,
        "version": PREPARATION_VERSION,
    }
    if spec.is_text:
        options |= {"vocabulary": spec.vocabulary, "length": spec.length, "padding": spec.padding}
    if spec.is_ratings:
        options |= {"users": spec.users, "items": spec.items}
    return options


def _folder(cache_dir: Path, dataset: str, kind: str, options: dict[str, object]) -> Path:
    return cache_dir / "datasets" / f"{dataset}-{kind}-{prepared.option_hash(options)}"


def _arrays(train: Split, test: Split) -> dict[str, NDArray[Any]]:
    return dict(zip(prepared.PARTS, (*train, *test), strict=True))
