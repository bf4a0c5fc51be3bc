"""Preparing datasets: sources, caching, damage, locks, status."""

from __future__ import annotations

import errno
import json
import os
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from frameworkbench.data import DataSpec, check, prepare
from frameworkbench.data.prepared import locked
from frameworkbench.data.published import Layout
from frameworkbench.errors import DataError

SMALL = DataSpec("mnist", train_limit=40, test_limit=20)


@pytest.fixture
def lines() -> list[str]:
    """What was told as progress."""
    return []


@pytest.fixture
def run(tmp_path, lines):
    """`prepare` with a cache of its own."""
    return partial(prepare, source="auto", data_dir=None, cache_dir=tmp_path / "cache", progress=lines.append)


def test_auto_is_synthetic_without_a_folder_and_real_with_one(run, small):
    """The source depends on nothing but the folder that was named."""
    layout = small.mnist()

    generated = run(SMALL)
    real = run(SMALL, data_dir=small.root, catalogue={"mnist": (layout,)})

    assert (generated.kind, real.kind) == ("synthetic", "real")
    assert generated.fingerprint != real.fingerprint


def test_ratings_are_generated_whatever_folder_there_is(run, tmp_path):
    """A set without published files is synthetic also beside real ones, and asking for the real thing is an error."""
    spec = DataSpec("ratings", users=20, items=10, train_limit=40, test_limit=20)

    assert run(spec, data_dir=tmp_path).kind == "synthetic"
    with pytest.raises(DataError, match=r"generated data only; expected --data synthetic"):
        run(spec, source="real")
    assert (
        run(spec).fingerprint != run(DataSpec("ratings", users=21, items=10, train_limit=40, test_limit=20)).fingerprint
    )


def test_prepared_arrays_can_be_mapped(run):
    """Paths lead to arrays of the promised types, sizes and shapes."""
    dataset = run(SMALL)

    inputs = np.load(dataset.train_inputs, mmap_mode="r")
    labels = np.load(dataset.test_labels, mmap_mode="r")

    assert (inputs.shape, inputs.dtype) == ((40, 1, 28, 28), np.uint8)
    assert (labels.shape, labels.dtype) == ((20,), np.int64)
    assert (dataset.train_size, dataset.test_size, dataset.classes) == (40, 20, 10)


def test_a_second_run_reuses_the_prepared_copy(run, lines):
    """Nothing is generated twice, and the result is the same."""
    first = run(SMALL)
    lines.clear()

    assert run(SMALL) == first
    assert lines == []


def test_the_fingerprint_depends_on_seed_and_options_but_not_on_scaling(run):
    """Another seed or size is other data; scale and flattening are applied later and change nothing."""
    base = run(SMALL).fingerprint

    assert run(SMALL, seed=1).fingerprint != base
    assert run(DataSpec("mnist", train_limit=41, test_limit=20)).fingerprint != base
    assert run(DataSpec("mnist", train_limit=40, test_limit=20, scale=0.5, flatten=True)).fingerprint == base


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove", "index", "index of a list"])
def test_a_damaged_copy_is_made_again(run, lines, damage):
    """A prepared copy that changed in any way is rebuilt with a line that says so."""
    dataset = run(SMALL)
    path = dataset.train_inputs
    content = bytearray(path.read_bytes())
    index = path.parent / "dataset.json"
    if damage == "flip":
        content[5000] ^= 1
        path.write_bytes(content)
    elif damage == "truncate":
        path.write_bytes(content[:5000])
    elif damage == "remove":
        path.unlink()
    else:
        index.write_text("[]" if damage.endswith("list") else "{")
    lines.clear()

    again = run(SMALL)

    assert again == dataset
    assert "damaged" in lines[0] and "again" in lines[0]
    assert json.loads(index.read_text())["fingerprint"] == dataset.fingerprint


def test_a_changed_file_is_found_although_the_copy_is_good(run, small):
    """A flipped byte in the source is found on a later run, even with its old time restored."""
    layout = small.mnist(zipped=False)
    again = partial(run, SMALL, data_dir=small.root, catalogue={"mnist": (layout,)})
    again()
    again()
    path = small.root / "mnist" / layout.files[2].name
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    with pytest.raises(DataError, match=r"t10k-images.*wrong checksum"):
        again()


def test_verified_files_are_not_hashed_again(run, small, monkeypatch):
    """A later run trusts the stamp of an unchanged file, a full check does not."""
    catalogue = {"mnist": (small.mnist(),)}
    run(SMALL, data_dir=small.root, catalogue=catalogue)
    hashed: list[str] = []
    monkeypatch.setattr(
        "frameworkbench.data.locate.content_digest", lambda path, file: hashed.append(path.name) or file.digest
    )

    run(SMALL, data_dir=small.root, catalogue=catalogue)
    assert hashed == []
    check("mnist", data_dir=small.root, cache_dir=run.keywords["cache_dir"], full=True, catalogue=catalogue)
    assert len(hashed) == 4


