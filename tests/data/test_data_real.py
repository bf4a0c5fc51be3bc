"""The real data sets: counts, shapes, first labels, and both versions of CIFAR-10."""

from __future__ import annotations

import numpy as np
import pytest

from frameworkbench.data import DataSpec, check, prepare
from frameworkbench.data.images import read_images
from frameworkbench.data.published import PUBLISHED

pytestmark = pytest.mark.realdata


def _ready(spec, real_files, tmp_path):
    return prepare(spec, source="real", data_dir=real_files, cache_dir=tmp_path, progress=lambda _: None)


def test_mnist(real_files, tmp_path):
    """60,000 and 10,000 images with the known first labels and class counts."""
    dataset = _ready(DataSpec("mnist"), real_files, tmp_path)

    labels, test = np.load(dataset.train_labels), np.load(dataset.test_labels)

    assert np.load(dataset.train_inputs, mmap_mode="r").shape == (60_000, 1, 28, 28)
    assert labels[:5].tolist() == [5, 0, 4, 1, 9] and test[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert {s.state for s in check("mnist", data_dir=real_files, cache_dir=tmp_path, full=True)} == {"ok"}


def test_cifar10(real_files, tmp_path):
    """50,000 and 10,000 images, classes balanced, with the known first labels."""
    dataset = _ready(DataSpec("cifar10"), real_files, tmp_path)

    labels, test = np.load(dataset.train_labels), np.load(dataset.test_labels)

    assert np.load(dataset.train_inputs, mmap_mode="r").shape == (50_000, 3, 32, 32)
    assert labels[:5].tolist() == [6, 9, 9, 4, 1] and test[:5].tolist() == [3, 8, 8, 0, 6]
    assert np.bincount(labels).tolist() == [5000] * 10 and np.bincount(test).tolist() == [1000] * 10


def test_both_versions_of_cifar10_are_identical(real_files):
    """The binary and the python version give the same arrays."""
    binary, python = PUBLISHED["cifar10"][:2]

    results = [read_images(real_files / layout.folders[0], layout) for layout in (binary, python)]

    for a, b in zip(*results, strict=True):
        assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])


def test_imdb(real_files, tmp_path):
    """25,000 and 25,000 reviews, classes balanced and alternating, ids within the vocabulary."""
    dataset = _ready(DataSpec("imdb", vocabulary=20_000, length=80), real_files, tmp_path)

    tokens, labels = np.load(dataset.train_inputs), np.load(dataset.train_labels)

    assert tokens.shape == (25_000, 80) and np.load(dataset.test_inputs, mmap_mode="r").shape == (25_000, 80)
    assert labels[:4].tolist() == [0, 1, 0, 1] and np.bincount(labels).tolist() == [12_500, 12_500]
    assert tokens.min() == 0 and tokens.max() == 19_999
    assert np.bincount(tokens.ravel())[2:].argmax() == 0  # "the"
