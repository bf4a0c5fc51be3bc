"""From texts to token ids: our tokeniser, the vocabulary and padding.

Bytes are compared, not characters: lower case and word limits then do not depend on the Unicode tables
of a Python version.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

PAD, UNKNOWN, FIRST_WORD = 0, 1, 2
# Keras' convention for imdb.npz: 1 starts a review, 2 is out of vocabulary, rank r is id r + 3.
NPZ_START, NPZ_UNKNOWN, NPZ_OFFSET = 1, 2, 3

_WORD = re.compile(rb"[a-z0-9']+")


def words(text: bytes) -> list[bytes]:
    """Split a review into lower-case words; a line break tag only ends a word."""
    return _WORD.findall(text.lower().replace(b"<br />", b" "))


def vocabulary(texts: Iterable[Sequence[bytes]], size: int) -> dict[bytes, int]:
    """Number the most frequent words, equally frequent ones by alphabet.

    Args:
        texts: the words of each training text.
        size: ids in all, those of padding and of unknown words included.

    Returns:
        Ids from 2 to at most ``size - 1``.
    """
    counts: Counter[bytes] = Counter()
    for text in texts:
        counts.update(text)
    ranked = sorted(counts, key=lambda word: (-counts[word], word))
    return {word: FIRST_WORD + rank for rank, word in enumerate(ranked[: size - FIRST_WORD])}


def word_ids(text: Sequence[bytes], ids: dict[bytes, int]) -> list[int]:
    """The ids of a text's words."""
    return [ids.get(word, UNKNOWN) for word in text]


def npz_ids(ranks: Sequence[int], size: int) -> list[int]:
    """The ids of a review of imdb.npz within a vocabulary of ``size`` ids."""
    shifted = (rank + NPZ_OFFSET for rank in ranks)
    return [NPZ_START, *(i if i < size else NPZ_UNKNOWN for i in shifted)]


def padded(texts: Sequence[Sequence[int]], length: int, padding: str) -> NDArray[np.int32]:
    """Cut or pad every text to one length.

    Args:
        texts: ids of each text.
        length: tokens kept.
        padding: ``front`` keeps the last tokens and pads before them; ``back`` keeps the first ones and
            pads after them.

    Returns:
        Token ids ``(N, length)``.
    """
    tokens = np.full((len(texts), length), PAD, np.int32)
    for row, text in zip(tokens, texts, strict=True):
        kept = text[-length:] if padding == "front" else text[:length]
        if not kept:
            continue
        if padding == "front":
            row[-len(kept) :] = kept
        else:
            row[: len(kept)] = kept
    return tokens
