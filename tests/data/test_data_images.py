"""Readers of image files and the restricted stream reader."""

from __future__ import annotations

import gzip
import hashlib
import tarfile

import numpy as np
import pytest

from frameworkbench.data.images import parse_cifar_python, parse_idx, read_images
from frameworkbench.data.opcodes import read_stream
from frameworkbench.data.published import Layout, PublishedFile
from frameworkbench.errors import DataError


@pytest.mark.parametrize("zipped", [True, False])
def test_mnist_is_read_with_a_channel_axis(small, zipped):
    """Gzipped and plain IDX files give uint8 (N, 1, 28, 28) images and int64 labels."""
    layout = small.mnist(zipped=zipped)

    (train, train_labels), (test, _) = read_images(small.root / "mnist", layout)

    assert train.shape == (30, 1, 28, 28) and train.dtype == np.uint8
    assert test.shape == (20, 1, 28, 28)
    assert train_labels.dtype == np.int64 and set(train_labels.tolist()) <= set(range(10))


def test_a_flipped_byte_is_named(small):
    """A content that differs in one bit is refused with the file, both checksums and what to do."""
    layout = small.mnist(zipped=False)
    path = small.root / "mnist" / layout.files[0].name
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)

    with pytest.raises(DataError, match=r"train-images.*expected md5 .*received .*get it again"):
        read_images(small.root / "mnist", layout)


def test_a_truncated_gzip_file_is_refused(small):
    """A gzip file that was cut short is reported as unreadable."""
    layout = small.mnist()
    path = small.root / "mnist" / (layout.files[0].name + ".gz")
    path.write_bytes(path.read_bytes()[:-200])

    with pytest.raises(DataError, match=r"train-images.*cannot be read"):
        read_images(small.root / "mnist", layout)


def test_a_truncated_plain_file_is_refused(small):
    """A plain file that is shorter than published is refused with both sizes."""
    layout = small.mnist(zipped=False)
    path = small.root / "mnist" / layout.files[1].name
    path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(DataError, match="cut short; expected 38 bytes; received 37"):
        read_images(small.root / "mnist", layout)


def test_a_gzip_bomb_stops_at_the_published_size(small):
    """A file that unpacks to more than the published size is refused while it is unpacked."""
    layout = small.mnist()
    path = small.root / "mnist" / (layout.files[1].name + ".gz")
    path.write_bytes(gzip.compress(bytes(50_000_000)))

    with pytest.raises(DataError, match="holds more than expected; expected 38 bytes"):
        read_images(small.root / "mnist", layout)


def test_a_missing_file_is_named(small):
    """A file that is not there is named with its path."""
    layout = small.mnist()
    (small.root / "mnist" / (layout.files[3].name + ".gz")).unlink()

    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte: is missing"):
        read_images(small.root / "mnist", layout)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\0\0\x09\x01\0\0\0\x01\0", "is no IDX file"),
        (b"\0\0", "is no IDX file"),
        (b"\0\0\x08\x03\0\0\0\x01", "cut short in its header"),
        (b"\0\0\x08\x01\0\0\0\x05ab", "another size than its header says"),
        (b"\0\0\x08\x03" + b"\xff" * 12 + b"a", "another size than its header says"),
    ],
)
def test_a_wrong_idx_header_is_refused(content, problem):
    """A wrong magic number or a size that does not fit the content is refused."""
    with pytest.raises(DataError, match=problem):
        parse_idx(content, "file")


def test_a_label_outside_the_classes_is_refused(small):
    """A label of 10 or more is refused even when the checksum fits."""
    layout = small.mnist(zipped=False)
    content = small.idx(np.full(30, 10))
    path = small.root / "mnist" / layout.files[1].name
    path.write_bytes(content)
    wrong = PublishedFile(path.name, "md5", hashlib.md5(content).hexdigest(), len(content), True)

    with pytest.raises(DataError, match="outside its classes; expected 0 to 9; received 10"):
        read_images(small.root / "mnist", Layout("idx", ("",), (layout.files[0], wrong, *layout.files[2:])))


def test_binary_and_python_cifar_give_identical_arrays(small):
    """Both versions of the same batches give the same images and labels, the last batch as test split."""
    batches = small.cifar_batches()
    results = []
    for form, contents in (
        ("cifar-binary", small.cifar_binary(batches)),
        ("cifar-python", small.cifar_python(batches)),
    ):
        for name, content in contents.items():
            small.write(f"{form}/{name}", content)
        results.append(read_images(small.root / form, Layout(form, ("",), small.files(contents))))

    binary, python = results
    for a, b in zip(binary, python, strict=True):
        assert np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1])
    assert binary[0][0].shape == (14, 3, 32, 32) and binary[1][0].shape == (7, 3, 32, 32)
    assert np.array_equal(binary[1][0].reshape(7, -1), batches["test_batch"][0])


