"""Adapters' declarations: read without running code, and every mistake named."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from frameworkbench.content import content_dir
from frameworkbench.errors import SpecError, UsageError
from frameworkbench.registry import load_adapters, read_adapter
from frameworkbench.run.options import RunOptions
from frameworkbench.run.plan import choose
from frameworkbench.spec.protocol import SUITES

TEXT = """
name = "mine"
title = "Mine"
role = "entrant"
distribution = "mine"
module = "mine"
python = ">=3.10"
main_mode = "graph"
devices = ["cpu"]
precisions = ["float32"]
layers = ["dense", "relu"]
losses = ["softmax_cross_entropy"]
optimizers = ["sgd"]
[modes.graph]
class = "graph"
[modes.plain]
class = "eager"
built_on = "below:plain"
needs_program = "clang"
[modes.plain.unsupported]
lstm = "it loops"
[modes.other]
class = "compiled"
needs_compiler = true
[environment]
CACHE = "{compile_cache}"
[matched_environment]
THREADS = "{threads}"
[[tuned]]
why = "it helps"
source = "https://example.org/tuning"
environment = { THREADS = "1", SPIN = 0 }
options = { fused = true }
layers = ["dense"]
without_layers = ["relu"]
modes = ["graph"]
devices = ["cpu"]
[install.cpu]
lock = "requirements-cpu.lock"
indexes = ["https://example.org/simple"]
"""


def _folder(tmp_path: Path, text: str, name: str = "mine") -> Path:
    folder = tmp_path / name
    folder.mkdir()
    (folder / "adapter.toml").write_text(text, encoding="utf-8")
    # An adapter that breaks when it is run: reading declarations must not.
    (folder / "adapter.py").write_text("raise SystemExit('adapter code was run')\n", encoding="utf-8")
    return folder


def test_a_declaration_is_read(tmp_path: Path) -> None:
    """All that is declared arrives, and none of the adapter's code runs."""
    info = read_adapter(_folder(tmp_path, TEXT))

    assert (info.name, info.main_mode, list(info.modes)) == ("mine", "graph", ["graph", "plain", "other"])
    assert info.modes["plain"].unsupported == {"lstm": "it loops"}
    assert info.modes["other"].needs_compiler
    assert [mode.needs_program for mode in info.modes.values()] == ["", "clang", ""]
    assert info.interpreter == "managed"
    assert info.installs["cpu"].lock == tmp_path / "mine" / "requirements-cpu.lock"
    assert info.installs["cpu"].indexes == ("https://example.org/simple",)
    assert info.environment == {"CACHE": "{compile_cache}"}


def test_reasons_of_what_is_missing_are_read(tmp_path: Path) -> None:
    """An adapter may say why it lacks something of the vocabulary; optimizer options are none unless declared."""
    more = 'optimizer_options = ["l2"]\n[unsupported]\ngru = "no such layer"\n[modes.graph]'
    info = read_adapter(_folder(tmp_path, TEXT.replace("[modes.graph]", more, 1)))

    assert info.unsupported == {"gru": "no such layer"}
    assert info.optimizer_options == {"l2"}
    assert read_adapter(_folder(tmp_path, TEXT, "other")).optimizer_options == frozenset()
    wrong = TEXT.replace("[modes.graph]", '[unsupported]\nswish = "no"\n[modes.graph]', 1)
    with pytest.raises(SpecError, match=r"unsupported: swish: unknown name"):
        read_adapter(_folder(tmp_path, wrong, "wrong"))


def test_a_lane_decides_what_is_set(tmp_path: Path) -> None:
    """Default sets no threads, matched does, and tuned outranks it where its entry applies."""
    info = read_adapter(_folder(tmp_path, TEXT))
    tuned = info.tunings("graph", "cpu", {"dense"})

    assert info.variables("default", ()) == {"CACHE": "{compile_cache}"}
    assert info.variables("matched", ()) == {"CACHE": "{compile_cache}", "THREADS": "{threads}"}
    assert info.variables("tuned", tuned) == {"CACHE": "{compile_cache}", "THREADS": "1", "SPIN": "0"}
    assert tuned[0].options == {"fused": True}


@pytest.mark.parametrize(
    ("mode", "device", "kinds"),
    [
        ("plain", "cpu", {"dense"}),
        ("graph", "cuda", {"dense"}),
        ("graph", "cpu", {"conv2d"}),
        ("graph", "cpu", {"dense", "relu"}),
    ],
)
def test_a_tuning_keeps_to_its_scope(mode: str, device: str, kinds: set[str], tmp_path: Path) -> None:
    """A tuned setting is not used in another mode or on another device, nor for models that it does not name."""
    info = read_adapter(_folder(tmp_path, TEXT))

    assert info.tunings(mode, device, kinds) == ()


