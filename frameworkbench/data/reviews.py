"""The IMDB reviews: the extracted tree, the archive, and Keras' imdb.npz.

Reviews come in the order of (number, class), negative before positive, so that the first n samples of a
split are balanced for every n; `epoch_order` shuffles them later.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frameworkbench.data.files import read_verified, tar_members, unreadable
from frameworkbench.data.opcodes import ArrayParts, read_stream
from frameworkbench.data.published import PublishedFile, Tree
from frameworkbench.errors import DataError

SPLITS = ("train", "test")
_CLASSES = ("neg", "pos")  # label = place
_NAME = re.compile(r"(\d+)_\d+\.txt")
_MOST_REVIEW_BYTES = 1 << 20  # the longest real review has 14 kB
_MOST_NPZ_BYTES = 1 << 29


@dataclass(frozen=True, slots=True)
class Review:
    """One labelled review as stored."""

    split: str
    label: int
    number: int
    name: str
    text: bytes


def read_tree(folder: Path, tree: Tree) -> tuple[list[Review], list[Review]]:
    """Read and verify an extracted tree ``<folder>/{train,test}/{neg,pos}/<number>_<rating>.txt``.

    Raises:
        DataError: files are missing or their contents are not the published ones.
    """
    reviews = list(_tree_reviews(folder))
    received = tree_digest(reviews)
    train, test = _counted(reviews, tree, str(folder))
    if received != tree.digest:
        raise DataError(
            f"{folder}: a review is not the published one; expected sha256 {tree.digest} over all files; "
            f"received {received}; extract aclImdb_v1.tar.gz again, or put that archive beside the folder's "
            "place and remove the folder"
        )
    return train, test


def read_archive(path: Path, tree: Tree) -> tuple[list[Review], list[Review]]:
    """Read the published archive, whose own checksum the caller has verified, without extracting it.

    Raises:
        DataError: the archive is unsafe, cut short or lacks reviews.
    """
    wanted = {f"aclImdb/{split}/{label}" for split in SPLITS for label in _CLASSES}
    reviews = []
    for member, text in tar_members(path, wanted, _MOST_REVIEW_BYTES):
        _, split, label, name = member.split("/")
        if match := _NAME.fullmatch(name):
            reviews.append(Review(split, _CLASSES.index(label), int(match[1]), name, text))
    return _counted(reviews, tree, str(path))


def tree_digest(reviews: Iterable[Review]) -> str:
    """SHA-256 over the sorted paths, sizes and contents of all reviews."""
    digest = hashlib.sha256()
    for review in sorted(reviews, key=lambda r: (r.split, r.label, r.number, r.name)):
        digest.update(f"{review.split}/{_CLASSES[review.label]}/{review.name} {len(review.text)}\n".encode())
        digest.update(review.text)
    return digest.hexdigest()


def tree_files(folder: Path) -> list[Path]:
    """All review files of a tree, sorted; a missing folder has none."""
    folders = [folder / split / label for split in SPLITS for label in _CLASSES]
    return sorted(path for each in folders if each.is_dir() for path in each.iterdir() if path.suffix == ".txt")


def _tree_reviews(folder: Path) -> Iterator[Review]:
    for path in tree_files(folder):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise DataError(f"{path}: expected a name such as 12_9.txt; received {path.name}; remove the file")
        try:
            text = path.read_bytes()
        except OSError as error:
            raise unreadable(path, error) from error
        yield Review(path.parts[-3], _CLASSES.index(path.parts[-2]), int(match[1]), path.name, text)


def _counted(reviews: list[Review], tree: Tree, where: str) -> tuple[list[Review], list[Review]]:
    """Both splits in their order, after a check of ids and bytes."""
    for split in SPLITS:
        for label, name in enumerate(_CLASSES):
            numbers = sorted(r.number for r in reviews if (r.split, r.label) == (split, label))
            if numbers != list(range(tree.reviews)):
                raise DataError(
                    f"{where}: {split}/{name}: reviews are missing or twice there; expected the numbers 0 to "
                    f"{tree.reviews - 1}; received {len(numbers)} files; extract aclImdb_v1.tar.gz again"
                )
        received = sum(len(r.text) for r in reviews if r.split == split)
        if received != tree.bytes[split]:
            raise DataError(
                f"{where}: {split}: reviews differ from the published ones; expected {tree.bytes[split]} bytes; "
                f"received {received}; extract aclImdb_v1.tar.gz again"
            )
    ordered = sorted(reviews, key=lambda r: (r.number, r.label))
    return [r for r in ordered if r.split == "train"], [r for r in ordered if r.split == "test"]


Ids = tuple[list[list[int]], NDArray[np.int64]]


def read_npz(path: Path, file: PublishedFile) -> tuple[Ids, Ids]:
    """Read and verify Keras' imdb.npz: word ranks of each review and its label.

    NumPy refuses its arrays of lists without a general pickle loader, so they go through
    `opcodes.read_stream`, which runs nothing.

    Returns:
        Training and test split, each ranks as stored and labels ``(N,)``, classes alternating.

    Raises:
        DataError: the file is not the published one or holds anything but lists of integers.
    """
    content = read_verified(path, file)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            arrays = {
                f"{kind}_{split}": _npy(_member(archive, f"{kind}_{split}.npy", path), f"{path}: {kind}_{split}")
                for kind in "xy"
                for split in SPLITS
            }
    except (zipfile.BadZipFile, KeyError, zlib.error, EOFError) as error:
        raise unreadable(path, error) from error
    train, test = (_alternating(arrays[f"x_{s}"], arrays[f"y_{s}"], f"{path}: {s}") for s in SPLITS)
    return train, test


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    size = archive.getinfo(name).file_size
    if size > _MOST_NPZ_BYTES:
        raise DataError(f"{path}: {name}: expected at most {_MOST_NPZ_BYTES} bytes; received {size}; get it again")
    return archive.read(name)


def _npy(content: bytes, where: str) -> Any:
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            read_header = np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if dtype != np.dtype(object):
            return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except ValueError as error:
        raise DataError(f"{where}: is no NumPy array ({error}); get the file again") from error
    parts = read_stream(content[stream.tell() :], where)
    if not isinstance(parts, ArrayParts) or not isinstance(parts.data, list) or parts.shape != shape:
        raise DataError(f"{where}: expected an array of lists; received something else; get the file again")
    return parts.data


def _alternating(ranks: Any, labels: Any, where: str) -> Ids:
    fits = isinstance(ranks, list) and isinstance(labels, np.ndarray) and len(ranks) == len(labels)
    if not fits or not all(type(each) is list and all(type(n) is int for n in each) for each in ranks):
        raise DataError(f"{where}: expected lists of integers and as many labels; get the file again")
    if labels.dtype.kind not in "iu" or not np.isin(labels, (0, 1)).all():
        raise DataError(f"{where}: expected labels 0 and 1; received {labels.dtype}; get the file again")
    turn = np.empty(len(labels), np.int64)
    for label in (0, 1):
        turn[labels == label] = np.arange((labels == label).sum())
    order = np.lexsort((labels, turn))
    return [ranks[i] for i in order], labels[order].astype(np.int64)