def test_a_batch_of_broken_size_is_refused(small):
    """A binary batch that is no multiple of a record is refused."""
    contents = {"data_batch_1.bin": bytes(3074), "test_batch.bin": bytes(3073)}
    for name, content in contents.items():
        small.write(name, content)

    with pytest.raises(DataError, match="not a whole batch; expected a multiple of 3073"):
        read_images(small.root, Layout("cifar-binary", ("",), small.files(contents)))


def _cifar_archive(small, **changes):
    contents = small.cifar_binary(small.cifar_batches())
    inside = {f"cifar-10-batches-bin/{name}": content for name, content in contents.items()}
    file = small.tar("cifar.tar.gz", changes.get("inside", inside), changes.get("extra", ()))
    return Layout("cifar-binary", ("",), (file,), members=small.files(contents))


def _member(name, kind=tarfile.REGTYPE, size=0, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, link
    return info


def test_an_archive_is_read_without_extraction(small):
    """Members come straight out of the archive, unexpected ones are passed over, nothing lands on disk."""
    layout = _cifar_archive(small, extra=(_member("cifar-10-batches-bin/huge", size=5_000_000),))

    (train, _), (test, _) = read_images(small.root, layout)

    assert len(train) == 14 and len(test) == 7
    assert [path.name for path in small.root.iterdir()] == ["cifar.tar.gz"]


@pytest.mark.parametrize(
    ("extra", "problem"),
    [
        (_member("../evil"), "leaves the archive's folder"),
        (_member("/etc/evil"), "leaves the archive's folder"),
        (_member("cifar-10-batches-bin/test_batch.bin", tarfile.SYMTYPE, link="/etc/passwd"), "is a link"),
        (_member("cifar-10-batches-bin/test_batch.bin", tarfile.LNKTYPE, link="x"), "is a link"),
        (_member("cifar-10-batches-bin/test_batch.bin", size=90_000), "holds 90000 bytes, more than"),
    ],
)
def test_an_unsafe_archive_is_refused(small, extra, problem):
    """Members that leave the folder, links in place of files and oversized members are refused."""
    layout = _cifar_archive(small, extra=(extra,))

    with pytest.raises(DataError, match=problem):
        read_images(small.root, layout)


def test_an_archive_without_a_member_is_refused(small):
    """An archive that lacks a batch is refused with the batch's name."""
    layout = _cifar_archive(small, inside={"readme": b"nothing"})

    with pytest.raises(DataError, match=r"lacks members.*none of data_batch_1.bin"):
        read_images(small.root, layout)


def test_a_truncated_archive_is_refused(small):
    """An archive that was cut short is refused."""
    layout = _cifar_archive(small)
    path = small.root / "cifar.tar.gz"
    path.write_bytes(path.read_bytes()[:5000])

    with pytest.raises(DataError, match=r"cifar\.tar\.gz"):
        read_images(small.root, layout)


@pytest.mark.parametrize(
    "stream",
    [
        b"cos\nsystem\n(S'touch evil'\ntR.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04evil\x85R.",
        b"cbuiltins\neval\nU\x01x\x85R.",
        b"(U\x01xios\nsystem\n.",
        b"(cos\nsystem\nU\x01xo.",
        b"cnumpy\nndarray\nK\x01\x85R.",
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\ndtype\n\x85R.",
        b"\x82\x01.",
        b"P1\n.",
        b"}cnumpy\ndtype\nb.",
    ],
)
def test_a_malicious_stream_is_refused(stream, monkeypatch):
    """Names, calls and opcodes beyond the published files' few are refused and nothing runs."""
    monkeypatch.setattr("os.system", lambda *_: pytest.fail("the stream was executed"))

    with pytest.raises(DataError, match="nothing was executed"):
        read_stream(stream, "file")


@pytest.mark.parametrize("stream", [b"", b"K", b"]", b"e.", b"(.K", b"U\x09ab.", b"K\x01K\x02.", b"h\x01.", b"K\x01.x"])
def test_a_broken_stream_is_refused(stream):
    """A stream that is cut short or does not add up is refused."""
    with pytest.raises(DataError):
        read_stream(stream, "file")


def test_a_batch_whose_labels_do_not_fit_is_refused():
    """A python batch without data or with fewer labels than images is refused."""
    with pytest.raises(DataError, match="array of bytes as 'data'"):
        parse_cifar_python(b"}U\x06labels]K\x01as.", "file")
    with pytest.raises(DataError, match="a dictionary"):
        parse_cifar_python(b"K\x01.", "file")
