"""Reports in two languages: complete catalogues, and the same facts in each."""

from __future__ import annotations

import gettext
import importlib.util
import re
from collections import Counter
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from planted_run import PlantedRun, example
from typer.testing import CliRunner

from frameworkbench.analysis.summary import summarise
from frameworkbench.cli import app
from frameworkbench.errors import UsageError
from frameworkbench.report import write_report
from frameworkbench.report.markdown import markdown
from frameworkbench.report.messages import DOMAIN, LANGUAGES, LOCALE_DIR, Language, catalogue, language, translator
from frameworkbench.report.text import clean
from frameworkbench.report.view import view
from frameworkbench.store.records import load_run

ROOT = Path(__file__).parents[2]
TRANSLATED = [code for code in LANGUAGES if code != "en"]


def _program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("messages_program", ROOT / ".ci" / "messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROGRAM = _program()


def _catalogue(code: str) -> Catalog:
    found: Catalog = PROGRAM.read(LOCALE_DIR / code / "LC_MESSAGES" / f"{DOMAIN}.po")
    return found


def _fields(text: str) -> list[str]:
    return sorted({name for _, name, _, _ in Formatter().parse(text) if name is not None})


@pytest.fixture(scope="module")
def said() -> set[str]:
    """Every text in the sources that a report may say, collected as ``make messages`` does."""
    return set(PROGRAM.collected())


@pytest.mark.parametrize("code", TRANSLATED)
def test_every_text_is_translated_and_no_translation_is_left_over(code: str, said: set[str]) -> None:
    """A catalogue holds exactly the texts of the sources, each with a translation that nobody has to check again."""
    found = {str(message.id): message for message in _catalogue(code) if message.id}

    assert sorted(said - set(found)) == [], "not in the catalogue: run make messages and translate"
    assert sorted(set(found) - said) == [], "said nowhere any more: run make messages"
    assert [text for text, message in found.items() if not message.string or message.fuzzy] == []


def test_a_new_text_waits_for_its_translation_and_an_old_one_goes() -> None:
    """Bringing a catalogue up to date keeps what is translated, adds what is new without guessing, drops the rest."""
    catalog = Catalog(locale="zh")
    for text, told in (("95 % interval", "95% 区间"), ("an old word", "旧词")):
        catalog.add(text, told)

    found = {str(message.id): message for message in PROGRAM.updated(catalog, ["95 % interval", "an odd word"])}

    assert {text: message.string or "" for text, message in found.items() if text} == {
        "95 % interval": "95% 区间",
        "an odd word": "",
    }
    assert not any(message.fuzzy for text, message in found.items() if text)


@pytest.mark.parametrize("code", TRANSLATED)
def test_a_translation_has_the_fields_of_its_text(code: str) -> None:
    """What is filled into a sentence is filled into its translation as well, and nothing else is."""
    pairs = catalogue(code)

    assert {text: told for text, told in pairs.items() if _fields(text) != _fields(told)} == {}
    assert len(pairs) > 200


@pytest.mark.parametrize("code", TRANSLATED)
def test_the_compiled_catalogue_is_that_of_the_sources(code: str) -> None:
    """The .mo file, which reports read, says what the .po file, which people edit, says."""
    edited = {str(message.id): message.string for message in _catalogue(code) if message.id}

    assert catalogue(code) == edited
    assert isinstance(gettext.translation(DOMAIN, LOCALE_DIR, [code]), gettext.GNUTranslations)


def test_chinese_is_said_in_chinese() -> None:
    """A translation without Chinese is a name of few words that stays as it is, or a frame of other sentences."""
    chinese = re.compile("[\u4e00-\u9fff：，、。；（）]")
    left = {text: told for text, told in catalogue("zh").items() if not chinese.search(told)}

    names = {text for text, told in left.items() if re.sub("^(an?|the) ", "", text) == told and len(told.split()) < 3}
    frames = {text for text, told in left.items() if not re.search("[A-Za-z]", re.sub(r"\{\w+\}", "", told))}
    assert set(left) - names - frames == set()


def test_the_empty_text_stays_empty() -> None:
    """No language answers the empty text with its catalogue's header."""
    assert [translator(code)("") for code in LANGUAGES] == [""] * len(LANGUAGES)


def test_an_unknown_language_is_refused(tmp_path: Path) -> None:
    """A language without a catalogue is named with those that there are."""
    summary = summarise(load_run(example(tmp_path / "run")))

    with pytest.raises(UsageError, match="expected en or zh; received 'fr'"):
        write_report(tmp_path / "run", tmp_path / "out", summary=summary, languages=["fr"])


def test_the_command_takes_languages(tmp_path: Path) -> None:
    """``report --lang`` writes files of each language that it is given, and refuses others before it writes any."""
    run, out = example(tmp_path / "run"), tmp_path / "out"

    told = CliRunner().invoke(app, ["report", str(run), "--out", str(out), "--lang", "zh"])
    refused = CliRunner().invoke(app, ["report", str(run), "--out", str(tmp_path / "none"), "--lang", "tlh"])

    assert told.exit_code == 0
    assert {path.name for path in out.iterdir()} == {"report.json", "report.zh.md", "report.zh.html"}
    assert '<html lang="zh-Hans"' in (out / "report.zh.html").read_text(encoding="utf-8")
    assert isinstance(refused.exception, UsageError)
    assert not (tmp_path / "none").exists()


def test_every_text_of_a_report_goes_through_the_catalogue(tmp_path: Path) -> None:
    """While a report is rendered, no text is asked for that the catalogue lacks, so none stays English by mistake."""
    known, missed = catalogue("zh"), set()

    def translate(text: str) -> str:
        if text not in known and text != "{text}" and not re.fullmatch("[A-Z_]*", text):
            missed.add(text)
        return known.get(text, text)

    for number, run in enumerate((example(tmp_path / "one"), _troubled(tmp_path / "two"))):
        report = clean(summarise(load_run(run)).to_json())
        assert len(markdown(view(report, Language("zh", translate)), report, {})) > 1000, number

    assert missed == set()


def test_both_languages_state_the_same_numbers(tmp_path: Path) -> None:
    """Tables of the Chinese report hold the figures of the English one."""
    report = clean(summarise(load_run(example(tmp_path))).to_json())

    texts = [markdown(view(report, language(code)), report, {}) for code in LANGUAGES]

    english, chinese = (Counter(_figures(text)) for text in texts)
    assert english == chinese
    assert english.total() > 100


def test_chinese_reads_as_chinese(tmp_path: Path) -> None:
    """The first screen says question, verdict, tie and gaps in Chinese, and recorded reasons stay as recorded."""
    report = clean(summarise(load_run(example(tmp_path))).to_json())

    text = markdown(view(report, language("zh")), report, {})

    first = text.split("\n## ")[0]
    assert "这项工作应该用哪个深度学习框架" in first
    assert "没有唯一的优胜者：beta:usual、alpha:usual 并列第一；它们实际持平（±3% 以内）。" in first
    assert "其后是：gamma:usual。" in first
    assert "未测量的内容" in first
    assert "killed by signal 11" in text


def test_no_cell_of_a_chinese_table_is_english(tmp_path: Path) -> None:
    """No cell and no line of the Chinese report is a text that the catalogue translates."""
    known = {text for text, told in catalogue("zh").items() if text != told}
    for run in (example(tmp_path / "one"), _troubled(tmp_path / "two")):
        report = clean(summarise(load_run(run)).to_json())
        text = markdown(view(report, language("zh")), report, {})

        cells = {cell.strip().lstrip("✓≠✕∅!? ") for line in text.splitlines() for cell in re.split(r"[|#>*：]", line)}
        assert len(cells) > 100
        assert cells & known - {"oracle"} == set()  # also the name of an adapter


def _figures(text: str) -> list[str]:
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    return re.findall(r"\d+(?:[,.]\d+)*", "\n".join(rows))


def _troubled(folder: Path) -> Path:
    """A run in which much went wrong: noise, damage, stopped cells, odd threads, a lane apart."""
    planted = PlantedRun(folder)
    keys = [planted.cell("alpha"), planted.cell("beta"), planted.cell("beta", role="twin")]
    keys += [planted.cell(name, lane="default") for name in ("alpha", "beta")]
    answering = planted.cell("alpha", task="infer", data="real")
    planted.cell("gamma")
    for key in keys:
        planted.proof(key)
    planted.proof(answering, accuracy=None)
    planted.timed(dict(zip(keys, (1000.0, 700.0, 1020.0, 1800.0, 700.0), strict=True)), blocks=4, spread=0.05)
    planted.speed(keys[0], 900.0, 5, status="failed", code="CRASHED", reason="killed")
    planted.capacity(keys[0], bound="time")
    (folder / "records" / "w1" / "000003.json").write_text("{", encoding="utf-8")
    return planted.plan(lanes=["default", "matched"], card={"name": "A card", "driver": "1", "memory_bytes": 2**34})
