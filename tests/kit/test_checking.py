"""The conformance checks as a whole: an honest adapter passes all, and every kind of mistake has its line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from frameworkbench.content import content_dir
from frameworkbench.errors import UsageError
from frameworkbench.kit.checking import GROUPS
from frameworkbench.kit.declared import VOCABULARY

from .conftest import FAKES, Check, failures, problems


def _edited(folder: Path, old: str, new: str) -> Path:
    """The oracle's folder copied, with one text of its files exchanged."""
    target = folder / "copied"
    shutil.copytree(content_dir("adapters") / "reference", target, ignore=shutil.ignore_patterns("__pycache__"))
    files = [target / "adapter.py", target / "adapter.toml"]
    found = [file for file in files if old in file.read_text(encoding="utf-8")]
    assert found, f"the reference does not contain {old!r} any more"
    for file in found:
        file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return target


def test_the_reference_passes(check: Check) -> None:
    """The oracle passes every group but whole models; each says something, and each layer is looked at by itself."""
    results = check("reference", only=tuple(group for group in GROUPS if group != "models"))

    assert problems(results) == ""
    names = " ".join(results)
    wanted = ["declaration", "interpreter", "contract", "load and export", "loss", "optimizer", "batches", "refusals"]
    wanted += ["settings", "task infer", "determinism", "timing", "memory"]
    assert [name for name in wanted if name not in names] == []
    looked_at = " ".join(name for name in results if name.startswith("layer "))
    assert [kind for kind in VOCABULARY if kind not in looked_at] == []


@pytest.mark.slow
def test_the_reference_passes_whole_models(check: Check) -> None:
    """The oracle passes the proof on every shipped workload, made small."""
    results = check("reference", only=("models",))

    assert problems(results) == ""
    states = {name: result.state for name, result in results.items() if name.startswith("model ")}
    assert set(states.values()) == {"pass"}
    assert {"model mnist-mlp", "model attention-block", "model imdb-lstm", "model cifar-cnn"} <= set(states)


def test_a_method_that_is_missing(tmp_path: Path, check: Check) -> None:
    """A missing method ends the list at the contract, which names it with its arguments."""
    results = check(_edited(tmp_path, "def fetch", "def fetched"))

    assert list(failures(results)) == ["contract"]
    assert "method fetch(self, handle) is missing" in results["contract"].found
    assert "build" in results["the rest"].found


def test_a_method_with_other_arguments(tmp_path: Path, check: Check) -> None:
    """A method that cannot take what the harness hands over is named with both signatures."""
    results = check(_edited(tmp_path, "def loss(self, handle: float)", "def loss(self)"))

    assert "method loss(self) -> float does not take (self, handle)" in results["contract"].found


def test_export_that_is_not_the_inverse(tmp_path: Path, check: Check) -> None:
    """Weights that come out changed are named by their tensor, before any layer is blamed."""
    results = check(_edited(tmp_path, "name: value.copy() for", "name: value.copy() + 1e-3 for"))

    assert list(failures(results)) == ["load and export"]
    assert "dense_1.kernel" in results["load and export"].found


def test_a_state_that_survives_load(tmp_path: Path, check: Check) -> None:
    """An optimizer that keeps its momentum over `load` fails the optimizer's check, which says so."""
    kept = "if not hasattr(self, '_optimizer') or self._optimizer._optimizer != self._rule: "
    line = "        self._optimizer = OptimizerState(self._rule)"
    results = check(_edited(tmp_path, line, f"        {kept}self._optimizer = OptimizerState(self._rule)"),
                    only=("optimizers",))  # fmt: skip

    assert "after `load`" in results["optimizer adam"].found
    assert results["optimizer adam"].next_step == "`load` empties the optimizer's state"


def test_a_layer_that_is_declared_and_not_there(tmp_path: Path, check: Check) -> None:
    """A declared layer that is refused fails with the refusal's reason; the others pass."""
    refusing = """        self._model, self._loss, self._rule = model, loss, optimizer
        if "gelu" in model.kinds: raise UnsupportedError("UNSUPPORTED_LAYER", "no gelu today")
"""
    line = "        self._model, self._loss, self._rule = model, loss, optimizer\n"
    results = check(_edited(tmp_path, line, refusing), only=("layers",))

    assert list(failures(results)) == ["layer gelu"]
    assert "declared, and refused: no gelu today" in results["layer gelu"].found


def test_what_is_not_declared_must_be_refused(tmp_path: Path, check: Check) -> None:
    """A layer that is not declared and is computed all the same fails the refusals."""
    results = check(_edited(tmp_path, '"gelu", ', ""), only=("refusals",))

    assert "the layer gelu: it builds and steps without a word" in results["refusals"].found


def test_a_wrong_mode_or_group(check: Check) -> None:
    """A mode or a group that does not exist is wrong usage, with those that do."""
    with pytest.raises(UsageError, match="--mode: expected one of numpy"):
        check("reference", mode="jit")
    with pytest.raises(UsageError, match=f"--only: expected one of {', '.join(GROUPS)}"):
        check("reference", only=("layer",))


def test_a_worker_that_dies_does_not_end_the_list(check: Check) -> None:
    """An adapter whose process is killed in a step gets a failed check with the code, and the list ends there."""
    results = check(FAKES / "faulty", mode="killed")

    assert list(failures(results)) == ["step"]
    assert "KILLED" in results["step"].found
    assert Path(results["step"].next_step.partition("its log: ")[2]).is_file()


def test_a_drain_that_does_not_wait(check: Check) -> None:
    """A mode that leaves work behind fails the timing check, whose advice names `drain`."""
    results = check(FAKES / "fakedevice", mode="no_sync", only=("timing",))

    assert "drain" in results["timing"].next_step, results["timing"]


def test_a_layer_that_a_mode_refuses(tmp_path: Path, check: Check) -> None:
    """A refusal that the mode declares is not looked at; one that it does not declare is told to be declared."""
    refusing = """        self._model, self._loss, self._rule = model, loss, optimizer
        if "lstm" in model.kinds: raise UnsupportedError("MODE_FALLBACK", "loops are not compiled")
"""
    folder = _edited(tmp_path, "        self._model, self._loss, self._rule = model, loss, optimizer\n", refusing)

    silent = check(folder, only=("layers",))["layer lstm"]
    declaration = (folder / "adapter.toml").read_text(encoding="utf-8")
    (folder / "adapter.toml").write_text(declaration + '[modes.numpy.unsupported]\nlstm = "loops"\n', encoding="utf-8")
    told = check(folder, only=("layers",))["layer lstm"]

    assert (silent.state, told.state) == ("skip", "skip")
    assert "refused in this mode: loops are not compiled" in silent.found
    assert "[modes.numpy.unsupported]" in silent.next_step
    assert "declared as refused in mode numpy: loops" in told.found
    assert told.next_step == ""


def test_a_long_message_keeps_its_cause(tmp_path: Path, check: Check) -> None:
    """Of an error with many lines the first and the last are shown, and where in the adapter's files it was raised."""
    line = "        self._model, self._loss, self._rule = model, loss, optimizer\n"
    long = '        raise ValueError("in transformed code" + chr(10) * 9 + "x" * 900 + chr(10) + "the cause")\n'
    results = check(_edited(tmp_path, line, long + line))

    assert results["build"].found == "ValueError: in transformed code … the cause"
    assert "[adapter.py line" in results["build"].next_step
