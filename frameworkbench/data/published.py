"""The published files: where they come from, how they lie on disk, what they hash to.

Nothing but constants, so that every claim "this is the real MNIST" can be checked in one place. Tests
hand catalogues of their own to the code that reads them.

Sources of the checksums:
    MNIST: MD5 of the gunzipped IDX files. The content is hashed, not the gzip container, because a
    re-compressed mirror holds the same images.
    CIFAR-10 archives: https://www.cs.toronto.edu/~kriz/cifar.html; members of the binary version as in
    Apache MXNet (gluon CIFAR10), members of the python version as in torchvision.
    IMDB archive: torchtext (MD5); ``imdb.npz``: Keras (SHA-256). The extracted tree has no published
    checksum: counts and total bytes of its splits are published, the digest of the tree is ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """One file and its published checksum.

    Attributes:
        name: file name in its folder or archive.
        algorithm: a name for ``hashlib.new``.
        digest: lower-case hexadecimal.
        size: bytes of the hashed content, ``None`` where not published.
        gzip: the file may be stored as ``name + ".gz"``; the content is hashed.
    """

    name: str
    algorithm: str
    digest: str
    size: int | None = None
    gzip: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """What a tree of labelled reviews must hold.

    Attributes:
        reviews: files of each class in each split.
        bytes: total bytes of a split.
        digest: SHA-256 over sorted paths and contents.
    """

    reviews: int
    bytes: Mapping[str, int]
    digest: str


@dataclass(frozen=True, slots=True)
class Layout:
    """One published form of a dataset.

    Attributes:
        form: which reader understands it.
        folders: folders below the data folder that are looked into, in order.
        files: the files that must be there.
        members: for an archive: the files inside that are read.
        urls: for each file its mirrors; a layout without them is never downloaded.
        tree: for the extracted reviews.
    """

    form: str
    folders: tuple[str, ...]
    files: tuple[PublishedFile, ...]
    members: tuple[PublishedFile, ...] = ()
    urls: Mapping[str, tuple[str, ...]] | None = None
    tree: Tree | None = None

    @property
    def is_archive(self) -> bool:
        """Whether one file holds everything."""
        return len(self.files) == 1


Catalogue = Mapping[str, tuple[Layout, ...]]

_MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
_MNIST = (
    PublishedFile("train-images-idx3-ubyte", "md5", "6bbc9ace898e44ae57da46a324031adb", 47_040_016, True),
    PublishedFile("train-labels-idx1-ubyte", "md5", "a25bea736e30d166cdddb491f175f624", 60_008, True),
    PublishedFile("t10k-images-idx3-ubyte", "md5", "2646ac647ad5339dbf082846283269ea", 7_840_016, True),
    PublishedFile("t10k-labels-idx1-ubyte", "md5", "27ae3e4e09519cfbb04c329615203637", 10_008, True),
)

_CIFAR_URL = "https://www.cs.toronto.edu/~kriz/"
_CIFAR_BINARY = tuple(
    PublishedFile(name, "sha1", digest, 30_730_000)
    for name, digest in (
        ("data_batch_1.bin", "aadd24acce27caa71bf4b10992e9e7b2d74c2540"),
        ("data_batch_2.bin", "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795"),
        ("data_batch_3.bin", "1dd00a74ab1d17a6e7d73e185b69dbf31242f295"),
        ("data_batch_4.bin", "aab85764eb3584312d3c7f65fd2fd016e36a258e"),
        ("data_batch_5.bin", "26e2849e66a845b7f1e4614ae70f4889ae604628"),
        ("test_batch.bin", "67eb016db431130d61cd03c7ad570b013799c88c"),
    )
)
_CIFAR_PYTHON = tuple(
    PublishedFile(name, "md5", digest)
    for name, digest in (
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
        ("test_batch", "40351d587109b95175f43aff81a1287e"),
    )
)


_CIFAR_BINARY_TAR = PublishedFile("cifar-10-binary.tar.gz", "md5", "c32a1d4ab5d03f1284b67883e8d87530")
_CIFAR_PYTHON_TAR = PublishedFile("cifar-10-python.tar.gz", "md5", "c58f30108f718f92721af3b95e74349a")

_IMDB_TREE = Tree(
    reviews=12_500,
    bytes={"train": 33_132_823, "test": 32_350_685},
    digest="e7fea9dc7ba7fadd65961e6adb8e7d18fb6ccd9abd6bdb858e601ef0bddc3660",
)
_IMDB_TAR = PublishedFile("aclImdb_v1.tar.gz", "md5", "7c2ac02c03563afcf9b574c7e56c153a")
_IMDB_NPZ = PublishedFile("imdb.npz", "sha256", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f")
IMDB_NPZ_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/imdb.npz"

# In order of preference, for looking and for downloading. imdb.npz has no mirror entry on purpose: its
# token ids differ from those of our own tokeniser, so falling back to it would silently change the task.
PUBLISHED: Catalogue = {
    "mnist": (
        Layout(
            form="idx",
            folders=("mnist", "MNIST/raw", ""),
            files=_MNIST,
            urls={file.name: tuple(f"{base}{file.name}.gz" for base in _MNIST_MIRRORS) for file in _MNIST},
        ),
    ),
    "cifar10": (
        Layout("cifar-binary", ("cifar-10-batches-bin", ""), _CIFAR_BINARY),
        Layout("cifar-python", ("cifar-10-batches-py", ""), _CIFAR_PYTHON),
        Layout(
            form="cifar-binary",
            folders=("",),
            files=(_CIFAR_BINARY_TAR,),
            members=_CIFAR_BINARY,
            urls={_CIFAR_BINARY_TAR.name: (_CIFAR_URL + _CIFAR_BINARY_TAR.name,)},
        ),
        Layout(
            form="cifar-python",
            folders=("",),
            files=(_CIFAR_PYTHON_TAR,),
            members=_CIFAR_PYTHON,
            urls={_CIFAR_PYTHON_TAR.name: (_CIFAR_URL + _CIFAR_PYTHON_TAR.name,)},
        ),
    ),
    "imdb": (
        Layout("reviews", ("aclImdb", ""), (), tree=_IMDB_TREE),
        Layout(
            form="reviews",
            folders=("",),
            files=(_IMDB_TAR,),
            urls={_IMDB_TAR.name: ("https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",)},
            tree=_IMDB_TREE,
        ),
        Layout("imdb-npz", ("",), (_IMDB_NPZ,)),
    ),
}
