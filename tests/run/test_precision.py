"""Precision as an axis: planned as asked, refused where it does not exist, held to its own tolerances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.content import content_dir
from frameworkbench.errors import UsageError
from frameworkbench.registry import AdapterInfo, load_adapters, read_adapter
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose, precision_for, refusal
from frameworkbench.run.prepare import differences
from frameworkbench.run.session import _held_to
from frameworkbench.spec.cell import Cell
from frameworkbench.spec.precision import ENTRANT_PRECISIONS, PRECISIONS, Limits
from frameworkbench.spec.workload import load_workloads
from frameworkbench.validity.fingerprint import Fingerprint, judge

WORKLOADS = load_workloads(content_dir("workloads"))


def _cell(info: AdapterInfo, precision: str, device: str) -> Cell:
    mode = info.modes[info.main_mode]
    return Cell("train", "mnist-mlp", "synthetic", info.name, info.role, mode.name, mode.mode_class, "matched", device,
                precision, 1, 64)  # fmt: skip


def _refusal(info: AdapterInfo, precision: str, device: str = "cpu") -> Any:
    return refusal(info, info.modes[info.main_mode], WORKLOADS["mnist-mlp"], _cell(info, precision, device))


def test_an_undeclared_precision_is_refused(tmp_path: Path) -> None:
    """A precision that an adapter does not declare is an answer with the reason, before any process is started."""
    folder = tmp_path / "only-float32"
    folder.mkdir()
    text = (content_dir("adapters") / "pytorch" / "adapter.toml").read_text(encoding="utf-8")
    (folder / "adapter.toml").write_text(
        text.replace('["float32", "tf32", "bfloat16"]', '["float32"]'), encoding="utf-8"
    )
    info = read_adapter(folder)

    code, reason = _refusal(info, "bfloat16")

    assert info.precisions == ("float32",)
    assert code == "UNSUPPORTED_PRECISION"
    assert "declares float32; asked for bfloat16" in reason
    assert _refusal(info, "float32") is None


@pytest.mark.parametrize("name", ["pytorch", "jax"])
def test_tf32_exists_on_cards_only(name: str) -> None:
    """An adapter that declares TF32 has it on a card, and is refused on the CPU with the reason."""
    info = load_adapters()[name]

    code, reason = _refusal(info, "tf32", "cpu")

    assert code == "UNSUPPORTED_PRECISION"
    assert "exists on cuda only" in reason
    assert _refusal(info, "tf32", "cuda") is None
    assert _refusal(info, "bfloat16", "cpu") is None


def test_what_is_asked_of_whom(request_for: Callable[..., RunOptions]) -> None:
    """The request's precision goes to entrants, the oracle keeps its own, and without a request the first counts."""
    adapters, options = load_adapters(), request_for()
    asked = replace(options, precision="bfloat16")

    assert precision_for(adapters["pytorch"], asked) == "bfloat16"
    assert precision_for(adapters["reference"], asked) == "float64"
    assert precision_for(adapters["pytorch"], options) == "float32"


def test_what_ships_is_measured_not_believed() -> None:
    """A row of the lane default that computes in TF32 has no number as float32 and is told where it has one."""
    found = Fingerprint(bits=10, large_survives=True, long_sum_exact=True, special_values=True)

    (finding,) = judge(found, "float32", shipped=True)

    assert finding.code == "PRECISION"
    assert "so ask for it with --precision tf32" in finding.reason
    assert "--precision" not in judge(found, "float32")[0].reason
    assert judge(found, "tf32", shipped=True) == []


def test_an_unknown_precision(request_for: Callable[..., RunOptions]) -> None:
    """A precision that nobody knows, or the oracle's, is a usage error that lists the known ones."""
    for name in ("float8", "float64"):
        with pytest.raises(UsageError, match="known: float32, tf32, bfloat16"):
            choose(replace(request_for(), precision=name))