MISTAKES = {
    "unknown key": ('title = "Mine"', 'title = "Mine"\nrank = 1', "rank", "unknown key"),
    "missing key": ('title = "Mine"\n', "", "title", "missing"),
    "wrong type": ('title = "Mine"', "title = 7", "title", "a text; received 7"),
    "main mode": ('main_mode = "graph"', 'main_mode = "fast"', "main_mode", "graph, plain, other; received 'fast'"),
    "mode class": ('class = "eager"', 'class = "lazy"', "modes: plain: class", "eager, graph, compiled"),
    "mode key": ("needs_compiler = true", "compiler = true", "modes: other: compiler", "unknown key"),
    "layer": ('["dense", "relu"]', '["dense", "swish"]', "layers", "'swish'"),
    "device": ('["cpu"]', '["tpu"]', "devices", "cpu, cuda; received 'tpu'"),
    "precision": ('["float32"]', '["float8"]', "precisions", "'float8'"),
    "loss": ('["softmax_cross_entropy"]', '["hinge"]', "losses", "'hinge'"),
    "optimizer": ('["sgd"]', '["lion"]', "optimizers", "'lion'"),
    "role": ('"entrant"', '"judge"', "role", "entrant, oracle; received 'judge'"),
    "install without lock": ('lock = "requirements-cpu.lock"\n', "", "install: cpu: lock", "missing"),
    "install key": ("indexes =", "index =", "install: cpu: index", "unknown key"),
    "threads in default": ("[matched_environment]\n", "", "environment: THREADS", "in [matched_environment]"),
    "tuning without reason": ('why = "it helps"\n', "", "tuned[0]: why", "missing"),
    "tuning without source": ('source = "https://example.org/tuning"\n', "", "tuned[0]: source", "missing"),
    "tuning key": ("without_layers", "unless_layers", "tuned[0]: unless_layers", "unknown key"),
    "tuning mode": ('modes = ["graph"]', 'modes = ["fast"]', "tuned[0]: modes", "graph, other, plain; received 'fast'"),
    "tuning that sets nothing": (
        'environment = { THREADS = "1", SPIN = 0 }\noptions = { fused = true }\n',
        "",
        "tuned[0]",
        "sets nothing",
    ),
    "no list of tunings": ("[[tuned]]", "[tuned]", "tuned", "a list: [[tuned]]"),
    "no table": ("[modes.graph]", "[modus.graph]", "main_mode", "'graph'"),
}


@pytest.mark.parametrize("mistake", list(MISTAKES))
def test_a_mistake_is_named(mistake: str, tmp_path: Path) -> None:
    """The message holds the file, the key, and what was expected or received."""
    old, new, where, says = MISTAKES[mistake]
    assert old in TEXT
    folder = _folder(tmp_path, TEXT.replace(old, new, 1))

    with pytest.raises(SpecError) as caught:
        read_adapter(folder)

    message = str(caught.value)
    assert message.startswith(str(folder / "adapter.toml"))
    assert where in message
    assert says in message


def test_broken_toml_is_named(tmp_path: Path) -> None:
    """A declaration that is not TOML is an error with its file."""
    with pytest.raises(SpecError, match=r"adapter\.toml: cannot be read"):
        read_adapter(_folder(tmp_path, "name = = 1"))


def test_two_adapters_with_one_name(tmp_path: Path) -> None:
    """A further adapter may not take the name of another one."""
    shutil.copytree(content_dir("adapters") / "reference", tmp_path / "reference")

    with pytest.raises(SpecError, match="a second adapter called 'reference'"):
        load_adapters([tmp_path])


def test_an_adapter_path_without_adapters(tmp_path: Path) -> None:
    """A path that holds no adapter is a usage error that names the path."""
    with pytest.raises(UsageError, match=r"--adapter-path .*: no adapter\.toml"):
        load_adapters([tmp_path])


def test_further_adapters_are_found_both_ways(tmp_path: Path) -> None:
    """An adapter's own folder and the folder above it both work, and the shipped adapters stay."""
    folder = _folder(tmp_path, TEXT)

    assert load_adapters([folder]).keys() == load_adapters([tmp_path]).keys()
    assert {"mine", "reference"} <= load_adapters([folder]).keys()


@pytest.mark.parametrize(
    ("main", "second"), [("graph", "plain"), ("plain", "graph"), ("other", "plain")], ids=lambda value: value
)
def test_second_mode(main: str, second: str, tmp_path: Path) -> None:
    """Beside the main mode stands the eager one; where the main mode is eager, the first other one."""
    info = read_adapter(_folder(tmp_path, TEXT.replace('main_mode = "graph"', f'main_mode = "{main}"')))

    assert info.second_mode == second


def test_a_single_mode_has_no_second(tmp_path: Path) -> None:
    """An adapter with one mode has nothing to show beside it."""
    text = TEXT[: TEXT.index("[modes.plain]")]

    assert read_adapter(_folder(tmp_path, text)).second_mode is None


@pytest.mark.parametrize("info", load_adapters().values(), ids=lambda info: info.name)
def test_shipped_declarations_hold_together(info) -> None:
    """Each shipped adapter has its code, its locks for the declared devices, and one oracle among them all."""
    assert (info.folder / "adapter.py").is_file()
    assert info.role == ("oracle" if info.name == "reference" else "entrant")
    if info.interpreter == "managed":
        assert info.installs["cpu"].lock.is_file()
        missing = {"cuda"} if info.optional else set()  # who names it brings an interpreter
        assert set(info.installs) <= set(info.devices) <= set(info.installs) | missing


def test_what_a_mode_is_built_on_and_whether_an_adapter_is_optional(tmp_path: Path) -> None:
    """A row may name the row below it; an adapter takes part unasked unless it says that it is optional."""
    plain = read_adapter(_folder(tmp_path, TEXT))
    optional = read_adapter(_folder(tmp_path, TEXT.replace("[modes.graph]", "optional = true\n[modes.graph]"), "other"))

    assert {mode.name: mode.built_on for mode in plain.modes.values()}["plain"] == "below:plain"
    assert plain.modes["graph"].built_on == ""
    assert (plain.optional, optional.optional) == (False, True)


def test_an_optional_adapter_takes_part_only_by_name(tmp_path: Path) -> None:
    """No suite has it unasked; asked for, it is planned like any other."""
    optional = {name for name, info in load_adapters().items() if info.optional}
    unasked = RunOptions(protocol=SUITES["quick"], out=tmp_path / "run", cache_dir=tmp_path / "cache")
    asked = replace(unasked, adapters=tuple(sorted(optional)))

    assert optional
    assert not optional & set(choose(unasked).adapters)
    assert optional <= set(choose(asked).adapters)