def test_check_names_each_file_and_its_state(small, tmp_path):
    """Whole, missing and damaged files are told apart."""
    layout = small.mnist(zipped=False)
    (small.root / "mnist" / layout.files[0].name).unlink()
    (small.root / "mnist" / layout.files[1].name).write_bytes(bytes(38))

    states = check("mnist", data_dir=small.root, cache_dir=tmp_path, catalogue={"mnist": (layout,)})

    assert [s.state for s in states] == ["missing", "wrong checksum", "ok", "ok"]
    assert layout.files[1].digest in states[1].detail


def test_check_of_an_empty_folder_finds_everything_missing(tmp_path):
    """Each dataset can be asked for where there is nothing."""
    for dataset in ("mnist", "cifar10", "imdb"):
        assert {s.state for s in check(dataset, data_dir=None, cache_dir=tmp_path)} == {"missing"}


def test_check_of_a_tree(small, tmp_path):
    """An extracted tree has one status, and a changed review turns it."""
    texts = small.reviews()
    layout = Layout("reviews", ("aclImdb",), (), tree=small.tree(texts))
    for path, text in texts.items():
        small.write(f"aclImdb/{path}", text)
    ask = partial(check, "imdb", data_dir=small.root, cache_dir=tmp_path, catalogue={"imdb": (layout,)})

    before = ask()
    small.write("aclImdb/train/neg/0_7.txt", b"x" * len(texts["train/neg/0_7.txt"]))

    assert [s.state for s in before] == ["ok"]
    assert [s.state for s in ask()] == ["wrong checksum"]


@pytest.mark.parametrize("form", ["tree", "archive"])
def test_reviews_become_tokens(run, small, form):
    """Tree and archive give the same padded ids and balanced first samples."""
    texts = small.reviews()
    spec = DataSpec("imdb", vocabulary=32, length=8, train_limit=2)
    for path, text in texts.items():
        small.write(f"aclImdb/{path}", text)
    file = small.tar("a.tar.gz", {f"aclImdb/{path}": text for path, text in texts.items()})
    layouts = {
        "tree": Layout("reviews", ("aclImdb",), (), tree=small.tree(texts)),
        "archive": Layout("reviews", ("",), (file,), tree=small.tree(texts)),
    }

    dataset = run(spec, data_dir=small.root, catalogue={"imdb": (layouts[form],)})

    # "a bad film it's no 0": five words of equal count rank by alphabet, digits after them.
    assert np.load(dataset.train_inputs).tolist() == [[0, 0, 2, 6, 3, 4, 5, 8], [0, 0, 2, 7, 3, 4, 5, 8]]
    assert np.load(dataset.train_labels).tolist() == [0, 1]
    assert dataset.test_size == 8


def test_an_incomplete_folder_is_explained(run, small):
    """A folder without a complete set is named with what it holds and what is expected."""
    small.write("mnist/readme.txt", b"")

    with pytest.raises(DataError, match=r"(?s)holds no complete mnist.*received mnist.*DIR/mnist/train-images"):
        run(SMALL, source="real", data_dir=small.root)


def test_downloads_can_be_forbidden(run):
    """Without leave to download, missing files are an error at once."""
    with pytest.raises(DataError, match="holds no complete cifar10"):
        run(DataSpec("cifar10"), source="real", download=False)


def test_a_cache_that_cannot_be_written_is_named(run, tmp_path):
    """A file in the way of the cache folder is an error with the path and a next step."""
    (tmp_path / "cache").write_text("a file")

    with pytest.raises(DataError, match=r"cache: cannot be written .*choose another cache folder"):
        run(SMALL)


def test_a_full_disk_is_told_and_leaves_nothing(run, tmp_path, monkeypatch):
    """A disk that fills up while arrays are written is an error and no half copy stays."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numpy.save", full)

    with pytest.raises(DataError, match="the disk is full"):
        run(SMALL)
    assert list((tmp_path / "cache" / "datasets").iterdir()) == []


def test_two_runs_do_not_prepare_at_the_same_time(tmp_path):
    """The second one waits, says so, and goes on when the first is done."""
    told, entered = threading.Event(), threading.Event()

    def second() -> None:
        with locked(tmp_path, "mnist", lambda _: told.set()):
            entered.set()

    thread = threading.Thread(target=second)
    with locked(tmp_path, "mnist", lambda _: None):
        thread.start()
        assert told.wait(5)
        assert not entered.is_set()
    thread.join(5)

    assert entered.is_set()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"dataset": "svhn"}, "unknown dataset"),
        ({"dataset": "imdb", "length": 80}, "vocabulary: expected at least 32; received 0"),
        ({"dataset": "imdb", "vocabulary": 100, "length": 2}, "length: expected at least 8"),
        ({"dataset": "mnist", "padding": "left"}, "padding: expected 'front' or 'back'"),
        ({"dataset": "mnist", "train_limit": 0}, "train_limit: expected at least 1"),
    ],
)
def test_an_impossible_spec_is_refused(fields, problem):
    """A spec that no dataset can meet is refused with what was expected."""
    with pytest.raises(DataError, match=problem):
        DataSpec(**fields)


def test_the_package_imports_little(tmp_path: Path):
    """Importing the transform loads none of the readers, so that workers stay small."""
    import subprocess
    import sys

    code = (
        "import sys, frameworkbench.data.transform; "
        "print([m for m in sys.modules if m.startswith('frameworkbench.data.')])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "['frameworkbench.data.transform']"