def test_a_run_keeps_its_precision(request_for: Callable[..., RunOptions]) -> None:
    """A folder holds one precision; a run of before there was a choice counts as float32."""
    options = request_for()
    manifest = {"protocol_sha256": options.protocol.sha256, "lane": "matched", "device": "cpu", "seed": 0}

    assert differences(options, manifest) == []
    assert differences(replace(options, precision="bfloat16"), manifest) == ["precision"]
    assert differences(replace(options, precision="bfloat16"), manifest | {"precision": "bfloat16"}) == []


def test_the_lane_default_asks_for_what_frameworks_ship() -> None:
    """TF32 may be asked for on a card of whoever trains, whatever the adapter can switch; bfloat16 ships nowhere."""
    info = load_adapters()["paddle"]

    def answer(precision: str, device: str, task: str = "train") -> Any:
        cell = replace(_cell(info, precision, device), lane="default", task=task)
        return refusal(info, info.modes[info.main_mode], WORKLOADS["mnist-mlp"], cell)

    assert answer("float32", "cpu") is None
    assert answer("tf32", "cuda") is None
    assert answer("tf32", "cuda", "infer")[0] == "UNSUPPORTED_PRECISION"
    assert answer("tf32", "cpu")[0] == "UNSUPPORTED_PRECISION"
    assert answer("bfloat16", "cuda")[0] == "UNSUPPORTED_PRECISION"


@pytest.mark.parametrize("workload", list(WORKLOADS.values()), ids=lambda w: str(w.name))
def test_float32_keeps_the_workloads_tolerances(workload: Any) -> None:
    """No limit of a float32 (or the oracle's) cell differs from the workload file's."""
    assert _held_to(workload, "float32").parity == workload.parity
    assert _held_to(workload, "float64").parity == workload.parity


@pytest.mark.parametrize("name", [name for name in ENTRANT_PRECISIONS if name != "float32"])
@pytest.mark.parametrize("workload", list(WORKLOADS.values()), ids=lambda w: str(w.name))
def test_a_wider_limit_still_proves_something(workload: Any, name: str) -> None:
    """Each limit of a narrower precision is wider than float32's and far below the error of an update not made (1)."""
    narrow, wide = workload.parity, _held_to(workload, name).parity

    for limit in ("logits", "gradient", "optimizer", "parameters"):
        assert getattr(narrow, limit) < getattr(wide, limit) <= 0.5, limit
    assert all(narrow.trajectory[step] < wide.trajectory[step] <= 0.05 for step in narrow.trajectory)
    assert (wide.parameters_steps, wide.trajectory_steps) == (narrow.parameters_steps, narrow.trajectory_steps)


def test_tf32_is_held_closer_than_bfloat16() -> None:
    """TF32 rounds eight times finer than bfloat16, and each of its limits is at most a fifth as wide."""
    tf32, bfloat16 = PRECISIONS["tf32"].limits, PRECISIONS["bfloat16"].limits

    assert all(getattr(tf32, f.name) <= getattr(bfloat16, f.name) / 5 for f in fields(Limits))


def test_what_is_not_declared_is_unsupported_with_the_adapters_reason() -> None:
    """Layer, loss, optimizer and option are looked up in the declaration, and its reason is in the answer."""
    info, workload = load_adapters()["mxnet"], WORKLOADS["mnist-mlp"]
    mode, cell = info.modes[info.main_mode], _cell(info, "float32", "cpu")
    l1 = replace(workload, optimizer=replace(workload.optimizer, l1=0.1))
    adamw = replace(workload, optimizer=replace(workload.optimizer, kind="adamw", weight_decay=0.1))
    bare = replace(info, losses=frozenset(), optimizer_options=frozenset())

    assert refusal(info, mode, workload, cell) is None
    assert refusal(info, mode, l1, cell) == (
        "UNSUPPORTED_OPTIMIZER",
        "Apache MXNet (Gluon)'s adapter does not declare the optimizer option l1: "
        "MXNet's optimizers know weight decay (L2) only",
    )
    assert "ships no AdamW" in (refusal(info, mode, adamw, cell) or ("", ""))[1]
    assert (refusal(bare, mode, workload, cell) or ("",))[0] == "UNSUPPORTED_LOSS"
