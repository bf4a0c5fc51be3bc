"""Generated stand-ins for the real datasets: same shapes and types, no files, no network.

A stand-in must tell a model that learns from one that does not. So in none of them does a class show
in the mean of its inputs: a linear model stays near chance, and a wrong nonlinearity, convolution or
recurrence is visible as lost accuracy. They must also be learnable within 60 steps of batch 64, the
length of the quick suite. ``docs/datasets.md`` gives the accuracies that were measured.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from frameworkbench.data.model import DataSpec

# A change of anything below changes the numbers made from stand-ins: raise this with it.
GENERATOR_VERSION = 1

# 200 steps of batch 64 for an image epoch, 100 for a text epoch (a text step costs several image steps):
# seconds on a laptop. 2,000 test samples give a standard error of at most 1.1 points.
IMAGE_TRAIN_SIZE = 12_800
TEXT_TRAIN_SIZE = 6_400
RATING_TRAIN_SIZE = 100_000
TEST_SIZE = 2_000

# Share of samples whose label is replaced by another one: no model can pass about 97 %, so that a better
# model can still be told from a perfect one and a leak of test labels would show.
LABEL_NOISE = 0.03

Arrays = tuple[NDArray[np.uint8] | NDArray[np.int32], NDArray[np.int64]]


def generate(spec: DataSpec, seed: int) -> tuple[Arrays, Arrays]:
    """Generate the stand-in that a spec asks for.

    Args:
        spec: the dataset; limits and the text options are honoured.
        seed: equal seeds give equal arrays.

    Returns:
        Training inputs and labels, test inputs and labels, with the types of the real dataset.
    """
    full = RATING_TRAIN_SIZE if spec.is_ratings else TEXT_TRAIN_SIZE if spec.is_text else IMAGE_TRAIN_SIZE
    train = min(full, spec.train_limit or full)
    test = min(TEST_SIZE, spec.test_limit or TEST_SIZE)
    # The streams are apart, so that a limit on one split does not move the other.
    pattern, for_train, for_test = (np.random.Generator(np.random.PCG64([seed, part])) for part in range(3))
    if spec.dataset == "mnist":
        codes = _cell_codes(pattern)
        return _digits(codes, train, for_train), _digits(codes, test, for_test)
    if spec.dataset == "cifar10":
        return _textures(train, for_train), _textures(test, for_test)
    if spec.is_ratings:
        tables = _tastes(pattern, spec.users), _tastes(pattern, spec.items)
        return _ratings(tables, train, for_train), _ratings(tables, test, for_test)
    markers = _marker_tokens(spec.vocabulary, pattern)
    return _texts(spec, markers, train, for_train), _texts(spec, markers, test, for_test)


# --- mnist: a bright pattern or its exact complement ---------------------------------------------------

_CELL = 5  # pixels; 4 x 4 cells fill the 20 x 20 box in which MNIST centres its digits
_DIGIT_BRIGHT = 150.0  # with half of the box bright this gives MNIST's mean of about 33
_DIGIT_NOISE = 100.0


def _cell_codes(rng: np.random.Generator) -> NDArray[np.float64]:
    """Ten patterns of 4 x 4 cells, mutually orthogonal and half bright: rows of a Hadamard matrix."""
    hadamard = np.ones((1, 1))
    for _ in range(4):
        hadamard = np.block([[hadamard, hadamard], [hadamard, -hadamard]])
    rows = 1 + rng.permutation(15)[:10]  # row 0 is all ones
    return hadamard[np.ix_(rows, rng.permutation(16))].reshape(10, 4, 4)


def _digits(codes: NDArray[np.float64], size: int, rng: np.random.Generator) -> Arrays:
    labels = rng.integers(0, 10, size)
    sign = rng.choice([-1.0, 1.0], size)
    lit = 0.5 + 0.5 * sign[:, None, None] * codes[labels]  # (N, 4, 4)
    bright = _DIGIT_BRIGHT * rng.uniform(0.6, 1.0, (size, 1, 1))
    box = np.kron(lit * bright, np.ones((1, _CELL, _CELL)))  # (N, 20, 20)
    noise = rng.standard_normal(box.shape, np.float32) * _DIGIT_NOISE
    images = np.zeros((size, 1, 28, 28), np.uint8)
    rows, columns = rng.integers(3, 6, (2, size))  # shifted by one pixel at most
    pixels = np.clip(box + noise, 0, 255).astype(np.uint8)
    for i in range(size):
        images[i, 0, rows[i] : rows[i] + 20, columns[i] : columns[i] + 20] = pixels[i]
    return images, _noisy(labels, 10, rng)


# --- cifar10: gratings of random phase -------------------------------------------------------------------

_TEXTURE_CONTRAST = 125.0  # nearly the whole range of a byte
_TEXTURE_NOISE = 15.0
_EDGE = 3.0  # tanh(3 sin) is nearly a square wave: more energy, so that a small network starts learning soon
_WAVELENGTHS = (4.0, 12.0)  # pixels: within a 5 x 5 kernel, and far wider than one
_ANGLES = (0.0, np.pi / 2)
_COLOURS = np.array([[1, 1, 1], [1, -1, -1], [1, -1, 1], [1, 1, -1], [1, -1, 0]], np.float64)


def _textures(size: int, rng: np.random.Generator) -> Arrays:
    """Class = colour axis (5) and wavelength with orientation (2) of a grating of random phase."""
    labels = rng.integers(0, 10, size)
    angle = np.asarray(_ANGLES)[labels % 2] + rng.normal(0, 0.08, size)
    wavelength = np.asarray(_WAVELENGTHS)[labels % 2] * rng.uniform(0.9, 1.1, size)
    phase = rng.uniform(0, 2 * np.pi, size)[:, None, None]
    grid = np.arange(32.0)
    column, row = grid[None, None, :], grid[None, :, None]
    across = np.cos(angle)[:, None, None] * column + np.sin(angle)[:, None, None] * row
    wave = np.tanh(_EDGE * np.sin((2 * np.pi / wavelength)[:, None, None] * across + phase))  # (N, 32, 32)
    strength = _TEXTURE_CONTRAST * rng.uniform(0.7, 1.0, size)
    swing = (strength[:, None] * _COLOURS[labels // 2]).astype(np.float32)  # (N, 3)
    images = 120 + swing[:, :, None, None] * wave.astype(np.float32)[:, None]
    images += rng.standard_normal(images.shape, np.float32) * np.float32(_TEXTURE_NOISE)
    return np.clip(images, 0, 255).astype(np.uint8), _noisy(labels, 10, rng)


# --- imdb: equal counts of two kinds of markers, the later kind decides ---------------------------------

_MARKERS_OF_A_KIND = 4
_MARKER_SHARE = 0.25  # of a text's tokens, for each kind
_STRAY = 0.2  # share of markers on the wrong side
_SHORTEST = 0.6  # a text has 60 to 100 % of the asked length, the rest is padding


def _marker_tokens(vocabulary: int, rng: np.random.Generator) -> NDArray[np.int32]:
    """Ids of both kinds of markers ``(2, 4)``, among the frequent words of any vocabulary."""
    chosen = rng.permutation(np.arange(2, 2 + 3 * _MARKERS_OF_A_KIND))[: 2 * _MARKERS_OF_A_KIND]
    return chosen.astype(np.int32).reshape(2, _MARKERS_OF_A_KIND)


def _texts(spec: DataSpec, markers: NDArray[np.int32], size: int, rng: np.random.Generator) -> Arrays:
    labels = rng.integers(0, 2, size)
    words = np.setdiff1d(np.arange(1, spec.vocabulary, dtype=np.int32), markers)
    # Zipf's law with exponent 1, as word counts of English texts roughly follow.
    weights = 1.0 / np.arange(1, len(words) + 1)
    tokens = rng.choice(words, (size, spec.length), p=weights / weights.sum()).astype(np.int32)  # (N, T)
    lengths = rng.integers(int(np.ceil(_SHORTEST * spec.length)), spec.length + 1, size)
    for i in range(size):
        text = tokens[i, : lengths[i]]
        places, kinds = _marker_places(len(text), int(labels[i]), rng)
        text[places] = markers[kinds, rng.integers(0, _MARKERS_OF_A_KIND, len(kinds))]
        if spec.padding == "front":
            tokens[i] = np.concatenate([np.zeros(spec.length - len(text), np.int32), text])
        else:
            tokens[i, len(text) :] = 0
    return tokens, _noisy(labels, 2, rng)


def _marker_places(length: int, label: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of a text's markers and the kind of each: kind ``label`` late, the other early, few astray."""
    each = max(1, int(_MARKER_SHARE * length))
    half = length // 2
    early = rng.permutation(half)[:each]
    late = half + rng.permutation(length - half)[:each]
    kinds = np.repeat([1 - label, label], each)
    stray = rng.binomial(each, _STRAY)
    # A swap of an early and a late marker keeps the counts of both kinds equal.
    kinds[:stray], kinds[each : each + stray] = label, 1 - label
    return np.concatenate([early, late]), kinds


