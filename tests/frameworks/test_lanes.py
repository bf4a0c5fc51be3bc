"""Each shipped adapter in the lanes that are not ranked: still the reference's model, whatever is set or left alone."""

from __future__ import annotations

import pytest

from frameworkbench.registry import load_adapters
from frameworkbench.store.run import Run
from tests.run.conftest import workload_text

from .conftest import Measure

ENTRANTS = {name: info for name, info in load_adapters().items() if info.role == "entrant"}


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.framework(name)) for name in ENTRANTS])
def test_default_and_tuned_are_proved(name: str, measure: Measure) -> None:
    """The main mode of each framework passes the whole proof as it ships, and tuned where something is declared."""
    info = ENTRANTS[name]
    workloads = {one: workload_text(one) for one in ("tiny-mlp", "tiny-lstm")}

    run = measure([f"{name}:{info.main_mode}"], workloads, lanes=("default", "tuned"))

    answers = _answers(run)
    assert {answers["default", workload] for workload in workloads} == {("ok", "")}
    for workload, kinds in (("tiny-mlp", {"dense", "relu"}), ("tiny-lstm", {"embedding", "lstm", "dense"})):
        declared = info.tunings(info.main_mode, "cpu", kinds)
        expected = ("ok", "") if declared else ("unsupported", "UNSUPPORTED_LANE")
        assert answers["tuned", workload] == expected, workload


def _answers(run: Run) -> dict[tuple[str, str], tuple[str, str]]:
    proofs = [record for record in run.records if record["pass"] == "proof"]
    return {(r["cell"]["lane"], r["cell"]["workload"]): (r["status"], r["code"]) for r in proofs}
