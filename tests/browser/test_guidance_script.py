"""The page's guidance and Python's on the same tables: every sentence, share and link must be the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from frameworkbench.facts import VOCABULARY, shipped_facts
from frameworkbench.guidance import PRESETS, advise, guidance_table
from tests.guidance.planted_table import PlantedReport, firm, traded

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "frameworkbench" / "report" / "page" / "guidance.js"

pytestmark = [
    pytest.mark.browser,
    # Playwright's driver is a process with pipes of its own, which it leaves to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def page(browser: Any) -> Iterator[Any]:
    """An empty page that has loaded nothing but the script."""
    found = browser.new_page()
    found.add_script_tag(content=SCRIPT.read_text(encoding="utf-8"))
    yield found
    found.close()


def _standard() -> dict[str, Any]:
    report = json.loads((ROOT / "reports" / "standard" / "report.json").read_text(encoding="utf-8"))
    return guidance_table(report, shipped_facts(), topics=VOCABULARY)


def _odd() -> dict[str, Any]:
    """All that can go wrong at once: no proof, one process, no memory, generated data, noise, unknown facts."""
    planted = PlantedReport(codes={"words": "NOISY", "net": "UNHEARD_OF"})
    for workload in ("net", "pictures", "words"):
        for place, name in enumerate(("alpha", "beta", "gamma", "délta")):
            data = "synthetic" if workload == "pictures" else "real"
            planted.row(name, workload=workload, data=data, speed=100.0 + place, half=0.1)
    planted.row("epsilon", status="not_comparable", code="WRONG_RESULT")
    planted.row("zeta", status="failed", code="")
    planted.row("eta", half=None)
    planted.row("theta", memory=None)
    planted.row("alpha", "fused", mode_class="compiled", main=False, speed=120.0)
    planted.row("beta", task="infer", latency=0.01)
    planted.row("gamma", task="infer", latency=0.02, device="cuda", precision="bfloat16")
    planted.fact("alpha", maintenance="maintenance", deployment=("server", "mobile"))
    planted.fact("beta", maintenance="retired", deployment=("server",))
    planted.fact("gamma", maintenance="active", building_styles=("sequential",))
    planted.fact("iota", maintenance="active", deployment=("mobile",))
    return planted.table(topics=VOCABULARY, lines={"alpha": 100, "beta": 150, "gamma": 90})


TABLES = {"standard": _standard, "odd": _odd, "firm": lambda: firm().table(), "traded": lambda: traded().table()}
QUESTIONS: list[tuple[dict[str, Any], dict[str, float]]] = [
    ({}, {}),
    *((dict(preset.answers), {}) for preset in PRESETS),
    ({"family": ["attention"], "priority": ["speed"]}, {}),
    ({"family": ["dense"]}, {"throughput": 52, "memory": 48, "first_step_warm": 0, "first_step_cold": 0}),
    ({"priority": ["ease"], "team": ["classes"]}, {"error": 3, "lines": 2}),
    ({"deployment": ["browser", "cpp"], "export": ["onnx"], "hardware": ["cpu", "amd"]}, {}),
    ({"hardware": ["cpu", "nvidia"], "purpose": ["infer"], "precision": ["float32"]}, {}),
    ({"purpose": ["finetune"], "batch": ["varying"], "scale": ["devices"], "debugging": ["speed"]}, {"memory": 0}),
]


def _same(one: Any, other: Any, where: str = "") -> None:
    """Equal, with numbers to nine digits: logarithms differ in the last bit between languages."""
    if isinstance(one, float) or isinstance(other, float):
        assert one == pytest.approx(other, abs=1e-9), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            _same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for place, pair in enumerate(zip(one, other, strict=True)):
            _same(*pair, f"{where}[{place}]")
    else:
        assert one == other, where


@pytest.mark.parametrize("name", list(TABLES))
def test_both_give_the_same_answer(name: str, page: Any) -> None:
    """Each preset, odd combinations and moved sliders: the script's object is Python's."""
    table = TABLES[name]()
    plain = [[{key: list(found) for key, found in answers.items()}, weights] for answers, weights in QUESTIONS]

    script = "([table, cases]) => cases.map(([answers, weights]) => Guidance.advise(table, answers, weights))"
    found = page.evaluate(script, [table, plain])

    for (answers, weights), one in zip(QUESTIONS, found, strict=True):
        _same(json.loads(json.dumps(advise(table, answers, weights).to_json())), one, f"{answers} {weights}: ")


def test_the_script_renders_sentences(page: Any) -> None:
    """Its rendering fills in fields and translates templates, also those inside others."""
    found = advise(firm().table(), {})
    sentence = found.headlines[1].to_json()

    assert page.evaluate("(said) => Guidance.render(said)", sentence) == str(found.headlines[1])
    shouted = page.evaluate("(said) => Guidance.render(said, (text) => text.replace('throughput', 'SPEED'))", sentence)
    assert "the SPEED" in shouted


def test_an_answer_comes_at_once(page: Any) -> None:
    """An answer from the standard run takes less than 200 ms of the page's time, so that sliders can be dragged."""
    table = _standard()
    script = """([table, answers]) => {
        const times = [];
        for (let n = 0; n < 5; n += 1) {
            const start = performance.now();
            Guidance.advise(table, answers, {});
            times.push(performance.now() - start);
        }
        return Math.min(...times);
    }"""

    assert page.evaluate(script, [table, {"priority": ["wait"]}]) < 200
