"""The commands: the only place that prints or exits.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from . import __version__
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
    "6 --strict and a cell is not ok, 130 interrupted.",
)
env_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make, show or remove adapters' environments.")
data_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check or prepare the datasets.")
app.add_typer(env_app, name="env")
app.add_typer(data_app, name="data")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
AdapterPaths = Annotated[
    list[Path] | None, typer.Option("--adapter-path", help="A folder with further adapters; may be repeated.")
]
CacheDir = Annotated[
    Path | None,
    typer.Option("--cache-dir", help="Environments, data and reference answers [default: ~/.cache/frameworkbench]."),
]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder with the real data sets (docs/datasets.md shows its layout).")
]
Device = Annotated[str, typer.Option("--device", help="cpu or cuda.")]


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


@app.command("list")
def list_command(adapter_path: AdapterPaths = None, as_json: Json = False) -> None:
    """Show workloads, adapters with their modes, and suites."""
    from .content import content_dir
    from .registry import load_adapters
    from .spec.protocol import SUITES
    from .spec.workload import load_workloads

    adapters = load_adapters(adapter_path or ())
    workloads = load_workloads(content_dir("workloads"))
    if as_json:
        _print_json(
            {
                "workloads": [_workload_facts(workload) for workload in workloads.values()],
                "adapters": [_adapter_facts(info) for info in adapters.values()],
                "suites": {name: protocol.to_json() for name, protocol in SUITES.items()},
            }
        )
        return
    _table("Workloads", ["name", "what it is"], [[w.name, w.description] for w in workloads.values()])
    rows = [[a.name, a.role, ", ".join(f"{m}*" if m == a.main_mode else m for m in a.modes)] for a in adapters.values()]
    _table("Adapters (* main mode)", ["name", "role", "modes"], rows)
    _table("Suites", ["name", "what it does"], [[name, _suite_text(p)] for name, p in SUITES.items()])


@app.command()
def doctor(
    adapter_path: AdapterPaths = None, cache_dir: CacheDir = None, device: Device = "cpu", as_json: Json = False
) -> None:
    """Say what works on this machine, what does not, and what to do about it."""
    from .diagnosis import diagnose

    findings = diagnose(adapter_path or (), _cache(cache_dir), device)
    if as_json:
        _print_json([finding.to_json() for finding in findings])
    else:
        _table("", ["", "what", "found", "next step"], [[f.glyph, f.what, f.found, f.advice] for f in findings])
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


@app.command()
def run(
    suite: Annotated[str, typer.Option("--suite", help="smoke (seconds, no framework), quick or standard.")] = "quick",
    out: Annotated[Path | None, typer.Option("--out", help="Run folder [default: results/SUITE].")] = None,
    report_dir: Annotated[Path | None, typer.Option("--report", help="Write the report there at the end.")] = None,
    workload: Annotated[
        list[str] | None, typer.Option("--workload", "-w", help="Name or TOML file; may be repeated [default: all].")
    ] = None,
    adapter: Annotated[
        list[str] | None, typer.Option("--adapter", "-a", help="Name or name:mode; may be repeated [default: all].")
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option("--python", help="adapter=/path/to/python: use this interpreter; may be repeated."),
    ] = None,
    data: Annotated[str | None, typer.Option("--data", help="real or synthetic [default: the suite's].")] = None,
    data_dir: DataDir = None,
    device: Device = "cpu",
    threads: Annotated[int | None, typer.Option("--threads", help="Cores to use [default: all].")] = None,
    lane: Annotated[str, typer.Option("--lane", help="matched: threads and precision equalised.")] = "matched",
    seed: Annotated[int, typer.Option("--seed", help="Of weights, data order and schedule.")] = 0,
    budget: Annotated[
        str | None, typer.Option("--budget", help="Time this session may take: 90s, 30m, 2h. The rest resumes later.")
    ] = None,
    timeout: Annotated[str | None, typer.Option("--timeout", help="Limit for one worker process.")] = None,
    memory_limit: Annotated[str | None, typer.Option("--memory-limit", help="Address space of a worker: 8G.")] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Start over if the folder holds a complete run (kept under another name).")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 6 unless every cell is ok or unsupported.")
    ] = False,
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
      frameworkbench run -w mnist-mlp -a pytorch:eager -a jax --python jax=PATH/bin/python
    """
    from rich.console import Console

    from .display import make_display
    from .run.engine import run as run_engine
    from .run.options import RunOptions
    from .spec.protocol import suite as find_suite
    from .units import format_duration, parse_duration, parse_size

    if data not in (None, "real", "synthetic"):
        raise UsageError(f"--data: expected real or synthetic; received {data!r}")
    if lane != "matched":
        raise UsageError(f"--lane: only matched can be run in this version; received {lane!r}")
    options = RunOptions(
        protocol=find_suite(suite, data=data or ("real" if data_dir else None)),
        out=(out or Path("results") / suite).absolute(),
        cache_dir=_cache(cache_dir),
        workloads=tuple(workload or ()),
        adapters=tuple(adapter or ()),
        adapter_paths=tuple(path.absolute() for path in adapter_path or ()),
        interpreters=_interpreters(python or []),
        data_dir=data_dir.absolute() if data_dir else None,
        device=device,
        threads=threads,
        lane=lane,
        seed=seed,
        budget_s=parse_duration(budget, "--budget") if budget else None,
        timeout_s=parse_duration(timeout, "--timeout") if timeout else None,
        memory_limit=parse_size(memory_limit, "--memory-limit") if memory_limit else None,
        fresh=again,
        command=_public_command(),
    )
    console = Console(stderr=True)
    with make_display(console) as display:
        result = run_engine(options, display)
    ending = "complete" if result.complete else f"stopped by the budget; open: {result.open_text}"
    console.print(f"{result.out}: {ending} ({format_duration(result.wall_s)})", highlight=False, soft_wrap=True)
    _finish_run(options, report_dir, strict, as_json)


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="Folder that `run` wrote.")],
    out: Annotated[Path | None, typer.Option("--out", help="Where to write [default: reports/NAME].")] = None,
    as_json: Json = False,
) -> None:
    """Write report.html, report.md and report.json from a run folder."""
    files = _write_report(run_dir, out or Path("reports") / run_dir.name)
    if as_json:
        _print_json([str(file) for file in files])
    else:
        for file in files:
            typer.echo(file)


