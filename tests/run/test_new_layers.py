"""Runs of models that the harness cannot simply compare step by step: masks that nobody knows, running statistics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from frameworkbench.run.options import RunOptions

from .conftest import do, workload_text

Request = Callable[..., RunOptions]

_RELU = '{ name = "relu_1", kind = "relu" }'
DROPOUT = f'{_RELU},\n{{ name = "dropout", kind = "dropout", rate = 0.2 }}'
NORM = f'{{ name = "norm", kind = "batch_norm", epsilon = 1e-5, momentum = 0.9 }},\n{_RELU}'


def _file(tmp_path: Path, layers: str) -> str:
    text = workload_text("tiny-mlp")
    assert _RELU in text
    text = text.replace(_RELU, layers)
    if "batch_norm" in layers:
        text = text.replace("units = 8", "units = 8, bias = false")
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def _records(options: RunOptions) -> dict[str, Any]:
    _, run = do(options)
    return {record["pass"]: record for record in run.records if record["kind"] == "cell"}


def test_a_model_with_dropout_is_proved_without_masks_and_its_masks_by_distribution(
    tmp_path: Path, request_for: Request
) -> None:
    """Compared at rate zero, timed at its own; masks are read off ordinary steps; what follows is not compared."""
    options = request_for("reference", workloads=(_file(tmp_path, DROPOUT),))

    records = _records(options)

    assert {name: record["status"] for name, record in records.items()} == {"proof": "ok", "speed": "ok"}, records
    (found,) = records["proof"]["payload"]["dropout"]
    assert (found["rate"], found["drawn"]) == (0.2, 8192)
    assert 0.75 < found["kept"][0] / found["drawn"] < 0.85
    assert records["speed"]["payload"]["aftermath"] == {}
    assert "replay" not in records["speed"]["payload"]


def test_a_model_with_batch_norm_is_proved_with_its_running_statistics(tmp_path: Path, request_for: Request) -> None:
    """Running statistics are loaded, compared bit by bit, compared as updates, and used in evaluation."""
    options = request_for("reference", workloads=(_file(tmp_path, NORM),))

    records = _records(options)

    assert {name: record["status"] for name, record in records.items()} == {"proof": "ok", "speed": "ok"}, records
    checks = records["proof"]["payload"]["parity"]["checks"]
    tensors = {
        kind: {check["tensor"] for check in checks if check["check"] == kind} for kind in ("weights", "parameters")
    }
    assert {"norm.mean", "norm.variance"} <= tensors["weights"] & tensors["parameters"]
    assert not {check["tensor"] for check in checks if check["check"] == "gradient"} & {"norm.mean", "norm.variance"}
    assert records["speed"]["payload"]["aftermath"]["agreement"] > 0.97
