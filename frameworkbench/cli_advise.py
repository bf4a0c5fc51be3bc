"""``advise``: which framework for this work, from a run's measurements and stated facts."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .cli_output import Json, print_json
from .errors import StoreError, UsageError
from .phrase import marked

if TYPE_CHECKING:
    from .guidance.advice import Advice
    from .guidance.saying import Sentence
    from .report.messages import Language

_MOST_EVIDENCE = 12

Many = list[str] | None
One = str | None


def advise(
    run: Annotated[
        Path | None, typer.Argument(help="Run folder, or a report.json [default: stated facts only].")
    ] = None,
    preset: Annotated[
        One, typer.Option("--preset", help="Start from research, server, mobile, course, scale or legacy.")
    ] = None,
    family: Annotated[One, typer.Option("--family", help="any, dense, convolution, recurrent or attention.")] = None,
    purpose: Annotated[One, typer.Option("--purpose", help="train, finetune or infer.")] = None,
    priority: Annotated[One, typer.Option("--priority", help="balance, speed, latency, wait, memory or ease.")] = None,
    batch: Annotated[One, typer.Option("--batch", help="fixed, one, large or varying.")] = None,
    hardware: Annotated[
        Many, typer.Option("--hardware", help="cpu, nvidia, amd, apple, intel, google-tpu, ascend; may be repeated.")
    ] = None,
    deployment: Annotated[
        Many, typer.Option("--deployment", help="server, mobile, browser, edge or cpp; may be repeated.")
    ] = None,
    export: Annotated[
        Many,
        typer.Option("--export", help="onnx, saved-model, stablehlo, executorch, litert or openvino; may be repeated."),
    ] = None,
    team: Annotated[One, typer.Option("--team", help="any, layers, classes or functions.")] = None,
    debugging: Annotated[One, typer.Option("--debugging", help="step, both or speed.")] = None,
    scale: Annotated[One, typer.Option("--scale", help="one, devices or split.")] = None,
    precision: Annotated[One, typer.Option("--precision", help="float32 or reduced.")] = None,
    ecosystem: Annotated[One, typer.Option("--ecosystem", help="published, active, maintained or any.")] = None,
    weight: Annotated[
        Many, typer.Option("--weight", help="CRITERION=NUMBER instead of the answers' weight; may be repeated.")
    ] = None,
    today: Annotated[
        One, typer.Option("--today", help="Day on which facts must not be stale [default: the run's].")
    ] = None,
    lang: Annotated[str, typer.Option("--lang", help="Language of the answer: en or zh.")] = "en",
    as_json: Json = False,
) -> None:
    """Say which framework the evidence supports, what the choice turns on, and what is behind each sentence.

    Asks when it stands on a terminal without answers. Writes nothing.

    \b
    Examples:
      frameworkbench advise results/standard --preset course
      frameworkbench advise results/standard --family attention --priority speed --weight memory=3
    """
    from .facts import VOCABULARY, shipped_facts
    from .guidance import advise as answer
    from .guidance import guidance_table
    from .report.messages import language

    spoken = language(lang)
    single = {
        "family": family,
        "purpose": purpose,
        "priority": priority,
        "batch": batch,
        "team": team,
        "debugging": debugging,
        "scale": scale,
        "precision": precision,
        "ecosystem": ecosystem,
    }
    many = {"hardware": hardware, "deployment": deployment, "export": export}
    given = {key: [value] for key, value in single.items() if value is not None}
    given |= {key: found for key, found in many.items() if found}
    weights = _weights(weight or [])
    day = _day(today)
    answers = _answers(preset, given)
    report = None if run is None else _report(run)
    if not answers and not weights and preset is None and not as_json and _on_terminal():
        answers = _asked(spoken)
    table = guidance_table(report, shipped_facts(), topics=VOCABULARY, today=day)
    found = answer(table, answers, weights)
    if as_json:
        print_json(found.to_json() | {"answers": answers})
    else:
        _show(found, spoken)


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _answers(preset: str | None, given: dict[str, list[str]]) -> dict[str, list[str]]:
    """Answers of the preset, if one is named, and those given, which outrank it."""
    from .guidance import read_answers
    from .guidance.presets import preset as find

    start = {key: list(found) for key, found in find(preset).answers.items()} if preset is not None else {}
    return read_answers(start | given)


def _weights(texts: Sequence[str]) -> dict[str, float]:
    found = {}
    for text in texts:
        name, separator, number = text.partition("=")
        try:
            found[name] = float(number)
        except ValueError:
            separator = ""
        if not separator:
            raise UsageError(f"--weight: expected CRITERION=NUMBER such as memory=3; received {text!r}")
    if found and not any(value > 0 for value in found.values()) and len(found) > 1:
        raise UsageError("--weight: expected at least one above 0; received only zeros")
    return found


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--today: expected a day such as 2026-11-26; received {text!r}") from None


def _report(path: Path) -> dict[str, Any]:
    """The content of ``report.json``: of a run folder, derived anew; or read from the file or a report's folder."""
    from .analysis.content import SCHEMA
    from .analysis.summary import summarise
    from .store.records import load_run
    from .store.run import MANIFEST

    file = path / "report.json" if path.is_dir() and not (path / MANIFEST).exists() else path
    if not file.is_file():
        try:
            return summarise(load_run(path)).to_json()
        except StoreError as problem:
            raise UsageError(str(problem)) from problem
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as problem:
        raise UsageError(f"{file}: not a report.json: {problem}; expected a run folder or its report") from problem
    if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("cells"), list):
        raise UsageError(f"{file}: not a report.json of schema {SCHEMA}; make it with: frameworkbench report RUN")
    return found


