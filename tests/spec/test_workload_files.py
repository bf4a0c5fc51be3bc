"""Workload files: what is shipped can be read, and every mistake is named with file, key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from frameworkbench.content import content_dir
from frameworkbench.errors import SpecError, UsageError
from frameworkbench.spec.model import model_from_json
from frameworkbench.spec.workload import load_workload, load_workloads, select_workloads
from tests.run.conftest import workload_text

SHIPPED = sorted(content_dir("workloads").glob("*.toml"))
TINY = ("tiny-mlp", "tiny-cnn", "tiny-lstm", "tiny-attention")


def _write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def _changed(name: str, old: str, new: str) -> str:
    text = workload_text(name)
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_workloads_load(path: Path) -> None:
    """Each shipped file is a valid workload, is called like its file, and states every constant."""
    workload = load_workload(path)

    assert workload.name == path.stem
    assert workload.description
    assert workload.model.parameters
    assert 0 < workload.accuracy_target < 1
    assert workload.parity.parameters_steps[0] <= workload.parity.parameters_steps[1]


def test_four_workloads_are_shipped() -> None:
    """The four advertised workloads are there."""
    assert {path.stem for path in SHIPPED} >= {"mnist-mlp", "cifar-cnn", "imdb-lstm", "attention-block"}


MISTAKES = {
    "unknown key": ("tiny-mlp", "schema = 1", "schema = 1\nbatches = 3", ": batches", "unknown key"),
    "unknown key in a table": ("tiny-mlp", "epochs = 1", "epochs = 1\nepoch = 2", ": training: epoch", "unknown key"),
    "unknown data key": ("tiny-mlp", "flatten = true", "flatten = true\nshuffle = 1", ": data: shuffle", "unknown key"),
    "unknown layer option": ("tiny-mlp", "units = 8", "units = 8, biased = false", "biased", "unknown key"),
    "another schema": ("tiny-mlp", "schema = 1", "schema = 2", ": schema", "expected 1; received 2"),
    "wrong type": ("tiny-mlp", "batch_size = 16", 'batch_size = "16"', ": training: batch_size", "a whole number"),
    "bool is no number": ("tiny-mlp", "epochs = 1", "epochs = true", ": training: epochs", "received True"),
    "float is no count": ("tiny-mlp", "units = 8", "units = 8.5", "units", "received 8.5"),
    "zero": ("tiny-mlp", "batch_size = 16", "batch_size = 0", ": training: batch_size", "at least 1; received 0"),
    "missing key": ("tiny-mlp", "accuracy_target = 0.5\n", "", ": training: accuracy_target", "missing"),
    "missing table": ("tiny-mlp", "[parity]", "[other]", ": parity", "missing"),
    "unusable name": ("tiny-mlp", '"tiny-mlp"', '"Tiny MLP"', ": name", "lower-case"),
    "unknown dataset": ("tiny-mlp", '"mnist"', '"emnist"', ": data: dataset", "mnist, cifar10, imdb"),
    "unknown layer": ("tiny-mlp", 'kind = "relu"', 'kind = "swish"', "layers[1]: kind", "'swish'"),
    "pool too big": ("tiny-cnn", "size = 4", "size = 99", "pool_1", "pool larger than its input"),
    "kernel too big": ("tiny-cnn", "size = 5", "size = 99", "conv_1", "kernel larger than its input"),
    "conv on vectors": ("tiny-cnn", "scale = 0.004", "scale = 0.004\nflatten = true", "conv_1", "(channels, height"),
    "heads": ("tiny-attention", "heads = 2", "heads = 4", "attention", "a divisor of 6; received 4"),
    "residual": (
        "tiny-attention", '{ name = "gelu", kind = "gelu" }', '{ name = "gelu", kind = "dense", units = 7 }',
        "block", "keep its shape",
    ),
    "two names": ("tiny-mlp", '"dense_2"', '"dense_1"', ": layers", "two layers share a name"),
    "two names across a branch": ("tiny-attention", 'name = "gelu"', 'name = "pool"', ": layers", "share a name"),
    "layer name": ("tiny-mlp", '"dense_2"', '"2nd layer"', "name", "not usable as a name"),
    "logits": ("tiny-cnn", '{ name = "flatten", kind = "flatten" },\n', "", ": layers", "one logit per class"),
    "unknown optimizer": ("tiny-mlp", 'kind = "adam"', 'kind = "lion"', "optimizer: kind", "sgd, nesterov, rmsprop"),
    "optimizer constant": ("tiny-mlp", "epsilon = 1e-8", "epsilon = 1e-8, decay = 0.1", "optimizer: decay", "unknown"),
    "constant left out": ("tiny-mlp", ", epsilon = 1e-8", "", "optimizer: epsilon", "missing"),
    "constant out of range": ("tiny-mlp", "beta1 = 0.9", "beta1 = 1.0", "optimizer: beta1", "below 1; received 1.0"),
    "one output": ("tiny-mlp", '"softmax_cross_entropy"', '"binary_cross_entropy"', ": layers", "1 output; rec"),
    "too few logits": ("tiny-mlp", "units = 10", "units = 9", ": layers", "at least 10 logits"),
    "focal without constants": ("tiny-mlp", '"softmax_cross_entropy"', '"focal"', "training: loss", "alpha"),
    "focal out of range": (
        "tiny-mlp", '"softmax_cross_entropy"', '{ kind = "focal", alpha = 1.5, gamma = 2.0 }', "loss", "alpha between",
    ),
    "two decays": (
        "tiny-mlp", 'kind = "adam"', 'kind = "adamw", weight_decay = 0.1, l2 = 0.1', "optimizer: l2", "alone",
    ),
    "negative penalty": ("tiny-mlp", "epsilon = 1e-8", "epsilon = 1e-8, l1 = -0.1", "optimizer: l1", "at least 0"),
    "clipping to nothing": ("tiny-mlp", "epsilon = 1e-8", "epsilon = 1e-8, clip_norm = 0.0", "clip_norm", "above 0"),
    "epsilon without a place": (
        "tiny-mlp", 'kind = "adam", learning_rate = 0.001, beta1 = 0.9, beta2 = 0.999',
        'kind = "rmsprop", learning_rate = 0.001, decay = 0.9', "optimizer: epsilon_place", "missing",
    ),
    "unknown schedule": (
        "tiny-mlp", "epsilon = 1e-8", 'epsilon = 1e-8, schedule = { kind = "poly" }', "schedule: kind", "cosine",
    ),
    "schedule without length": (
        "tiny-mlp", "epsilon = 1e-8", 'epsilon = 1e-8, schedule = { kind = "step", factor = 0.1 }', "steps", "missing",
    ),
    "schedule that ends at nothing": (
        "tiny-mlp", "epsilon = 1e-8", 'epsilon = 1e-8, schedule = { kind = "cosine", steps = 9, factor = 0.0 }',
        "schedule: factor", "above 0 and below 1",
    ),
    "dropout of everything": ("tiny-mlp", 'kind = "relu"', 'kind = "dropout", rate = 1.0', "rate", "below 1"),
    "batch norm on sequences": (
        "tiny-attention", 'kind = "position_embedding"', 'kind = "batch_norm", epsilon = 1e-5, momentum = 0.9',
        "position", "a vector or",
    ),
    "pair on a text": (
        "tiny-lstm", 'kind = "embedding", vocabulary = 64, width = 6',
        'kind = "pair_embedding", users = 9, items = 9, width = 6', "embedding", "two tokens",
    ),
    "unknown loss": ("tiny-mlp", "softmax_cross_entropy", "hinge", "training: loss", "'hinge'"),
    "trajectory key": ("tiny-mlp", '"5" = 1e-5', '"five" = 1e-5', "trajectory", "five"),
    "trajectory value": ("tiny-mlp", '"5" = 1e-5', '"5" = "small"', "trajectory", "small"),
    "trajectory empty": ("tiny-mlp", '{ "5" = 1e-5, "10" = 5e-5 }', "{}", "trajectory", "step = tolerance"),
    "step range": ("tiny-mlp", "parameters_steps = [4, 8]", "parameters_steps = [8, 4]", "parameters_steps", "[8, 4]"),
    "step range from one": ("tiny-mlp", "quick = [4, 8]", "quick = [1, 8]", "parameters_steps_quick", "first ≥ 2"),
    "initialiser missing": ("tiny-mlp", 'kernel = "glorot_uniform"\n', "", "initializers: kernel", "dense_1.kernel"),
    "initialiser unknown": ("tiny-mlp", '"glorot_uniform"', '"he"', "initializers: kernel", "'he'"),
    "small vocabulary": (
        "tiny-lstm", "vocabulary = 64, width", "vocabulary = 63, width", "embedding: vocabulary", "at least 64",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_mistake_is_named(mistake: str, tmp_path: Path) -> None:
    """The message holds the file, the key, and what was expected or received."""
    workload, old, new, where, says = MISTAKES[mistake]
    path = _write(tmp_path, _changed(workload, old, new))

    with pytest.raises(SpecError) as caught:
        load_workload(path)

    message = str(caught.value)
    assert message.startswith(str(path))
    assert where in message
    assert says in message


def test_what_is_no_toml_is_named(tmp_path: Path) -> None:
    """A file that is not TOML, or is not there, is a SpecError with the file's name."""
    broken = _write(tmp_path, "schema = = 1")

    with pytest.raises(SpecError, match=r"mine\.toml: cannot be read"):
        load_workload(broken)
    with pytest.raises(SpecError, match=r"absent\.toml: cannot be read"):
        load_workload(tmp_path / "absent.toml")


