"""benchmarks/finite_differences.py: differences agree with the exact gradient where they should, and not elsewhere."""

from __future__ import annotations

from pathlib import Path

from frameworkbench.content import content_dir
from frameworkbench.spec.workload import load_workload

from .programs import program


def test_differences_are_exact_only_at_a_good_step(tmp_path: Path) -> None:
    """In float64 a small step gives the gradient to six digits, a large one does not, and float32 never does."""
    workload = load_workload(content_dir("workloads") / "mnist-mlp.toml")

    found = program("finite_differences").measure(workload, 3, tmp_path)

    errors = {(entry["precision"], entry["step"]): entry["error"] for entry in found["errors"]}
    assert errors["float64", 1e-5] < 1e-6 < errors["float64", 1e-1]
    assert min(error for (precision, _), error in errors.items() if precision == "float32") > 1e-5
    assert found["sampled"] == 12
    assert found["finite_s"] == 2 * found["parameters"] * found["loss_s"]