def _asked(spoken: Language) -> dict[str, list[str]]:
    """Answers from the person at the terminal."""
    from .guidance import QUESTIONS, read_answers

    typer.echo(spoken.say(marked("Answer by number; several with commas; Enter where it does not matter.")) + "\n")
    found: dict[str, list[str]] = {}
    for question in QUESTIONS:
        typer.echo(spoken.say(question.text))
        for number, option in enumerate(question.options, 1):
            typer.echo(f"  {number} {spoken.say(option.text)}")
        found[question.key] = _chosen(spoken, [option.key for option in question.options], question.many)
        typer.echo()
    return read_answers(found)


def _chosen(spoken: Language, options: Sequence[str], many: bool) -> list[str]:
    while True:
        text = str(typer.prompt(">", default="", show_default=False, prompt_suffix=" "))
        words = text.replace(",", " ").split()
        if all(word.isdigit() and 0 < int(word) <= len(options) for word in words) and (many or len(words) < 2):
            return [options[int(word) - 1] for word in words]
        text = marked("Expected numbers from 1 to {most}, or Enter.")
        single = marked("Expected one number from 1 to {most}, or Enter.")
        typer.echo(spoken.say(text if many else single, most=len(options)))


def _show(found: Advice, spoken: Language) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    for place, sentence in enumerate(found.headlines):
        if place:
            console.print()
        console.print(Text(spoken.tell(sentence.said), style="" if place else "bold"))
    parts: list[tuple[str, Iterable[str]]] = [
        (marked("Why"), (spoken.tell(one.said) for one in found.because)),
        (marked("What weakens this answer"), (spoken.tell(one.said) for one in found.cautions)),
        (marked("Left out"), (spoken.tell(one.said) for _, one in found.left_out)),
        (marked("Behind the first sentences"), _evidence(found, spoken)),
    ]
    for title, lines in parts:
        listed = list(lines)
        if listed:
            console.print(Text(f"\n{spoken.say(title)}", style="bold"))
        for line in listed:
            console.print(Text(f"· {line}"))


def _evidence(found: Advice, spoken: Language) -> list[str]:
    """Cells and facts that the first sentences link to, for people."""
    table = found.case.table
    rows = {row["key"]: row for row in table["rows"]}
    lines: dict[str, None] = {}
    for link in _links(found.headlines):
        if "cell" in link:
            row = rows[link["cell"]]
            workload = table["groups"][row["group"]]["workload"]
            text = marked("{row} on {workload}: cell {key}")
            lines[spoken.say(text, row=row["label"], workload=workload, key=row["key"][:12])] = None
        elif "fact" in link:
            adapter, key = link["fact"]
            fact = table["facts"].get(adapter, {}).get(key)
            if fact is not None:
                voice = found.case.voice
                said = spoken.say(
                    marked("{title}: {topic}: {value} ({source}, checked {checked})"),
                    title=voice.title(adapter),
                    topic=voice.topic(key),
                    value=voice.value(adapter, key),
                    source=fact["source"],
                    checked=fact["checked"],
                )
                lines[said] = None
    shown = list(lines)
    more = len(shown) - _MOST_EVIDENCE
    rest = [spoken.say(marked("and {count} more, in --json"), count=more)] if more > 0 else []
    return shown[:_MOST_EVIDENCE] + rest


def _links(sentences: Sequence[Sentence]) -> list[dict[str, Any]]:
    return [link for sentence in sentences for link in sentence.links]