@env_app.command("list")
def env_list(cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Show the environments made so far."""
    from . import environments
    from .units import format_bytes

    entries = environments.list_environments(_cache(cache_dir))
    if as_json:
        _print_json([{"path": str(e.path), "adapter": e.adapter, "variant": e.variant, "python": e.python,
                      "size_bytes": e.size_bytes, "ready": e.ready} for e in entries])  # fmt: skip
        return
    rows = [[e.adapter, e.variant, e.python, format_bytes(e.size_bytes), "yes" if e.ready else "no"] for e in entries]
    _table("", ["adapter", "variant", "python", "size", "ready"], rows)


@env_app.command("create")
def env_create(
    names: Annotated[list[str] | None, typer.Argument(help="Adapters [default: all].")] = None,
    device: Device = "cpu",
    refresh: Annotated[bool, typer.Option("--refresh", help="Make them anew.")] = False,
    adapter_path: AdapterPaths = None,
    cache_dir: CacheDir = None,
) -> None:
    """Make the environments of adapters from their locked requirements."""
    from . import environments
    from .errors import EnvironmentProblem
    from .run.prepare import environment_spec

    failed = 0
    for info in _adapters(names, adapter_path):
        if info.interpreter == "core":
            continue
        try:
            spec = environment_spec(info, device)
            made = environments.ensure(
                spec, cache_dir=_cache(cache_dir), progress=lambda text: typer.echo(text, err=True), refresh=refresh
            )
        except EnvironmentProblem as problem:
            failed += 1
            typer.echo(f"{info.name}: {problem.code}: {problem}", err=True)
        else:
            typer.echo(f"{info.name}: {info.distribution} {made.framework_version}, Python {made.python_version}")
    if failed:
        raise typer.Exit(EnvironmentProblem.exit_code)


@env_app.command("remove")
def env_remove(
    names: Annotated[list[str], typer.Argument(help="Adapters.")],
    device: Device = "cpu",
    adapter_path: AdapterPaths = None,
    cache_dir: CacheDir = None,
) -> None:
    """Remove the environments of adapters."""
    from . import environments
    from .run.prepare import environment_spec

    for info in _adapters(names, adapter_path):
        gone = environments.remove(environment_spec(info, device), cache_dir=_cache(cache_dir), all_locks=True)
        typer.echo(f"{info.name}: {'removed' if gone else 'there was none'}")


@data_app.command("check")
def data_check(data_dir: DataDir = None, cache_dir: CacheDir = None, as_json: Json = False) -> None:
    """Verify the real data files against their published checksums."""
    from .data import DATASETS, check

    states = {n: check(n, data_dir=data_dir, cache_dir=_cache(cache_dir), full=True) for n in DATASETS}
    if as_json:
        _print_json({name: [{"file": str(s.path), "state": s.state} for s in found] for name, found in states.items()})
    else:
        _table("", ["set", "file", "state"], [[n, s.path.name, s.state] for n, found in states.items() for s in found])
    if any(status.state != "ok" for found in states.values() for status in found):
        raise typer.Exit(3)


@data_app.command("prepare")
def data_prepare(
    workload: Annotated[list[str] | None, typer.Argument(help="Workloads [default: all].")] = None,
    data: Annotated[str, typer.Option("--data", help="real (downloads what is missing) or synthetic.")] = "real",
    data_dir: DataDir = None,
    cache_dir: CacheDir = None,
) -> None:
    """Download, verify and prepare the data of workloads, so that a run can start at once."""
    from .content import content_dir
    from .data import prepare
    from .spec.workload import load_workloads, select_workloads

    if data not in ("real", "synthetic"):
        raise UsageError(f"--data: expected real or synthetic; received {data!r}")
    for chosen in select_workloads(load_workloads(content_dir("workloads")), workload or []):
        made = prepare(
            chosen.data,
            source="real" if data == "real" else "synthetic",
            data_dir=data_dir,
            cache_dir=_cache(cache_dir),
            progress=lambda text: typer.echo(text, err=True),
        )
        typer.echo(f"{chosen.name}: {made.kind} {made.name}, {made.train_size} train and {made.test_size} test samples")


def _adapters(names: list[str] | None, paths: list[Path] | None) -> list[Any]:
    from .registry import load_adapters

    known = load_adapters(paths or ())
    for name in names or ():
        if name not in known:
            raise UsageError(f"unknown adapter {name!r}; known: {', '.join(known)}")
    return [known[name] for name in names or known]


def _workload_facts(workload: Any) -> dict[str, Any]:
    return {
        "name": workload.name,
        "title": workload.title,
        "description": workload.description,
        "dataset": workload.data.dataset,
        "parameters": sum(parameter.size for parameter in workload.model.parameters),
    }


def _adapter_facts(info: Any) -> dict[str, Any]:
    return {
        "name": info.name,
        "title": info.title,
        "role": info.role,
        "main_mode": info.main_mode,
        "modes": {mode.name: mode.mode_class for mode in info.modes.values()},
        "devices": list(info.devices),
        "python": info.python,
    }


def _interpreters(texts: list[str]) -> dict[str, Path]:
    found = {}
    for text in texts:
        name, separator, path = text.partition("=")
        if not separator or not name or not path:
            raise UsageError(f"--python: expected adapter=/path/to/python; received {text!r}")
        found[name] = Path(path).expanduser().absolute()
    return found


def _cache(folder: Path | None) -> Path:
    if folder is not None:
        return folder.absolute()
    base = os.environ.get("FRAMEWORKBENCH_CACHE")
    if base:
        return Path(base).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "frameworkbench"


def _public_command() -> tuple[str, ...]:
    """The command to run again, with folders outside the working directory left out of the record."""
    here = str(Path.cwd()) + os.sep
    words = [word.replace(here, "") for word in sys.argv[1:]]
    return ("frameworkbench", *("PATH" if word.startswith("/") else _hide_path(word) for word in words))


def _hide_path(word: str) -> str:
    name, separator, value = word.partition("=")
    return f"{name}=PATH" if separator and value.startswith("/") else word


def _finish_run(options: RunOptions, report_dir: Path | None, strict: bool, as_json: bool) -> None:
    from .analysis.summary import summarise
    from .store.records import load_run

    summary = summarise(load_run(options.out))
    cells = summary.cells
    if report_dir is not None:
        for file in _write_report(options.out, report_dir):
            typer.echo(file, err=True)
    if as_json:
        _print_json(summary.to_json())
    else:
        _table("", ["workload", "row", "status", "samples/s"], [_cell_row(cell) for cell in cells])
    if strict and any(cell.facts["status"] not in ("ok", "unsupported") for cell in cells):
        raise typer.Exit(6)


def _cell_row(cell: Any) -> list[str]:
    facts = cell.facts
    speed = (facts["throughput_samples_per_s"] or {}).get("mean")
    status = facts["status"] + (f"/{facts['code']}" if facts["code"] else "")
    return [facts["workload"], cell.label, status, "–" if speed is None else f"{speed:,.0f}"]


def _write_report(run_dir: Path, out: Path) -> list[Path]:
    from .analysis.summary import summarise
    from .report import write_report
    from .store.records import load_run

    summary = summarise(load_run(run_dir))
    return write_report(run_dir, out, summary=summary)


def _suite_text(protocol: Any) -> str:
    if not protocol.entrants:
        return "the NumPy reference alone, generated data; seconds"
    accuracy = f", accuracy over {protocol.accuracy_seeds} seeds" if protocol.accuracy_seeds else ""
    return f"{protocol.data} data, {protocol.main_blocks} blocks of each main mode{accuracy}"


def _table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    Console().print(table)


def _print_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(f"frameworkbench: {message}", err=True)
    sys.exit(code)
