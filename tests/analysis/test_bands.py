"""Band files: the shipped ones fit the shipped workloads, and a wrong one names its mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.analysis.bands import load_band, shipped_bands
from frameworkbench.analysis.convergence import LEAST_RUNS, limits
from frameworkbench.content import content_dir
from frameworkbench.errors import SpecError
from frameworkbench.spec.workload import load_workloads


def content() -> dict[str, Any]:
    """A good band of two runs with two epochs."""
    runs = [
        {"seed": seed, "epochs": [{"epoch": n, "loss": 0.5, "correct": 80 + n, "total": 100} for n in (1, 2)]}
        for seed in (11, 12)
    ]
    head = {"schema": 1, "workload": "small-net", "workload_sha256": "aa", "dataset_fingerprint": "bb"}
    return {**head, "precision": "float32", "numpy": "2.0", "runs": runs}


def written(folder: Path, table: object) -> Path:
    """A band file of this content."""
    path = folder / "small-net.json"
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", sorted(shipped_bands()))
def test_a_shipped_band_fits_its_workload(name: str) -> None:
    """A band that is shipped has enough runs and is of the workload file as it is: a stale one checks nothing.

    After a change of the workload make it again: ``python benchmarks/convergence_bands.py --workload NAME``.
    """
    band, workload = shipped_bands()[name], load_workloads(content_dir("workloads"))[name]

    assert len(band.curves) >= LEAST_RUNS
    assert (band.workload_sha256, band.epochs) == (workload.sha256, workload.epochs)
    assert (content_dir("workloads") / "bands" / f"{name}.json").is_file()


@pytest.mark.parametrize("name", sorted(shipped_bands()))
def test_a_shipped_band_is_documented(name: str) -> None:
    """docs/method.md states what the reference reached and the limits for three seeds, as the check computes them."""
    band = shipped_bands()[name]
    found = limits(band, band.epochs, 3)
    figures = (found.runs, f"{found.mean:.2%}", f"{found.deviation * 100:.2f}", f"{found.low:.2%}–{found.high:.2%}")
    row = f"| `{name}` | {' | '.join(str(figure) for figure in figures)} |".replace("%", " %")

    text = (content_dir("workloads").parent / "docs" / "method.md").read_text(encoding="utf-8")

    assert row in text.splitlines()


def test_bands_are_shipped() -> None:
    """The folder is found where the content lies."""
    assert "mnist-mlp" in shipped_bands()


def test_a_band_is_read(tmp_path: Path) -> None:
    """Accuracies are right answers over test samples, by run and epoch."""
    band = load_band(written(tmp_path, content()))

    assert band.seeds == (11, 12)
    assert band.curves == ((0.81, 0.82), (0.81, 0.82))
    assert band.total == 100


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("schema",), 2, "schema: unknown version"),
        (("runs",), {}, "runs"),
        (("colour",), "red", "colour"),
        (("runs", 1, "seed"), 11, "do not fit together"),
        (("runs", 1, "epochs"), [], "no epochs"),
        (("runs", 0, "epochs", 1, "epoch"), 3, r"runs\[0\]: epochs\[1\]: not a result"),
        (("runs", 0, "epochs", 0, "correct"), 101, r"runs\[0\]: epochs\[0\]: not a result"),
        (("runs", 0, "epochs", 0, "total"), 200, "do not fit together"),
    ],
)
def test_a_wrong_band_names_its_mistake(tmp_path: Path, path: tuple[Any, ...], value: object, message: str) -> None:
    """A file that contradicts itself is refused with file and key."""
    table: Any = content()
    place = table
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    with pytest.raises(SpecError, match=message) as caught:
        load_band(written(tmp_path, table))

    assert "small-net.json" in str(caught.value)


def test_an_unreadable_band_is_refused(tmp_path: Path) -> None:
    """Half a file is an error that names it."""
    path = tmp_path / "small-net.json"
    path.write_text('{"schema": 1', encoding="utf-8")

    with pytest.raises(SpecError, match=r"small-net\.json: cannot be read"):
        load_band(path)
