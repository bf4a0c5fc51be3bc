"""The tokeniser and the readers of reviews."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile

import numpy as np
import pytest

from frameworkbench.data import tokens
from frameworkbench.data.published import PublishedFile
from frameworkbench.data.reviews import read_archive, read_npz, read_tree
from frameworkbench.errors import DataError


def test_words_are_lower_case_and_tags_end_words():
    """Case is folded, line break tags vanish, apostrophes stay, other bytes end a word."""
    assert tokens.words("It's GREAT.<br /><br />Don't miss caf\xe9 No 5".encode()) == [
        *(b"it's", b"great", b"don't", b"miss", b"caf", b"no", b"5")
    ]


def test_the_vocabulary_is_ranked_by_count_then_alphabet():
    """Ids start at 2, frequent words first, ties by alphabet, and never reach the vocabulary's size."""
    ids = tokens.vocabulary([[b"b", b"a", b"c"], [b"c"]], 4)

    assert ids == {b"c": 2, b"a": 3}
    assert tokens.word_ids([b"a", b"b"], ids) == [3, 1]


def test_padding_in_front_keeps_the_last_tokens_and_behind_the_first():
    """Front padding keeps a text's end, back padding its beginning; an empty text is all zeros."""
    texts = [[5, 6], [1, 2, 3, 4], []]

    front, back = tokens.padded(texts, 3, "front"), tokens.padded(texts, 3, "back")

    assert front.tolist() == [[0, 5, 6], [2, 3, 4], [0, 0, 0]]
    assert back.tolist() == [[5, 6, 0], [1, 2, 3], [0, 0, 0]]
    assert front.dtype == np.int32


def test_npz_ranks_are_shifted_as_published():
    """A review starts with 1, rank r becomes r + 3, and ids outside the vocabulary become 2."""
    assert tokens.npz_ids([1, 6, 7, 500], 10) == [1, 4, 9, 2, 2]


def test_a_tree_is_read_with_alternating_classes(small):
    """Reviews come by number, negative before positive, so that any first part is balanced."""
    texts = small.reviews()
    for path, text in texts.items():
        small.write(f"aclImdb/{path}", text)

    train, test = read_tree(small.root / "aclImdb", small.tree(texts))

    assert [r.label for r in train] == [0, 1] * 4
    assert [r.number for r in test] == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize("change", ["flipped", "missing", "longer", "odd name"])
def test_a_changed_tree_is_refused(small, change):
    """A review that was altered, lost, lengthened or misnamed makes the tree invalid."""
    texts = small.reviews()
    tree = small.tree(texts)
    for path, text in texts.items():
        small.write(f"aclImdb/{path}", text)
    path = small.root / "aclImdb/test/pos/2_7.txt"
    if change == "missing":
        path.unlink()
    elif change == "odd name":
        path.rename(path.with_name("two.txt"))
    else:
        text = path.read_bytes()
        path.write_bytes(text + b"!" if change == "longer" else text[:-1] + bytes([text[-1] ^ 1]))

    with pytest.raises(DataError, match="aclImdb"):
        read_tree(small.root / "aclImdb", tree)


def test_the_archive_gives_the_same_reviews_as_the_tree(small):
    """The archive is read in place; unlabelled reviews and other members are passed over."""
    texts = small.reviews()
    for path, text in texts.items():
        small.write(f"aclImdb/{path}", text)
    inside = {f"aclImdb/{path}": text for path, text in texts.items()}
    small.tar("a.tar.gz", inside | {"aclImdb/train/unsup/0_0.txt": b"x", "aclImdb/imdb.vocab": b"y" * 2_000_000})

    assert read_archive(small.root / "a.tar.gz", small.tree(texts)) == read_tree(
        small.root / "aclImdb", small.tree(texts)
    )


def test_an_archive_with_a_link_for_a_review_is_refused(small):
    """A symbolic link in place of a review is refused."""
    link = tarfile.TarInfo("aclImdb/train/pos/0_7.txt")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    small.tar("a.tar.gz", {}, (link,))

    with pytest.raises(DataError, match="is a link"):
        read_archive(small.root / "a.tar.gz", small.tree(small.reviews()))


def _npz(small, **arrays):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    small.write("imdb.npz", stream.getvalue())
    return PublishedFile("imdb.npz", "sha256", hashlib.sha256(stream.getvalue()).hexdigest())


def _npy(values):
    stream = io.BytesIO()
    np.save(stream, values)
    return stream.getvalue()


def _ranks(*lists):
    values = np.empty(len(lists), object)
    values[:] = list(lists)
    return _npy(values)


def test_npz_is_read_without_a_pickle_loader(small):
    """Lists of word ranks, as NumPy stores them, are read and their classes alternate."""
    ranks = _ranks([1, 2], [300, 70_000], [4], [])
    labels = _npy(np.array([1, 1, 0, 0]))
    file = _npz(small, x_train=ranks, y_train=labels, x_test=ranks, y_test=labels)

    (train, train_labels), _ = read_npz(small.root / "imdb.npz", file)

    assert train == [[4], [1, 2], [], [300, 70_000]]
    assert train_labels.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize(
    "ranks",
    [
        _ranks(["text"], [1]),
        _ranks({"a": 1}, [1]),
        _npy(np.array([1, 2])),
        _ranks([1], [2])[:-40],
        b"nonsense",
        _ranks([1], [2])[:-20] + b"cos\nsystem\nU\x01x\x85R.",
    ],
)
def test_npz_with_anything_but_lists_of_integers_is_refused(small, ranks):
    """Texts, dictionaries, calls, plain arrays and broken streams are refused."""
    labels = _npy(np.array([0, 1]))
    file = _npz(small, x_train=ranks, y_train=labels, x_test=ranks, y_test=labels)

    with pytest.raises(DataError, match=r"imdb\.npz"):
        read_npz(small.root / "imdb.npz", file)


def test_npz_with_a_wrong_checksum_is_refused(small):
    """The checksum is verified before anything in the file is looked at."""
    file = _npz(small)

    with pytest.raises(DataError, match="expected sha256 00"):
        read_npz(small.root / "imdb.npz", PublishedFile(file.name, "sha256", "00"))
