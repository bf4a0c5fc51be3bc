"""list, doctor and env list: for people at any width, and as JSON for scripts."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from frameworkbench.registry import load_adapters

from .conftest import FAKES, Command

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


def test_list_as_json(command: Command) -> None:
    """`list --json` holds every workload, every adapter with its modes, and every suite."""
    answer = command("list", "--json")

    facts = json.loads(answer.out)
    assert answer.code == 0
    assert {"mnist-mlp", "cifar-cnn"} <= {workload["name"] for workload in facts["workloads"]}
    assert {adapter["name"]: list(adapter["modes"]) for adapter in facts["adapters"]} == {
        name: list(info.modes) for name, info in load_adapters().items()
    }
    assert list(facts["suites"]) == ["smoke", "quick", "standard", "rigorous"]


def test_list_states_facts_with_sources(command: Command) -> None:
    """What nobody measures is in `list --json`, each fact with source, date and whether it is stale."""
    adapters = {adapter["name"]: adapter["facts"] for adapter in json.loads(command("list", "--json").out)["adapters"]}

    assert adapters["reference"] == {}
    stated = adapters["mxnet"]["maintenance"]
    assert stated["value"] == "retired"
    assert stated["source"].startswith("https://attic.apache.org/")
    assert stated["stale"] == (date.today() - date.fromisoformat(stated["checked"]) > timedelta(days=365))


def test_list_with_further_adapters(command: Command) -> None:
    """An adapter of one's own appears in the list."""
    answer = command("list", "--json", "--adapter-path", str(FAKES))

    assert "faulty" in {adapter["name"] for adapter in json.loads(answer.out)["adapters"]}


def test_doctor_as_json(command: Command) -> None:
    """`doctor --json` has a finding for the tools and for each adapter; exit 1 only where something stops work."""
    answer = command("doctor", "--json")

    findings = json.loads(answer.out)
    assert {finding["state"] for finding in findings} <= {"ok", "note", "problem"}
    assert {"platform", "cores", "uv", *load_adapters()} <= {finding["what"] for finding in findings}
    assert answer.code == (1 if any(finding["state"] == "problem" for finding in findings) else 0)


def test_doctor_makes_nothing(command: Command, tmp_path: Path) -> None:
    """Asking for a diagnosis writes nothing."""
    command("doctor")

    assert list(tmp_path.iterdir()) == []


def test_doctor_gives_advice(command: Command) -> None:
    """An adapter without environment comes with the command that makes one."""
    answer = command("doctor")

    assert "frameworkbench env create" in answer.out


def test_env_list_of_nothing(command: Command) -> None:
    """Without environments the list is empty, as text and as JSON."""
    assert json.loads(command("env", "list", "--json").out) == []
    assert command("env", "list").code == 0


@pytest.mark.parametrize("width", ["60", "20", "1"])
@pytest.mark.parametrize("words", [["list"], ["doctor"], ["env", "list"], ["--help"], ["run", "--help"]], ids=" ".join)
def test_narrow_terminals(words: list[str], width: str, command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A narrow terminal folds lines and does not crash."""
    monkeypatch.setenv("COLUMNS", width)

    answer = command(*words)

    assert answer.code == 0
    assert "Traceback" not in answer.err
    assert not CONTROL.search(answer.out)


def test_nothing_is_cut_at_60_columns(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """At 60 columns every line fits and every adapter is still named in full."""
    monkeypatch.setenv("COLUMNS", "60")

    lines = command("list").out.splitlines()

    assert max(len(line) for line in lines) <= 60
    text = "\n".join(lines)
    assert [name for name in load_adapters() if name not in text] == []
    assert "…" not in text
