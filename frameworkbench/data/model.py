"""What a workload asks of its data, and what it gets back.

Both sides are frozen values: the request travels into cell keys and the answer into records, so
neither may change after it was hashed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from frameworkbench.errors import DataError

DATASETS = ("mnist", "cifar10", "imdb")
GENERATED = ("ratings",)
"""Sets that exist as generated data only: nothing of the kind is free to be published with a checksum here."""
CLASSES = {"mnist": 10, "cifar10": 10, "imdb": 2, "ratings": 5}

Kind = Literal["real", "synthetic"]
Source = Literal["auto", "real", "synthetic"]
State = Literal["ok", "missing", "wrong checksum", "unreadable"]

# Below these a generated text has no room for its marker tokens, and a real one no words.
MIN_VOCABULARY = 32
MIN_LENGTH = 8


@dataclass(frozen=True, slots=True)
class DataSpec:
    """One dataset in the form that a workload trains on.

    Attributes:
        dataset: ``mnist``, ``cifar10``, ``imdb`` or ``ratings``.
        vocabulary: text only: token ids run from 0 to ``vocabulary - 1``.
        length: text only: tokens per sample.
        padding: side of the zeros; ``front`` keeps a text's last tokens, ``back`` its first ones.
        scale: images: factor on the stored byte before mean and deviation.
        mean: images: one value for each channel, or empty for none.
        std: images: one value for each channel, or empty for none.
        flatten: images: ``(N, C*H*W)`` in place of ``(N, C, H, W)``.
        users: ratings only: number of users.
        items: ratings only: number of items.
        train_limit: only the first so many training samples, ``None`` for all.
        test_limit: only the first so many test samples, ``None`` for all.
    """

    dataset: str
    vocabulary: int = 0
    length: int = 0
    padding: str = "front"
    scale: float = 1.0
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    flatten: bool = False
    train_limit: int | None = None
    test_limit: int | None = None
    users: int = 0
    items: int = 0

    def __post_init__(self) -> None:
        known = (*DATASETS, *GENERATED)
        if self.dataset not in known:
            raise DataError(f"unknown dataset; expected one of {', '.join(known)}; received {self.dataset!r}")
        if self.padding not in ("front", "back"):
            raise DataError(f"{self.dataset}: padding: expected 'front' or 'back'; received {self.padding!r}")
        for name in ("train_limit", "test_limit"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise DataError(f"{self.dataset}: {name}: expected at least 1; received {limit}")
        if self.is_text:
            self._check_text()
        if self.is_ratings and min(self.users, self.items) < 1:
            raise DataError(f"ratings: users, items: expected at least 1; received {self.users}, {self.items}")

    @property
    def is_text(self) -> bool:
        """Whether samples are token ids, not images."""
        return self.dataset == "imdb"

    @property
    def is_ratings(self) -> bool:
        """Whether samples are pairs of a user and an item."""
        return self.dataset == "ratings"

    @property
    def classes(self) -> int:
        """Number of classes."""
        return CLASSES[self.dataset]

    def _check_text(self) -> None:
        for name, least in (("vocabulary", MIN_VOCABULARY), ("length", MIN_LENGTH)):
            value = getattr(self, name)
            if value < least:
                raise DataError(f"{self.dataset}: {name}: expected at least {least}; received {value}")


@dataclass(frozen=True, slots=True)
class PreparedDataset:
    """Arrays on disk, ready for ``np.load(path, mmap_mode="r")`` in any process.

    Attributes:
        name: the dataset.
        kind: ``real`` or ``synthetic``; every number made from a stand-in must say so.
        fingerprint: SHA-256 over contents, shapes and types of the arrays and the preparation options.
        classes: number of classes.
        train_inputs: images ``uint8 (N, C, H, W)`` or tokens ``int32 (N, T)``.
        train_labels: ``int64 (N,)``.
        test_inputs: as ``train_inputs``.
        test_labels: as ``train_labels``.
        train_size: number of training samples.
        test_size: number of test samples.
    """

    name: str
    kind: Kind
    fingerprint: str
    classes: int
    train_inputs: Path
    train_labels: Path
    test_inputs: Path
    test_labels: Path
    train_size: int
    test_size: int


@dataclass(frozen=True, slots=True)
class FileStatus:
    """State of one published file on this machine.

    Attributes:
        name: the file, or the folder for a set of many small files.
        path: where it is, or where it is looked for.
        state: ``ok``, ``missing``, ``wrong checksum`` or ``unreadable``.
        detail: what was expected and received when the state is not ``ok``.
    """

    name: str
    path: Path
    state: State
    detail: str = ""