def test_no_layers(tmp_path: Path) -> None:
    """A workload without layers says so."""
    text = workload_text("tiny-mlp")
    path = _write(tmp_path, "layers = []\n" + text[text.index("schema") :])

    with pytest.raises(SpecError, match="no layers"):
        load_workload(path)


def test_two_workloads_with_one_name(tmp_path: Path) -> None:
    """Two files that claim the same name are refused, with the second file named."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.toml").write_text(workload_text("tiny-mlp"), encoding="utf-8")

    with pytest.raises(SpecError, match=r"b\.toml.*a second workload called 'tiny-mlp'"):
        load_workloads(tmp_path)


def test_an_unknown_workload_lists_the_known_ones() -> None:
    """An unknown name is answered with the names that exist."""
    known = load_workloads(content_dir("workloads"))

    with pytest.raises(UsageError, match=r"'no-such'; known: .*mnist-mlp"):
        select_workloads(known, ["no-such"])


def test_workloads_by_name_are_in_no_suite() -> None:
    """A workload made for one question is measured only where it is named; the four of the suites are the default."""
    known = load_workloads(content_dir("workloads"))

    default = {workload.name for workload in select_workloads(known, [])}
    assert default >= {"mnist-mlp", "cifar-cnn", "imdb-lstm", "attention-block"}
    assert default.isdisjoint({"cifar-lenet-batch4", "cifar-cnn-adam"})
    assert [w.name for w in select_workloads(known, ["cifar-lenet-batch4"])] == ["cifar-lenet-batch4"]


@pytest.mark.parametrize("name", [*TINY, *(path.stem for path in SHIPPED)])
def test_a_model_survives_json(name: str, tmp_path: Path) -> None:
    """What a worker rebuilds from JSON is the model of the file, layer by layer."""
    path = _write(tmp_path, workload_text(name)) if name in TINY else content_dir("workloads") / f"{name}.toml"
    model = load_workload(path).model

    rebuilt = model_from_json(model.to_json())

    assert rebuilt == model
    assert rebuilt.to_json() == model.to_json()


def test_the_file_is_part_of_the_identity(tmp_path: Path) -> None:
    """Any change of the file changes the hash that goes into the cell key."""
    first = load_workload(_write(tmp_path, workload_text("tiny-mlp")))
    second = load_workload(_write(tmp_path, workload_text("tiny-mlp") + "# a remark\n"))

    assert first.sha256 != second.sha256
    assert first.model == second.model


def test_loss_tolerances_step_up(tmp_path: Path) -> None:
    """The tolerance of a step is that of the first limit at or after it."""
    limits = load_workload(_write(tmp_path, workload_text("tiny-mlp"))).parity

    assert [limits.loss_tolerance(step) for step in (1, 5, 6, 10)] == [1e-5, 1e-5, 5e-5, 5e-5]
    assert limits.trajectory_steps == 10