# --- ratings: hidden tastes, seen through noise ----------------------------------------------------------

_TASTES = 6  # numbers that describe a user or an item
_TASTE_RANGE = (0.2, 1.2)  # the mean product of two is then 2.9 stars, its standard deviation 0.7
_RATING_NOISE = 0.4  # stars


def _tastes(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    return rng.uniform(*_TASTE_RANGE, (count, _TASTES))


def _ratings(tables: tuple[NDArray[np.float64], NDArray[np.float64]], size: int, rng: np.random.Generator) -> Arrays:
    """Pairs of a user and an item ``(N, 2)``, items by Zipf's law, and whole stars from 1 to 5."""
    users, items = tables
    weights = 1.0 / np.arange(1, len(items) + 1)
    user, item = rng.integers(0, len(users), size), rng.choice(len(items), size, p=weights / weights.sum())
    stars = np.sum(users[user] * items[item], axis=1) + _RATING_NOISE * rng.standard_normal(size)
    return np.stack([user, item], axis=1).astype(np.int32), np.clip(np.rint(stars), 1, 5).astype(np.int64)


def _noisy(labels: NDArray[np.int64], classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    moved = rng.random(len(labels)) < LABEL_NOISE
    return np.where(moved, (labels + rng.integers(1, classes, len(labels))) % classes, labels).astype(np.int64)
