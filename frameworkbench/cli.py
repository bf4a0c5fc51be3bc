"""The commands: the only place that prints or exits.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from . import __version__
from .cli_adapter import adapter_app
from .cli_advise import advise
from .cli_check import CHECK_COMMANDS
from .cli_claims import CLAIMS_COMMANDS
from .cli_list import list_command
from .cli_output import AdapterPaths, CacheDir, DataDir, Device, Json, cache_folder, print_json, print_table
from .cli_setup import data_app, env_app
from .errors import FrameworkbenchError, UsageError

if TYPE_CHECKING:
    from .run.options import RunOptions

app = typer.Typer(
    name="frameworkbench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Compare deep-learning frameworks on provably identical models.\n\n"
    "Start with:  frameworkbench doctor   (what works here)\n\n"
    "then:        frameworkbench run --suite quick --report reports/quick\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage or specification, 3 data, 4 environment, 5 results folder, "
    "6 --strict and a cell is not ok or the run is noisy, 130 interrupted.",
)
app.add_typer(env_app, name="env")
app.add_typer(data_app, name="data")
app.add_typer(adapter_app, name="adapter")
for _command in (*CHECK_COMMANDS, *CLAIMS_COMMANDS, advise):
    app.command()(_command)
app.command("list")(list_command)

Suite = Annotated[str, typer.Option("--suite", help="smoke (seconds, no framework), quick, standard or rigorous.")]
Out = Annotated[Path | None, typer.Option("--out", help="Run folder [default: results/SUITE].")]
ReportDir = Annotated[Path | None, typer.Option("--report", help="Write the report there at the end.")]
Workloads = Annotated[
    list[str] | None,
    typer.Option("--workload", "-w", help="Name or TOML file; may be repeated [default: all of the suite]."),
]
Adapters = Annotated[
    list[str] | None, typer.Option("--adapter", "-a", help="Name or name:mode; may be repeated [default: all].")
]
Interpreters = Annotated[
    list[str] | None,
    typer.Option("--python", help="adapter=/path/to/python: use this interpreter; may be repeated."),
]
Data = Annotated[str | None, typer.Option("--data", help="real or synthetic [default: the suite's].")]
Tasks = Annotated[
    list[str] | None, typer.Option("--task", help="train or infer; may be repeated [default: the suite's].")
]
Threads = Annotated[int | None, typer.Option("--threads", help="Cores to use [default: all].")]
Lanes = Annotated[
    list[str] | None,
    typer.Option(
        "--lane", help="default (as shipped), matched (equalised) or tuned; may be repeated [default: matched]."
    ),
]
PrecisionOption = Annotated[
    str | None, typer.Option("--precision", help="float32, tf32 (cards only) or bfloat16 [default: float32].")
]
Seed = Annotated[int, typer.Option("--seed", help="Of weights, data order and schedule.")]
Budget = Annotated[
    str | None, typer.Option("--budget", help="Time this session may take: 90s, 30m, 2h. The rest resumes later.")
]
Timeout = Annotated[str | None, typer.Option("--timeout", help="Limit for one worker process.")]
MemoryLimit = Annotated[str | None, typer.Option("--memory-limit", help="Address space of a worker: 8G.")]
Capacity = Annotated[
    bool,
    typer.Option(
        "--capacity",
        help="Also search for the largest batch that trains within --memory-limit [default: half of the memory].",
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Start over if the folder holds a complete run (kept under another name).")
]
More = Annotated[
    str | None,
    typer.Option("--more", help="Add so many blocks to a finished run; auto: as many as its inconclusive pairs need."),
]
ReportLanguages = Annotated[
    list[str] | None,
    typer.Option("--lang", help="Language of the report: en or zh; may be repeated [default: en]."),
]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 6 unless every cell is ok or unsupported and the run is not noisy.")
]


def main() -> NoReturn:
    """Run the command line; a user's mistake ends in a message, never in a traceback."""
    try:
        app(standalone_mode=True)
    except FrameworkbenchError as problem:
        _fail(str(problem), problem.exit_code)
    except (KeyboardInterrupt, SystemExit) as ending:  # typer turns Ctrl-C into exit status 130 without a word
        if isinstance(ending, SystemExit) and ending.code != 130:
            raise
        _fail("interrupted; finished records are kept, the same command goes on from here", 130)
    except OSError as problem:
        _fail(f"{problem.strerror or problem}: {problem.filename or ''}".rstrip(": "), 1)
    sys.exit(0)


@app.callback(invoke_without_command=True)
def _version(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"frameworkbench {__version__}")
        raise typer.Exit


@app.command()
def doctor(
    adapter_path: AdapterPaths = None, cache_dir: CacheDir = None, device: Device = "cpu", as_json: Json = False
) -> None:
    """Say what works on this machine, what does not, and what to do about it."""
    from .diagnosis import diagnose

    findings = diagnose(adapter_path or (), cache_folder(cache_dir), device)
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        print_table("", ["", "what", "found", "next step"], [[f.glyph, f.what, f.found, f.advice] for f in findings])
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


@app.command()
def run(
    suite: Suite = "quick",
    out: Out = None,
    report_dir: ReportDir = None,
    lang: ReportLanguages = None,
    workload: Workloads = None,
    adapter: Adapters = None,
    python: Interpreters = None,
    task: Tasks = None,
    data: Data = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    precision: PrecisionOption = None,
    threads: Threads = None,
    lane: Lanes = None,
    seed: Seed = 0,
    budget: Budget = None,
    timeout: Timeout = None,
    memory_limit: MemoryLimit = None,
    capacity: Capacity = False,
    more: More = None,
    again: Again = False,
    strict: Strict = False,
    adapter_path: AdapterPaths = None,
    cache_dir: CacheDir = None,
    as_json: Json = False,
) -> None:
    """Prove, train and time. The same command resumes an interrupted or budgeted run.

    \b
    Examples:
      frameworkbench run --suite smoke
      frameworkbench run --suite quick --report reports/quick
      frameworkbench run --suite standard --data-dir DATA --budget 3h
      frameworkbench run --suite quick --more auto
      frameworkbench run -w mnist-mlp -a ONE:MODE -a TWO --python TWO=PATH/bin/python
    """
    from rich.console import Console

    from .cli_more import blocks_to_add
    from .display import make_display
    from .report.messages import check_languages
    from .run.engine import run as run_engine
    from .run.options import RunOptions
    from .spec.lanes import MATCHED, check_lanes
    from .spec.protocol import suite as find_suite
    from .units import format_duration, parse_duration, parse_size

    if data not in (None, "real", "synthetic"):
        raise UsageError(f"--data: expected real or synthetic; received {data!r}")
    languages = check_languages(lang or ())
    folder = (out or Path("results") / suite).absolute()
    options = RunOptions(
        protocol=find_suite(suite, data=data or ("real" if data_dir else None), tasks=task or ()),
        out=folder,
        cache_dir=cache_folder(cache_dir),
        workloads=tuple(workload or ()),
        adapters=tuple(adapter or ()),
        adapter_paths=tuple(path.absolute() for path in adapter_path or ()),
        interpreters=_interpreters(python or []),
        data_dir=data_dir.absolute() if data_dir else None,
        device=device,
        precision=precision,
        threads=threads,
        lanes=check_lanes(lane or [MATCHED]),
        seed=seed,
        budget_s=parse_duration(budget, "--budget") if budget else None,
        timeout_s=parse_duration(timeout, "--timeout") if timeout else None,
        memory_limit=parse_size(memory_limit, "--memory-limit") if memory_limit else None,
        capacity=capacity,
        fresh=again,
        more=blocks_to_add(more, folder),
        command=_public_command(),
    )
    # A run in the background is ended with `kill`: close its books as after Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(stderr=True)
    with make_display(console) as display:
        result = run_engine(options, display)
    ending = "complete" if result.complete else f"stopped by the budget; open: {result.open_text}"
    console.print(f"{result.out}: {ending} ({format_duration(result.wall_s)})", highlight=False, soft_wrap=True)
    if options.protocol.entrants:
        console.print(result.resolution, highlight=False, soft_wrap=True)
    if result.noisy_reason:
        console.print(f"NOISY, no winner is named: {result.noisy_reason}", highlight=False, soft_wrap=True)
    _finish_run(options, report_dir, languages, strict, as_json)


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="Folder that `run` wrote.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to write [default: reports/NAME].")] = None,
    lang: ReportLanguages = None,
    as_json: Json = False,
) -> None:
    """Write report.html, report.md with its pictures, and report.json from a run folder.

    With --lang zh the first two are Chinese and called report.zh.html and report.zh.md.
    """
    files = _write_report(run_dir, out or Path("reports") / run_dir.name, lang or ())
    if as_json:
        print_json([str(file) for file in files])
    else:
        for file in files:
            typer.echo(file)


def _interpreters(texts: list[str]) -> dict[str, Path]:
    found = {}
    for text in texts:
        name, separator, path = text.partition("=")
        if not separator or not name or not path:
            raise UsageError(f"--python: expected adapter=/path/to/python; received {text!r}")
        found[name] = Path(path).expanduser().absolute()
    return found


def _public_command() -> tuple[str, ...]:
    """The command to run again, with folders outside the working directory left out of the record."""
    here = str(Path.cwd()) + os.sep
    words = [word.replace(here, "") for word in sys.argv[1:]]
    return ("frameworkbench", *("PATH" if word.startswith("/") else _hide_path(word) for word in words))


def _hide_path(word: str) -> str:
    name, separator, value = word.partition("=")
    return f"{name}=PATH" if separator and value.startswith("/") else word


def _finish_run(
    options: RunOptions, report_dir: Path | None, languages: Sequence[str], strict: bool, as_json: bool
) -> None:
    from .analysis.summary import summarise
    from .store.records import load_run

    summary = summarise(load_run(options.out))
    cells = summary.cells
    if report_dir is not None:
        for file in _write_report(options.out, report_dir, languages):
            typer.echo(file, err=True)
    if as_json:
        print_json(summary.to_json())
    else:
        tasks = len({cell.facts["task"] for cell in cells}) > 1
        head = ["workload", *(["task"] if tasks else []), "row", "status", "samples/s"]
        print_table("", head, [_cell_row(cell, tasks) for cell in cells])
    failed = any(cell.facts["status"] not in ("ok", "unsupported") for cell in cells)
    if strict and (failed or summary.run.noisy):
        raise typer.Exit(6)


def _cell_row(cell: Any, tasks: bool) -> list[str]:
    """One line of the closing table; the task is named where there are several."""
    facts = cell.facts
    speed = (facts["throughput_samples_per_s"] or {}).get("mean")
    status = facts["status"] + (f"/{facts['code']}" if facts["code"] else "")
    task = [facts["task"]] if tasks else []
    return [facts["workload"], *task, cell.label, status, "–" if speed is None else f"{speed:,.0f}"]


def _write_report(run_dir: Path, out: Path, languages: Sequence[str] = ()) -> list[Path]:
    from .report_processes import write_run

    return write_run(run_dir, out, languages)


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"frameworkbench: {message}", err=True)
    sys.exit(code)
